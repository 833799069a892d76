//! TLS by rustls, in the buffers of the server and on any executor.
//!
//! | file | contents |
//! |---|---|
//! | `pump.rs` | a session without input and output |
//! | `stream.rs` | a stream that encrypts another one |
//! | `scratch.rs` | the buffers that the connections of a thread share |
//! | `resolver.rs` | the certificate of a session |
//! | `files.rs` | certificates and keys |

mod files;
mod pump;
mod resolver;
mod scratch;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use files::load;
pub(crate) use stream::TlsStream;
