//! Flash messages: notes of a request for the page that the client loads next.

use serde_core::ser::{Serialize, SerializeStruct, Serializer};

use super::{Session, SessionError};

/// The key in the session, which is Flask's.
const KEY: &str = "_flashes";

/// A message for the next page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flash {
    /// The kind of message, such as `success` or `error`.
    pub category: String,
    /// The text.
    pub message: String,
}

/// A map of `category` and `message`, for templates and JSON.
impl Serialize for Flash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Flash", 2)?;
        fields.serialize_field("category", &self.category)?;
        fields.serialize_field("message", &self.message)?;
        fields.end()
    }
}

impl Session {
    /// Adds a message for the next page.
    ///
    /// ```
    /// use stelo_toolkit::sessions::Session;
    /// use stelo_toolkit::Redirect;
    ///
    /// async fn save(session: Session) -> stelo_toolkit::Result<Redirect> {
    ///     session.flash("success", "Your changes are saved.")?;
    ///     Ok(Redirect::see_other("/"))
    /// }
    ///
    /// async fn home(session: Session) -> String {
    ///     session.take_flashes().into_iter().map(|flash| flash.message).collect()
    /// }
    /// # let _ = (stelo_toolkit::get(save), stelo_toolkit::get(home));
    /// ```
    ///
    /// # Errors
    /// The response is already on its way.
    pub fn flash(&self, category: impl Into<String>, message: impl Into<String>) -> Result<(), SessionError> {
        let mut flashes: Vec<(String, String)> = self.get(KEY).unwrap_or_default();
        flashes.push((category.into(), message.into()));
        self.insert(KEY, flashes)
    }

    /// Removes and returns the messages of earlier requests, the oldest first.
    pub fn take_flashes(&self) -> Vec<Flash> {
        let flashes: Vec<(String, String)> = self.remove(KEY).unwrap_or_default();
        flashes.into_iter().map(|(category, message)| Flash { category, message }).collect()
    }
}
