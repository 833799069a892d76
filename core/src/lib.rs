//! The sans-IO core of Stelo.
//!
//! HTTP types, the HTTP/1.1 and WebSocket machines, routing, and the contract between servers and applications, as
//! plain values: no executor, no sockets, no clock, no std.
//!
//! A machine takes bytes, the time and decisions of the application, and returns events, bytes to send and a
//! deadline. The owner of the sockets drives it: an event loop, a thread, a simulator, a fuzzer.
//!
//! | module | contents |
//! |---|---|
//! | [`http`] | methods, status codes, targets, header fields, dates |
//! | [`h1`] | the HTTP/1.1 server machine (RFC 9112) |
//! | [`h2`] | the frames of HTTP/2 (RFC 9113) |
//! | [`ws`] | the WebSocket machine (RFC 6455) |
//! | [`multipart`] | forms with files (RFC 7578) |
//! | [`proxy_protocol`] | the addresses that a load balancer sends before the first byte (PROXY protocol) |
//! | [`proto`] | the methods and the vocabulary that all protocol machines share |
//! | [`routing`] | the ordered table of routes |
//! | [`app`] | the contract between servers and applications |
//! | [`body`] | message bodies, and the channel that streams them |
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::std_instead_of_core, clippy::std_instead_of_alloc, clippy::alloc_instead_of_core)]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod app;
pub mod body;
mod bytes;
pub mod dotenv;
mod fault;
pub mod h1;
pub mod h2;
pub mod http;
#[cfg(any(feature = "bytes", feature = "http"))]
mod interop;
pub mod multipart;
pub mod proto;
pub mod proxy_protocol;
pub mod routing;
mod sync;
mod time;
pub mod ws;

pub use bytes::Bytes;
pub use fault::{Fault, FaultKind, Whose};
#[cfg(feature = "http")]
pub use interop::Unsupported;
pub use time::Instant;

/// The pages whose snippets need this crate.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../../docs/core/embedding.md")]
    mod embedding {}
}
