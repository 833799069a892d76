//! Stelo on smol.
//!
//! [`Runtime::block_on`] makes an executor for the calling thread; within tasks that it does not run,
//! [`Runtime::current`] is smol's global executor. Sockets and timers are those of async-io.
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

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};

use smol::Executor;
use smol::future::FutureExt;
use stelo_async_io::{Listener, Signals, Sleep, Stream};
use stelo_runtime::socket::Socket;
use stelo_runtime::{Instant, Runtime};

/// An executor of smol: that of a thread, or the global one.
#[derive(Clone, Debug)]
pub struct Smol(Handle);

#[derive(Clone, Debug)]
enum Handle {
    /// Weak, since tasks hold handles, and the executor holds tasks.
    Thread(Weak<Executor<'static>>),
    Global,
}

thread_local! {
    /// The executor of the enclosing `block_on`.
    static CURRENT: RefCell<Handle> = const { RefCell::new(Handle::Global) };
}

/// Puts back what was the current executor before.
struct Restore(Handle);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(std::mem::replace(&mut self.0, Handle::Global));
    }
}

impl Runtime for Smol {
    const NAME: &'static str = "smol";

    stelo_runtime::operating_system!();

    type Listener = Listener;
    type Stream = Stream;
    type Sleep = Sleep;
    type Signals = Signals;

    fn block_on<F: Future>(main: impl FnOnce(Self) -> F) -> io::Result<F::Output> {
        let executor = Arc::new(Executor::new());
        let handle = Handle::Thread(Arc::downgrade(&executor));
        let _restore = Restore(CURRENT.replace(handle.clone()));
        Ok(smol::block_on(executor.run(async { main(Self(handle)).await })))
    }

    fn current() -> io::Result<Self> {
        Ok(Self(CURRENT.with_borrow(Clone::clone)))
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        match &self.0 {
            // An executor that is gone drops what it gets, as it has dropped the rest.
            Handle::Thread(executor) => {
                if let Some(executor) = executor.upgrade() {
                    // A panic would end the thread: the panic hook has reported it, and nobody waits for the result.
                    // Not in an async block, which would take the room of the future twice.
                    executor.spawn(AssertUnwindSafe(future).catch_unwind()).detach();
                }
            }
            Handle::Global => smol::spawn(future).detach(),
        }
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        smol::unblock(work).detach();
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
