//! Connections.

use std::io::{self, IoSlice, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll};

use stelo_os::send_file;
use stelo_os::socket::{self, Connecting, Ends};
use stelo_runtime::{Address, Hangup};

use crate::io::{Home, Io};
use crate::source::Direction;

/// A connection: TCP or Unix.
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(Io<TcpStream>, Ends),
    Unix(Io<UnixStream>),
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
    pub(crate) fn from_tcp(stream: TcpStream, ends: Ends, home: &Home) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        socket::set_nodelay(&stream)?;
        Ok(Self(Kind::Tcp(Io::new(stream, home)?, ends)))
    }

    /// Starts to connect.
    pub(crate) fn connect(address: &Address, home: &Home) -> io::Result<Self> {
        match socket::connect(address)? {
            Connecting::Tcp(stream, peer) => {
                Ok(Self(Kind::Tcp(Io::new(stream, home)?, Ends { peer, local: None })))
            }
            Connecting::Unix(stream) => Self::from_unix(stream, home),
        }
    }

    /// Waits until the socket is connected.
    pub(crate) fn poll_connected(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.0, io => io.poll(Direction::Write, cx, socket::connected, |()| false))
    }

    /// Wraps a Unix connection in non-blocking mode.
    pub(crate) fn from_unix(stream: UnixStream, home: &Home) -> io::Result<Self> {
        Ok(Self(Kind::Unix(Io::new(stream, home)?)))
    }
}

impl stelo_runtime::Stream for Stream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let room = buf.len();
        // A short read leaves nothing. Every read after the end returns 0.
        let drained = |n: &usize| 0 < *n && *n < room;
        either!(&mut self.0, io => io.poll(Direction::Read, cx, |io| socket::read(io, buf), drained))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let drained = |n: &usize| *n < buf.len();
        either!(&mut self.0, io => io.poll(Direction::Write, cx, |io| socket::write(io, buf), drained))
    }

    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        // The total length is not computed: the next write finds out.
        either!(&mut self.0, io => io.poll(Direction::Write, cx, |mut io| io.write_vectored(bufs), |_| false))
    }

    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        before: &[IoSlice<'_>],
        file: BorrowedFd<'_>,
        offset: u64,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        // A short result may be the end of the file.
        let drained = |_: &usize| false;
        either!(&mut self.0, io => {
            io.poll(Direction::Write, cx, |io| send_file(io, before, file, offset, len), drained)
        })
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(either!(&self.0, io => io.get_ref().shutdown(Shutdown::Write)))
    }

    fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<Hangup> {
        either!(&mut self.0, io => io.poll_hangup(cx))
    }

    fn peer_address(&self) -> Option<Address> {
        match &self.0 {
            Kind::Tcp(_, ends) => Some(ends.peer.into()),
            Kind::Unix(io) => socket::peer_address(io.get_ref()).ok()?,
        }
    }

    fn local_address(&self) -> Option<Address> {
        match &self.0 {
            Kind::Tcp(_, Ends { local: Some(local), .. }) => Some((**local).into()),
            kind => either!(kind, io => socket::local_address(io.get_ref()).ok()?),
        }
    }
}

#[cfg(test)]
mod tests;
