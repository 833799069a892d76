//! The WebSocket machine (RFC 6455, with the extension `permessage-deflate` of RFC 7692).
//!
//! [`Handshake`] checks the HTTP request and completes the response. A [`Connection`] follows: one WebSocket as a
//! value, the same for both sides. The owner of the socket
//!
//! 1. reads into [`spare`](crate::proto::Machine::spare) and calls [`received`](crate::proto::Machine::received),
//! 2. takes events with [`next_event`](Connection::next_event) until it returns `NeedData` or `Ended`,
//! 3. passes the decisions of the application to [`send`](Connection::send),
//! 4. writes the output of [`poll_transmit`](crate::proto::Machine::poll_transmit) and calls
//!    [`transmitted`](crate::proto::Machine::transmitted),
//! 5. calls [`handle_timeout`](crate::proto::Machine::handle_timeout) at the deadline of
//!    [`poll_timeout`](crate::proto::Machine::poll_timeout),
//! 6. and, once nothing is left to write, follows [`close_state`](crate::proto::Machine::close_state).
//!
//! The machine answers pings and completes the closing handshake.
//!
//! ```
//! use stelo_core::Instant;
//! use stelo_core::proto::Machine;
//! use stelo_core::ws::{Agreed, Command, Config, Connection, Event, Message};
//!
//! let (now, config) = (Instant::ZERO, std::sync::Arc::new(Config::default()));
//! let mut client = Connection::client(config.clone(), Agreed::default(), *b"from a random source", now);
//! let mut server = Connection::server(config, Agreed::default(), now);
//! client.send(now, Command::Message("saluton".into())).unwrap();
//!
//! let mut slices = [&[][..]; 4];
//! let n = client.poll_transmit(&mut slices).slices;
//! let bytes = slices[..n].concat();
//! server.receive(now, &bytes);
//! client.transmitted(now, bytes.len());
//! assert_eq!(server.next_event(), Event::Text("saluton".into()));
//! assert_eq!(server.next_event(), Event::NeedData);
//! ```
//!
//! | file | contents |
//! |---|---|
//! | `handshake.rs`, `client.rs` | the opening handshake, for servers and for clients |
//! | `state.rs` | the state table of both sides |
//! | `connection.rs`, `connection/` | the machine: its parts and its end, receiving, sending |
//! | `event.rs`, `message.rs`, `close.rs` | events, commands, messages, close codes |
//! | `config.rs` | limits and timeouts |
//! | `frame.rs`, `mask.rs`, `utf8.rs` | frame headers, masking, UTF-8 in pieces |
//! | `violation.rs` | broken rules, each with its close code |
//! | `deflate.rs`, `deflate/` | compressed messages |

mod client;
mod close;
mod config;
mod connection;
pub mod deflate;
mod event;
mod frame;
mod handshake;
mod mask;
mod message;
pub mod state;
#[cfg(test)]
mod tests;
mod utf8;
mod violation;

pub use client::{ClientHandshake, HandshakeError, Opened};
pub use close::{CloseCode, Closed};
pub use config::{Config, Limits, Timeouts};
pub use connection::{Connection, Memory};
pub use deflate::Deflate;
pub use event::{Command, Event, Kind, SendError};
pub use handshake::{Agreed, Handshake, NotOffered, Refusal, is_asked_for, protocols};
pub use message::{Message, Text};
