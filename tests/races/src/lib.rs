//! The state that threads share, tried in every order of their steps.
//!
//! Each module compiles a file of another crate against a model of threads: their atomics, locks and wakers come from
//! [loom](https://docs.rs/loom), through `crate::sync`. Loom runs a scenario once for each order in which the threads
//! can reach these, with the stale values that the memory model permits. A lost wake-up shows as a deadlock.
//!
//! | module | file | scenarios |
//! |---|---|---|
//! | [`body`] | `core/src/body/channel.rs` | the channel behind a streamed body |
//! | [`readiness`] | `adapters/async-io/src/source.rs` | a socket and its reactor |
//! | [`parking`] | `adapters/async-io/src/parker.rs` | a thread that waits, and threads that wake it |
//! | [`members`] | `server/src/thread/registry.rs` | connections, tasks and the shutdown |
//!
//! The scenarios are functions; `tests/races.rs` runs them.

extern crate alloc;

pub mod body;
pub mod members;
pub mod parking;
pub mod readiness;
mod sync;

// The name under which the files know it.
use stelo_core::Bytes;

/// Runs a scenario in every order of its threads' steps with up to two preemptions. More take minutes, and find
/// nothing more here.
fn explore(scenario: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(scenario);
}
