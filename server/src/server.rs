//! A server, before it starts.

use std::sync::Arc;

use stelo_core::app::App;
use stelo_runtime::Runtime;

use crate::lifecycle::{Serving, Stopped};
use crate::stop::{ServerHandle, Stop};
use crate::{Config, ServeError};

/// A server that has not started yet.
///
/// [`serve_on`](Self::serve_on) runs it inside a running executor; [`run`](Self::run) makes an executor for each thread.
#[derive(Debug)]
pub struct Server {
    pub(crate) config: Config,
    handle: ServerHandle,
}

impl Server {
    /// Creates a server with this configuration.
    pub fn new(config: Config) -> Self {
        Self { config, handle: ServerHandle(Arc::new(Stop::default())) }
    }

    /// Returns a handle, which knows where the server listens and stops it.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Serves `app` in a running executor, until a signal or the handle stops it.
    /// [`Process::threads`](crate::config::Process::threads) is ignored: the executor has its own threads.
    ///
    /// # Errors
    /// The server did not start, or the shutdown hook of the application failed.
    pub async fn serve_on<R: Runtime>(self, runtime: R, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
        self.serve(runtime, app, 1).await
    }

    /// Serves `app` until a signal or the handle stops it, on [`Process::threads`](crate::config::Process::threads)
    /// threads, each with its own executor and listening socket.
    ///
    /// # Errors
    /// The server did not start, or the shutdown hook of the application failed.
    pub fn run<R: Runtime>(self, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
        let threads = self.config.process.threads.get();
        R::block_on(|runtime| self.serve(runtime, app, threads)).map_err(ServeError::Runtime)?
    }

    async fn serve<R: Runtime>(
        self,
        runtime: R,
        app: Arc<dyn App>,
        threads: usize,
    ) -> Result<Stopped, ServeError> {
        let stop = self.handle.0.clone();
        let result = Serving { config: &self.config, stop: &stop, runtime, threads }.run(app).await;
        stop.set_ended();
        result
    }
}
