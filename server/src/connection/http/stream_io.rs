//! Bytes over a stream of a multiplexed connection, for the tunnel or WebSocket that runs there.
//!
//! Reads take from the request body of the stream, and writes go to the response body.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use stelo_core::Bytes;
use stelo_core::app::{self, BoxFuture, Connection, Peer};
use stelo_core::body::{Body, Demand, Frame, Sender};
use stelo_runtime::Hangup;

/// The most bytes of one write.
const PIECE: usize = 16 << 10;

/// Bytes in both directions, over the bodies of an exchange.
pub(in crate::connection) struct StreamIo {
    incoming: Body,
    /// Bytes that were received and not read.
    rest: Bytes,
    /// `None` once the sending side has ended.
    outgoing: Option<Sender>,
    context: Arc<app::Context>,
    /// Completes when the client has left; made when it is first asked for.
    disconnected: Option<BoxFuture<Peer>>,
}

impl StreamIo {
    pub(super) fn new(incoming: Body, outgoing: Sender, context: Arc<app::Context>) -> Self {
        Self { incoming, rest: Bytes::new(), outgoing: Some(outgoing), context, disconnected: None }
    }

    /// Returns the facts of the connection that carries the stream.
    pub(in crate::connection) fn connection(&self) -> &Connection {
        self.context.connection()
    }

    /// Reads into `buf`; returns 0 once the peer has ended its side.
    pub(in crate::connection) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        while self.rest.is_empty() {
            match ready!(self.incoming.poll_frame(cx)) {
                Some(Ok(Frame::Data(bytes))) => self.rest = bytes,
                Some(Ok(Frame::Trailers(_))) => {}
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Ok(0)),
            }
        }
        let n = self.rest.len().min(buf.len());
        buf[..n].copy_from_slice(&self.rest[..n]);
        self.rest.advance(n);
        Poll::Ready(Ok(n))
    }

    /// Writes part of `buf`.
    pub(in crate::connection) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(outgoing) = &self.outgoing else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        match outgoing.poll_demand(cx) {
            Demand::Full => return Poll::Pending,
            Demand::Abandoned => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Demand::Unasked | Demand::Wanted => {}
        }
        let piece = &buf[..buf.len().min(PIECE)];
        match outgoing.try_send(Frame::Data(piece.to_vec().into())) {
            Ok(()) => Poll::Ready(Ok(piece.len())),
            Err(_) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Completes when the client of the stream has left.
    pub(in crate::connection) fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<Hangup> {
        let context = &self.context;
        let disconnected = self.disconnected.get_or_insert_with(|| {
            let context = context.clone();
            Box::pin(async move { context.disconnected().await })
        });
        let peer = ready!(disconnected.as_mut().poll(cx));
        self.disconnected = None;
        Poll::Ready(if peer == Peer::Gone { Hangup::Gone } else { Hangup::HalfClosed })
    }

    /// Ends the sending side, as a dropped connection ends.
    pub(in crate::connection) fn close(&mut self) {
        if let Some(outgoing) = self.outgoing.take() {
            outgoing.finish();
        }
    }
}

impl Drop for StreamIo {
    fn drop(&mut self) {
        self.close();
    }
}
