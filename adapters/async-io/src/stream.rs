//! Connections.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll};

use stelo_os::send_file;
use stelo_os::socket::{self, Ends};
use stelo_runtime::Address;

use crate::io::{Io, Place};
use crate::source::Direction;

/// A connection: TCP or Unix.
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(Io<TcpStream>, Ends),
    Unix(Io<UnixStream>),
}

/// Runs `$body` on the socket, whatever its kind.
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
    pub(crate) fn from_tcp(stream: TcpStream, ends: Ends, place: &Place) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        socket::set_nodelay(&stream)?;
        Ok(Self(Kind::Tcp(Io::new(stream, place)?, ends)))
    }

    /// A Unix connection in non-blocking mode.
    pub(crate) fn from_unix(stream: UnixStream, place: &Place) -> io::Result<Self> {
        Ok(Self(Kind::Unix(Io::new(stream, place)?)))
    }
}

impl stelo_runtime::Stream for Stream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let room = buf.len();
        // A read that takes less than it could leaves nothing. The end is read again and again.
        let drained = |n: &usize| 0 < *n && *n < room;
        either!(&mut self.0, io => io.poll(Direction::Read, cx, |mut io| io.read(buf), drained))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let drained = |n: &usize| *n < buf.len();
        either!(&mut self.0, io => io.poll(Direction::Write, cx, |mut io| io.write(buf), drained))
    }

    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        // How much it could be is not counted: the next write finds out.
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
        // Less than was asked for may be the end of the file.
        let drained = |_: &usize| false;
        either!(&mut self.0, io => {
            io.poll(Direction::Write, cx, |io| send_file(io, before, file, offset, len), drained)
        })
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(either!(&self.0, io => io.get_ref().shutdown(Shutdown::Write)))
    }

    fn peer_address(&self) -> Option<Address> {
        match &self.0 {
            Kind::Tcp(_, ends) => Some(Address::Ip(ends.peer)),
            Kind::Unix(io) => socket::peer_address(io.get_ref()).ok()?,
        }
    }

    fn local_address(&self) -> Option<Address> {
        match &self.0 {
            Kind::Tcp(_, Ends { local: Some(local), .. }) => Some(Address::Ip(*local)),
            kind => either!(kind, io => socket::local_address(io.get_ref()).ok()?),
        }
    }
}

#[cfg(test)]
mod tests;
