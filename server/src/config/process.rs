//! Threads and executor.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use super::Config;
use super::codec::Codec;
use super::codec::{Count, Executor};
use super::table::{Group, Setting, setting};

/// As in Starlette, whose thread pool has 40 threads.
const BLOCKING_THREADS: NonZeroUsize = match NonZeroUsize::new(40) {
    Some(threads) => threads,
    None => NonZeroUsize::MIN,
};

/// The threads and the executor of a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Process {
    /// The number of threads; each has an executor and listening sockets. Default: one for each core.
    pub threads: NonZeroUsize,
    /// The number of threads that an application has for work that blocks, unless it sets a limit itself. Default 40.
    /// The application shares them between its requests; further work waits in a queue of the application.
    pub blocking_threads: NonZeroUsize,
    /// The [name](crate::Runner::name) of the executor. Default `None`: the first that is compiled in.
    pub executor: Option<Cow<'static, str>>,
    /// Whether `SIGINT` and `SIGTERM` stop the server; `Some(false)` leaves them to the program. Default `None`: they do,
    /// but inside the executor of the program only those that the program has no handler for when the server starts.
    pub signals: Option<bool>,
}

impl Default for Process {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { threads, blocking_threads: BLOCKING_THREADS, executor: None, signals: None }
    }
}

impl Config {
    /// Sets [`Process::threads`]; 0 means one for each core.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.process.threads = NonZeroUsize::new(threads).unwrap_or_else(|| Process::default().threads);
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

pub(super) const GROUP: Group = Group {
    title: "Process",
    settings: &[
        setting!("threads", Count, process.threads, "Threads, each with an executor and listening sockets"),
        setting!(
            "blocking-threads",
            Count,
            process.blocking_threads,
            "Threads for handlers and other work that blocks, unless the application sets a limit"
        ),
        setting!("loop", Executor, process.executor, "The executor"),
    ],
};
