//! Multipart forms (RFC 7578 over RFC 2046): a parser that takes bytes and returns events.
//!
//! [`Parser`] reads the body of a `multipart/form-data` request in pieces of any size. It lends the data of parts from
//! these pieces, and keeps at most one line of part headers. [`Limits`] bound everything that it counts or keeps. The
//! owner of the body decides what happens with the data: collect it, write it to a file, or forward it.
//!
//! ```
//! use stelo_core::multipart::{Boundary, Event, Limits, Parser};
//!
//! let boundary = Boundary::of(b"multipart/form-data; boundary=B")?;
//! let mut parser = Parser::new(&boundary, Limits::DEFAULT);
//! let mut text = Vec::new();
//! for mut piece in [&b"--B\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nhel"[..], b"lo\r\n--B--\r\n"] {
//!     loop {
//!         match parser.next_event(&mut piece)? {
//!             Event::Part(part) => assert_eq!(part.name(), b"a"),
//!             Event::Data(data) => text.extend_from_slice(data),
//!             Event::PartEnd | Event::End => {}
//!             Event::NeedData => break,
//!         }
//!     }
//! }
//! parser.finish()?;
//! assert_eq!(text, b"hello");
//! # Ok::<(), stelo_core::multipart::Error>(())
//! ```
//!
//! | file | contents |
//! |---|---|
//! | `boundary.rs` | the boundary in a `Content-Type` |
//! | `parameters.rs` | the parameters of `Content-Type` and `Content-Disposition` |
//! | `limits.rs`, `error.rs` | the limits, and the reasons to reject a body |
//! | `part.rs` | the head of a part |
//! | `parser.rs` | the state machine; `parser/head.rs` reads the lines of a head |

mod boundary;
mod error;
mod limits;
mod parameters;
mod parser;
mod part;
#[cfg(test)]
mod tests;

pub use boundary::Boundary;
pub use error::{Error, ErrorKind};
pub use limits::Limits;
pub use parameters::parameter;
pub use parser::{Event, Parser};
pub use part::Part;
