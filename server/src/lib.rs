//! Uvicorn for Rust: configuration, command line, accept loop, connection driver, lifespan, limits, logs.
//!
//! Generic over [`stelo_runtime::Runtime`]; names no executor, and knows of the application only what
//! [`stelo_core::app`] says.

mod accept;
mod admin;
mod apps;
#[cfg(feature = "tls")]
mod certificates;
pub mod config;
mod connection;
mod contain;
mod directory;
mod error;
mod hooks;
mod identity;
mod interrupts;
mod lifecycle;
pub mod log;
mod messages;
mod process;
mod program;
mod proxy;
mod redirect;
mod runner;
mod server;
mod settings;
mod sockets;
mod stop;
mod sync;
mod thread;
#[cfg(feature = "tls")]
mod tls;
mod watch;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use tls::bare as fuzzing;

pub use apps::{Apps, IntoApps};
pub use config::{
    Config, ConfigError, HttpVersions, Lifespan, Listen, LogLevel, Peers, ProxyHeaders, ProxyProtocol, Ws,
};
pub use error::{EXIT_STARTUP, EXIT_USAGE, ServeError};
pub use program::{Parsed, Program};
pub use runner::Runner;
pub use server::Server;
pub use settings::{Exit, Origin, SettingsError, SyntaxFault};
pub use stop::{ServerHandle, Stopped};

/// The pages whose snippets need this crate.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../../docs/inside/extending.md")]
    mod extending {}
}
