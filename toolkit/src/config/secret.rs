//! `Secret`: a text that no log shows.

use std::fmt;

use serde_core::de::{Deserialize, Deserializer};

/// A text that `Debug` hides, such as a key or a password.
///
/// ```
/// use stelo_toolkit::config::Secret;
///
/// let key = Secret::from("12345");
/// assert_eq!(format!("{key:?}"), "Secret(**********)");
/// assert_eq!(key.expose(), "12345");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Secret(String);

impl Secret {
    /// Returns the text.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(**********)")
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}
