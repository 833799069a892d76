//! Processes, threads and executor.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::Config;
use super::codec::Codec;
use super::codec::{Account, Count, CountOrAuto, CountOrCores, Executor, Name, Switch, Umask, Word};
use super::table::{Group, Kind, Setting, Value, setting};
use super::words::words;

/// As in Starlette, whose thread pool has 40 threads.
const BLOCKING_THREADS: NonZeroUsize = match NonZeroUsize::new(40) {
    Some(threads) => threads,
    None => NonZeroUsize::MIN,
};

/// The processes, the threads and the executor of a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Process {
    /// The number of worker processes. Default 1: the process itself serves. With more, [`Program`](crate::Program) starts
    /// and supervises them; a [`Server`](crate::Server) ignores the number.
    pub workers: NonZeroUsize,
    /// Whether a supervisor starts even a single worker, so that it is replaced when it dies, and signals such as `SIGHUP`
    /// and `SIGUSR2` replace it without a gap. Default `false`.
    pub supervise: bool,
    /// A file for the number of the process that takes signals. Default `None`. Only a [`Program`](crate::Program) writes it.
    pub pid: Option<PathBuf>,
    /// The directory that a [`Program`](crate::Program) changes to before it binds its sockets. Paths of other settings are
    /// relative to it, except those of `--config` and `--env-file`. Default `None`: the directory of the start.
    pub chdir: Option<PathBuf>,
    /// The user, by name or number, that a [`Program`](crate::Program) which root has started changes to once it has bound its
    /// sockets and opened its files. A supervisor stays root; its workers change before the application starts. Default
    /// `None`.
    pub user: Option<String>,
    /// The group, by name or number. Default `None`: the primary group of [`user`](Self::user).
    pub group: Option<String>,
    /// The permissions that new files of a [`Program`](crate::Program) lack, those of Unix sockets among them. Default `None`:
    /// what the process has, and `rw-rw-rw-` for Unix sockets.
    pub umask: Option<u32>,
    /// The number of threads of each process; each has an executor and listening sockets. Default `None`: the cores divided
    /// by the workers, at least 1. A process without a supervisor has one for each core.
    pub threads: Option<NonZeroUsize>,
    /// The number of threads that an application has for work that blocks, unless it sets a limit itself. Default 40.
    /// The application shares them between its requests; further work waits in a queue of the application.
    pub blocking_threads: NonZeroUsize,
    /// The [name](crate::Runner::name) of the executor. Default `None`: the first that is compiled in.
    pub executor: Option<Cow<'static, str>>,
    /// The name of the application, in a program that has [several](crate::Apps). Default `None`: the only one.
    pub app: Option<String>,
    /// Whether the application runs its hooks of start-up and shutdown. Default [`Lifespan::Auto`]: it does.
    pub lifespan: Lifespan,
    /// Whether `SIGINT` and `SIGTERM` stop the server; `Some(false)` leaves them to the program. Default `None`: they do,
    /// but inside the executor of the program only those that the program has no handler for when the server starts.
    pub signals: Option<bool>,
}

words! {
    /// Whether the application runs its hooks of start-up and shutdown.
    pub enum Lifespan {
        /// It does.
        #[default]
        Auto = "auto",
        /// It does. In Uvicorn, an application without hooks fails to start; here every application has them.
        On = "on",
        /// It does not, so state that a hook would make is missing.
        Off = "off",
    }
}

/// Returns the number of cores that the process may use.
pub(super) fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

impl Process {
    /// Whether the server is a worker process that a supervisor starts.
    pub(crate) fn is_supervised(&self) -> bool {
        self.supervise || self.workers.get() > 1
    }

    /// Returns the number of threads of each of this number of processes.
    pub(crate) fn threads_of(&self, processes: usize) -> usize {
        self.threads.map_or_else(|| share(cores().get(), processes), NonZeroUsize::get)
    }
}

/// Divides cores among processes. Rounds down, so that no two threads compete for a core, but to 1 at least.
fn share(cores: usize, processes: usize) -> usize {
    (cores / processes.max(1)).max(1)
}

impl Default for Process {
    fn default() -> Self {
        Self {
            workers: NonZeroUsize::MIN,
            supervise: false,
            pid: None,
            chdir: None,
            user: None,
            group: None,
            umask: None,
            threads: None,
            blocking_threads: BLOCKING_THREADS,
            executor: None,
            app: None,
            lifespan: Lifespan::Auto,
            signals: None,
        }
    }
}

impl Config {
    /// Sets [`Process::workers`]; 0 means one for each core.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.process.workers = NonZeroUsize::new(workers).unwrap_or_else(cores);
        self
    }

    /// Sets [`Process::supervise`].
    #[must_use]
    pub fn supervise(mut self, supervise: bool) -> Self {
        self.process.supervise = supervise;
        self
    }

    /// Sets [`Process::pid`].
    #[must_use]
    pub fn pid(mut self, path: impl Into<PathBuf>) -> Self {
        self.process.pid = Some(path.into());
        self
    }

    /// Sets [`Process::chdir`].
    #[must_use]
    pub fn chdir(mut self, path: impl Into<PathBuf>) -> Self {
        self.process.chdir = Some(path.into());
        self
    }

    /// Sets [`Process::user`].
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.process.user = Some(name.into());
        self
    }

    /// Sets [`Process::group`].
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.process.group = Some(name.into());
        self
    }

    /// Sets [`Process::umask`].
    #[must_use]
    pub fn umask(mut self, mask: u32) -> Self {
        self.process.umask = Some(mask);
        self
    }

    /// Sets [`Process::threads`]; 0 means the default.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.process.threads = NonZeroUsize::new(threads);
        self
    }

    /// Sets [`Process::blocking_threads`]; 0 means one.
    #[must_use]
    pub fn blocking_threads(mut self, threads: usize) -> Self {
        self.process.blocking_threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        self
    }

    /// Sets [`Process::executor`].
    #[must_use]
    pub fn executor(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.process.executor = Some(name.into());
        self
    }

    /// Sets [`Process::app`].
    #[must_use]
    pub fn app(mut self, name: impl Into<String>) -> Self {
        self.process.app = Some(name.into());
        self
    }

    /// Sets [`Process::lifespan`].
    #[must_use]
    pub fn lifespan(mut self, lifespan: Lifespan) -> Self {
        self.process.lifespan = lifespan;
        self
    }

    /// Sets [`Process::signals`]. It has no option: the program that handles signals knows that it does.
    ///
    /// ```
    /// # use stelo_server::{Config, Server};
    /// let server = Server::new(Config::new().signals(false));
    /// let handle = server.handle();
    /// // The handler of the program calls `handle.stop()`.
    /// ```
    #[must_use]
    pub fn signals(mut self, signals: bool) -> Self {
        self.process.signals = Some(signals);
        self
    }
}

/// Declares a row whose setting is a path.
macro_rules! path {
    ($name:literal, $field:ident, $help:literal) => {
        Setting {
            name: $name,
            help: $help,
            kind: Kind::Path,
            excludes: &[],
            get: |config| {
                let show = |path: &PathBuf| Value::Text(path.to_string_lossy().into_owned());
                config.process.$field.as_ref().map_or(Value::Unset, show)
            },
            set: |config, values| {
                config.process.$field = values.last().map(PathBuf::from);
                Ok(())
            },
        }
    };
}

pub(super) const GROUP: Group = Group {
    title: "Process",
    settings: &[
        setting!("app", Name, process.app, "The application, in a program that has several"),
        setting!(
            "lifespan",
            Word<Lifespan>,
            process.lifespan,
            "Whether the application runs its hooks of start-up and shutdown"
        ),
        setting!(
            "workers",
            CountOrCores,
            process.workers,
            "Worker processes, each with its threads; auto starts one for each core"
        ),
        setting!("supervise", Switch, process.supervise, "Supervise even a single worker process"),
        path!("pid", pid, "Write the process number to this file, for programs that send signals"),
        path!("chdir", chdir, "Change to this directory before the server starts"),
        setting!("user", Account, process.user, "Change from root to this user once the sockets are bound"),
        setting!(
            "group",
            Account,
            process.group,
            "Change from root to this group; default: that of the user"
        ),
        setting!("umask", Umask, process.umask, "The permissions that new files lack, as an octal number"),
        setting!(
            "threads",
            CountOrAuto,
            process.threads,
            "Threads of each process, each with an executor; auto divides the cores among the workers"
        ),
        setting!(
            "blocking-threads",
            Count,
            process.blocking_threads,
            "Threads for handlers and other work that blocks, unless the application sets a limit"
        ),
        setting!("loop", Executor, process.executor, "The executor"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_share_the_cores() {
        for (cores, processes, threads) in [(8, 1, 8), (8, 2, 4), (8, 3, 2), (8, 8, 1), (2, 5, 1), (1, 1, 1)]
        {
            assert_eq!(share(cores, processes), threads, "{cores} {processes}");
        }
        assert_eq!(Config::new().process.threads_of(1), cores().get());
        assert_eq!(Config::new().threads(3).process.threads_of(9), 3);
    }
}
