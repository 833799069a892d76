//! A WebSocket, as applications have it: messages both ways.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::future::{Future, poll_fn};
use core::task::{Context, Poll};

use super::{BoxFuture, Response};
use crate::ws::{CloseCode, Closed, Message};

/// The function that takes over a WebSocket.
///
/// The server polls the future in the task of the connection. When it completes, an open WebSocket is closed with 1000;
/// when it panics, with 1011. When the client leaves, the handler receives [`Closed`], and [`WebSocket::closed`]
/// completes. A handler that has not completed some time after that is dropped.
pub type OnWebSocket = Box<dyn FnOnce(WebSocket) -> BoxFuture<()> + Send>;

/// A WebSocket. Clones are handles of the same connection: one may receive while others send.
///
/// Pings are answered and the closing handshake is completed by the server, whatever the application does.
#[derive(Clone)]
pub struct WebSocket(Arc<dyn Socket>);

impl WebSocket {
    /// Creates a handle for the socket of a server.
    pub fn new(socket: Arc<dyn Socket>) -> Self {
        Self(socket)
    }

    /// Receives the next message. Messages that arrived before the end come first.
    ///
    /// # Errors
    /// The WebSocket has ended. Every later call returns the same error.
    pub async fn receive(&self) -> Result<Message, Closed> {
        poll_fn(|cx| self.poll_receive(cx)).await
    }

    /// As [`receive`](Self::receive). One task can wait at a time.
    pub fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<Message, Closed>> {
        self.0.poll_receive(cx)
    }

    /// Sends a message, and waits for room while the client reads slowly.
    ///
    /// # Errors
    /// The WebSocket has ended, or is closing: the message was not sent.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Closed> {
        let mut message = Some(message.into());
        poll_fn(|cx| self.poll_send(cx, &mut message)).await
    }

    /// As [`send`](Self::send). Ready once the message has been taken out of `message`. Any number of tasks can wait.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn poll_send(&self, cx: &mut Context<'_>, message: &mut Option<Message>) -> Poll<Result<(), Closed>> {
        self.0.poll_send(cx, message)
    }

    /// Completes when the client has closed the WebSocket or has left, or when this side has closed. For handlers that
    /// only send: without it, they learn of the end when they next send.
    ///
    /// Messages that came before the end may not have been received yet. While the closing handshake of the client waits
    /// for them, [`send`](Self::send) still works. The future does not borrow the handle.
    ///
    /// ```
    /// use stelo_core::app::WebSocket;
    ///
    /// /// Waits for the client to leave, in a task of its own.
    /// fn watch(socket: &WebSocket) -> impl Future<Output = ()> + Send + 'static {
    ///     let closed = socket.closed();
    ///     async {
    ///         println!("closed with {}", closed.await.code);
    ///     }
    /// }
    /// ```
    pub fn closed(&self) -> impl Future<Output = Closed> + Send + 'static + use<> {
        self.0.clone().closed()
    }

    /// Begins the closing handshake. Messages sent before still arrive; nothing can be sent afterwards, and
    /// [`receive`](Self::receive) returns the end. A code that must not be sent becomes 1000 (1005 sends none), and a
    /// reason is cut to 123 bytes. Does nothing if the WebSocket has ended.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.0.close(code, reason);
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebSocket")
    }
}

/// The server's side of a [`WebSocket`].
pub trait Socket: Send + Sync {
    /// See [`WebSocket::poll_receive`].
    fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<Message, Closed>>;

    /// See [`WebSocket::poll_send`].
    fn poll_send(&self, cx: &mut Context<'_>, message: &mut Option<Message>) -> Poll<Result<(), Closed>>;

    /// See [`WebSocket::closed`].
    fn closed(self: Arc<Self>) -> BoxFuture<Closed>;

    /// See [`WebSocket::close`].
    fn close(&self, code: CloseCode, reason: &str);
}

impl Response {
    /// Accepts the handshake of a [WebSocket request](super::Request::is_websocket); `run` takes over. The server adds
    /// status and fields of the handshake, except `sec-websocket-protocol`, by which the application chooses one of
    /// the protocols [offered](crate::ws::protocols).
    ///
    /// ```
    /// use stelo_core::app::{App, Reply, Request, Response, WebSocket};
    ///
    /// struct Echo;
    ///
    /// impl App for Echo {
    ///     fn call(&self, _: Request) -> Reply {
    ///         Response::websocket(async |socket: WebSocket| {
    ///             while let Ok(message) = socket.receive().await {
    ///                 if socket.send(message).await.is_err() {
    ///                     break;
    ///                 }
    ///             }
    ///         })
    ///         .into()
    ///     }
    /// }
    /// ```
    pub fn websocket<F>(run: impl FnOnce(WebSocket) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut response = Self::default();
        let run = super::Upgrade::WebSocket(Box::new(|socket| Box::pin(run(socket))));
        response.upgrade = Some(Box::new(run));
        response
    }
}
