//! Stelo on a simulated executor: virtual time, a network with faults, and one seed that decides everything.
//!
//! [`Simulation`] runs a future on one thread. [`Sim`] is the executor of this future and of all tasks. It implements
//! [`Runtime`](stelo_runtime::Runtime), so a whole server runs on it unchanged, and clients are tasks of the same
//! simulation. Waiting takes no real time. The seed decides which task runs, how much a read returns and when a segment
//! arrives, so equal seeds give equal runs.
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
//! A simulation cannot control threads, real sockets and real clocks that an application uses directly, so it cannot
//! repeat their effects. Only the clients know HTTP: [`Client`], a plain one for tests, and [`Gateway`], by which a
//! `TestClient` reaches a simulated server.

#![forbid(unsafe_code)]

mod answer;
mod client;
mod executor;
mod gateway;
mod handles;
mod network;
mod relay;
mod request;
mod rng;
mod sim;
mod simulation;
mod sockets;
mod trace;
mod wire;
mod world;

pub use answer::Answer;
pub use client::Client;
pub use gateway::Gateway;
pub use handles::{Handle, Listener, Signals, Sleep, Socket, Stream};
pub use network::{Network, Route};
pub use request::{ClientRequest, Incoming};
pub use rng::Random;
pub use sim::{Sim, Traffic};
pub use simulation::{Failure, Report, Simulation};
pub use wire::Broken;

/// The README. Its example is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
