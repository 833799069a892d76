//! The parts that the adapters of smol and async-std share: the executor of a thread, with its sockets and timers.
//!
//! Within [`Runtime::block_on`](stelo_runtime::Runtime::block_on), tasks run on an executor of async-executor, which
//! both libraries use, and on a reactor that serves the sockets and timers of that thread with one system call per
//! wait. Elsewhere, tasks run on the process-wide executor of the library ([`Process`]), and async-io serves sockets
//! and timers. async-io works within `block_on` too, for the timers and sockets that an application creates with it: it
//! has a thread of its own.
//!
//! | file | contents |
//! |---|---|
//! | `executor.rs` | the contract of executors |
//! | `thread.rs` | the executor of a thread, and handles to it |
//! | `reactor.rs` | the wait for sockets, timers and wake-ups |
//! | `parker.rs` | wake-ups of a thread that waits |
//! | `watcher.rs` | hang-ups of sockets that async-io serves |
//! | `source.rs` | the readiness of one socket, and the tasks that wait for it |
//! | `io.rs` | a socket in either of the two reactors |
//! | `sync.rs` | the state that threads share |
//! | `stream.rs`, `listener.rs`, `sleep.rs` | what the contract asks for |

mod executor;
mod io;
mod listener;
mod parker;
mod reactor;
mod sleep;
mod source;
mod stream;
mod sync;
mod thread;
mod watcher;

pub use executor::{Executor, Process};
pub use listener::Listener;
pub use sleep::Sleep;
pub use stream::Stream;
#[cfg(test)]
pub(crate) use thread::{Handle, block_on};

/// A subscription to signals.
pub type Signals = stelo_os::signals::Signals<Stream>;

/// The README. Its example is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
