//! Messages of a WebSocket.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;

use crate::Bytes;
use crate::bytes::SHARED_FROM;

/// A complete message: text or bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// Text.
    Text(Text),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// Creates a text message.
    ///
    /// ```
    /// use stelo_core::ws::Message;
    ///
    /// assert_eq!(Message::text("saluton").as_bytes(), Message::binary(b"saluton").as_bytes());
    /// ```
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// Creates a binary message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// Returns the bytes of the message, of either kind.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// Text of a message: static, owned or shared. As for [`Bytes`], a clone copies less than 4 KiB.
///
/// ```
/// use stelo_core::ws::Text;
///
/// let text = Text::from("saluton");
/// assert_eq!(text.len(), 7);
/// ```
#[derive(Clone)]
pub struct Text(Repr);

#[derive(Clone)]
enum Repr {
    Static(&'static str),
    /// Shorter than [`SHARED_FROM`].
    Owned(String),
    /// At least that long.
    Large(Arc<String>),
    Shared(Arc<str>),
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Repr::Static(text) => text,
            Repr::Owned(text) => text,
            Repr::Large(text) => text,
            Repr::Shared(text) => text,
        }
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self(Repr::Static(text))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(if text.len() < SHARED_FROM { Repr::Owned(text) } else { Repr::Large(Arc::new(text)) })
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        Self(Repr::Shared(text))
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        match text.0 {
            Repr::Owned(text) => text,
            Repr::Large(text) => Arc::unwrap_or_clone(text),
            Repr::Static(text) => text.into(),
            Repr::Shared(text) => (*text).into(),
        }
    }
}

impl From<Text> for Bytes {
    fn from(text: Text) -> Self {
        match text.0 {
            Repr::Static(text) => text.into(),
            Repr::Owned(text) => text.into(),
            // An unshared buffer goes back to its connection once it is sent.
            Repr::Large(text) => {
                Arc::try_unwrap(text).map_or_else(|text| Self::from_shared(text), Self::from)
            }
            Repr::Shared(text) => Arc::<[u8]>::from(text).into(),
        }
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<&'static str> for Message {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<alloc::vec::Vec<u8>> for Message {
    fn from(bytes: alloc::vec::Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}
