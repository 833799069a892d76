//! Hang-ups, from what tokio has noted of a socket.
//!
//! The system reports a hang-up as an event (`EPOLLRDHUP`, `EPOLLHUP`), even while there are unread bytes. tokio notes it
//! for good, but unread bytes keep the socket readable, so waiting for it completes at once. [`forget_readable`] removes
//! the note that it is readable: then the task waits for the next event. The stream remembers that there may be bytes to
//! read.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use stelo_runtime::Hangup;
use tokio::io::{Interest, Ready};
use tokio::net::{TcpStream, UnixStream};

/// The methods that TCP and Unix sockets of tokio share.
pub(crate) trait Socket {
    /// Waits for one of the events in `interest`; returns those that have occurred.
    fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<Ready>>;

    /// Runs `operation` if an event in `interest` is noted; removes the note if it returns `WouldBlock`.
    fn try_io(&self, interest: Interest, operation: impl FnOnce() -> io::Result<()>) -> io::Result<()>;
}

macro_rules! socket {
    ($($socket:ty)+) => {
        $(
            impl Socket for $socket {
                fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<Ready>> {
                    self.ready(interest)
                }

                fn try_io(
                    &self,
                    interest: Interest,
                    operation: impl FnOnce() -> io::Result<()>,
                ) -> io::Result<()> {
                    self.try_io(interest, operation)
                }
            }
        )+
    };
}

socket!(TcpStream UnixStream);

/// Returns the hang-up that has been noted.
pub(crate) fn noted(socket: &impl Socket) -> Option<Hangup> {
    // A socket is nearly always writable, so this completes at once, and leaves no waker behind if it does not.
    let all = Interest::READABLE | Interest::WRITABLE;
    let ready = match pin!(socket.ready(all)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(ready)) => ready,
        // The runtime has shut down.
        Poll::Ready(Err(_)) => return Some(Hangup::Gone),
        Poll::Pending => return None,
    };
    if ready.is_write_closed() {
        Some(Hangup::Gone)
    } else {
        ready.is_read_closed().then_some(Hangup::HalfClosed)
    }
}

/// Removes the note that the socket is readable. tokio keeps it if an event has come meanwhile, and never forgets a
/// hang-up.
pub(crate) fn forget_readable(socket: &impl Socket) {
    // Fails by design: `WouldBlock` is what removes the note.
    let _ = socket.try_io(Interest::READABLE, || Err(io::ErrorKind::WouldBlock.into()));
}
