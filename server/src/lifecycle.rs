//! The life of a server: bind, start-up, accept, drain, shutdown.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;

use stelo_core::app::{App, BoxError, BoxFuture};
use stelo_runtime::{Runtime, Signal, Signals};

use crate::contain::{self, Contained, catch};
use crate::sockets::{self, Sockets};
use crate::stop::Stop;
use crate::thread::drain::{Drained, abort, drain};
use crate::thread::registry::Registry;
use crate::thread::{Shared, Thread};
use crate::{Config, ServeError, messages};

/// Why a server has stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// By a signal.
    Signal(Signal),
    /// By its [`ServerHandle`](crate::ServerHandle), or because `limit_max_requests` was reached.
    Request,
}

/// A server that is running, or about to.
pub(crate) struct Serving<'a, R> {
    pub(crate) config: &'a Config,
    pub(crate) stop: &'a Arc<Stop>,
    pub(crate) runtime: R,
    pub(crate) threads: usize,
}

impl<R: Runtime> Serving<'_, R> {
    /// Runs `app` from its start-up hook to its shutdown hook.
    pub(crate) async fn run(self, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
        // Dropped last.
        let _contained = Contained::new(app.clone());
        self.serve(app).await
    }

    async fn serve(self, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
        self.config.check()?;
        // Conflicts are found before the application starts. Clients are accepted after it has started.
        let sockets = sockets::bind(&self.runtime, self.config, self.threads)?;
        messages::started();
        let shared = Arc::new(Shared::new(self.config, app.clone(), self.stop.clone()));
        let first = Thread::new(self.runtime.clone(), shared);
        let mut signals =
            self.runtime.signals(&[Signal::Interrupt, Signal::Terminate]).map_err(ServeError::Runtime)?;

        messages::startup_waiting();
        let startup = catch(|| app.startup(first.executor.clone()));
        hook(startup).await.map_err(ServeError::Startup)?;
        messages::startup_complete();

        let mut registries = vec![first.registry.clone()];
        let threads = match self.listen(&first, sockets, &mut registries) {
            Ok(threads) => threads,
            Err(error) => {
                abort(&self.runtime, &registries).await;
                return self.shutdown(&*app, Err(error)).await;
            }
        };
        let stopped = self.stopped(&mut signals).await;
        match drain(&self.runtime, &registries, &mut signals, self.config.timeouts.graceful_shutdown).await {
            // A thread that has panicked has ended, too.
            Drained::Gracefully => threads.into_iter().for_each(|thread| drop(thread.join())),
            // A thread that is blocked may never end.
            Drained::TimedOut => {}
            // A second signal also skips the shutdown hooks.
            Drained::Forced => {
                messages::finished();
                return Ok(stopped);
            }
        }
        self.shutdown(&*app, Ok(stopped)).await
    }

    /// Starts the threads, each listening on its sockets.
    fn listen(
        &self,
        first: &Arc<Thread<R>>,
        sockets: Vec<Sockets<R>>,
        registries: &mut Vec<Arc<Registry>>,
    ) -> Result<Vec<JoinHandle<()>>, ServeError> {
        let mut threads = Vec::new();
        let mut addresses = Vec::new();
        for (i, sockets) in sockets.into_iter().enumerate() {
            if i == 0 {
                addresses = sockets::addresses(&self.runtime, &sockets)?;
                listen(first, sockets, self.config.backlog)?;
            } else {
                let (thread, registry) = self.spawn_thread(i, first.shared.clone(), sockets)?;
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

    /// Starts a further thread, and returns once it listens.
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
                let thread = Thread::new(runtime, shared);
                let result = listen(&thread, sockets, backlog);
                // The first thread waits for this.
                let _ = report.send(result.map(|()| thread.registry.clone()));
                poll_fn(|cx| thread.registry.poll_over(cx)).await;
            });
            if let Err(error) = result {
                messages::failed(&ServeError::Runtime(error));
            }
        };
        let thread = std::thread::Builder::new().name(format!("stelo-{number}")).spawn(main);
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

    /// Runs the shutdown hook of the application, and returns `outcome` if it succeeds.
    async fn shutdown(
        &self,
        app: &dyn App,
        outcome: Result<Stopped, ServeError>,
    ) -> Result<Stopped, ServeError> {
        messages::shutdown_waiting();
        hook(catch(|| app.shutdown())).await.map_err(ServeError::Shutdown)?;
        messages::shutdown_complete();
        messages::finished();
        outcome
    }
}

/// Runs a hook of the application. A panic is an error, like any other.
async fn hook(future: Result<BoxFuture<Result<(), BoxError>>, String>) -> Result<(), BoxError> {
    let panicked = |message| format!("panic: {message}");
    contain::run(future.map_err(panicked)?).await.map_err(panicked)?
}

/// Starts to listen on the sockets of a thread, and to accept connections.
fn listen<R: Runtime>(thread: &Arc<Thread<R>>, sockets: Sockets<R>, backlog: u32) -> Result<(), ServeError> {
    for (address, socket) in sockets {
        match thread.runtime.listen(socket, backlog) {
            Ok(listener) => thread.runtime.spawn(thread.clone().accept(listener)),
            Err(source) => return Err(ServeError::Listen { address, source }),
        }
    }
    Ok(())
}
