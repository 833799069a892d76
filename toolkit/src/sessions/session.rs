//! `Session`: the values of the client's session, as an argument of handlers and middleware.

use std::fmt;

use serde_core::Serialize;
use serde_core::de::DeserializeOwned;
use serde_json::{Map, Value};
use stelo_core::http::Status;

use super::slot::{Slot, State};
use crate::extract::FromRequestParts;
use crate::request::Parts;
use crate::response::HttpError;
use crate::response::report::failure;

/// The values that the server keeps for a client: an argument of handlers and middleware behind
/// [`middleware::Sessions`](crate::middleware::Sessions).
///
/// All methods take `&self`; clones are the same session. Changes are saved with the response, so they must be made before
/// the handler returns, or before it accepts the WebSocket.
///
/// ```
/// use stelo_toolkit::middleware::Sessions;
/// use stelo_toolkit::sessions::Session;
/// use stelo_toolkit::{App, TestClient, get};
///
/// async fn visit(session: Session) -> stelo_toolkit::Result<String> {
///     let visits = session.get::<u32>("visits").unwrap_or_default() + 1;
///     session.insert("visits", visits)?;
///     Ok(format!("visit {visits}"))
/// }
///
/// let client = TestClient::new(App::new().middleware(Sessions::new("a long random secret")).route("/", get(visit)));
/// let first = client.get("/").send();
/// let (cookie, _) = first.header("set-cookie").unwrap().split_once(';').unwrap();
/// assert_eq!(client.get("/").header("cookie", cookie).send().text(), "visit 2");
/// ```
#[derive(Clone)]
pub struct Session(Slot);

impl Session {
    /// Returns the value of this key. `None` if there is none, or if it is of another type.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let value = self.0.with(|state| state.values.get(key).cloned())?;
        serde_json::from_value(value).ok()
    }

    /// Sets the value of this key. The cookie is written again even if the value is the same.
    ///
    /// # Errors
    /// The value cannot be written as JSON, or the response is already on its way.
    pub fn insert(&self, key: impl Into<String>, value: impl Serialize) -> Result<(), SessionError> {
        let value = serde_json::to_value(value).map_err(SessionError::Value)?;
        self.change(|state| state.values.insert(key.into(), value))
    }

    /// Returns the value of this key, and sets it if there is none.
    ///
    /// # Errors
    /// Those of [`insert`](Self::insert).
    pub fn get_or_insert<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        value: T,
    ) -> Result<T, SessionError> {
        match self.get(key) {
            Some(value) => Ok(value),
            None => self.insert(key, &value).map(|()| value),
        }
    }

    /// Removes the value of this key, and returns it if it is of this type.
    pub fn remove<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let value = self.0.with(|state| {
            let value = state.values.remove(key);
            state.is_changed |= value.is_some();
            value
        })?;
        serde_json::from_value(value).ok()
    }

    /// Changes all values by a function. The session counts as changed if they differ afterwards, also inside.
    ///
    /// ```
    /// # use stelo_toolkit::sessions::{Session, SessionError};
    /// fn add_to_cart(session: &Session, item: u32) -> Result<(), SessionError> {
    ///     session.update(|values| match values.entry("cart").or_insert(Vec::<u32>::new().into()) {
    ///         cart if cart.is_array() => cart.as_array_mut().into_iter().for_each(|cart| cart.push(item.into())),
    ///         other => *other = vec![item].into(),
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    /// The response is already on its way.
    pub fn update<T>(&self, change: impl FnOnce(&mut Map<String, Value>) -> T) -> Result<T, SessionError> {
        let mut values = self.to_map();
        let result = change(&mut values);
        if values != self.to_map() {
            self.change(|state| {
                let kept: Vec<_> = state.values.iter().map(|(key, _)| key.to_owned()).collect();
                for key in kept.iter().filter(|key| !values.contains_key(*key)) {
                    state.values.remove(key);
                }
                values.into_iter().for_each(|(key, value)| state.values.insert(key, value));
            })?;
        }
        Ok(result)
    }

    /// Returns all values.
    pub fn to_map(&self) -> Map<String, Value> {
        self.0.with(|state| state.values.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect())
    }

    /// Returns whether there is a value of this key.
    pub fn contains(&self, key: &str) -> bool {
        self.0.with(|state| state.values.get(key).is_some())
    }

    /// Returns the number of values.
    pub fn len(&self) -> usize {
        self.0.with(|state| state.values.iter().len())
    }

    /// Returns whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all values. A session that is empty at the end is deleted, with its cookie.
    pub fn clear(&self) {
        self.0.with(|state| {
            state.values.clear();
            state.is_changed = true;
        });
    }

    /// Writes the session under a new id, and makes the old one worthless. Call it when a user logs in: an id that an
    /// attacker has planted in the browser then leads to nothing. A session in a cookie has no id, and is signed again.
    pub fn cycle(&self) {
        self.0.with(|state| {
            state.is_cycled = true;
            state.is_changed = true;
        });
    }

    /// Removes all values and the id. Call it when a user logs out.
    pub fn flush(&self) {
        self.clear();
        self.cycle();
    }

    /// Returns whether the session was changed, and will be saved.
    pub fn is_modified(&self) -> bool {
        self.0.with(|state| state.is_changed)
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, SessionError> {
        self.0.with(|state| {
            if state.is_over {
                return Err(SessionError::TooLate);
            }
            state.is_changed = true;
            Ok(change(state))
        })
    }
}

/// Rejects the request with 500 if [`middleware::Sessions`](crate::middleware::Sessions) is missing, and with 503 if the
/// store fails.
impl FromRequestParts for Session {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
        let Some(slot) = parts.extensions().get::<Slot>().cloned() else {
            failure!("a handler takes `Session`: add `middleware::Sessions` around it");
            return Err(HttpError::new(Status::INTERNAL_SERVER_ERROR));
        };
        slot.load(parts.headers()).await?;
        Ok(Self(slot))
    }
}

impl fmt::Debug for Session {
    /// Shows no values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({} values)", self.len())
    }
}

/// The reason why a session cannot be changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// The value cannot be written as JSON.
    Value(serde_json::Error),
    /// The response is already on its way.
    TooLate,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(_) => "a value of a session cannot be written as JSON",
            Self::TooLate => {
                "the response is already on its way: change the session before the handler returns, or before it \
                 accepts the WebSocket"
            }
        })
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Value(error) => Some(error),
            Self::TooLate => None,
        }
    }
}
