//! Stelo on async-std, for programs that are on it already.
//!
//! **async-std is no longer developed** (RUSTSEC-2025-0052), and its authors point to smol: new programs take
//! `stelo-smol`. This adapter stays thin for that reason.
//!
//! async-std's executor is one for the whole process, on threads of its own (`ASYNC_STD_THREAD_COUNT`). It runs what is
//! spawned where no [`Runtime::block_on`] is in effect: [`Runtime::current`] is then that executor, and sockets and
//! timers are those of async-io, on which async-std itself rests. `block_on` makes an executor for the calling thread,
//! which looks after its own sockets and timers; its tasks are none of async-std's, so `async_std::task::current` and
//! `task_local!` do not know them. What they spawn with `async_std::task::spawn` runs where it always does.
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
use std::task::Context;

use async_std::task;
use stelo_async_io::{Handle, Listener, Signals, Sleep, Stream};
use stelo_runtime::socket::Socket;
use stelo_runtime::{Instant, Runtime};

/// An executor: that of a thread, or async-std's.
#[derive(Clone, Debug)]
pub struct AsyncStd(Handle);

impl Runtime for AsyncStd {
    const NAME: &'static str = "async-std";

    stelo_runtime::operating_system!();

    type Listener = Listener;
    type Stream = Stream;
    type Sleep = Sleep;
    type Signals = Signals;

    fn block_on<F: Future>(main: impl FnOnce(Self) -> F) -> io::Result<F::Output> {
        stelo_async_io::block_on(|handle| main(Self(handle)))
    }

    fn current() -> io::Result<Self> {
        Ok(Self(Handle::current()))
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        // The task goes on without its handle.
        self.0.spawn(future, |future| drop(task::spawn(future)));
    }

    fn yield_now(&self, cx: &mut Context<'_>) {
        self.0.yield_now(cx);
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        drop(task::spawn_blocking(work));
    }

    fn sleep(&self, deadline: Instant) -> Sleep {
        self.0.sleep(deadline)
    }

    fn listen(&self, socket: Socket, backlog: u32) -> io::Result<Listener> {
        self.0.listen(socket, backlog)
    }

    fn signals(&self) -> io::Result<Signals> {
        self.0.signals()
    }
}
