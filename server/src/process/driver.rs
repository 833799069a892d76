//! Performs a [`Plan`]: starts the workers, waits for them, for signals and for the time.
//!
//! Blocks in one place, where it waits for all descriptors. The plan decides what follows from what has happened.

use std::fs::File;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use stelo_os::health;
use stelo_os::process::set_umask;
use stelo_os::signals::Signals;
use stelo_runtime::Signal;

use super::link;
use super::notify::{Beat, Notify};
use super::pid_file::PidFile;
use super::plan::{Action, End, Event, Id, Limits, Line, Plan};
use super::reload::{Built, Reloader};
use super::start::{Program, Worker};
use super::upgrade::{Sockets, Successor, TakeOver, Upgrade};
use crate::admin;
use crate::contain::catch;
use crate::directory::Start;
use crate::identity::{self, Identity};
use crate::sockets::{self, Bound, Listening};
use crate::{Config, ConfigError, ServeError, Stopped, log, messages};

/// The time that a worker has to end after its graceful timeouts, one for connections and one for the shutdown hook.
const MARGIN: Duration = Duration::from_secs(5);

/// The longest graceful timeout that counts. A later time may be beyond what the clock can represent.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The signals that the supervisor acts on. `SIGCHLD` wakes it when a worker has ended.
const SIGNALS: [Signal; 10] = [
    Signal::Interrupt,
    Signal::Terminate,
    Signal::Quit,
    Signal::Hangup,
    Signal::User1,
    Signal::User2,
    Signal::WindowChange,
    Signal::TerminalInput,
    Signal::TerminalOutput,
    Signal::Child,
];

/// The time beyond that of its first worker that a new supervisor has to be ready.
const UPGRADE_MARGIN: Duration = Duration::from_secs(5);

/// Reads the settings again. Returns the reason if they are invalid.
pub(crate) type ReadSettings<'a> = &'a dyn Fn() -> Result<Config, String>;

/// The inputs of a supervisor.
pub(crate) struct Supervision<'a> {
    pub(crate) config: &'a Config,
    pub(crate) start: &'a Start,
    pub(crate) read: ReadSettings<'a>,
    pub(crate) upgrade: Option<Upgrade>,
    pub(crate) pid_file: Option<PidFile>,
    /// The service manager, if it listens to this process.
    pub(crate) notify: Option<Notify>,
}

struct Driver<'a> {
    plan: Plan,
    limits: Limits,
    program: Program,
    /// The settings that were read last.
    config: Config,
    identity: Option<Identity>,
    read: ReadSettings<'a>,
    /// Removes the files of Unix sockets at the end.
    sockets: Sockets,
    addresses: Vec<Listening>,
    signals: Signals<UnixStream>,
    pid_file: Option<PidFile>,
    /// The service manager.
    beat: Beat,
    workers: Vec<Worker>,
    /// The workers that accept connections.
    ready: Vec<Id>,
    admin: Option<admin::Supervision>,
    /// The workers that have just ended, which lines of the log name.
    ended: Vec<(Worker, ExitStatus)>,
    /// The old supervisor, until a worker is ready.
    predecessor: Option<TakeOver>,
    successor: Option<Successor>,
    /// The new supervisor has neither written nor ended.
    successor_silent: bool,
    reloader: Option<Reloader>,
    /// The output of the last build, if it has failed.
    failed_build: Option<String>,
}

/// Runs workers until a signal stops the supervisor.
///
/// # Errors
/// The configuration or its sockets cannot be used, or no worker could start.
pub(crate) fn supervise(supervision: Supervision<'_>) -> Result<Stopped, ServeError> {
    check(supervision.config)?;
    let mut driver = Driver::new(supervision)?;
    let end = driver.run().map_err(ServeError::Supervisor)?;
    messages::parent_finished(driver.config.reload.on);
    match end {
        End::Signal(signal) => Ok(Stopped::Signal(signal)),
        End::Succeeded => Ok(Stopped::Request),
        End::NoneStarted => Err(ServeError::Workers),
    }
}

/// Checks the configuration, and the files of TLS.
pub(crate) fn check(config: &Config) -> Result<(), ServeError> {
    config.check()?;
    config.ssl.check()?;
    if config.ssl.self_signed {
        return Err(ConfigError::SelfSignedWorkers.into());
    }
    #[cfg(feature = "tls")]
    crate::tls::Acceptor::check(&config.ssl).map_err(|error| ServeError::Ssl(error.into()))?;
    Ok(())
}

/// Calls a hook of the program.
fn call(name: &str, hook: impl FnOnce()) {
    if let Err(message) = catch(hook) {
        messages::hook_panicked(name, &message);
    }
}

/// Returns the times that workers may take.
fn limits(config: &Config) -> Limits {
    let start = config.health.startup.min(YEAR);
    Limits {
        start,
        stop: config.timeouts.graceful_shutdown.min(YEAR) * 2 + MARGIN,
        upgrade: start + UPGRADE_MARGIN,
        silence: config.health.healthcheck.map(|limit| limit.min(YEAR)),
        is_patient: config.reload.on,
    }
}

impl<'a> Driver<'a> {
    fn new(supervision: Supervision<'a>) -> Result<Self, ServeError> {
        let Supervision { config, start, read, upgrade, pid_file, notify } = supervision;
        let (handed_over, admin, predecessor) = match upgrade.map(Upgrade::split) {
            Some((handed_over, admin, predecessor)) => (handed_over, admin, Some(predecessor)),
            None => Default::default(),
        };
        let identity = Identity::of(&config.process)?;
        let sockets = sockets::bind_plain(config, handed_over)?;
        let mut admin = admin::Supervision::open(config, admin)?;
        identity::prepare_sockets(config, identity.as_ref())?;
        identity.iter().for_each(|identity| identity.own_logs(config));
        let (mut addresses, mut reloader) = (Vec::new(), None);
        for Bound { bind, socket, secure } in &sockets {
            let fail = |source| ServeError::Listen { address: bind.clone(), source };
            addresses.push((bind.clone(), socket.local_address().map_err(fail)?, *secure));
        }
        let program = Program::of_this_process(config, start).map_err(ServeError::Supervisor)?;
        match Reloader::start(&config.reload, &program.path, start.path())? {
            Some(started) => reloader = Some(started),
            None => messages::parent_started(),
        }
        if let Some(admin) = admin.as_mut().filter(|_| predecessor.is_none()) {
            admin.start()?;
        }
        Ok(Self {
            signals: Signals::blocking(&SIGNALS).map_err(ServeError::Supervisor)?,
            plan: Plan::new(Instant::now(), config.workers_to_start(), limits(config)),
            limits: limits(config),
            program,
            config: config.clone(),
            identity,
            read,
            sockets,
            addresses,
            pid_file,
            beat: Beat::new(notify),
            workers: Vec::new(),
            ready: Vec::new(),
            admin,
            ended: Vec::new(),
            predecessor,
            successor: None,
            successor_silent: false,
            reloader,
            failed_build: None,
        })
    }

    fn run(&mut self) -> io::Result<End> {
        // Those that ended before `SIGCHLD` was subscribed to.
        self.reap_orphans(Instant::now())?;
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
            Action::Spawn(id) => match self.program.start(id, &self.sockets, self.admin.as_ref()) {
                Ok(mut worker) => {
                    worker.tell_build(self.failed_build.as_deref());
                    if let Some(hook) = &self.config.hooks.worker_started {
                        call("worker_started", || hook(worker.child.id()));
                    }
                    self.workers.push(worker);
                }
                Err(error) => {
                    messages::child_refused(&self.program.path, &error);
                    self.plan.handle(Instant::now(), Event::Ended(id));
                }
            },
            Action::Stop(id) => {
                self.set_ready(id, false);
                // Fails only if the worker has closed the socket, and then it ends by itself.
                let _ = self.worker(id).map(|worker| worker.control.shutdown(Shutdown::Write));
            }
            // Fails only if the worker has ended.
            Action::Kill(id) => drop(self.worker(id).map(|worker| worker.child.kill())),
            Action::Abort(id) => drop(self.worker(id).map(|worker| health::abort(&worker.child))),
            Action::Upgrade => {
                match self.program.succeed(&self.sockets, self.admin.as_ref(), self.beat.watchdog().is_some())
                {
                    Ok(successor) => {
                        self.successor = Some(successor);
                        self.successor_silent = true;
                    }
                    Err(error) => {
                        messages::child_refused(&self.program.path, &error);
                        self.plan.handle(Instant::now(), Event::SuccessorEnded);
                    }
                }
            }
            // Fails only if the new supervisor has ended.
            Action::KillSuccessor => {
                drop(self.successor.as_mut().map(|successor| successor.child.kill()));
            }
            Action::Log(line) => self.log(line),
            Action::End(end) => return Some(end),
        }
        None
    }

    /// Blocks until something happens, and tells the plan.
    fn wait(&mut self) -> io::Result<()> {
        let deadline = self.plan.deadline().into_iter().chain(self.beat.deadline()).min();
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let open = self.workers.iter().filter(|worker| worker.open).map(|worker| worker.control.as_fd());
        let successor = self.successor.as_ref().filter(|_| self.successor_silent);
        let mut waiting: Vec<_> = [self.signals.socket().as_fd()].into_iter().chain(open).collect();
        let workers = waiting.len();
        waiting.extend(successor.map(|successor| successor.socket().as_fd()));
        let others = waiting.len();
        waiting.extend(self.reloader.as_ref().map(Reloader::socket));
        let mut readable = stelo_os::readable(&waiting, timeout)?;
        let built = readable.drain(others..).any(|readable| readable);
        let successor = readable.drain(workers..).any(|readable| readable);
        let now = Instant::now();
        self.beat.check(now);
        let (signal, controls) =
            readable.split_first().map_or((false, &[][..]), |(first, rest)| (*first, rest));
        let open = self.workers.iter_mut().filter(|worker| worker.open);
        let mut ready = Vec::new();
        for (worker, _) in open.zip(controls).filter(|(_, readable)| **readable) {
            for message in worker.read() {
                let event = message.event(worker.id);
                ready.extend(matches!(event, Event::Ready(_)).then_some(worker.id));
                self.plan.handle(now, event);
            }
        }
        ready.into_iter().for_each(|id| self.set_ready(id, true));
        if successor {
            self.successor_silent = false;
            if self.successor.as_ref().is_some_and(Successor::is_ready) {
                self.sockets.iter().for_each(|bound| bound.socket.set_file_removed(false));
                // The new supervisor answers from now on. Those that wait for the answer are in the queue that both share.
                self.admin.iter_mut().for_each(admin::Supervision::stop);
                self.plan.handle(now, Event::SuccessorReady);
            }
        }
        if built {
            self.built(now);
        }
        if signal {
            let signal = self.signals.wait()?;
            self.signal(now, signal)?;
        }
        self.plan.handle(now, Event::Tick);
        Ok(())
    }

    /// Replaces the worker by the program that was built, or lets it show the errors.
    fn built(&mut self, now: Instant) {
        let Some(Ok(builds)) = self.reloader.as_mut().map(Reloader::ended) else {
            // The thread has panicked.
            self.reloader = None;
            return;
        };
        for built in builds {
            self.failed_build = match built {
                Built::Done => None,
                Built::Failed(output) => Some(output),
            };
            match &self.failed_build {
                None => self.plan.handle(now, Event::Built),
                Some(_) => messages::build_failed(),
            }
            let output = self.failed_build.as_deref();
            self.workers.iter_mut().for_each(|worker| worker.tell_build(output));
        }
    }

    fn signal(&mut self, now: Instant, signal: Signal) -> io::Result<()> {
        match signal {
            Signal::Child => return self.reap(now),
            Signal::Hangup if !self.configure(now) => return Ok(()),
            Signal::User1 => {
                messages::received(signal, "opening the files of the log again");
                log::reopen();
                self.identity.iter().for_each(|identity| identity.own_logs(&self.config));
                // Fails only if the worker has ended. It reads each byte at once, so the socket has room.
                self.workers.iter_mut().for_each(|worker| drop(worker.control.write_all(&[link::REOPEN])));
                return Ok(());
            }
            Signal::User2 if std::process::id() == 1 => {
                messages::upgrade_refused();
                return Ok(());
            }
            // Terminals send it when their size changes.
            Signal::WindowChange if File::open("/dev/tty").is_ok() => return Ok(()),
            _ => {}
        }
        self.plan.handle(now, Event::Signal(signal));
        Ok(())
    }

    /// Reads the settings again. Returns `false` if they are invalid, which changes nothing.
    fn configure(&mut self, now: Instant) -> bool {
        let config = match (self.read)() {
            Ok(config) => config,
            Err(reason) => {
                messages::settings_refused(&reason);
                self.refuse();
                return false;
            }
        };
        let [old, new] = [&self.config, &config].map(|config| config.ssl.is_on());
        if old != new {
            messages::settings_refused(
                "TLS cannot be switched on or off while the sockets are open: use SIGUSR2",
            );
            self.refuse();
            return false;
        }
        match Identity::of(&config.process) {
            Ok(identity) => self.identity = identity,
            Err(error) => {
                messages::settings_refused(&error.to_string());
                self.refuse();
                return false;
            }
        }
        config.process.umask.into_iter().for_each(set_umask);
        self.limits = limits(&config);
        let [old, new] = [&self.config, &config].map(Config::workers_to_start);
        // Otherwise the number that `SIGTTIN` and `SIGTTOU` have set stays.
        self.plan.configure(now, self.limits, (old != new).then_some(new));
        if config.listen != self.config.listen
            || config.ssl.insecure != self.config.ssl.insecure
            || config.admin != self.config.admin
        {
            messages::sockets_kept();
        }
        self.config = config;
        true
    }

    /// Ends a reload of the service manager, which has changed nothing.
    fn refuse(&self) {
        self.tell(|notify| {
            notify.reloading("Reading the settings");
            notify.ready("Running; the new settings cannot be used, see the log");
        });
    }

    /// Tells the old supervisor that this one can answer, if there is an old one.
    fn take_over(&mut self) {
        let Some(predecessor) = self.predecessor.take() else { return };
        self.sockets.iter().for_each(|bound| bound.socket.set_file_removed(true));
        if let Some(admin) = &mut self.admin
            && let Err(error) = admin.start()
        {
            messages::failed(&error);
        }
        if let Some(file) = &mut self.pid_file
            && let Err(error) = file.take_over()
        {
            messages::pid_file_not_moved(&error);
        }
        predecessor.tell();
    }

    /// Tells the plan which workers have ended. One signal may mean several.
    fn reap(&mut self, now: Instant) -> io::Result<()> {
        let mut i = 0;
        while let Some(worker) = self.workers.get_mut(i) {
            match worker.child.try_wait()? {
                None => i += 1,
                Some(status) => self.worker_ended(now, i, status),
            }
        }
        if let Some(successor) = &mut self.successor
            && let Some(status) = successor.child.try_wait()?
        {
            messages::successor_ended(successor.child.id(), status);
            self.successor = None;
            self.plan.handle(now, Event::SuccessorEnded);
        }
        self.reap_orphans(now)
    }

    fn worker_ended(&mut self, now: Instant, i: usize, status: ExitStatus) {
        let worker = self.workers.swap_remove(i);
        self.set_ready(worker.id, false);
        if let Some(hook) = &self.config.hooks.worker_exit {
            call("worker_exit", || hook(worker.child.id(), status));
        }
        self.plan.handle(now, Event::Ended(worker.id));
        self.ended.push((worker, status));
    }

    /// Reaps the orphans of a container, which process 1 inherits. A worker that has ended since may be among them.
    fn reap_orphans(&mut self, now: Instant) -> io::Result<()> {
        if std::process::id() != 1 {
            return Ok(());
        }
        while let Some((id, status)) = stelo_os::process::ended_child()? {
            if let Some(i) = self.workers.iter().position(|worker| worker.child.id() == id) {
                self.worker_ended(now, i, status);
            }
        }
        Ok(())
    }

    /// Notes whether a worker accepts connections, for the answer to `/ready`.
    fn set_ready(&mut self, id: Id, ready: bool) {
        self.ready.retain(|other| *other != id);
        if ready {
            self.ready.push(id);
        }
        if let Some(admin) = &self.admin {
            admin.set_ready(!self.ready.is_empty());
        }
    }

    fn worker(&mut self, id: Id) -> Option<&mut Worker> {
        self.workers.iter_mut().find(|worker| worker.id == id)
    }

    fn log(&mut self, line: Line) {
        match line {
            Line::Running => {
                self.take_over();
                self.addresses
                    .iter()
                    .for_each(|(bind, address, secure)| messages::running(bind, address, *secure));
                self.tell(|notify| notify.ready("Running"));
                if let Some(hook) = &self.config.hooks.when_ready {
                    call("when_ready", || hook());
                }
            }
            Line::Died(id, pause) => {
                if let Some((worker, status)) = self.ended.iter().find(|(worker, _)| worker.id == id) {
                    messages::child_died(worker.child.id(), *status, pause);
                }
            }
            Line::Silent(id) => {
                messages::child_silent(self.number(id), self.limits.silence.unwrap_or_default());
            }
            Line::Blocked(id) => messages::child_blocked(self.number(id)),
            Line::Retry(pause) => messages::replacement_failed(pause),
            Line::NotReady(id) => messages::child_not_ready(self.number(id), self.limits.start),
            Line::NotStopped(id) => messages::child_not_stopped(self.number(id), self.limits.stop),
            Line::Kept => {
                messages::restart_failed();
                self.tell(|notify| notify.ready("Running; the last restart has failed, see the log"));
            }
            Line::Exiting(signal) => {
                messages::received(signal, "exiting");
                self.tell(Notify::stopping);
            }
            Line::Restarting => {
                messages::received(Signal::Hangup, "restarting processes");
                self.tell(|notify| notify.reloading("Replacing workers"));
            }
            Line::Restarted => {
                messages::restarted();
                self.tell(|notify| notify.ready("Running"));
            }
            Line::More => {
                messages::received(Signal::TerminalInput, "increasing the number of processes");
            }
            Line::Fewer => {
                messages::received(Signal::TerminalOutput, "decreasing the number of processes");
            }
            Line::Last => messages::last_child(),
            Line::Pausing => messages::received(Signal::WindowChange, "stopping the processes until SIGHUP"),
            Line::Upgrading => {
                messages::received(Signal::User2, "starting a new parent process");
                self.tell(|notify| notify.reloading("Starting a new supervisor"));
            }
            Line::Busy => messages::received(Signal::User2, "but a new parent process is starting already"),
            Line::Upgraded => {
                messages::upgraded(self.successor_number());
                self.tell(|notify| notify.succeeded(self.successor_number()));
                // From now on the new supervisor informs the manager.
                self.beat = Beat::new(None);
            }
            Line::UpgradeFailed => {
                messages::upgrade_failed();
                self.tell(|notify| notify.ready("Running; the last upgrade has failed, see the log"));
            }
            Line::UpgradeLate => {
                messages::upgrade_late(self.successor_number(), self.limits.upgrade);
                self.tell(|notify| notify.ready("Running; the last upgrade has failed, see the log"));
            }
        }
    }

    /// Returns the number of the new supervisor.
    fn successor_number(&self) -> u32 {
        self.successor.as_ref().map_or(0, |successor| successor.child.id())
    }

    fn tell(&self, what: impl Fn(&Notify)) {
        self.beat.notify().into_iter().for_each(what);
    }

    /// Returns the number of a running process.
    fn number(&self, id: Id) -> u32 {
        self.workers.iter().find(|worker| worker.id == id).map_or(0, |worker| worker.child.id())
    }
}
