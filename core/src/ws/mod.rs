//! WebSocket (RFC 6455, with the extension `permessage-deflate` of RFC 7692): bytes and decisions in, events and bytes
//! out.
//!
//! The handshake is HTTP's: [`Handshake`] says whether a request is in order and what to answer. What follows is a
//! [`Connection`], one WebSocket as a value, the same for both sides. Whoever owns the socket
//!
//! 1. reads into [`spare`](crate::proto::Machine::spare) and says so with [`received`](crate::proto::Machine::received),
//! 2. takes [`next_event`](Connection::next_event) until it says `NeedData` or `Ended`,
//! 3. says what the application has decided with [`send`](Connection::send),
//! 4. writes what [`poll_transmit`](crate::proto::Machine::poll_transmit) gives and says so with
//!    [`transmitted`](crate::proto::Machine::transmitted),
//! 5. calls [`handle_timeout`](crate::proto::Machine::handle_timeout) when the time of
//!    [`poll_timeout`](crate::proto::Machine::poll_timeout) has come,
//! 6. and, once nothing is left to write, does what [`close_state`](crate::proto::Machine::close_state) says.
//!
//! Pings are answered and the closing handshake is completed by the machine.
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
//! | file | what it holds |
//! |---|---|
//! | `handshake.rs`, `client.rs` | the opening handshake, for servers and for clients |
//! | `state.rs` | the table of states, for both sides |
//! | `connection.rs`, `connection/` | the machine: its parts and its end, what it receives, what it sends |
//! | `event.rs`, `message.rs`, `close.rs` | what it says and is told |
//! | `config.rs` | limits and timers |
//! | `frame.rs`, `mask.rs`, `utf8.rs` | headers of frames, keys, text in pieces |
//! | `violation.rs` | what a peer can do wrong, and what it is told |
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
