//! The Stelo server on tokio.
//!
//! ```no_run
//! # use std::sync::Arc;
//! use stelo_core::app::App;
//! use stelo_server::{Config, ServeError};
//!
//! fn serve(app: impl App) -> Result<(), ServeError> {
//!     stelo_server_tokio::run(Config::new().port(0), Arc::new(app))?;
//!     Ok(())
//! }
//! ```

use std::sync::Arc;

use stelo_core::app::App;
use stelo_server::{Config, Runner, ServeError, Server, Stopped};
use stelo_tokio::Tokio;

/// The executor that the server runs on.
pub const RUNNERS: &[Runner] = &[Runner::of::<Tokio>()];

/// Runs a server until it stops, each of its threads with a tokio executor of its own.
///
/// # Errors
/// A setting makes no sense, or the server cannot start.
pub fn run(config: Config, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
    Server::new(config).run_on_any(RUNNERS, app)
}
