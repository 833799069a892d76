//! TLS by rustls, in the buffers of the server and on any executor.
//!
//! | file | contents |
//! |---|---|
//! | `pump.rs` | a session without input and output |
//! | `stream.rs` | a stream that encrypts another one |
//! | `scratch.rs` | the buffers that the connections of a thread share |
//! | `acceptor.rs` | the configuration of new sessions, which can be read again |
//! | `setup.rs` | the configuration of sessions, from the settings |
//! | `files.rs`, `fault.rs` | certificates and keys in PEM, and what is wrong with them |
//! | `self_signed.rs` | a certificate for development |
//! | `lines.rs` | lines of the log |
//! | `resolver.rs` | the certificate of a session |
//! | `tickets.rs`, `secret.rs` | resumption, with keys that worker processes share |
//! | `provider.rs` | the cryptography |
//! | `bare.rs` | a session for fuzz targets |
//! | `der.rs` | names, validity and subject of a certificate |

mod acceptor;
#[cfg(feature = "fuzzing")]
pub mod bare;
mod der;
mod fault;
mod files;
mod lines;
mod provider;
mod pump;
mod resolver;
mod scratch;
mod secret;
#[cfg(feature = "tls-self-signed")]
mod self_signed;
mod setup;
mod stream;
#[cfg(test)]
mod tests;
mod tickets;

pub(crate) use acceptor::Acceptor;
pub(crate) use secret::Secret;
pub(crate) use stream::TlsStream;
