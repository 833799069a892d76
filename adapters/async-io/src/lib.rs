//! What the adapters of smol and async-std have in common: an executor for a thread, with its sockets and timers.
//!
//! [`block_on`] drives async-executor, which both rest on, and a reactor for the sockets and timers of that thread
//! alone, one system call per turn. Outside of it there is the process-wide executor, which the adapter adds; sockets
//! and timers are then those of async-io. A [`Handle`] knows which it is. Within `block_on` async-io works as well, for
//! the timers and sockets that applications make with it: a thread of its own drives it.
//!
//! | file | what it has |
//! |---|---|
//! | `thread.rs` | the executor of a thread, and handles to it |
//! | `reactor.rs` | waiting: sockets that become ready, timers that ring, wake-ups |
//! | `parker.rs` | wake-ups of a thread that waits |
//! | `source.rs` | what is known of one socket, and who waits for it |
//! | `timers.rs` | who waits for which moment |
//! | `io.rs` | a socket in either of the two reactors |
//! | `stream.rs`, `listener.rs`, `sleep.rs` | what the contract of executors asks for |

mod io;
mod listener;
mod parker;
mod reactor;
mod sleep;
mod source;
mod stream;
mod thread;

use stelo_runtime::signals;

pub use listener::Listener;
pub use sleep::Sleep;
pub use stream::Stream;
pub use thread::{Handle, block_on};

/// The signals that the process gets.
pub type Signals = signals::Signals<Stream>;
