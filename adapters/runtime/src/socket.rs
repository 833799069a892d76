//! Sockets as the server sees them: what to bind, listeners, and connections.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::Address;

/// The address of a listening socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Bind {
    /// A TCP address; the system chooses the port if it is 0. An IPv6 socket does not accept IPv4 connections.
    Tcp(SocketAddr),
    /// A TCP port of every address, for IPv6 and IPv4 with one socket; the system chooses the port if it is 0. IPv4
    /// clients have their IPv4 address in [`Stream::peer_address`].
    DualStack(u16),
    /// The path of a Unix stream socket. A socket file without a listener is replaced.
    Unix(PathBuf),
    /// The descriptor number of a stream socket, inherited from the parent process.
    Fd(i32),
}

/// TCP keep-alive: the probes that find a peer that has vanished without a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeepAlive {
    /// The time without a packet before the first probe. Systems count whole seconds.
    pub idle: Duration,
    /// The time between probes.
    pub interval: Duration,
    /// The number of probes without an answer that break the connection.
    pub probes: u32,
}

/// A listening socket.
pub trait Listener: Send + 'static {
    /// The connections that it accepts.
    type Stream;

    /// Accepts a connection; sets `TCP_NODELAY` on TCP connections.
    ///
    /// # Errors
    /// Returns an error if that one connection was lost, or the process has no free descriptors. The listener remains
    /// usable.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Stream>>;
}

/// The way in which the peer of a connection has hung up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Hangup {
    /// The peer has closed its sending side. It may still read. A TCP peer that has closed both sides looks the same
    /// until the next write.
    HalfClosed,
    /// Both sides are closed, or the connection was reset.
    Gone,
}

/// A connection: bytes in both directions, without a buffer of its own.
pub trait Stream: Send + Unpin + 'static {
    /// Reads into `buf`; returns 0 once the peer has closed its side. Tries to read first, and waits only if there is
    /// nothing to read.
    ///
    /// # Errors
    /// Returns an error if the connection is broken.
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes part of `buf`; returns how many bytes.
    ///
    /// # Errors
    /// Returns an error if the connection is broken.
    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>>;

    /// Writes part of `bufs` in one system call; returns how many bytes.
    ///
    /// # Errors
    /// Returns an error if the connection is broken.
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Writes part of `before`, followed by at most `len` bytes of `file` from `offset` on. The system reads the file
    /// by itself. Returns how many bytes of both were written, or 0 at the end of the file.
    ///
    /// # Errors
    /// Returns an error if the connection is broken. `Unsupported` means that nothing was written because the system
    /// cannot send this file: read it and write the bytes instead.
    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        before: &[IoSlice<'_>],
        file: BorrowedFd<'_>,
        offset: u64,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        let _ = (cx, before, file, offset, len);
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    /// Closes the sending side. The peer reads the end, and can still send.
    ///
    /// # Errors
    /// Returns an error if the connection is broken.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Waits for the peer to hang up, without reading: it completes even while there are unread bytes. A connection that
    /// is never polled by this method pays nothing for it.
    ///
    /// After [`Hangup::HalfClosed`] it completes at once, and gives [`Hangup::Gone`] if the peer has left since. It does
    /// not wait for that: a write fails then. This method and [`poll_read`](Self::poll_read) may share a waker, so poll
    /// both from the same task.
    fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<Hangup>;

    /// Returns the address of the peer; `None` for a Unix socket without a name. An IPv4-mapped address is given as IPv4.
    fn peer_address(&self) -> Option<Address>;

    /// Returns the local address of this connection; `None` for a Unix socket without a name. An IPv4-mapped address is
    /// given as IPv4.
    fn local_address(&self) -> Option<Address>;
}
