//! TLS by rustls, in the buffers of the server and on any executor.
//!
//! | file | contents |
//! |---|---|
//! | `pump.rs` | a session without input and output |
//! | `stream.rs` | a stream that encrypts another one |
//! | `scratch.rs` | the buffers that the connections of a thread share |
//! | `setup.rs` | the configuration of sessions, from the settings |
//! | `files.rs`, `fault.rs` | certificates and keys in PEM, and what is wrong with them |
//! | `self_signed.rs` | a certificate for development |
//! | `lines.rs` | lines of the log |
//! | `resolver.rs` | the certificate of a session |
//! | `der.rs` | names, validity and subject of a certificate |

mod der;
mod fault;
mod files;
mod lines;
mod pump;
mod resolver;
mod scratch;
#[cfg(feature = "tls-self-signed")]
mod self_signed;
mod setup;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use setup::load;
pub(crate) use stream::TlsStream;
