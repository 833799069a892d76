//! Connections.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::os::unix;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use stelo_os::send_file;
use stelo_os::socket::{self, Connecting, Ends};
use stelo_runtime::{Address, Hangup};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::hangup::{self, forget_readable};

/// A connection: TCP or Unix.
#[derive(Debug)]
pub struct Stream {
    kind: Kind,
    /// Whether there may be bytes to read although tokio has no note of it: see [`forget_readable`].
    unread: bool,
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
    #[inline(always)]
    fn poll_noted(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(either!(&mut self.kind, io => Pin::new(io).poll_read(cx, &mut buf)))?;
        Poll::Ready(Ok(buf.filled().len()))
    }

    /// Reads first, whatever tokio has noted.
    #[cold]
    #[inline(never)]
    fn poll_unread(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            match either!(&self.kind, io => socket::read(io, buf)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    // A short read leaves nothing. Bytes that arrive later are an event, which tokio notes.
                    let short = |n: &usize| 0 < *n && *n < buf.len();
                    self.unread = result.as_ref().is_ok_and(|n| !short(n));
                    return match result {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.poll_noted(cx, buf),
                        read => Poll::Ready(read),
                    };
                }
            }
        }
    }
}

impl From<Kind> for Stream {
    fn from(kind: Kind) -> Self {
        Self { kind, unread: false }
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Kind::Unix(stream).into()
    }
}

impl stelo_runtime::Stream for Stream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.unread {
            return self.poll_unread(cx, buf);
        }
        self.poll_noted(cx, buf)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        // Usually writable: `try_write` skips tokio's budget and the registration of a waker.
        match either!(&self.kind, io => io.try_write(buf)) {
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
            self.unread = true;
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
