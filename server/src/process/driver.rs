//! Performs a [`Plan`]: starts the workers, waits for them, for signals and for the time.
//!
//! Blocks in one place, where it waits for all descriptors. The plan decides what follows from what has happened.

use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};
use std::{env, ffi::OsString};

use stelo_os::inherit;
use stelo_os::signals::Signals;
use stelo_os::socket::Socket;
use stelo_runtime::Signal;

use super::link::Link;
use super::plan::{Action, End, Event, Id, Limits, Line, Plan};
use crate::sockets::{self, Bound, Listening};
use crate::{Config, ConfigError, ServeError, Stopped, messages};

/// The time from the start of a worker until it is ready.
const START: Duration = Duration::from_secs(60);

/// The time that a worker has to end after its graceful timeouts, one for connections and one for the shutdown hook.
const MARGIN: Duration = Duration::from_secs(5);

/// The longest graceful timeout that counts. A later time may be beyond what the clock can represent.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The signals that the supervisor acts on. `SIGCHLD` wakes it when a worker has ended.
const SIGNALS: [Signal; 7] = [
    Signal::Interrupt,
    Signal::Terminate,
    Signal::Quit,
    Signal::Hangup,
    Signal::TerminalInput,
    Signal::TerminalOutput,
    Signal::Child,
];

/// A worker process.
struct Worker {
    id: Id,
    child: Child,
    control: UnixStream,
    /// Nothing has come from the worker yet.
    silent: bool,
}

/// The command that starts a worker.
struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    /// The numbers of the listening sockets, and whether their connections begin with TLS.
    sockets: Vec<(i32, bool)>,
    /// The secret of TLS tickets.
    #[cfg(feature = "tls")]
    secret: Option<crate::tls::Secret>,
}

struct Driver {
    plan: Plan,
    limits: Limits,
    program: Program,
    addresses: Vec<Listening>,
    signals: Signals<UnixStream>,
    workers: Vec<Worker>,
    /// The workers that have just ended, which lines of the log name.
    ended: Vec<(Worker, ExitStatus)>,
}

/// Runs this number of workers until a signal stops the supervisor.
///
/// # Errors
/// The configuration or its sockets cannot be used, or no worker could start.
pub(crate) fn supervise(config: &Config, workers: usize) -> Result<Stopped, ServeError> {
    config.check()?;
    config.ssl.check()?;
    if config.ssl.self_signed {
        return Err(ConfigError::SelfSignedWorkers.into());
    }
    #[cfg(feature = "tls")]
    crate::tls::Acceptor::check(&config.ssl).map_err(|error| ServeError::Ssl(error.into()))?;
    // Removes the files of Unix sockets at the end.
    let sockets = sockets::bind_plain(config)?;
    let graceful = config.timeouts.graceful_shutdown.min(YEAR);
    let limits = Limits { start: START, stop: graceful * 2 + MARGIN };
    messages::parent_started();
    let mut driver = Driver::new(&sockets, workers, limits)?;
    #[cfg(feature = "tls")]
    if config.ssl.is_on() {
        let secret = crate::tls::Secret::new(std::time::SystemTime::now());
        driver.program.secret =
            Some(secret.map_err(|_| ServeError::Supervisor(io::ErrorKind::Other.into()))?);
    }
    let end = driver.run().map_err(ServeError::Supervisor)?;
    messages::parent_finished();
    match end {
        End::Signal(signal) => Ok(Stopped::Signal(signal)),
        End::NoneStarted => Err(ServeError::Workers),
    }
}

impl Driver {
    fn new(sockets: &[Bound<Socket>], workers: usize, limits: Limits) -> Result<Self, ServeError> {
        let mut arguments = env::args_os();
        let name = arguments.next().unwrap_or_default();
        // The path, not the file: a restart runs the program that is there by then.
        let path = env::current_exe().unwrap_or_else(|_| name.into());
        let mut numbers = Vec::new();
        let mut addresses = Vec::new();
        for Bound { bind, socket, secure } in sockets {
            let fail = |source| ServeError::Listen { address: bind.clone(), source };
            numbers.push((inherit::pass_on(socket).map_err(fail)?, *secure));
            addresses.push((bind.clone(), socket.local_address().map_err(fail)?, *secure));
        }
        Ok(Self {
            signals: Signals::blocking(&SIGNALS).map_err(ServeError::Supervisor)?,
            plan: Plan::new(Instant::now(), workers, limits),
            limits,
            program: Program {
                path,
                arguments: arguments.collect(),
                sockets: numbers,
                #[cfg(feature = "tls")]
                secret: None,
            },
            addresses,
            workers: Vec::new(),
            ended: Vec::new(),
        })
    }

    fn run(&mut self) -> io::Result<End> {
        loop {
            while let Some(action) = self.plan.next_action() {
                if let Some(end) = self.perform(action) {
                    return Ok(end);
                }
            }
            self.ended.clear();
            self.wait()?;
        }
    }

    fn perform(&mut self, action: Action) -> Option<End> {
        match action {
            Action::Spawn(id) => match self.program.start(id) {
                Ok(worker) => self.workers.push(worker),
                Err(error) => {
                    messages::child_refused(&self.program.path, &error);
                    self.plan.handle(Instant::now(), Event::Ended(id));
                }
            },
            // Fails only if the worker has closed the socket, and then it ends by itself.
            Action::Stop(id) => drop(self.worker(id).map(|worker| worker.control.shutdown(Shutdown::Write))),
            // Fails only if the worker has ended.
            Action::Kill(id) => drop(self.worker(id).map(|worker| worker.child.kill())),
            Action::Log(line) => self.log(line),
            Action::End(end) => return Some(end),
        }
        None
    }

    /// Blocks until something happens, and tells the plan.
    fn wait(&mut self) -> io::Result<()> {
        let timeout = self.plan.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let silent = self.workers.iter().filter(|worker| worker.silent).map(|worker| worker.control.as_fd());
        let waiting: Vec<_> = [self.signals.socket().as_fd()].into_iter().chain(silent).collect();
        let readable = stelo_os::readable(&waiting, timeout)?;
        let now = Instant::now();
        let (signal, controls) =
            readable.split_first().map_or((false, &[][..]), |(first, rest)| (*first, rest));
        let silent = self.workers.iter_mut().filter(|worker| worker.silent);
        for (worker, _) in silent.zip(controls).filter(|(_, readable)| **readable) {
            worker.silent = false;
            // The stream of a worker that dies early ends instead.
            if matches!(worker.control.read(&mut [0]), Ok(1)) {
                self.plan.handle(now, Event::Ready(worker.id));
            }
        }
        if signal {
            match self.signals.wait()? {
                Signal::Child => self.reap(now)?,
                signal => self.plan.handle(now, Event::Signal(signal)),
            }
        }
        self.plan.handle(now, Event::Tick);
        Ok(())
    }

    /// Tells the plan which workers have ended. One signal may mean several.
    fn reap(&mut self, now: Instant) -> io::Result<()> {
        let mut i = 0;
        while let Some(worker) = self.workers.get_mut(i) {
            match worker.child.try_wait()? {
                None => i += 1,
                Some(status) => {
                    let worker = self.workers.swap_remove(i);
                    self.plan.handle(now, Event::Ended(worker.id));
                    self.ended.push((worker, status));
                }
            }
        }
        Ok(())
    }

    fn worker(&mut self, id: Id) -> Option<&mut Worker> {
        self.workers.iter_mut().find(|worker| worker.id == id)
    }

    fn log(&self, line: Line) {
        match line {
            Line::Running => {
                self.addresses
                    .iter()
                    .for_each(|(bind, address, secure)| messages::running(bind, address, *secure));
            }
            Line::Died(id, pause) => {
                if let Some((worker, status)) = self.ended.iter().find(|(worker, _)| worker.id == id) {
                    messages::child_died(worker.child.id(), *status, pause);
                }
            }
            Line::NotReady(id) => messages::child_not_ready(self.number(id), self.limits.start),
            Line::NotStopped(id) => messages::child_not_stopped(self.number(id), self.limits.stop),
            Line::Kept => messages::restart_failed(),
            Line::Exiting(signal) => messages::received(signal, "exiting"),
            Line::Restarting => messages::received(Signal::Hangup, "restarting processes"),
            Line::Restarted => messages::restarted(),
            Line::More => {
                messages::received(Signal::TerminalInput, "increasing the number of processes");
            }
            Line::Fewer => {
                messages::received(Signal::TerminalOutput, "decreasing the number of processes");
            }
            Line::Last => messages::last_child(),
        }
    }

    /// Returns the number of a running process.
    fn number(&self, id: Id) -> u32 {
        self.workers.iter().find(|worker| worker.id == id).map_or(0, |worker| worker.child.id())
    }
}

impl Program {
    /// Returns what a worker that starts now shares with the others.
    fn shared(&mut self) -> Vec<u8> {
        #[cfg(feature = "tls")]
        if let Some(secret) = &mut self.secret {
            secret.advance(std::time::SystemTime::now());
            return secret.encode().into();
        }
        Vec::new()
    }

    fn start(&mut self, id: Id) -> io::Result<Worker> {
        let (control, inherited) = UnixStream::pair()?;
        // The worker reads it when it has started.
        Link::share(&control, &self.shared())?;
        let number = inherit::pass_on(&inherited)?;
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).env(Link::VARIABLE, Link::variable(number, &self.sockets));
        Ok(Worker { id, child: command.spawn()?, control, silent: true })
    }
}
