//! Connections.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::os::unix;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use stelo_os::send_file;
use stelo_os::socket::{self, Ends};
use stelo_runtime::Address;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A connection: TCP or Unix.
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpStream, Ends),
    Unix(UnixStream),
}

/// Runs `$body` on the connection, whatever its kind.
macro_rules! either {
    ($stream:expr, $io:ident => $body:expr) => {
        match $stream {
            Kind::Tcp($io, _) => $body,
            Kind::Unix($io) => $body,
        }
    };
}

impl Stream {
    /// A TCP connection that was accepted.
    pub(crate) fn from_tcp(stream: TcpStream, ends: Ends) -> io::Result<Self> {
        socket::set_nodelay(&stream)?;
        Ok(Self(Kind::Tcp(stream, ends)))
    }

    /// A Unix connection in non-blocking mode, of the runtime that is entered.
    pub(crate) fn from_unix(stream: unix::net::UnixStream) -> io::Result<Self> {
        UnixStream::from_std(stream).map(Self::from)
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Self(Kind::Unix(stream))
    }
}

impl stelo_runtime::Stream for Stream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(either!(&mut self.0, io => Pin::new(io).poll_read(cx, &mut buf)))?;
        Poll::Ready(Ok(buf.filled().len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        // There is room most often, and who only tries asks neither for a budget nor for the place of a waker.
        match either!(&self.0, io => io.try_write(buf)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                either!(&mut self.0, io => Pin::new(io).poll_write(cx, buf))
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        either!(&mut self.0, io => Pin::new(io).poll_write_vectored(cx, bufs))
    }

    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        before: &[IoSlice<'_>],
        file: BorrowedFd<'_>,
        offset: u64,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        either!(&self.0, io => loop {
            ready!(io.poll_write_ready(cx))?;
            let send = || send_file(io, before, file, offset, len);
            match io.try_io(Interest::WRITABLE, send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        })
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.0, io => Pin::new(io).poll_shutdown(cx))
    }

    fn peer_address(&self) -> Option<Address> {
        match &self.0 {
            Kind::Tcp(_, ends) => Some(Address::Ip(ends.peer)),
            Kind::Unix(io) => socket::peer_address(io).ok()?,
        }
    }

    fn local_address(&self) -> Option<Address> {
        match &self.0 {
            Kind::Tcp(_, Ends { local: Some(local), .. }) => Some(Address::Ip(*local)),
            kind => either!(kind, io => socket::local_address(io).ok()?),
        }
    }
}
