//! From a configuration and an application to a running server, and back: bind, start-up, accept, drain, shutdown.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use stelo_core::app::{Address, App};
use stelo_runtime::{Bind, Runtime, Signal, Signals};

use crate::registry::{Kind, Phase, Registry};
use crate::stop::{ServerHandle, Stop};
use crate::worker::{Shared, Worker, poll_all_empty};
use crate::{Config, ServeError, messages};

/// Why a server has stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// It got a signal.
    Signal(Signal),
    /// It was asked to by its [`ServerHandle`], or `limit_max_requests` was reached.
    Request,
}

/// How long connections have to end before the log says that they are waited for.
const PATIENCE: Duration = Duration::from_millis(100);

/// A server that has not started yet.
///
/// `Server::new(config).serve_on(runtime, app).await` runs it inside an executor that is already running;
/// [`run`] makes an executor for each thread.
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
    /// [`Config::threads`] does not count here: the executor has its own.
    ///
    /// # Errors
    /// The server did not start, or the shutdown hook of the application failed.
    pub async fn serve_on<R: Runtime>(self, runtime: R, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
        self.serve(runtime, app, 1).await
    }

    /// Serves `app` until a signal or the handle stops it, on [`Config::threads`] threads, each with an executor and a
    /// listening socket of its own.
    ///
    /// # Errors
    /// The server did not start, or the shutdown hook of the application failed.
    pub fn run<R: Runtime>(self, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
        let threads = self.config.threads.get();
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

/// Serves `app` in an executor that is already running: see [`Server::serve_on`].
///
/// # Errors
/// The server did not start, or the shutdown hook of the application failed.
pub async fn serve<R: Runtime>(runtime: R, config: Config, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
    Server::new(config).serve_on(runtime, app).await
}

/// Serves `app` on threads of its own: see [`Server::run`].
///
/// # Errors
/// The server did not start, or the shutdown hook of the application failed.
pub fn run<R: Runtime>(config: Config, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
    Server::new(config).run::<R>(app)
}

struct Serving<'a, R> {
    config: &'a Config,
    stop: &'a Arc<Stop>,
    runtime: R,
    threads: usize,
}

/// The sockets of one thread, with what they were asked to be bound to.
type Sockets<R> = Vec<(Bind, <R as Runtime>::Socket)>;

impl<R: Runtime> Serving<'_, R> {
    async fn run(self, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
        self.config.check()?;
        // A conflict is found before the application starts; clients are let in after it has.
        let mut sockets = self.bind()?;
        messages::started();
        let shared = Arc::new(Shared::new(self.config, app.clone(), self.stop.clone()));
        let worker = Worker::new(self.runtime.clone(), shared.clone());
        let mut signals = self.runtime.signals().map_err(ServeError::Runtime)?;

        messages::startup_waiting();
        app.startup(worker.executor.clone()).await.map_err(ServeError::Startup)?;
        messages::startup_complete();

        let first = sockets.remove(0);
        let addresses = self.addresses(&first)?;
        let mut registries = vec![worker.registry.clone()];
        self.listen(&worker, first)?;
        let threads = sockets.into_iter().map(|own| self.spawn_thread(&shared, own, &mut registries));
        let threads = threads.collect::<Result<Vec<_>, _>>()?;
        for (bind, address) in &addresses {
            messages::running(bind, address);
        }
        self.stop.set_bound(addresses.into_iter().map(|(_, address)| address).collect());

        let stopped = poll_fn(|cx| {
            if let Poll::Ready(signal) = signals.poll_signal(cx) {
                return Poll::Ready(Stopped::Signal(signal));
            }
            self.stop.poll_requested(cx).map(|()| Stopped::Request)
        })
        .await;

        let graceful = self.drain(&registries, &mut signals).await;
        if graceful {
            for thread in threads {
                // A thread that has panicked has ended, which is all that is asked here.
                let _ = thread.join();
            }
        }
        messages::shutdown_waiting();
        app.shutdown().await.map_err(ServeError::Shutdown)?;
        messages::shutdown_complete();
        messages::finished();
        Ok(stopped)
    }

    /// Binds the sockets of all threads.
    fn bind(&self) -> Result<Vec<Sockets<R>>, ServeError> {
        let mut all: Vec<Sockets<R>> = Vec::new();
        for bind in self.binds()? {
            let fail = |source| ServeError::bind(&bind, source);
            let first = self.runtime.bind(&bind).map_err(fail)?;
            let others =
                (1..self.threads).map(|_| self.runtime.share(&first)).collect::<io::Result<Vec<_>>>();
            let sockets = others.map_err(fail)?.into_iter();
            for (i, socket) in std::iter::once(first).chain(sockets).enumerate() {
                if all.len() <= i {
                    all.push(Vec::new());
                }
                all[i].push((bind.clone(), socket));
            }
        }
        Ok(all)
    }

    fn binds(&self) -> Result<Vec<Bind>, ServeError> {
        let config = self.config;
        if let Some(path) = &config.uds {
            return Ok(vec![Bind::Unix(path.clone())]);
        }
        if let Some(fd) = config.fd {
            return Ok(vec![Bind::Fd(fd)]);
        }
        let fail = |source| ServeError::Resolve { host: config.host.clone(), source };
        let found = (config.host.as_str(), config.port).to_socket_addrs().map_err(fail)?;
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(fail(io::ErrorKind::NotFound.into()));
        }
        Ok(addresses.into_iter().map(|address| Bind::Tcp { address, reuse_port: false }).collect())
    }

    fn addresses(&self, sockets: &Sockets<R>) -> Result<Vec<(Bind, Address)>, ServeError> {
        let address = |(bind, socket): &(Bind, R::Socket)| match self.runtime.local_address(socket) {
            Ok(address) => Ok((bind.clone(), address)),
            Err(source) => Err(ServeError::Listen { address: bind.clone(), source }),
        };
        sockets.iter().map(address).collect()
    }

    fn listen(&self, worker: &Arc<Worker<R>>, sockets: Sockets<R>) -> Result<(), ServeError> {
        listen(worker, sockets, self.config.backlog)
    }

    /// Starts a further thread; returns once it listens.
    fn spawn_thread(
        &self,
        shared: &Arc<Shared>,
        sockets: Sockets<R>,
        registries: &mut Vec<Arc<Registry>>,
    ) -> Result<thread::JoinHandle<()>, ServeError> {
        let (shared, backlog) = (shared.clone(), self.config.backlog);
        let (report, started) = std::sync::mpsc::sync_channel(1);
        let name = format!("stelo-{}", registries.len());
        let main = move || {
            let result = R::block_on(|runtime| async {
                let worker = Worker::new(runtime, shared);
                let listening = listen(&worker, sockets, backlog).map(|()| worker.registry.clone());
                // Nobody can have stopped waiting for this.
                let _ = report.send(listening);
                poll_fn(|cx| match worker.registry.phase() {
                    Phase::Running => worker.registry.poll_phase(cx),
                    Phase::Draining => worker.registry.poll_empty(cx),
                    Phase::Aborting => Poll::Ready(()),
                })
                .await;
            });
            if let Err(error) = result {
                messages::failed(&ServeError::Runtime(error));
            }
        };
        let thread = thread::Builder::new().name(name).spawn(main).map_err(ServeError::Runtime)?;
        let gone = || ServeError::Runtime(io::ErrorKind::BrokenPipe.into());
        registries.push(started.recv().map_err(|_| gone())??);
        Ok(thread)
    }

    /// Waits for what is running to end. Says whether it did by itself.
    async fn drain(&self, registries: &[Arc<Registry>], signals: &mut R::Signals) -> bool {
        messages::shutting_down();
        let enter = |phase| registries.iter().for_each(|registry| registry.enter(phase));
        let count = |kind| registries.iter().map(|registry| registry.count(kind)).sum::<usize>();
        enter(Phase::Draining);

        let now = self.runtime.now();
        let mut patience = Some(self.runtime.sleep(now + PATIENCE));
        let mut deadline = self.runtime.sleep(now + self.config.timeout_graceful_shutdown);
        let graceful = poll_fn(|cx| {
            if poll_all_empty(registries, cx).is_ready() {
                return Poll::Ready(true);
            }
            if patience.as_mut().is_some_and(|sleep| Pin::new(sleep).poll(cx).is_ready()) {
                patience = None;
                match count(Kind::Connection) {
                    0 => messages::waiting_for_tasks(),
                    _ => messages::waiting_for_connections(),
                }
            }
            if Pin::new(&mut deadline).poll(cx).is_ready() {
                messages::graceful_timeout(count(Kind::Connection) + count(Kind::Task));
                return Poll::Ready(false);
            }
            signals.poll_signal(cx).map(|_| false)
        })
        .await;
        enter(Phase::Aborting);
        graceful
    }
}

/// Has the sockets of a thread listen, and accepts from them.
fn listen<R: Runtime>(worker: &Arc<Worker<R>>, sockets: Sockets<R>, backlog: u32) -> Result<(), ServeError> {
    for (address, socket) in sockets {
        match worker.runtime.listen(socket, backlog) {
            Ok(listener) => worker.runtime.spawn(worker.clone().accept(listener)),
            Err(source) => return Err(ServeError::Listen { address, source }),
        }
    }
    Ok(())
}
