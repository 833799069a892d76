//! `SessionStore`: where the values of sessions are kept if they are not in the cookie.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::response::BoxError;

/// The key of a session in a store: the SHA-256 of the token in the cookie. A copy of the store therefore has no valid
/// cookies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId([u8; 32]);

impl SessionId {
    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for SessionId {
    /// Writes 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// The content of the cookie: 256 random bits.
pub(super) struct Token(String);

impl Token {
    /// Creates a token from the random numbers of the operating system.
    pub(super) fn random() -> Result<Self, BoxError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers: {error}"))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Returns the content of the cookie.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the key in the store.
    pub(super) fn id(&self) -> SessionId {
        id_of(&self.0)
    }
}

/// Returns the key in the store of what a client sent.
pub(super) fn id_of(token: &str) -> SessionId {
    SessionId(Sha256::digest(token).into())
}

/// A session in a store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionRecord {
    /// The values, as a JSON object.
    pub data: Vec<u8>,
    /// The time at which the session began.
    pub created: SystemTime,
    /// The time of its last use that was recorded.
    pub used: SystemTime,
    /// The time at which the session ends. The store may then delete it.
    pub expires: SystemTime,
}

/// The result of a [`SessionStore`], now or later.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// Keeps the values of sessions: in [memory](super::MemoryStore), or in a database that several processes share.
///
/// Every method can fail. The request is then answered with 503, and the error is logged.
pub trait SessionStore: Send + Sync + 'static {
    /// Returns the session. It may be one that has expired.
    fn load<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, Option<SessionRecord>>;

    /// Adds a session. The id is new.
    fn create<'a>(&'a self, id: &'a SessionId, record: SessionRecord) -> StoreFuture<'a, ()>;

    /// Replaces a session. Returns `false` if it is not there: then it must not be added, because another request has
    /// removed it.
    fn update<'a>(&'a self, id: &'a SessionId, record: SessionRecord) -> StoreFuture<'a, bool>;

    /// Removes a session, if it is there.
    fn remove<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, ()>;
}

impl<S: SessionStore + ?Sized> SessionStore for Arc<S> {
    fn load<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, Option<SessionRecord>> {
        (**self).load(id)
    }

    fn create<'a>(&'a self, id: &'a SessionId, record: SessionRecord) -> StoreFuture<'a, ()> {
        (**self).create(id, record)
    }

    fn update<'a>(&'a self, id: &'a SessionId, record: SessionRecord) -> StoreFuture<'a, bool> {
        (**self).update(id, record)
    }

    fn remove<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, ()> {
        (**self).remove(id)
    }
}
