//! The seam between Stelo and an executor.
//!
//! [`Runtime`] is the one trait that an executor has to satisfy: spawn, sleep, now, bind, accept, read, write,
//! signals, blocking work. It knows nothing of HTTP. An adapter implements it once; the server is generic over it.

#[cfg(feature = "check")]
pub mod check;
mod clock;
#[cfg(any(test, feature = "check"))]
mod folder;
pub mod sendfile;
pub mod signals;
pub mod socket;
pub mod system;
pub mod timers;

use std::fs::File;
use std::future::Future;
use std::io::{self, IoSlice};
use std::path::PathBuf;
use std::task::{Context, Poll};
use std::time::Duration;

pub use clock::Clock;
pub use stelo_core::Instant;
pub use stelo_core::app::Address;

/// An executor with its timers and sockets. Values are handles: cheap to clone, valid on every thread.
pub trait Runtime: Clone + Send + Sync + 'static {
    /// The word that `--loop` knows it by.
    const NAME: &'static str;

    /// A socket that is bound, but does not listen yet.
    type Socket: Send + 'static;
    /// A socket that listens.
    type Listener: Listener<Stream = Self::Stream>;
    /// A connection.
    type Stream: Stream;
    /// A timer.
    type Sleep: Sleep;
    /// The signals that the process gets.
    type Signals: Signals;

    /// Makes an executor for this thread alone, and runs the future on it until it completes. What was spawned
    /// and has not ended by then is dropped.
    ///
    /// # Errors
    /// The system refuses what the executor needs.
    fn block_on<F: Future>(main: impl FnOnce(Self) -> F) -> io::Result<F::Output>;

    /// The executor that runs the calling task.
    ///
    /// # Errors
    /// There is none, and the adapter has no default.
    fn current() -> io::Result<Self>;

    /// Runs a future beside the others. A panic ends that future alone.
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static);

    /// Has the task of `cx` polled again, after others that have something to do: those whose sockets have become ready
    /// too.
    fn yield_now(&self, cx: &mut Context<'_>) {
        cx.waker().wake_by_ref();
    }

    /// Runs `work`, which may block, on a thread where it delays nobody.
    fn blocking(&self, work: Box<dyn FnOnce() + Send>);

    /// The monotonic time.
    fn now(&self) -> Instant;

    /// The time since 1970.
    fn unix_time(&self) -> Duration;

    /// A timer that completes at `deadline`.
    fn sleep(&self, deadline: Instant) -> Self::Sleep;

    /// Binds a socket.
    ///
    /// # Errors
    /// The address is taken, not ours, or not allowed.
    fn bind(&self, bind: &Bind) -> io::Result<Self::Socket>;

    /// Another socket at the address of this one, for another thread: a socket of its own where the system can deal
    /// out connections (TCP, `SO_REUSEPORT`), else the same one again (Unix, inherited). Unlike binding twice with
    /// [`reuse_port`](Bind::Tcp::reuse_port), the first [`bind`](Self::bind) still notices that somebody else has the
    /// address. Call it before [`listen`](Self::listen).
    ///
    /// # Errors
    /// The system refuses.
    fn share(&self, socket: &Self::Socket) -> io::Result<Self::Socket>;

    /// Has a bound socket listen, with this executor as the one that accepts from it.
    ///
    /// # Errors
    /// The system refuses.
    fn listen(&self, socket: Self::Socket, backlog: u32) -> io::Result<Self::Listener>;

    /// The address that a socket is bound to.
    ///
    /// # Errors
    /// The system refuses.
    fn local_address(&self, socket: &Self::Socket) -> io::Result<Address>;

    /// Catches `SIGINT` and `SIGTERM` from now on.
    ///
    /// # Errors
    /// The system refuses.
    fn signals(&self) -> io::Result<Self::Signals>;
}

/// The part of [`Runtime`] that every real executor has from the operating system: its clocks, and sockets before they
/// listen. Stands among the items of an `impl Runtime`.
#[macro_export]
macro_rules! operating_system {
    () => {
        type Socket = $crate::socket::Socket;

        fn now(&self) -> $crate::Instant {
            $crate::Clock::now()
        }

        fn unix_time(&self) -> ::std::time::Duration {
            $crate::Clock::unix_time()
        }

        fn bind(&self, bind: &$crate::Bind) -> ::std::io::Result<Self::Socket> {
            $crate::socket::Socket::bind(bind)
        }

        fn share(&self, socket: &Self::Socket) -> ::std::io::Result<Self::Socket> {
            socket.share()
        }

        fn local_address(&self, socket: &Self::Socket) -> ::std::io::Result<$crate::Address> {
            socket.local_address()
        }
    };
}

/// What to bind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Bind {
    /// A TCP address; port 0 lets the system choose. IPv6 sockets take IPv6 only.
    Tcp {
        /// Where.
        address: std::net::SocketAddr,
        /// Whether several sockets share the address (`SO_REUSEPORT`), the system dealing out connections.
        reuse_port: bool,
    },
    /// A Unix stream socket. A socket file that nobody listens on any more is replaced.
    Unix(PathBuf),
    /// A stream socket inherited from the parent process, by the number of its descriptor.
    Fd(i32),
}

/// A socket that listens.
pub trait Listener: Send + 'static {
    /// What it accepts.
    type Stream;

    /// The next connection, `TCP_NODELAY` set where it is TCP.
    ///
    /// # Errors
    /// That one connection was lost, or the process is out of descriptors: the listener itself goes on.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Stream>>;
}

/// A connection: bytes both ways. Nothing is buffered in between.
pub trait Stream: Send + Unpin + 'static {
    /// Reads into `buf`; 0 when the peer has ended its side. Tries first, and waits only where nothing is there.
    ///
    /// # Errors
    /// The connection is broken.
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes some of `buf`.
    ///
    /// # Errors
    /// The connection is broken.
    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>>;

    /// Writes some of `bufs`, in one system call.
    ///
    /// # Errors
    /// The connection is broken.
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Writes some of `before`, and right behind it some of `file`: `len` bytes at most, from `offset` on, which the system
    /// takes from the file by itself. Says how many bytes of both have been written; 0 where the file has ended.
    ///
    /// # Errors
    /// The connection is broken; or nothing was written, because the system cannot do it (`Unsupported`): read the file,
    /// and write.
    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        before: &[IoSlice<'_>],
        file: &File,
        offset: u64,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        let _ = (cx, before, file, offset, len);
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    /// Ends our side: the peer reads the end, and can go on sending.
    ///
    /// # Errors
    /// The connection is broken.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// The address of the peer; `None` for a Unix socket without a name.
    fn peer_address(&self) -> Option<Address>;

    /// Our address on this connection.
    fn local_address(&self) -> Option<Address>;
}

/// A timer: a future that completes at its deadline.
pub trait Sleep: Future<Output = ()> + Send + Unpin + 'static {
    /// Moves the deadline; a completed timer is alive again.
    fn reset(&mut self, deadline: Instant);
}

/// A signal that asks the process to end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Signal {
    /// `SIGINT`: Ctrl+C
    Interrupt,
    /// `SIGTERM`
    Terminate,
}

/// The signals that the process gets. Dropping it lets them have their default effect again, where that is possible.
pub trait Signals: Send + 'static {
    /// The next signal.
    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<Signal>;
}
