//! The transport of a protocol: the socket of a connection, or one stream of a multiplexed connection.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::task::{Context, Poll};

use stelo_core::app::Address;
use stelo_runtime::{Hangup, Stream};

use super::http::StreamIo;

/// Bytes in both directions. Encryption will be a variant of its own.
pub(super) enum Transport<S> {
    /// The socket itself.
    Plain(S),
    /// A stream that a multiplexed connection carries.
    Stream(Box<StreamIo>),
}

impl<S> Transport<S> {
    /// Returns the application protocol that was agreed on (ALPN, RFC 7301): only encrypted transports have one.
    pub(super) fn alpn(&self) -> Option<&[u8]> {
        match self {
            Self::Plain(_) | Self::Stream(_) => None,
        }
    }
}

impl<S: Stream> Stream for Transport<S> {
    #[inline(always)]
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(io) => io.poll_read(cx, buf),
            Self::Stream(io) => io.poll_read(cx, buf),
        }
    }

    #[inline(always)]
    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(io) => io.poll_write(cx, buf),
            Self::Stream(io) => io.poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(io) => io.poll_write_vectored(cx, bufs),
            Self::Stream(io) => {
                let first = bufs.iter().find(|buf| !buf.is_empty());
                io.poll_write(cx, first.map_or(&[], |buf| buf))
            }
        }
    }

    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        before: &[IoSlice<'_>],
        file: BorrowedFd<'_>,
        offset: u64,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(io) => io.poll_send_file(cx, before, file, offset, len),
            Self::Stream(_) => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(io) => io.poll_close(cx),
            Self::Stream(io) => {
                io.close();
                Poll::Ready(Ok(()))
            }
        }
    }

    fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<Hangup> {
        match self {
            Self::Plain(io) => io.poll_hangup(cx),
            Self::Stream(io) => io.poll_hangup(cx),
        }
    }

    fn peer_address(&self) -> Option<Address> {
        match self {
            Self::Plain(io) => io.peer_address(),
            Self::Stream(io) => io.connection().peer.clone(),
        }
    }

    fn local_address(&self) -> Option<Address> {
        match self {
            Self::Plain(io) => io.local_address(),
            Self::Stream(io) => io.connection().local.clone(),
        }
    }
}
