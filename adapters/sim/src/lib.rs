//! Stelo on a simulated executor: virtual time, a network with faults, and one seed that decides everything.
//!
//! [`Simulation`] runs a future on one thread. [`Sim`] is the executor that this future and all tasks see: it
//! implements [`Runtime`](stelo_runtime::Runtime), so a whole server runs on it unchanged, and it opens connections
//! for clients that are tasks of the same simulation. Waiting costs no time, choices (which task runs, how much a read
//! gives, when a byte arrives) are drawn from the seed, and equal seeds give equal runs.
//!
//! ```
//! use std::time::Duration;
//!
//! use stelo_runtime::Runtime;
//! use stelo_sim::Simulation;
//!
//! let report = Simulation::new(7).run(async |sim| {
//!     sim.pause(Duration::from_secs(3600)).await;
//!     sim.now()
//! })?;
//! assert!(report.output.as_micros() >= 3_600_000_000);
//! # Ok::<(), stelo_sim::Failure>(())
//! ```
//!
//! What a simulation cannot see it cannot repeat: threads, real sockets and real clocks that an application uses by
//! itself. Of HTTP only the [`Client`] here knows, which is a plain one for tests.

#![forbid(unsafe_code)]

mod answer;
mod client;
mod executor;
mod handles;
mod network;
mod rng;
mod sim;
mod simulation;
mod sockets;
mod trace;
mod world;

pub use answer::Answer;
pub use client::{Broken, Client};
pub use handles::{Handle, Listener, Signals, Sleep, Socket, Stream};
pub use network::{Network, Route};
pub use rng::Random;
pub use sim::{Sim, Traffic};
pub use simulation::{Failure, Report, Simulation};
