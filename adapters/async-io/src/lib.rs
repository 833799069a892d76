//! Sockets and timers of async-io, which smol and async-std have in common; their adapters add the executor.
//!
//! Everything here works on any thread and in any task: async-io has one reactor for the whole process, driven by
//! whichever thread is blocked on a future just then.

mod listener;
mod sleep;
mod stream;

use std::io;
use std::task::{Context, Poll, ready};

use async_io::Async;
use stelo_runtime::signals;

pub use listener::Listener;
pub use sleep::Sleep;
pub use stream::Stream;

/// The signals that the process gets.
pub type Signals = signals::Signals<Stream>;

/// Catches `SIGINT` and `SIGTERM` from now on.
///
/// # Errors
/// The system refuses.
pub fn signals() -> io::Result<Signals> {
    Signals::new(Stream::from_unix)
}

/// Tries `operation`, and waits with `poll_ready` while the system says that it would block.
fn poll_io<T, R>(
    io: &Async<T>,
    cx: &mut Context<'_>,
    poll_ready: impl Fn(&Async<T>, &mut Context<'_>) -> Poll<io::Result<()>>,
    mut operation: impl FnMut(&T) -> io::Result<R>,
) -> Poll<io::Result<R>> {
    loop {
        match operation(io.get_ref()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready!(poll_ready(io, cx))?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return Poll::Ready(result),
        }
    }
}
