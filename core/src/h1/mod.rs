//! The HTTP/1.1 server machine (RFC 9112).
//!
//! [`Connection`] is one connection as a value. The owner of the socket
//!
//! 1. reads into [`spare`](crate::proto::Machine::spare) and calls [`received`](crate::proto::Machine::received),
//!    or copies bytes with [`receive`](crate::proto::Machine::receive),
//! 2. takes events with [`next_event`](crate::proto::HttpMachine::next_event) until it returns `NeedData`, `Paused`
//!    or `Closed`,
//! 3. passes the decisions of the application to [`send`](crate::proto::HttpMachine::send),
//! 4. writes the output of [`poll_transmit`](crate::proto::Machine::poll_transmit) and calls
//!    [`transmitted`](crate::proto::Machine::transmitted),
//! 5. calls [`handle_timeout`](crate::proto::Machine::handle_timeout) at the deadline of
//!    [`poll_timeout`](crate::proto::Machine::poll_timeout),
//! 6. and, once nothing is left to write, follows [`close_state`](crate::proto::Machine::close_state).
//!
//! ```
//! use stelo_core::Instant;
//! use stelo_core::body::Length;
//! use stelo_core::proto::{Command, Defaults, Event, HttpMachine, Machine};
//! use stelo_core::h1::{Config, Connection};
//! use stelo_core::http::{Headers, Status};
//!
//! let now = Instant::ZERO;
//! let mut connection = Connection::new(Config::default().into(), now);
//! connection.receive(now, b"GET /hello HTTP/1.1\r\nhost: example.org\r\n\r\n");
//! let Event::Request { stream, head, .. } = connection.next_event() else { panic!() };
//! assert_eq!(head.path(), "/hello");
//!
//! let (headers, defaults) = (Headers::new(), Defaults::default());
//! let head = Command::Response { status: Status::OK, headers: &headers, length: Length::Known(2), defaults: &defaults };
//! connection.send(now, stream, head).unwrap();
//! connection.send(now, stream, Command::Data("hi".into())).unwrap();
//! connection.send(now, stream, Command::End).unwrap();
//!
//! let mut slices = [&[][..]; 4];
//! let n = connection.poll_transmit(&mut slices).slices;
//! assert_eq!(slices[..n].concat(), b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
//! ```
//!
//! | file | contents |
//! |---|---|
//! | `state.rs` | the state table of both sides of an exchange |
//! | `connection.rs`, `connection/` | the machine: its parts and its end, receiving, sending |
//! | `config.rs` | limits and timeouts |
//! | `scan.rs` | the fast path: complete and valid heads |
//! | `head.rs` | the slow path: heads line by line, and their faults |
//! | `framing.rs` | the meaning of header fields for body and connection |
//! | `decoder.rs` | the body of a request, by length or in chunks |
//! | `encoder.rs` | the head and the framing of a response |
//! | `defaults.rs` | the default fields of responses, rendered |
//! | `line.rs` | line ends, each byte scanned once |
//!
//! Buffers and timers are those of [`proto`](crate::proto).

mod config;
mod connection;
pub(crate) mod decoder;
mod defaults;
pub(crate) mod encoder;
pub(crate) mod framing;
mod head;
mod line;
mod scan;
pub mod state;
#[cfg(test)]
mod tests;

pub use config::{Config, Limits, Timeouts};
pub use connection::{Connection, Memory};
pub use encoder::check_response;
