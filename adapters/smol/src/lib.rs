//! Stelo on smol.
//!
//! [`Runtime::block_on`] makes an executor for the calling thread; within tasks that it does not run,
//! [`Runtime::current`] is smol's global executor. The executor of a thread looks after its own sockets and timers;
//! smol's, and those on the global executor, are async-io's.
//!
//! ```
//! use stelo_runtime::Runtime;
//! use stelo_smol::Smol;
//!
//! let answer = Smol::block_on(|runtime| async move {
//!     runtime.sleep(runtime.now() + std::time::Duration::from_millis(1)).await;
//!     42
//! })?;
//! assert_eq!(answer, 42);
//! # Ok::<(), std::io::Error>(())
//! ```

use std::future::Future;
use std::io;
use std::task::Context;

use stelo_async_io::{Handle, Listener, Signals, Sleep, Stream};
use stelo_runtime::socket::Socket;
use stelo_runtime::{Instant, Runtime};

/// An executor of smol: that of a thread, or the global one.
#[derive(Clone, Debug)]
pub struct Smol(Handle);

impl Runtime for Smol {
    const NAME: &'static str = "smol";

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
        self.0.spawn(future, |future| smol::spawn(future).detach());
    }

    fn yield_now(&self, cx: &mut Context<'_>) {
        self.0.yield_now(cx);
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        smol::unblock(work).detach();
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
