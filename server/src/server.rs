//! A server, before it starts.

use std::io;
use std::sync::Arc;

use stelo_core::app::App;
use stelo_os::signals::is_handled;
use stelo_runtime::{Runtime, Signal};

use crate::lifecycle::Serving;
use crate::process::{Link, Message, Notify};
use crate::stop::{ServerHandle, Stop, Stopped};
use crate::{Config, ServeError};

/// The signals that stop a server.
const SIGNALS: [Signal; 2] = [Signal::Interrupt, Signal::Terminate];

fn all_if(taken: bool) -> Vec<Signal> {
    if taken { SIGNALS.into() } else { Vec::new() }
}

/// A server that has not started yet.
///
/// [`serve_on`](Self::serve_on) runs it inside a running executor; [`run`](Self::run) makes an executor for each thread.
#[derive(Debug)]
pub struct Server {
    pub(crate) config: Config,
    handle: ServerHandle,
    /// The supervisor, if this process is a worker.
    link: Option<Link>,
    /// Whether the server is the purpose of the process.
    owns_process: bool,
    /// The service manager, if the program informs it.
    notify: Option<Notify>,
}

impl Server {
    /// Creates a server with this configuration.
    pub fn new(config: Config) -> Self {
        let handle = ServerHandle(Arc::new(Stop::default()));
        Self { config, handle, link: None, owns_process: false, notify: None }
    }

    /// Serves as a worker: on the sockets of the supervisor, which stops the server, too.
    pub(crate) fn supervised(mut self, link: Link) -> Self {
        let secure = self.config.ssl.is_on();
        self.config.listen = link.sockets(secure);
        self.config.ssl.insecure = if secure { link.sockets(false) } else { Vec::new() };
        link.watch(self.handle());
        if let Ok(teller) = link.teller() {
            self.handle.0.set_replace(move || teller.tell(Message::Retire));
        }
        self.link = Some(link);
        self
    }

    /// Acts on the whole process, as a program that is a server does: `SIGUSR1` opens the files of the log again, and the
    /// process changes to the user of its settings.
    pub(crate) fn owning_process(self) -> Self {
        Self { owns_process: true, ..self }
    }

    /// Informs the service manager when the server is ready, when it stops, and that it is alive.
    pub(crate) fn notifying(self, notify: Option<Notify>) -> Self {
        Self { notify, ..self }
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns a handle, which knows where the server listens and stops it.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Serves `app` in a running executor, until a signal or the handle stops it. Signals that the program has handlers
    /// for are left to the program, unless [`Process::signals`](crate::config::Process::signals) is set.
    /// [`Process::threads`](crate::config::Process::threads) is ignored: the executor has its own threads.
    ///
    /// # Errors
    /// The server did not start, or the shutdown hook of the application failed.
    pub async fn serve_on<R: Runtime>(self, runtime: R, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
        let signals: Vec<_> = match self.config.process.signals {
            Some(taken) => all_if(taken),
            None => SIGNALS.into_iter().filter(|signal| !is_handled(*signal)).collect(),
        };
        self.serve(runtime, app, None, &signals).await
    }

    /// Serves `app` until a signal or the handle stops it, on [`Process::threads`](crate::config::Process::threads)
    /// threads, each with its own executor and listening socket.
    ///
    /// # Errors
    /// The server did not start, or the shutdown hook of the application failed.
    pub fn run<R: Runtime>(self, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
        let processes = self.link.as_ref().map_or(1, |_| self.config.workers_to_start());
        let threads = self.config.process.threads_of(processes);
        let mut signals = all_if(self.config.process.signals.unwrap_or(true));
        if self.owns_process && !signals.is_empty() {
            signals.push(Signal::User1);
        }
        match R::block_on(|runtime| self.serve(runtime, app, Some(threads), &signals)) {
            Ok(outcome) => outcome,
            Err(error) if error.kind() == io::ErrorKind::Deadlock => {
                Err(ServeError::Inside { runtime: R::NAME })
            }
            Err(error) => Err(ServeError::Runtime(error)),
        }
    }

    /// Serves on this number of threads, or with `None` on those of the program.
    async fn serve<R: Runtime>(
        self,
        runtime: R,
        app: Arc<dyn App>,
        threads: Option<usize>,
        signals: &[Signal],
    ) -> Result<Stopped, ServeError> {
        let stop = self.handle.0.clone();
        let link = self.link.as_ref();
        let serving = Serving {
            config: &self.config,
            stop: &stop,
            link,
            runtime,
            threads: threads.unwrap_or(1),
            owns_threads: threads.is_some(),
            notify: self.notify.as_ref(),
            signals,
            owns_process: self.owns_process,
        };
        let result = serving.run(app).await;
        stop.set_ended();
        result
    }
}
