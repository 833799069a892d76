//! `SIGINT` and `SIGTERM` as bytes on a socket, which is all that an adapter has to wait for.
//!
//! A signal handler may do next to nothing, but it may write: it writes one byte per signal into a socket pair, and
//! [`Signals`] reads the other end through the adapter's own [`Stream`]. While a [`Signals`] lives, the signals have no
//! other effect of ours; once the last one is dropped, they end the process again. Handlers that other code has
//! registered through `signal-hook` (tokio does) are called in either case.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use signal_hook::SigId;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use crate::{Signal, Stream};

/// The signals that the process gets, read through a stream `S` of the adapter.
#[derive(Debug)]
pub struct Signals<S> {
    // Before the streams, so that no handler writes to a socket that nobody reads.
    _handlers: Handlers,
    interrupt: S,
    terminate: S,
}

impl<S: Stream> Signals<S> {
    /// Catches the signals from now on. `adapt` makes a non-blocking socket a stream of the adapter.
    ///
    /// # Errors
    /// The system refuses the sockets or the handlers, or `adapt` fails.
    pub fn new(adapt: impl Fn(UnixStream) -> io::Result<S>) -> io::Result<Self> {
        let (interrupt, on_interrupt) = UnixStream::pair()?;
        let (terminate, on_terminate) = UnixStream::pair()?;
        interrupt.set_nonblocking(true)?;
        terminate.set_nonblocking(true)?;
        let (interrupt, terminate) = (adapt(interrupt)?, adapt(terminate)?);
        Ok(Self { _handlers: Handlers::install(on_interrupt, on_terminate)?, interrupt, terminate })
    }
}

impl<S: Stream> crate::Signals for Signals<S> {
    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        let sources = [(Signal::Interrupt, &mut self.interrupt), (Signal::Terminate, &mut self.terminate)];
        for (signal, source) in sources {
            if let Poll::Ready(Ok(1)) = source.poll_read(cx, &mut [0]) {
                return Poll::Ready(signal);
            }
        }
        Poll::Pending
    }
}

/// Ends the process as the signal would have, had nobody caught it: whoever waits for the process sees that signal as
/// the cause. For a server that has been asked to stop, and has stopped.
///
/// # Errors
/// The system refuses; else it does not return.
pub fn end_by(signal: Signal) -> io::Result<()> {
    low_level::emulate_default_handler(match signal {
        Signal::Interrupt => SIGINT,
        Signal::Terminate => SIGTERM,
    })
}

/// The handlers of one [`Signals`].
#[derive(Debug)]
struct Handlers([SigId; 2]);

/// Whether the signals end the process.
static FATAL: AtomicBool = AtomicBool::new(true);

/// What all [`Handlers`] share.
#[derive(Debug)]
struct Shared {
    /// How many there are.
    alive: usize,
    /// Whether the handlers that look at [`FATAL`] are in place; they stay for good.
    installed: bool,
}

fn shared() -> MutexGuard<'static, Shared> {
    static SHARED: Mutex<Shared> = Mutex::new(Shared { alive: 0, installed: false });
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Handlers {
    fn install(on_interrupt: UnixStream, on_terminate: UnixStream) -> io::Result<Self> {
        let mut shared = shared();
        if !shared.installed {
            flag::register_conditional_default(SIGINT, &FATAL)?;
            flag::register_conditional_default(SIGTERM, &FATAL)?;
            shared.installed = true;
        }
        let interrupt = low_level::pipe::register(SIGINT, on_interrupt)?;
        let terminate = low_level::pipe::register(SIGTERM, on_terminate).inspect_err(|_| {
            low_level::unregister(interrupt);
        })?;
        shared.alive += 1;
        FATAL.store(false, Ordering::SeqCst);
        Ok(Self([interrupt, terminate]))
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        let mut shared = shared();
        shared.alive -= 1;
        FATAL.store(shared.alive == 0, Ordering::SeqCst);
        for handler in self.0 {
            low_level::unregister(handler);
        }
    }
}
