//! The life of a server: bind, start-up, accept, drain, shutdown.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;

use stelo_core::app::App;
use stelo_runtime::{Runtime, Signal};

use crate::admin::Admin;
use crate::contain::Contained;
use crate::identity::{self, Identity};
use crate::interrupts::Interrupts;
use crate::process::{Beat, Link, Notify};
use crate::sockets::{self, Bound, Sockets};
use crate::stop::{Stop, Stopped};
use crate::thread::drain::{Drained, abort, drain};
use crate::thread::registry::Registry;
use crate::thread::{Shared, Thread};
use crate::watch::{Pulse, Watched, Watcher};
use crate::{Config, Lifespan, ServeError, hooks, messages};

/// A server that is running, or about to.
pub(crate) struct Serving<'a, R> {
    pub(crate) config: &'a Config,
    pub(crate) stop: &'a Arc<Stop>,
    /// The supervisor, if this process is a worker.
    pub(crate) link: Option<&'a Link>,
    pub(crate) runtime: R,
    pub(crate) threads: usize,
    /// Whether the threads are those of the server, which watches them, or those of the program.
    pub(crate) owns_threads: bool,
    /// The service manager, if it listens to this process.
    pub(crate) notify: Option<&'a Notify>,
    /// The signals that stop the server.
    pub(crate) signals: &'a [Signal],
    /// Whether the server is the purpose of the process.
    pub(crate) owns_process: bool,
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
        let admin = Admin::open(self.config, &app, self.link.is_some())?;
        let metrics = admin.as_ref().map(|admin| admin.metrics().clone());
        let secret = self.link.map(Link::shared);
        let shared = Arc::new(Shared::new(self.config, app.clone(), self.stop.clone(), secret, metrics)?);
        if self.owns_process {
            self.change_user()?;
        }
        let first = Thread::new(self.runtime.clone(), shared);
        let interrupts = &mut Interrupts::new(&self.runtime, self.signals, self.stop.clone())
            .map_err(ServeError::Runtime)?;

        let runs_hooks = self.config.process.lifespan != Lifespan::Off;
        if runs_hooks {
            messages::startup_waiting();
        }
        let executor = first.executor.clone();
        let started = hooks::run(|| app.startup(executor), |cx| interrupts.poll_stopped(cx)).await;
        let mut registries = vec![first.registry.clone()];
        let mut threads = Vec::new();
        let mut watcher = None;
        let stopped = match started {
            Ok(Ok(())) => {
                if runs_hooks {
                    messages::startup_complete();
                }
                let pulses = self.pulses();
                match self.listen(&first, sockets, &pulses, &mut registries) {
                    Ok(spawned) => threads = spawned,
                    Err(error) => {
                        abort(&self.runtime, &registries).await;
                        return self.shutdown(&*app, interrupts, Err(error)).await;
                    }
                }
                watcher = Watcher::start(self.watched(pulses));
                #[cfg(feature = "tls")]
                if let Some(acceptor) = &first.shared.tls {
                    crate::certificates::watch(&first, acceptor.clone(), !self.signals.is_empty());
                }
                set_ready(&admin, true);
                let stopped = interrupts.stopped().await;
                set_ready(&admin, false);
                stopped
            }
            Ok(Err(error)) => {
                abort(&self.runtime, &registries).await;
                return Err(ServeError::Startup(error));
            }
            // The hooks that had completed are undone.
            Err(stopped) => stopped,
        };
        watcher.iter().for_each(Watcher::draining);
        self.notify.iter().for_each(|notify| notify.stopping());
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

    /// Returns a pulse for each thread that is watched.
    fn pulses(&self) -> Vec<Arc<Pulse>> {
        let watched = self.owns_threads && self.config.health.blocked.is_some();
        (0..if watched { self.threads } else { 0 }).map(|_| Arc::default()).collect()
    }

    fn watched(&self, pulses: Vec<Arc<Pulse>>) -> Watched {
        Watched {
            health: self.config.health.clone(),
            pulses,
            stop: self.stop.clone(),
            // Without it, the supervisor hears nothing and replaces the worker.
            supervisor: self.link.and_then(|link| link.teller().ok()),
            beat: Beat::new(self.notify.and_then(|notify| notify.again().ok())),
        }
    }

    /// Changes to the user of the settings. The sockets are bound, and the files of TLS and of the log are open.
    fn change_user(&self) -> Result<(), ServeError> {
        let identity = Identity::of(&self.config.process)?;
        // Otherwise the supervisor has done so.
        if self.link.is_none() {
            identity::prepare_sockets(self.config, identity.as_ref())?;
            identity.iter().for_each(|identity| identity.own_logs(self.config));
        }
        identity.map_or(Ok(()), |identity| identity.assume())
    }

    /// Starts the threads, each listening on its sockets, and each with its pulse.
    fn listen(
        &self,
        first: &Arc<Thread<R>>,
        sockets: Vec<Sockets<R>>,
        pulses: &[Arc<Pulse>],
        registries: &mut Vec<Arc<Registry>>,
    ) -> Result<Vec<JoinHandle<()>>, ServeError> {
        let mut threads = Vec::new();
        let mut addresses = Vec::new();
        for (i, sockets) in sockets.into_iter().enumerate() {
            if i == 0 {
                addresses = sockets::addresses(&self.runtime, &sockets)?;
                listen(first, sockets, self.config.backlog)?;
                pulses.first().cloned().into_iter().for_each(|pulse| first.beat(pulse));
            } else {
                let pulse = pulses.get(i).cloned();
                let (thread, registry) = self.spawn_thread(i, first.shared.clone(), sockets, pulse)?;
                threads.push(thread);
                registries.push(registry);
            }
        }
        match self.link {
            Some(link) => link.ready(),
            None => {
                addresses
                    .iter()
                    .for_each(|(bind, address, secure)| messages::running(bind, address, *secure));
                self.notify.iter().for_each(|notify| notify.ready("Running"));
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
        pulse: Option<Arc<Pulse>>,
    ) -> Result<(JoinHandle<()>, Arc<Registry>), ServeError> {
        let backlog = self.config.backlog;
        let (report, listening) = std::sync::mpsc::sync_channel(1);
        let main = move || {
            let result = R::block_on(|runtime| async {
                let thread = Thread::new(runtime, shared);
                let result = listen(&thread, sockets, backlog);
                pulse.into_iter().for_each(|pulse| thread.beat(pulse));
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

/// Sets the answer to `/ready`.
fn set_ready(admin: &Option<Admin>, ready: bool) {
    if let Some(admin) = admin {
        admin.set_ready(ready);
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
