//! The parts of HTTP/2 (RFC 9113): frames, and the compression of header fields (RFC 7541).
//!
//! These are values without a connection: a parser of frames, writers of frames, an encoder and a decoder of header
//! blocks. The server does not serve HTTP/2 yet.
//!
//! ```
//! use stelo_core::h2::frame::{self, Frame, Header};
//!
//! let mut out = Vec::new();
//! frame::write::ping(&mut out, *b"12345678", false);
//!
//! let header = Header::read(&out).unwrap();
//! let frame = header.frame(&out[Header::LEN..]).unwrap();
//! assert_eq!(frame, Frame::Ping { payload: *b"12345678", ack: false });
//! ```
//!
//! | file | contents |
//! |---|---|
//! | `error.rs` | error codes, and what a broken rule ends |
//! | `frame.rs`, `frame/` | frames and settings: parsing, checks, writing |
//! | `hpack.rs`, `hpack/` | the compression of header fields |
//! | `head.rs` | header blocks of responses |

mod error;
pub mod frame;
pub mod head;
pub mod hpack;

pub use error::{ErrorCode, Scope, Violation};
