//! Stelo on tokio.
//!
//! [`Runtime::block_on`] makes a current-thread runtime, so threads share nothing. [`Runtime::current`] returns the
//! runtime that the program has made, of either flavour. That runtime needs its I/O enabled; on systems without
//! `timerfd`, such as macOS, its time too.
//!
//! ```
//! use stelo_runtime::Runtime;
//! use stelo_tokio::Tokio;
//!
//! let answer = Tokio::block_on(|runtime| async move {
//!     runtime.sleep(runtime.now() + std::time::Duration::from_millis(1)).await;
//!     42
//! })?;
//! assert_eq!(answer, 42);
//! # Ok::<(), std::io::Error>(())
//! ```

mod hangup;
mod listener;
mod queue;
mod sleep;
mod stream;

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use stelo_os::Clock;
use stelo_os::socket::Socket;
use stelo_runtime::{Address, Bind, Instant, KeepAlive, Runtime, Signal};
use tokio::runtime::{Builder, Handle, RuntimeFlavor};
use tokio::task;
use tokio::task::coop::consume_budget;

pub use listener::Listener;
use queue::Queue;
pub use sleep::Sleep;
pub use stream::Stream;

/// A runtime of tokio.
#[derive(Clone, Debug)]
pub struct Tokio {
    handle: Handle,
    queue: Arc<Queue>,
}

impl Tokio {
    fn new(handle: Handle) -> io::Result<Self> {
        let queue = {
            let _context = handle.enter();
            Queue::new()?
        };
        Ok(Self { handle, queue })
    }
}

/// Returns whether a call that waits for this program's tasks must not block the current thread. `idle` says that they
/// cannot make progress unless the runtime does.
///
/// That is so on the thread of a current-thread runtime, which would have to run them. It is also so on any runtime once
/// the current task has used up its budget: resources of tokio are pending until the task returns to the runtime.
pub fn forbids_blocking(idle: bool) -> bool {
    let is_alone = |handle: &Handle| handle.runtime_flavor() == RuntimeFlavor::CurrentThread;
    let stops_runtime = idle && Handle::try_current().as_ref().is_ok_and(is_alone);
    stops_runtime || !task::coop::has_budget_remaining()
}

/// A subscription to signals.
pub type Signals = stelo_os::signals::Signals<Stream>;

impl Runtime for Tokio {
    const NAME: &'static str = "tokio";

    type Socket = Socket;
    type Listener = Listener;
    type Stream = Stream;
    type Sleep = Sleep;
    type Signals = Signals;

    fn block_on<F: Future>(main: impl FnOnce(Self) -> F) -> io::Result<F::Output> {
        if is_inside() {
            return Err(io::ErrorKind::Deadlock.into());
        }
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = Self::new(runtime.handle().clone())?;
        let output = runtime.block_on(async { main(handle).await });
        // `drop` would wait for blocking work.
        runtime.shutdown_background();
        Ok(output)
    }

    fn current() -> io::Result<Self> {
        Handle::try_current().map_err(io::Error::other).and_then(Self::new)
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        // The task runs on without its handle.
        drop(self.handle.spawn(future));
    }

    fn yield_now(&self, cx: &mut Context<'_>) {
        // While a task is in the run queue, tokio checks the sockets only at intervals, so waking the task is not enough.
        let _ = pin!(task::yield_now()).poll(cx);
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        drop(self.handle.spawn_blocking(work));
    }

    fn now(&self) -> Instant {
        Clock::now()
    }

    fn unix_time(&self) -> Duration {
        Clock::unix_time()
    }

    fn sleep(&self, deadline: Instant) -> Sleep {
        Sleep::until(deadline, self.queue.clone())
    }

    fn bind(&self, bind: &Bind) -> io::Result<Socket> {
        Socket::bind(bind)
    }

    fn share(&self, socket: &Socket) -> io::Result<Socket> {
        socket.share()
    }

    fn local_address(&self, socket: &Socket) -> io::Result<Address> {
        socket.local_address()
    }

    fn set_keep_alive(&self, socket: &Socket, keep_alive: KeepAlive) -> io::Result<()> {
        socket.set_keep_alive(keep_alive)
    }

    fn listen(&self, socket: Socket, backlog: u32) -> io::Result<Listener> {
        let _context = self.handle.enter();
        Listener::new(socket.listen(backlog)?)
    }

    fn connect(
        &self,
        address: &Address,
    ) -> impl Future<Output = io::Result<Stream>> + Send + 'static + use<> {
        let _context = self.handle.enter();
        let stream = Stream::connect(address);
        async move {
            let mut stream = stream?;
            poll_fn(|cx| stream.poll_connected(cx)).await?;
            Ok(stream)
        }
    }

    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static + use<> {
        stelo_os::resolve(self, host, port)
    }

    fn signals(&self, signals: &[Signal]) -> io::Result<Signals> {
        let _context = self.handle.enter();
        Signals::new(signals, Stream::from_unix)
    }
}

/// Whether a runtime polls the caller, so that `block_on` would panic. Threads for blocking work have a handle too, and
/// may wait; but only a poll has a limited budget.
fn is_inside() -> bool {
    /// More than the budget of a poll, which is 128 operations.
    const BUDGET: usize = 256;
    let mut cx = Context::from_waker(Waker::noop());
    Handle::try_current().is_ok() && (0..BUDGET).any(|_| pin!(consume_budget()).poll(&mut cx).is_pending())
}

/// The README. Its example is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
