//! The contract between Stelo and an executor.
//!
//! [`Runtime`] is the one trait that an executor has to satisfy: tasks, timers, sockets, signals, blocking work. It
//! knows nothing of HTTP and makes no system call; `stelo-os` has what adapters of real executors share. An adapter
//! implements the trait once, and the server is generic over it.
//!
//! | module | contents |
//! |---|---|
//! | the root | [`Runtime`], and the traits of what it makes |
//! | [`timers`] | a timer queue, for executors whose own timers are expensive |
//! | `check` | the test suite that every adapter runs (feature `check`) |

#[cfg(feature = "check")]
pub mod check;
mod signal;
mod socket;
pub mod timers;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::task::Context;
use std::time::Duration;

pub use signal::{Signal, Signals};
pub use socket::{Bind, Hangup, KeepAlive, Listener, Stream};
pub use stelo_core::Instant;
pub use stelo_core::app::Address;

/// An executor with its timers and sockets. Values are handles: cheap to clone, and valid on every thread.
///
/// ```
/// use std::time::Duration;
///
/// use stelo_runtime::Runtime;
///
/// /// Measures how late the timers of an executor are.
/// fn lateness<R: Runtime>() -> std::io::Result<Duration> {
///     R::block_on(|runtime: R| async move {
///         let deadline = runtime.now() + Duration::from_millis(10);
///         runtime.sleep(deadline).await;
///         runtime.now() - deadline
///     })
/// }
/// ```
pub trait Runtime: Clone + Send + Sync + 'static {
    /// The name of the executor on the command line (`--loop`).
    const NAME: &'static str;

    /// A socket that is bound, but does not listen yet.
    type Socket: Send + 'static;
    /// A listening socket.
    type Listener: Listener<Stream = Self::Stream>;
    /// A connection.
    type Stream: Stream;
    /// A timer.
    type Sleep: Sleep;
    /// A subscription to signals.
    type Signals: Signals;

    /// Makes an executor for the calling thread, and runs the future on it until it completes. Drops the tasks that
    /// have not ended by then.
    ///
    /// # Errors
    /// Returns an error if the system refuses the resources that the executor needs, and `Deadlock` if the caller runs on
    /// an executor that does not allow its threads to wait for another one.
    fn block_on<F: Future>(main: impl FnOnce(Self) -> F) -> io::Result<F::Output>;

    /// Returns the executor that runs the calling task.
    ///
    /// # Errors
    /// Returns an error outside of a task, if the executor has no default.
    fn current() -> io::Result<Self>;

    /// Spawns a task. A panic ends that task only.
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static);

    /// Wakes the task of `cx`, but lets other ready tasks run first, and those whose sockets have become ready.
    fn yield_now(&self, cx: &mut Context<'_>) {
        cx.waker().wake_by_ref();
    }

    /// Runs blocking work on a thread that is meant for it.
    fn blocking(&self, work: Box<dyn FnOnce() + Send>);

    /// Returns the monotonic time.
    fn now(&self) -> Instant;

    /// Returns the time since 1970-01-01 UTC.
    fn unix_time(&self) -> Duration;

    /// Returns a timer that completes at `deadline`.
    fn sleep(&self, deadline: Instant) -> Self::Sleep;

    /// Binds a socket.
    ///
    /// # Errors
    /// Returns an error if the address is in use, not available, or not permitted.
    fn bind(&self, bind: &Bind) -> io::Result<Self::Socket>;

    /// Returns another socket at the same address, for another thread. The system distributes connections between
    /// separate TCP sockets (`SO_REUSEPORT`); Unix and inherited sockets are duplicated.
    ///
    /// The first [`bind`](Self::bind) is exclusive, so it fails if another program has the address. Call this before
    /// [`listen`](Self::listen).
    ///
    /// # Errors
    /// Returns an error if the system refuses.
    fn share(&self, socket: &Self::Socket) -> io::Result<Self::Socket>;

    /// Sets TCP keep-alive for the connections that a TCP socket will accept. They inherit it, so that accepting costs no
    /// further system call. Does nothing for Unix sockets, and by default.
    ///
    /// # Errors
    /// Returns an error if the system refuses the values.
    fn set_keep_alive(&self, socket: &Self::Socket, keep_alive: KeepAlive) -> io::Result<()> {
        let _ = (socket, keep_alive);
        Ok(())
    }

    /// Starts to listen. This executor accepts the connections.
    ///
    /// # Errors
    /// Returns an error if the system refuses.
    fn listen(&self, socket: Self::Socket, backlog: u32) -> io::Result<Self::Listener>;

    /// Returns the address that a socket is bound to.
    ///
    /// # Errors
    /// Returns an error if the system refuses.
    fn local_address(&self, socket: &Self::Socket) -> io::Result<Address>;

    /// Opens a connection to a TCP address or a Unix socket; sets `TCP_NODELAY` on TCP connections. Dropping the future
    /// abandons the attempt.
    ///
    /// ```
    /// use stelo_runtime::{Address, Runtime};
    ///
    /// async fn is_open<R: Runtime>(runtime: &R, port: u16) -> bool {
    ///     let address = Address::Ip(([127, 0, 0, 1], port).into());
    ///     runtime.connect(&address).await.is_ok()
    /// }
    /// ```
    ///
    /// # Errors
    /// Returns `ConnectionRefused` if no program listens there, `HostUnreachable` or `NetworkUnreachable` without a
    /// route, `TimedOut` if the peer does not answer in the time that the system allows (about two minutes on Linux),
    /// and `NotFound` if the Unix socket does not exist. A Unix socket whose queue is full gives `WouldBlock`.
    fn connect(
        &self,
        address: &Address,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send + 'static + use<Self>;

    /// Looks up the addresses of a host, in the order in which to try them. A literal IP address gives itself. Dropping
    /// the future abandons the result.
    ///
    /// # Errors
    /// Returns an error if the name does not exist, or the lookup fails.
    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static + use<Self>;

    /// Subscribes to signals. From now on they do not have their default effect.
    ///
    /// # Errors
    /// Returns an error if the system refuses.
    fn signals(&self, signals: &[Signal]) -> io::Result<Self::Signals>;
}

/// A timer: a future that completes at its deadline.
pub trait Sleep: Future<Output = ()> + Send + Unpin + 'static {
    /// Moves the deadline. A completed timer becomes pending again.
    fn reset(&mut self, deadline: Instant);
}

/// The README. Its example is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
