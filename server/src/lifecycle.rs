//! From a configuration and an application to a running server, and back: bind, start-up, accept, drain, shutdown.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::thread::{self, JoinHandle};

use stelo_core::app::App;
use stelo_runtime::{Runtime, Signal, Signals};

use crate::sockets::{self, Sockets};
use crate::stop::{ServerHandle, Stop};
use crate::thread::drain::{Drained, abort, drain};
use crate::thread::registry::Registry;
use crate::thread::{Shared, Thread};
use crate::{Config, ServeError, messages};

/// Why a server has stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// It got a signal.
    Signal(Signal),
    /// It was asked to by its [`ServerHandle`], or `limit_max_requests` was reached.
    Request,
}

/// A server that has not started yet.
///
/// `Server::new(config).serve_on(runtime, app).await` runs it inside an executor that is already running;
/// [`run`](Self::run) makes an executor for each thread.
#[derive(Debug)]
pub struct Server {
    pub(crate) config: Config,
    handle: ServerHandle,
}

impl Server {
    /// A server of this configuration.
    pub fn new(config: Config) -> Self {
        Self { config, handle: ServerHandle(Arc::new(Stop::default())) }
    }

    /// A handle, to learn where the server listens and to stop it.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Serves `app` in an executor that is already running, until a signal or the handle stops it.
    /// [`Process::threads`](crate::config::Process::threads) does not count here: the executor has its own.
    ///
    /// # Errors
    /// The server did not start, or the shutdown hook of the application failed.
    pub async fn serve_on<R: Runtime>(self, runtime: R, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
        self.serve(runtime, app, 1).await
    }

    /// Serves `app` until a signal or the handle stops it, on [`Process::threads`](crate::config::Process::threads) threads, each with an executor and a
    /// listening socket of its own.
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

struct Serving<'a, R> {
    config: &'a Config,
    stop: &'a Arc<Stop>,
    runtime: R,
    threads: usize,
}

impl<R: Runtime> Serving<'_, R> {
    async fn run(self, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
        self.config.check()?;
        // A conflict is found before the application starts; clients are let in after it has.
        let sockets = sockets::bind(&self.runtime, self.config, self.threads)?;
        messages::started();
        let shared = Arc::new(Shared::new(self.config, app.clone(), self.stop.clone()));
        let worker = Thread::new(self.runtime.clone(), shared);
        let mut signals =
            self.runtime.signals(&[Signal::Interrupt, Signal::Terminate]).map_err(ServeError::Runtime)?;

        messages::startup_waiting();
        app.startup(worker.executor.clone()).await.map_err(ServeError::Startup)?;
        messages::startup_complete();

        let mut registries = vec![worker.registry.clone()];
        let threads = match self.listen(&worker, sockets, &mut registries) {
            Ok(threads) => threads,
            Err(error) => {
                abort(&self.runtime, &registries).await;
                return self.shutdown(&*app, Err(error)).await;
            }
        };
        let stopped = self.stopped(&mut signals).await;
        match drain(&self.runtime, &registries, &mut signals, self.config.timeouts.graceful_shutdown).await {
            // A thread that has panicked has ended, which is all that is asked here.
            Drained::Gracefully => threads.into_iter().for_each(|thread| drop(thread.join())),
            // A thread that is blocked may never end.
            Drained::TimedOut => {}
            // Whoever is in such a hurry does not wait for the application either.
            Drained::Forced => {
                messages::finished();
                return Ok(stopped);
            }
        }
        self.shutdown(&*app, Ok(stopped)).await
    }

    /// Has every thread listen on its sockets.
    fn listen(
        &self,
        worker: &Arc<Thread<R>>,
        sockets: Vec<Sockets<R>>,
        registries: &mut Vec<Arc<Registry>>,
    ) -> Result<Vec<JoinHandle<()>>, ServeError> {
        let mut threads = Vec::new();
        let mut addresses = Vec::new();
        for (i, sockets) in sockets.into_iter().enumerate() {
            if i == 0 {
                addresses = sockets::addresses(&self.runtime, &sockets)?;
                listen(worker, sockets, self.config.backlog)?;
            } else {
                let (thread, registry) = self.spawn_thread(i, worker.shared.clone(), sockets)?;
                threads.push(thread);
                registries.push(registry);
            }
        }
        for (bind, address) in &addresses {
            messages::running(bind, address);
        }
        self.stop.set_bound(addresses.into_iter().map(|(_, address)| address).collect());
        Ok(threads)
    }

    /// Starts a further thread; returns once it listens.
    fn spawn_thread(
        &self,
        number: usize,
        shared: Arc<Shared>,
        sockets: Sockets<R>,
    ) -> Result<(JoinHandle<()>, Arc<Registry>), ServeError> {
        let backlog = self.config.backlog;
        let (report, listening) = std::sync::mpsc::sync_channel(1);
        let main = move || {
            let result = R::block_on(|runtime| async {
                let worker = Thread::new(runtime, shared);
                let result = listen(&worker, sockets, backlog);
                // Whoever asked is still waiting for this.
                let _ = report.send(result.map(|()| worker.registry.clone()));
                poll_fn(|cx| worker.registry.poll_over(cx)).await;
            });
            if let Err(error) = result {
                messages::failed(&ServeError::Runtime(error));
            }
        };
        let thread = thread::Builder::new().name(format!("stelo-{number}")).spawn(main);
        let registry =
            listening.recv().map_err(|_| ServeError::Runtime(io::ErrorKind::BrokenPipe.into()))??;
        Ok((thread.map_err(ServeError::Runtime)?, registry))
    }

    /// Completes when a signal or the handle asks the server to stop.
    async fn stopped(&self, signals: &mut R::Signals) -> Stopped {
        poll_fn(|cx| match signals.poll_signal(cx) {
            Poll::Ready(signal) => Poll::Ready(Stopped::Signal(signal)),
            Poll::Pending => self.stop.poll_requested(cx).map(|()| Stopped::Request),
        })
        .await
    }

    /// Lets the application end, and passes on what has come out of the rest.
    async fn shutdown(
        &self,
        app: &dyn App,
        outcome: Result<Stopped, ServeError>,
    ) -> Result<Stopped, ServeError> {
        messages::shutdown_waiting();
        app.shutdown().await.map_err(ServeError::Shutdown)?;
        messages::shutdown_complete();
        messages::finished();
        outcome
    }
}

/// Has the sockets of a thread listen, and accepts from them.
fn listen<R: Runtime>(worker: &Arc<Thread<R>>, sockets: Sockets<R>, backlog: u32) -> Result<(), ServeError> {
    for (address, socket) in sockets {
        match worker.runtime.listen(socket, backlog) {
            Ok(listener) => worker.runtime.spawn(worker.clone().accept(listener)),
            Err(source) => return Err(ServeError::Listen { address, source }),
        }
    }
    Ok(())
}
