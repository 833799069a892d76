//! The life of a server: bind, start-up, accept, drain, shutdown.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;

use stelo_core::app::App;
use stelo_runtime::{Runtime, Signal};

use crate::contain::Contained;
use crate::interrupts::Interrupts;
use crate::process::Link;
use crate::sockets::{self, Bound, Sockets};
use crate::stop::{Stop, Stopped};
use crate::thread::drain::{Drained, abort, drain};
use crate::thread::registry::Registry;
use crate::thread::{Shared, Thread};
use crate::{Config, ServeError, hooks, messages};

/// A server that is running, or about to.
pub(crate) struct Serving<'a, R> {
    pub(crate) config: &'a Config,
    pub(crate) stop: &'a Arc<Stop>,
    /// The supervisor, if this process is a worker.
    pub(crate) link: Option<&'a Link>,
    pub(crate) runtime: R,
    pub(crate) threads: usize,
    /// The signals that stop the server.
    pub(crate) signals: &'a [Signal],
}

/// The event that ended a shutdown hook.
enum Ended {
    /// A second signal.
    Forced,
    /// The graceful timeout.
    TimedOut,
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
        self.config.ssl.check()?;
        // Conflicts are found before the application starts. Clients are accepted after it has started.
        let sockets = sockets::bind(&self.runtime, self.config, self.threads)?;
        messages::started();
        let shared =
            Arc::new(Shared::new(self.config, app.clone(), self.stop.clone(), self.link.map(Link::shared))?);
        let first = Thread::new(self.runtime.clone(), shared);
        let interrupts = &mut Interrupts::new(&self.runtime, self.signals, self.stop.clone())
            .map_err(ServeError::Runtime)?;

        messages::startup_waiting();
        let executor = first.executor.clone();
        let started = hooks::run(|| app.startup(executor), |cx| interrupts.poll_stopped(cx)).await;
        let mut registries = vec![first.registry.clone()];
        let mut threads = Vec::new();
        let stopped = match started {
            Ok(Ok(())) => {
                messages::startup_complete();
                match self.listen(&first, sockets, &mut registries) {
                    Ok(spawned) => threads = spawned,
                    Err(error) => {
                        abort(&self.runtime, &registries).await;
                        return self.shutdown(&*app, interrupts, Err(error)).await;
                    }
                }
                #[cfg(feature = "tls")]
                if let Some(acceptor) = &first.shared.tls {
                    crate::certificates::watch(&first, acceptor.clone(), !self.signals.is_empty());
                }
                interrupts.stopped().await
            }
            Ok(Err(error)) => {
                abort(&self.runtime, &registries).await;
                return Err(ServeError::Startup(error));
            }
            // The hooks that had completed are undone.
            Err(stopped) => stopped,
        };
        let timeout = self.config.timeouts.graceful_shutdown;
        let drained = drain(&self.runtime, &registries, interrupts, timeout).await;
        first.shared.invalid.finish();
        first.shared.blocked.finish();
        match drained {
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
        self.shutdown(&*app, interrupts, Ok(stopped)).await
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
        match self.link {
            Some(link) => link.ready(),
            None => {
                addresses.iter().for_each(|(bind, address, secure)| messages::running(bind, address, *secure))
            }
        }
        self.stop.set_bound(addresses.into_iter().map(|(_, address, _)| address).collect());
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

    /// Runs the shutdown hook of the application, and returns `outcome` if it succeeds. A second signal ends the hook,
    /// and so does the graceful timeout, which begins again for it.
    async fn shutdown(
        &self,
        app: &dyn App,
        interrupts: &mut Interrupts<R>,
        outcome: Result<Stopped, ServeError>,
    ) -> Result<Stopped, ServeError> {
        messages::shutdown_waiting();
        let timeout = self.config.timeouts.graceful_shutdown;
        let mut deadline = self.runtime.sleep(self.runtime.now() + timeout);
        let ended = hooks::run(
            || app.shutdown(),
            |cx| match interrupts.poll_forced(cx) {
                Poll::Ready(()) => Poll::Ready(Ended::Forced),
                Poll::Pending => Pin::new(&mut deadline).poll(cx).map(|()| Ended::TimedOut),
            },
        )
        .await;
        match ended {
            Ok(result) => {
                result.map_err(ServeError::Shutdown)?;
                messages::shutdown_complete();
            }
            Err(Ended::Forced) => {}
            Err(Ended::TimedOut) => {
                let text =
                    format!("a hook has not completed within {timeout:?} (--timeout-graceful-shutdown)");
                return Err(ServeError::Shutdown(text.into()));
            }
        }
        messages::finished();
        outcome
    }
}

/// Starts to listen on the sockets of a thread, and to accept connections.
fn listen<R: Runtime>(thread: &Arc<Thread<R>>, sockets: Sockets<R>, backlog: u32) -> Result<(), ServeError> {
    for Bound { bind, socket, secure } in sockets {
        match thread.runtime.listen(socket, backlog) {
            Ok(listener) => thread.runtime.spawn(thread.clone().accept(listener, secure)),
            Err(source) => return Err(ServeError::Listen { address: bind, source }),
        }
    }
    Ok(())
}
