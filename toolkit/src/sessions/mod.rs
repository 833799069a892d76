//! Sessions: values that the server keeps for a client, in a cookie or in a store.
//!
//! [`middleware::Sessions`](crate::middleware::Sessions) adds them, and the argument [`Session`] of a handler reads and
//! changes them. This module has what is behind both.
//!
//! | values are in | created by | the client can |
//! |---|---|---|
//! | a signed cookie, as Starlette's | `Sessions::new` | read them |
//! | an encrypted cookie (feature `encrypted-cookies`) | `Sessions::encrypted` | only return them |
//! | a [`SessionStore`] | `Sessions::stored` | only name them; the server can end them |

#[cfg(feature = "encrypted-cookies")]
pub(crate) mod cipher;
mod flash;
mod memory;
mod session;
pub(crate) mod settings;
mod signer;
pub(crate) mod slot;
mod store;
mod values;

pub use flash::Flash;
pub use memory::MemoryStore;
pub use session::{Session, SessionError};
pub use signer::{Digest, SignatureError, Signer};
pub use store::{SessionId, SessionRecord, SessionStore, StoreFuture};
