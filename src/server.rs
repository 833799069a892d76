//! Running an application: from the command line, from a [`Config`], or inside an executor that runs already.

use std::process::ExitCode;
use std::sync::Arc;

use stelo_core::app::App;
use stelo_runtime::Runtime;
use stelo_server::{Config, Program, Runner, ServeError, ServerHandle, Stopped};

/// The executors that the Cargo features have chosen, in order of preference.
const RUNNERS: &[Runner] = &[
    #[cfg(feature = "tokio")]
    Runner::of::<stelo_tokio::Tokio>(),
    #[cfg(feature = "smol")]
    Runner::of::<stelo_smol::Smol>(),
    #[cfg(feature = "async-std")]
    Runner::of::<stelo_async_std::AsyncStd>(),
];

/// Makes a program of an application: reads Uvicorn's command line, and serves until a signal comes.
///
/// `main` returns the exit code: 0 after an ordinary end, 2 if the command line makes no sense, 3 if the server did
/// not start. `--help` lists the options; [`run_with`] changes their defaults.
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
pub fn run(app: impl App) -> ExitCode {
    run_with(Config::new(), app)
}

/// Does what [`run`] does, with other defaults.
pub fn run_with(defaults: Config, app: impl App) -> ExitCode {
    Program::new(defaults, RUNNERS).main(|_| Arc::new(app))
}

/// A server that has not started yet.
///
/// ```
/// use stelo::{App, Config, Server, Stopped, get};
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
/// # Ok::<(), stelo::ServeError>(())
/// ```
///
/// Inside an executor that runs already, [`serve`](Self::serve) takes the place of [`run`](Self::run):
///
/// ```no_run
/// # use stelo::{App, Config, Server, get};
/// # async fn home() {}
/// # async fn inside_an_executor() -> Result<(), stelo::ServeError> {
/// Server::new(Config::new()).serve(App::new().route("/", get(home))).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server(stelo_server::Server);

impl Server {
    /// A server of this configuration.
    pub fn new(config: Config) -> Self {
        Self(stelo_server::Server::new(config))
    }

    /// A handle, to learn where the server listens and to stop it.
    pub fn handle(&self) -> ServerHandle {
        self.0.handle()
    }

    /// Serves on threads of its own until it stops.
    ///
    /// # Errors
    /// A setting makes no sense, the executor is not compiled in, or the server cannot start.
    pub fn run(self, app: impl App) -> Result<Stopped, ServeError> {
        self.0.run_on_any(RUNNERS, Arc::new(app))
    }

    /// Serves inside the executor that runs the caller until it stops.
    ///
    /// # Errors
    /// As for [`run`](Self::run); or the caller is run by an executor that is not compiled in.
    pub async fn serve(self, app: impl App) -> Result<Stopped, ServeError> {
        self.0.serve_on_any(RUNNERS, Arc::new(app)).await
    }

    /// Serves on an executor that the features do not know, until it stops: one of your own, or the simulated one of
    /// `stelo-sim`.
    ///
    /// # Errors
    /// A setting makes no sense, or the server cannot start.
    pub async fn serve_on<R: Runtime>(self, runtime: R, app: impl App) -> Result<Stopped, ServeError> {
        self.0.serve_on(runtime, Arc::new(app)).await
    }
}
