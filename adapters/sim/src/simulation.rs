//! One run: its settings and its report.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use stelo_runtime::Instant;

use crate::executor::{Bounds, Halt, clear, drive};
use crate::network::Network;
use crate::sim::{Sim, current};
use crate::world::World;

/// A simulation that has not started yet.
///
/// ```
/// use stelo_sim::{Network, Simulation};
///
/// let run = |seed| Simulation::new(seed).network(Network::rough()).run(async |sim| sim.number(0..1000));
/// assert_eq!(run(3)?.trace, run(3)?.trace);
/// # Ok::<(), stelo_sim::Failure>(())
/// ```
#[derive(Clone, Debug)]
pub struct Simulation {
    seed: u64,
    network: Network,
    time: Duration,
    steps: u64,
    print: bool,
}

/// The result of a simulation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report<T> {
    /// The output of the main future.
    pub output: T,
    /// A hash of all events: equal for equal runs.
    pub trace: u64,
    /// The virtual time that has passed.
    pub elapsed: Duration,
    /// The number of polls and events.
    pub steps: u64,
    /// The number of tasks that had not ended when the main future completed. They were dropped.
    pub tasks: usize,
    /// The number of listeners and ends of connections that were open then.
    pub sockets: usize,
}

/// Why the main future did not complete.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The main future waits, and no event can wake it.
    Stuck {
        /// The seed of the run.
        seed: u64,
        /// The virtual time of the failure.
        at: Instant,
        /// The number of tasks that wait, without the main future.
        tasks: usize,
    },
    /// The run exceeded its virtual time or its steps.
    Overtime {
        /// The seed of the run.
        seed: u64,
        /// The virtual time of the failure.
        at: Instant,
        /// The number of steps until then.
        steps: u64,
    },
    /// The main future, a task, or blocking work has panicked, most likely by a failed assertion.
    Panicked {
        /// The seed of the run.
        seed: u64,
        /// The virtual time of the failure.
        at: Instant,
        /// The panic message.
        message: String,
    },
    /// The system refuses the thread of the simulation.
    Thread,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stuck { seed, at, tasks } => write!(
                f,
                "seed {seed}: stuck at {at:?}: the main future and {tasks} tasks wait for each other, or for a thread \
                 outside of the simulation"
            ),
            Self::Overtime { seed, at, steps } => write!(
                f,
                "seed {seed}: not complete at {at:?} after {steps} steps: look for a task that wakes itself, or raise \
                 the limits"
            ),
            Self::Panicked { seed, at, message } => write!(f, "seed {seed}: panic at {at:?}: {message}"),
            Self::Thread => f.write_str("the system has no thread to run the simulation on"),
        }
    }
}

impl std::error::Error for Failure {}

impl Simulation {
    /// Creates the simulation of a seed, on an ordinary network.
    pub fn new(seed: u64) -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        Self { seed, network: Network::default(), time: day, steps: 20_000_000, print: false }
    }

    /// Sets the properties of the network.
    #[must_use]
    pub fn network(self, network: Network) -> Self {
        Self { network, ..self }
    }

    /// Limits the virtual time. Default: a day.
    #[must_use]
    pub fn time(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    /// Limits the steps, so that a task that wakes itself forever ends. Default: 20 million.
    #[must_use]
    pub fn steps(self, steps: u64) -> Self {
        Self { steps, ..self }
    }

    /// Prints all events to the standard error output.
    #[must_use]
    pub fn print(self, print: bool) -> Self {
        Self { print, ..self }
    }

    /// Runs a future until it completes, and drops the tasks that have not ended.
    ///
    /// It runs on a new thread, so that the thread-local variables of earlier runs have no influence.
    ///
    /// # Errors
    /// Returns an error if the future did not complete, or a task panicked.
    pub fn run<T: Send, F: Future<Output = T>>(
        self,
        main: impl FnOnce(Sim) -> F + Send,
    ) -> Result<Report<T>, Failure> {
        thread::scope(|scope| {
            let thread = thread::Builder::new().name(format!("simulation {}", self.seed));
            let thread = thread.spawn_scoped(scope, || self.run_here(main, false));
            thread.map_err(|_| Failure::Thread)?.join().unwrap_or(Err(Failure::Thread))
        })
    }

    /// Runs a future on the calling thread.
    pub(crate) fn run_here<F: Future>(
        self,
        main: impl FnOnce(Sim) -> F,
        contain_panics: bool,
    ) -> Result<Report<F::Output>, Failure> {
        let Self { seed, network, time, steps, print } = self;
        let world = Arc::new(World::new(seed, network, print));
        let sim = Sim(world.clone());
        let outer = current(Some(sim.clone()));
        let bounds = Bounds { time, steps, contain_panics };
        // Called inside, so that a panic in `main` itself is caught too.
        let (result, steps) = drive(&world, async { main(sim).await }, &bounds);
        let state = world.state();
        let (at, trace) = (state.now, state.trace.hash());
        // Without the entry of the main future.
        let (tasks, sockets) = (state.tasks.len() - 1, state.sockets.open());
        drop(state);
        clear(&world);
        current(outer);
        match result {
            Ok(output) => {
                let elapsed = at - Instant::ZERO;
                Ok(Report { output, trace, elapsed, steps, tasks, sockets })
            }
            Err(Halt::Stuck) => Err(Failure::Stuck { seed, at, tasks }),
            Err(Halt::Overtime) => Err(Failure::Overtime { seed, at, steps }),
            Err(Halt::Panic(message)) => Err(Failure::Panicked { seed, at, message }),
        }
    }
}
