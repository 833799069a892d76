//! The transport of a protocol: the socket of a connection, or one stream of a multiplexed connection.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::task::{Context, Poll};

use stelo_core::app::{Address, Tls};
use stelo_runtime::{Hangup, Stream};

use super::http::StreamIo;
use crate::thread::Shared;
#[cfg(feature = "tls")]
use crate::tls::TlsStream;

/// Bytes in both directions.
pub(super) enum Transport<S> {
    /// The socket itself.
    Plain(S),
    /// TLS over the socket.
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<S>>),
    /// A stream that a multiplexed connection carries.
    Stream(Box<StreamIo>),
}

impl<S: Stream> Transport<S> {
    /// Begins TLS over the socket, if the server has a certificate. `None` if it is not able to begin.
    pub(super) fn secure(self, shared: &Shared) -> Option<Self> {
        match (self, shared) {
            #[cfg(feature = "tls")]
            (Self::Plain(io), Shared { tls: Some(acceptor), .. }) => {
                TlsStream::new(io, acceptor.config()).ok().map(|io| Self::Tls(Box::new(io)))
            }
            (plain, _) => Some(plain),
        }
    }

    /// Returns the application protocol that was agreed on (ALPN, RFC 7301): only encrypted transports have one.
    pub(super) fn alpn(&self) -> Option<&[u8]> {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.alpn(),
            Self::Plain(_) | Self::Stream(_) => None,
        }
    }

    /// Returns the facts of the TLS session, if the transport is encrypted.
    pub(super) fn tls(&self) -> Option<Arc<Tls>> {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(io) => Some(Arc::new(io.facts())),
            Self::Plain(_) => None,
            Self::Stream(io) => io.connection().tls.clone(),
        }
    }

    /// Completes when bytes can be exchanged.
    ///
    /// # Errors
    /// The handshake has failed: [`poll_reject`](Self::poll_reject) tells the peer.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = &cx;
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.poll_handshake(cx),
            Self::Plain(_) | Self::Stream(_) => Poll::Ready(Ok(())),
        }
    }

    /// Whether the handshake has failed because the peer speaks plain HTTP.
    pub(super) fn is_plain_http(&self) -> bool {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.is_plain_http(),
            Self::Plain(_) | Self::Stream(_) => false,
        }
    }

    /// Completes when the peer knows that the handshake has failed.
    pub(super) fn poll_reject(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = &cx;
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.poll_reject(cx).map(drop),
            Self::Plain(_) | Self::Stream(_) => Poll::Ready(()),
        }
    }

    /// Sends what waits in the transport.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = &cx;
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.poll_flush(cx),
            Self::Plain(_) | Self::Stream(_) => Poll::Ready(Ok(())),
        }
    }

    /// Notes that the connection ends inside a message, so that the transport does not end in order.
    pub(super) fn cut_off(&mut self) {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.cut_off(),
            Self::Plain(_) | Self::Stream(_) => {}
        }
    }

    /// Sends what waits in the transport, and that it ends, before the socket is closed.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = &cx;
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.poll_finish(cx),
            Self::Plain(_) | Self::Stream(_) => Poll::Ready(Ok(())),
        }
    }

    /// Whether the socket can be closed without [`poll_finish`](Self::poll_finish).
    pub(super) fn is_finished(&self) -> bool {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.is_finished(),
            Self::Plain(_) | Self::Stream(_) => true,
        }
    }

    /// Whether no bytes wait in the transport.
    pub(super) fn is_flushed(&self) -> bool {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.is_flushed(),
            Self::Plain(_) | Self::Stream(_) => true,
        }
    }
}

impl<S: Stream> Stream for Transport<S> {
    #[inline(always)]
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(io) => io.poll_read(cx, buf),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.poll_read(cx, buf),
            Self::Stream(io) => io.poll_read(cx, buf),
        }
    }

    #[inline(always)]
    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(io) => io.poll_write(cx, buf),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.poll_write(cx, buf),
            Self::Stream(io) => io.poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(io) => io.poll_write_vectored(cx, bufs),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.poll_write_vectored(cx, bufs),
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
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.poll_send_file(cx, before, file, offset, len),
            Self::Stream(_) => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(io) => io.poll_close(cx),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.poll_close(cx),
            Self::Stream(io) => {
                io.close();
                Poll::Ready(Ok(()))
            }
        }
    }

    fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<Hangup> {
        match self {
            Self::Plain(io) => io.poll_hangup(cx),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.poll_hangup(cx),
            Self::Stream(io) => io.poll_hangup(cx),
        }
    }

    fn peer_address(&self) -> Option<Address> {
        match self {
            Self::Plain(io) => io.peer_address(),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.peer_address(),
            Self::Stream(io) => io.connection().peer.clone(),
        }
    }

    fn local_address(&self) -> Option<Address> {
        match self {
            Self::Plain(io) => io.local_address(),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.local_address(),
            Self::Stream(io) => io.connection().local.clone(),
        }
    }
}
