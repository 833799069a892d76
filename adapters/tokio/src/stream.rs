//! Connections.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::os::unix;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use stelo_os::send_file;
use stelo_os::socket::{self, Connecting, Ends};
use stelo_runtime::{Address, Hangup};
use tokio::io::{AsyncWrite, Interest};
use tokio::net::{TcpStream, UnixStream};

use crate::hangup::{self, forget_readable};

/// A connection: TCP or Unix.
#[derive(Debug)]
pub struct Stream {
    kind: Kind,
    next: Next,
}

/// The state of the socket at the next read.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// The task waits for a wake-up, or has just had it: most likely, tokio has noted that there are bytes.
    Woken,
    /// The last read was successful: most likely, nothing is left.
    AfterRead,
    /// There may be bytes although tokio has no note of it: see [`forget_readable`].
    Unread,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpStream, Ends),
    Unix(UnixStream),
}

/// Evaluates `$body` with the socket as `$io`, for either kind.
macro_rules! either {
    ($stream:expr, $io:ident => $body:expr) => {
        match $stream {
            Kind::Tcp($io, _) => $body,
            Kind::Unix($io) => $body,
        }
    };
}

impl Stream {
    /// Wraps an accepted TCP connection.
    pub(crate) fn from_tcp(stream: TcpStream, ends: Ends) -> io::Result<Self> {
        socket::set_nodelay(&stream)?;
        Ok(Kind::Tcp(stream, ends).into())
    }

    /// Registers a Unix connection in non-blocking mode with the current runtime.
    pub(crate) fn from_unix(stream: unix::net::UnixStream) -> io::Result<Self> {
        UnixStream::from_std(stream).map(Self::from)
    }

    /// Starts to connect, and registers the socket with the current runtime.
    pub(crate) fn connect(address: &Address) -> io::Result<Self> {
        match socket::connect(address)? {
            Connecting::Tcp(stream, peer) => {
                Ok(Kind::Tcp(TcpStream::from_std(stream)?, Ends { peer, local: None }).into())
            }
            Connecting::Unix(stream) => Self::from_unix(stream),
        }
    }

    /// Waits until the socket is connected.
    pub(crate) fn poll_connected(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&self.kind, io => loop {
            ready!(io.poll_write_ready(cx))?;
            match io.try_io(Interest::WRITABLE, || socket::connected(io)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                connected => return Poll::Ready(connected),
            }
        })
    }

    /// Reads if tokio has noted that there is something to read.
    ///
    /// tokio's own `poll_read` takes the budget of the task and the lock of its wakers for each read. Here only waiting
    /// for the note does, so the first read after a wake-up costs less.
    #[inline(always)]
    fn read_noted(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut short = None;
        let read = either!(&self.kind, io => io.try_io(Interest::READABLE, || match socket::read(io, buf)? {
            // A short read leaves nothing. This error removes the note; bytes that arrive later are an event.
            n if 0 < n && n < buf.len() => {
                short = Some(n);
                Err(io::ErrorKind::WouldBlock.into())
            }
            n => Ok(n),
        }));
        self.next = Next::AfterRead;
        short.map_or(read, Ok)
    }

    /// Reads first, whatever tokio has noted.
    #[cold]
    #[inline(never)]
    fn poll_unread(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            match either!(&self.kind, io => socket::read(io, buf)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.next = Next::AfterRead;
                    return stelo_runtime::Stream::poll_read(self, cx, buf);
                }
                read => {
                    // A short read leaves nothing, as above.
                    if read.as_ref().is_ok_and(|n| 0 < *n && *n < buf.len()) {
                        self.next = Next::AfterRead;
                    }
                    return Poll::Ready(read);
                }
            }
        }
    }
}

/// Whether a read has to be tried again, later or at once.
fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

impl From<Kind> for Stream {
    fn from(kind: Kind) -> Self {
        Self { kind, next: Next::Woken }
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Kind::Unix(stream).into()
    }
}

impl stelo_runtime::Stream for Stream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if let Next::Unread = self.next {
            return self.poll_unread(cx, buf);
        }
        loop {
            // Within the budget of the task, so that a peer that sends without end does not keep it.
            if let Next::AfterRead = self.next
                && either!(&self.kind, io => io.poll_read_ready(cx))?.is_pending()
            {
                self.next = Next::Woken;
                return Poll::Pending;
            }
            match self.read_noted(buf) {
                Err(error) if is_transient(&error) => {}
                read => return Poll::Ready(read),
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        // Usually writable: `try_io` skips tokio's budget and the registration of a waker.
        match either!(&self.kind, io => io.try_io(Interest::WRITABLE, || socket::write(io, buf))) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                either!(&mut self.kind, io => Pin::new(io).poll_write(cx, buf))
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        either!(&mut self.kind, io => Pin::new(io).poll_write_vectored(cx, bufs))
    }

    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        before: &[IoSlice<'_>],
        file: BorrowedFd<'_>,
        offset: u64,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        either!(&self.kind, io => loop {
            ready!(io.poll_write_ready(cx))?;
            let send = || send_file(io, before, file, offset, len);
            match io.try_io(Interest::WRITABLE, send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        })
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.kind, io => Pin::new(io).poll_shutdown(cx))
    }

    fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<Hangup> {
        loop {
            if let Some(hangup) = either!(&self.kind, io => hangup::noted(io)) {
                return Poll::Ready(hangup);
            }
            self.next = Next::Unread;
            either!(&self.kind, io => forget_readable(io));
            if ready!(either!(&self.kind, io => io.poll_read_ready(cx))).is_err() {
                // The runtime has shut down.
                return Poll::Ready(Hangup::Gone);
            }
        }
    }

    fn peer_address(&self) -> Option<Address> {
        match &self.kind {
            Kind::Tcp(_, ends) => Some(ends.peer.into()),
            Kind::Unix(io) => socket::peer_address(io).ok()?,
        }
    }

    fn local_address(&self) -> Option<Address> {
        match &self.kind {
            Kind::Tcp(_, Ends { local: Some(local), .. }) => Some((**local).into()),
            kind => either!(kind, io => socket::local_address(io).ok()?),
        }
    }
}
