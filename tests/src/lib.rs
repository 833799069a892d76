//! What the suites of this package share: servers to talk to, and clients that see every byte.
//!
//! A case is a function of [`On`], the executor; [`cases!`] makes a test of it for each executor there is. Servers
//! listen on ports that the system chooses; clients are plain blocking sockets, so that nothing stands between a case
//! and the wire. Nothing sleeps: whoever waits for something reads until it comes, and fails after [`PATIENCE`].

mod client;
mod gate;
mod news;
mod server;
mod websocket;

pub use client::{Answer, Client, Closed, Wire};
pub use gate::Gate;
pub use news::{LastWord, News};
pub use server::{On, Running, config};
pub use websocket::{HANDSHAKE, WebSocketClient};

/// How long a case waits for what has to come. Generous: it passes only where a case fails.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// Makes tests of these cases, for each executor: `tokio::name`, `smol::name` and `async_std::name`.
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
