//! The HTTP/2 server machine (RFC 9113), and its parts: frames, and the compression of header fields (RFC 7541).
//!
//! [`Connection`] is one connection as a value. It is driven as that of [HTTP/1.1](crate::h1), and has many streams.
//!
//! ```
//! use stelo_core::Instant;
//! use stelo_core::h2::frame::{self, Header, write};
//! use stelo_core::h2::{Config, Connection};
//! use stelo_core::proto::{Event, HttpMachine, Machine};
//!
//! let mut client = frame::PREFACE.to_vec();
//! write::settings(&mut client, &[]);
//! let at = write::begin_headers(&mut client);
//! client.extend(b"\x82\x86\x84\x41\x0bexample.org"); // GET http / example.org
//! write::end_headers(&mut client, at, 1, true, 16_384);
//!
//! let mut connection = Connection::new(Config::default().into(), Instant::ZERO);
//! connection.receive(Instant::ZERO, &client);
//! let Event::Request { head, .. } = connection.next_event() else { panic!() };
//! assert_eq!((head.path(), head.authority()), ("/", Some("example.org")));
//!
//! // The first output is SETTINGS.
//! let mut slices = [&[][..]; 4];
//! let n = connection.poll_transmit(&mut slices).slices;
//! let output = slices[..n].concat();
//! assert_eq!(Header::read(&output).unwrap().kind, frame::Kind::Settings);
//! ```
//!
//! | file | contents |
//! |---|---|
//! | `error.rs` | error codes, and what a broken rule ends |
//! | `config.rs` | limits and timeouts |
//! | `state.rs` | the state table of a stream |
//! | `connection.rs`, `connection/` | the machine |
//! | `stream.rs` | the streams of a connection |
//! | `request.rs` | the heads of requests, and trailers |
//! | `priority.rs` | priorities, and the order in which streams send |
//! | `guard.rs` | budgets against floods |
//! | `frame.rs`, `frame/` | frames and settings: parsing, checks, writing |
//! | `hpack.rs`, `hpack/` | the compression of header fields |
//! | `head.rs` | header blocks of responses |

mod config;
mod connection;
mod error;
pub mod frame;
mod guard;
pub mod head;
pub mod hpack;
mod priority;
mod request;
pub mod state;
mod stream;

pub use config::{Config, Limits, Timeouts};
pub use connection::{Connection, Memory};
pub use error::{ErrorCode, Scope, Violation};
