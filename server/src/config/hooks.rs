//! The hooks of a supervisor.

use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;

use super::Config;

type Ready = Arc<dyn Fn() + Send + Sync>;
type Started = Arc<dyn Fn(u32) + Send + Sync>;
type Exited = Arc<dyn Fn(u32, ExitStatus) + Send + Sync>;

/// The functions that the supervisor calls: see the setters of [`Config`].
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) when_ready: Option<Ready>,
    pub(crate) worker_started: Option<Started>,
    pub(crate) worker_exit: Option<Exited>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}

impl Config {
    /// Calls `hook` in the supervisor when its first worker is ready, and in a new one after an upgrade.
    ///
    /// The supervisor waits for its hooks, and does nothing else meanwhile. A panic of a hook is logged.
    ///
    /// ```
    /// # use stelo_server::Config;
    /// let config = Config::new()
    ///     .workers(2)
    ///     .when_ready(|| println!("ready"))
    ///     .worker_started(|worker| println!("{worker} starts"))
    ///     .worker_exit(|worker, status| println!("{worker} has ended: {status}"));
    /// ```
    #[must_use]
    pub fn when_ready(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.when_ready = Some(Arc::new(hook));
        self
    }

    /// Calls `hook` in the supervisor with the number of each worker process that it has started.
    #[must_use]
    pub fn worker_started(mut self, hook: impl Fn(u32) + Send + Sync + 'static) -> Self {
        self.hooks.worker_started = Some(Arc::new(hook));
        self
    }

    /// Calls `hook` in the supervisor with the number of each worker process that has ended, and its status.
    #[must_use]
    pub fn worker_exit(mut self, hook: impl Fn(u32, ExitStatus) + Send + Sync + 'static) -> Self {
        self.hooks.worker_exit = Some(Arc::new(hook));
        self
    }
}
