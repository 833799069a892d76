//! Running an application: from the command line, from a [`Config`], or inside an executor that already runs.

use std::process::ExitCode;
use std::sync::Arc;

use stelo_core::app::App;
use stelo_runtime::Runtime;
use stelo_server::{Program, Runner};

pub use stelo_server::config::{Http, Limits, Log, Process, Timeouts, WebSocket};
pub use stelo_server::{
    Apps, Config, ConfigError, HttpVersions, IntoApps, Lifespan, Listen, LogLevel, ServeError, ServerHandle,
    Stopped, Ws,
};

/// The executors of the enabled Cargo features, in order of preference.
// A static: the driver is compiled once for each executor, in this crate. A constant would have it compiled again in every
// program.
static RUNNERS: &[Runner] = &[
    #[cfg(feature = "tokio")]
    Runner::of::<stelo_tokio::Tokio>(),
    #[cfg(feature = "smol")]
    Runner::of::<stelo_smol::Smol>(),
    #[cfg(feature = "async-std")]
    Runner::of::<stelo_async_std::AsyncStd>(),
];

/// Runs an application as a program: reads the command line, and serves until a signal stops it.
///
/// Returns the exit code for `main`: 0 after a normal stop, 2 if the command line is invalid, 3 if the server does not
/// start. `--help` lists the options, which are Uvicorn's. [`run_with`] changes their defaults.
///
/// ```no_run
/// use stelo::{App, get};
///
/// async fn home() -> &'static str {
///     "Hello, World!"
/// }
///
/// fn main() -> std::process::ExitCode {
///     stelo::run(App::new().route("/", get(home)))
/// }
/// ```
///
/// A program can have several applications, of which the command line names one: see [`Apps`].
pub fn run(app: impl IntoApps) -> ExitCode {
    run_with(Config::new(), app)
}

/// Like [`run`], with other defaults for the options.
///
/// ```no_run
/// use stelo::{App, Config, get};
///
/// fn main() -> std::process::ExitCode {
///     stelo::run_with(Config::new().port(3000), App::new().route("/", get("hello")))
/// }
/// ```
pub fn run_with(defaults: Config, app: impl IntoApps) -> ExitCode {
    Program::new(defaults, RUNNERS).run(app.into_apps())
}

/// A server that has not started.
///
/// ```
/// use stelo::server::{Config, Server, Stopped};
/// use stelo::{App, get};
///
/// # async fn home() {}
/// let server = Server::new(Config::new().port(0).threads(1));
///
/// let handle = server.handle();
/// std::thread::spawn(move || {
///     let addresses = futures_lite::future::block_on(handle.listening());
///     println!("{addresses:?}");
///     handle.stop();
/// });
///
/// let stopped = server.run(App::new().route("/", get(home)))?;
/// assert_eq!(stopped, Stopped::Request);
/// # Ok::<(), stelo::server::ServeError>(())
/// ```
///
/// Inside an executor that already runs, call [`serve`](Self::serve) instead of [`run`](Self::run):
///
/// ```no_run
/// # use stelo::{App, Config, Server, get};
/// # async fn home() {}
/// # async fn inside_an_executor() -> Result<(), stelo::server::ServeError> {
/// Server::new(Config::new()).serve(App::new().route("/", get(home))).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server(stelo_server::Server);

impl Server {
    /// Creates a server with this configuration.
    pub fn new(config: Config) -> Self {
        Self(stelo_server::Server::new(config))
    }

    /// Returns a handle, which tells where the server listens and stops it.
    pub fn handle(&self) -> ServerHandle {
        self.0.handle()
    }

    /// Serves on its own threads until it is stopped.
    ///
    /// # Errors
    /// A setting is invalid, the executor is not compiled in, or the server cannot start.
    pub fn run(self, app: impl App) -> Result<Stopped, ServeError> {
        self.0.run_on_any(RUNNERS, Arc::new(app))
    }

    /// Serves inside the executor of the caller until it is stopped.
    ///
    /// # Errors
    /// As for [`run`](Self::run), or the executor of the caller is not compiled in.
    pub async fn serve(self, app: impl App) -> Result<Stopped, ServeError> {
        self.0.serve_on_any(RUNNERS, Arc::new(app)).await
    }

    /// Serves on any executor until it is stopped: your own, or the simulated one of `stelo-sim`. Logs as
    /// [`run`](Self::run) and [`serve`](Self::serve) do.
    ///
    /// # Errors
    /// A setting is invalid, or the server cannot start.
    pub async fn serve_on<R: Runtime>(self, runtime: R, app: impl App) -> Result<Stopped, ServeError> {
        stelo_server::log::init(self.0.config())?;
        self.0.serve_on(runtime, Arc::new(app)).await
    }
}
