//! Upgrades of a connection or stream: bytes or messages both ways after HTTP.

use alloc::boxed::Box;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::{BoxError, BoxFuture, OnWebSocket};

/// The function that takes over a connection or stream after a switch of protocols.
pub enum Upgrade {
    /// Bytes both ways, after a response of 101 to `Upgrade`, or of 2xx to CONNECT.
    Tunnel(OnTunnel),
    /// Messages both ways: see [`Response::websocket`](super::Response::websocket).
    WebSocket(OnWebSocket),
}

impl Upgrade {
    /// Creates a tunnel for `run`.
    pub fn tunnel<F>(run: impl FnOnce(Tunnel) -> F + Send + 'static) -> Box<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Box::new(Self::Tunnel(Box::new(|tunnel| Box::pin(run(tunnel)))))
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tunnel(_) => "Tunnel",
            Self::WebSocket(_) => "WebSocket",
        })
    }
}

/// The function that takes over a [`Tunnel`].
pub type OnTunnel = Box<dyn FnOnce(Tunnel) -> BoxFuture<()> + Send>;

/// Bytes both ways, over a socket or over a stream of a multiplexed connection.
pub struct Tunnel(Pin<Box<dyn Duplex>>);

impl Tunnel {
    /// Creates a tunnel over `io`.
    pub fn new(io: impl Duplex + 'static) -> Self {
        Self(Box::pin(io))
    }

    /// Reads into `buf` and returns the number of bytes, 0 at the end.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn read(&mut self, buf: &mut [u8]) -> Result<usize, BoxError> {
        core::future::poll_fn(|cx| self.0.as_mut().poll_read(cx, buf)).await
    }

    /// Writes all of `buf`.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn write_all(&mut self, mut buf: &[u8]) -> Result<(), BoxError> {
        while !buf.is_empty() {
            let n = core::future::poll_fn(|cx| self.0.as_mut().poll_write(cx, buf)).await?;
            buf = buf.get(n..).unwrap_or_default();
        }
        Ok(())
    }

    /// Ends the sending side.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn close(&mut self) -> Result<(), BoxError> {
        core::future::poll_fn(|cx| self.0.as_mut().poll_close(cx)).await
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tunnel")
    }
}

/// The bytes behind a [`Tunnel`]: a socket, or a stream of a multiplexed connection.
pub trait Duplex: Send {
    /// Reads into `buf` and returns the number of bytes, 0 at the end.
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8])
    -> Poll<Result<usize, BoxError>>;

    /// Writes some of `buf` and returns the number of bytes.
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize, BoxError>>;

    /// Ends the sending side.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>>;
}
