//! A connection that has left HTTP, as the application gets it.

use std::pin::Pin;
use std::task::{Context, Poll};

use stelo_core::app::{BoxError, Duplex, OnTunnel, Tunnel};
use stelo_runtime::{Runtime, Stream};
use tracing::error;

use super::http::StreamIo;
use super::transport::Transport;
use crate::contain::catch;
use crate::log::SERVER;
use crate::thread::Thread;

/// Runs a tunnel in a task of its own.
pub(super) fn spawn<R: Runtime>(thread: &Thread<R>, io: Upgraded<R::Stream>, run: OnTunnel) {
    match catch(|| run(Tunnel::new(io))) {
        Ok(task) => thread.executor.spawn(task),
        Err(message) => error!(target: SERVER, "Panic in the application, tunnel: {message}"),
    }
}

/// A transport, and the bytes that the peer has sent ahead.
pub(super) struct Upgraded<S> {
    pub(super) io: Transport<S>,
    pub(super) ahead: Vec<u8>,
}

impl<S> Upgraded<S> {
    /// A tunnel over a stream of a multiplexed connection.
    pub(super) fn stream(io: StreamIo) -> Self {
        Self { io: Transport::Stream(Box::new(io)), ahead: Vec::new() }
    }
}

impl<S: Stream> Duplex for Upgraded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize, BoxError>> {
        if self.ahead.is_empty() {
            return self.io.poll_read(cx, buf).map_err(Into::into);
        }
        let n = buf.len().min(self.ahead.len());
        for (slot, byte) in buf.iter_mut().zip(self.ahead.drain(..n)) {
            *slot = byte;
        }
        Poll::Ready(Ok(n))
    }

    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize, BoxError>> {
        self.io.poll_write(cx, buf).map_err(Into::into)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.io.poll_close(cx).map_err(Into::into)
    }
}
