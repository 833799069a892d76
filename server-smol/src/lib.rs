//! The Stelo server on smol and on async-std.
//!
//! ```no_run
//! # use std::sync::Arc;
//! use stelo_core::app::App;
//! use stelo_server::{Config, ServeError};
//!
//! fn serve(app: impl App) -> Result<(), ServeError> {
//!     stelo_server_smol::run(Config::new().port(0), Arc::new(app))?;
//!     Ok(())
//! }
//! ```

use std::sync::Arc;

use stelo_core::app::App;
use stelo_server::{Config, Runner, ServeError, Server, Stopped};

/// The executors that are compiled in.
pub const RUNNERS: &[Runner] = &[
    #[cfg(feature = "smol")]
    Runner::of::<stelo_smol::Smol>(),
    #[cfg(feature = "async-std")]
    Runner::of::<stelo_async_std::AsyncStd>(),
];

/// Runs a server until it stops, on the executor that [`Config::executor`] names; on smol, where it is compiled in,
/// if it names none.
///
/// # Errors
/// A setting makes no sense, the executor is not compiled in, or the server cannot start.
pub fn run(config: Config, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
    Server::new(config).run_on_any(RUNNERS, app)
}
