//! Uvicorn for Rust: configuration, command line, accept loop, connection driver, lifespan, limits, logs.
//!
//! Generic over [`stelo_runtime::Runtime`]; names no executor, and knows of the application only what
//! [`stelo_core::app`] says.

mod cli;
mod config;
mod connection;
mod error;
mod executor;
mod lifecycle;
pub mod log;
pub mod messages;
mod program;
mod runner;
mod sockets;
mod stop;
mod thread;

pub use cli::{CommandLine, Exit, Parsed};
pub use config::{Config, LogLevel, Loop, Ws};
pub use error::{ConfigError, EXIT_STARTUP, EXIT_USAGE, ServeError};
pub use lifecycle::{Server, Stopped, run, serve};
pub use program::program;
pub use runner::{Runner, run_on, serve_on};
pub use stop::ServerHandle;

/// The page whose snippets need this crate.
#[cfg(doctest)]
#[doc = include_str!("../../docs/inside/extending.md")]
mod extending {}
