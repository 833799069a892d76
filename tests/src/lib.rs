//! Servers and clients that the suites of this package share.
//!
//! A case is a function of [`On`], the executor. [`cases!`] makes a test of it for each executor. Servers listen on ports
//! that the system chooses. Clients are blocking sockets, so that a case controls each byte on the wire. Tests do not sleep:
//! they read until the bytes arrive, and fail after [`PATIENCE`].

mod bridge;
mod client;
mod gate;
mod http2;
mod news;
mod server;
#[cfg(feature = "tls")]
pub mod tls;
mod websocket;

pub use bridge::Bridge;
pub use client::{Answer, Client, Closed, Wire};
pub use gate::Gate;
pub use http2::{Http2Answer, Http2Client, Http2News};
pub use news::{LastWord, News};
pub use server::{On, Running, Serving, config};
pub use websocket::{HANDSHAKE, WebSocketClient};

/// The timeout of reads. It is long, because it only expires if a case fails.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// Declares a test of each case for each executor: `tokio::name`, `smol::name` and `async_std::name`.
#[macro_export]
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        mod tokio {
            $(#[test] fn $case() { super::$case($crate::On::Tokio); })*
        }
        mod smol {
            $(#[test] fn $case() { super::$case($crate::On::Smol); })*
        }
        mod async_std {
            $(#[test] fn $case() { super::$case($crate::On::AsyncStd); })*
        }
    };
}
