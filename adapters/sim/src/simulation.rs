//! One run: what it is given, and what comes out of it.

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

/// What a simulation has come to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report<T> {
    /// What the main future gave.
    pub output: T,
    /// A hash of everything that has happened: equal for equal runs.
    pub trace: u64,
    /// The virtual time that has passed.
    pub elapsed: Duration,
    /// How many times a task was polled or an event happened.
    pub steps: u64,
    /// Tasks that had not ended when the main future did; they were dropped.
    pub tasks: usize,
    /// Listeners and ends of connections that were still open then.
    pub sockets: usize,
}

/// Why a simulation did not come to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Failure {
    /// Nothing can happen any more, and the main future waits.
    Stuck {
        /// The seed of the run.
        seed: u64,
        /// When that was.
        at: Instant,
        /// How many tasks wait, the main future left out.
        tasks: usize,
    },
    /// More virtual time, or more steps, than it was given.
    Overtime {
        /// The seed of the run.
        seed: u64,
        /// When that was.
        at: Instant,
        /// The steps until then.
        steps: u64,
    },
    /// The main future, a task, or blocking work has panicked: a failed assertion, most likely.
    Panicked {
        /// The seed of the run.
        seed: u64,
        /// When that was.
        at: Instant,
        /// What it said.
        message: String,
    },
    /// The system has no thread to run it on.
    Thread,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stuck { seed, at, tasks } => write!(
                f,
                "seed {seed}: nothing can happen any more at {at:?}, but the main future and {tasks} tasks wait: \
                 for each other, or for a thread that the simulation does not know"
            ),
            Self::Overtime { seed, at, steps } => write!(
                f,
                "seed {seed}: not over at {at:?} after {steps} steps: look for a task that wakes itself, or raise \
                 the limits"
            ),
            Self::Panicked { seed, at, message } => write!(f, "seed {seed}: panic at {at:?}: {message}"),
            Self::Thread => f.write_str("the system has no thread to run the simulation on"),
        }
    }
}

impl std::error::Error for Failure {}

impl Simulation {
    /// The simulation of this seed, on an ordinary network.
    pub fn new(seed: u64) -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        Self { seed, network: Network::default(), time: day, steps: 20_000_000, print: false }
    }

    /// Sets what the network is like.
    #[must_use]
    pub fn network(self, network: Network) -> Self {
        Self { network, ..self }
    }

    /// Sets how much virtual time may pass. Default: a day.
    #[must_use]
    pub fn time(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    /// Sets how many steps may be taken, which is what ends a task that keeps waking itself. Default: 20 million.
    #[must_use]
    pub fn steps(self, steps: u64) -> Self {
        Self { steps, ..self }
    }

    /// Prints everything that happens to the standard error output.
    #[must_use]
    pub fn print(self, print: bool) -> Self {
        Self { print, ..self }
    }

    /// Runs a future until it completes, and drops what it has left behind.
    ///
    /// It runs on a thread of its own, so that what others have left in thread-local variables does not count.
    ///
    /// # Errors
    /// It did not complete. A panic anywhere in it is one of the reasons.
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
        // Made inside, so that a panic on the way counts like one later.
        let (result, steps) = drive(&world, async { main(sim).await }, &bounds);
        let state = world.state();
        let (at, trace) = (state.now, state.trace.hash());
        // The main future has an entry of its own.
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
