//! Stelo on async-std, for programs that are on it already.
//!
//! **async-std is no longer developed** (RUSTSEC-2025-0052), and its authors point to smol: new programs take
//! `stelo-smol`. This adapter stays thin for that reason.
//!
//! The executor is one for the whole process, on threads of its own (`ASYNC_STD_THREAD_COUNT`). So what was spawned
//! within [`Runtime::block_on`] runs on those threads, and is not dropped at its end. Sockets and timers are those of
//! async-io, on which async-std itself rests.
//!
//! ```
//! use stelo_async_std::AsyncStd;
//! use stelo_runtime::Runtime;
//!
//! let answer = AsyncStd::block_on(|runtime| async move {
//!     runtime.sleep(runtime.now() + std::time::Duration::from_millis(1)).await;
//!     42
//! })?;
//! assert_eq!(answer, 42);
//! # Ok::<(), std::io::Error>(())
//! ```

use std::future::Future;
use std::io;

use async_std::task;
use stelo_async_io::{Listener, Signals, Sleep, Stream};
use stelo_runtime::socket::Socket;
use stelo_runtime::{Instant, Runtime};

/// The executor of async-std.
#[derive(Clone, Copy, Debug)]
pub struct AsyncStd;

impl Runtime for AsyncStd {
    const NAME: &'static str = "async-std";

    stelo_runtime::operating_system!();

    type Listener = Listener;
    type Stream = Stream;
    type Sleep = Sleep;
    type Signals = Signals;

    fn block_on<F: Future>(main: impl FnOnce(Self) -> F) -> io::Result<F::Output> {
        Ok(task::block_on(async { main(Self).await }))
    }

    fn current() -> io::Result<Self> {
        Ok(Self)
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        // The task goes on without its handle.
        drop(task::spawn(future));
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        drop(task::spawn_blocking(work));
    }

    fn sleep(&self, deadline: Instant) -> Sleep {
        Sleep::until(deadline)
    }

    fn listen(&self, socket: Socket, backlog: u32) -> io::Result<Listener> {
        Listener::new(socket.listen(backlog)?)
    }

    fn signals(&self) -> io::Result<Signals> {
        stelo_async_io::signals()
    }
}
