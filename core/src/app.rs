//! The contract between servers and applications: what ASGI is to Python.
//!
//! A request goes in, a response comes out, bodies stream both ways, an upgrade hands over a WebSocket or the connection, start-up
//! and shutdown are part of it. Any server that keeps this contract runs any application that keeps it, with or
//! without the toolkit. The futures of an application are `Send`, so one application runs unchanged on every
//! executor; what it needs of the executor it asks from the [`Executor`] that comes with each request.
//!
//! ```
//! use stelo_core::app::{App, Reply, Request, Response};
//!
//! struct Hello;
//!
//! impl App for Hello {
//!     fn call(&self, request: Request) -> Reply {
//!         Reply::from(Response::new(format!("you asked for {}", request.head().path())))
//!     }
//! }
//! ```

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::error::Error;
use core::fmt;
use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::sync::atomic::{AtomicU8, Ordering};
use core::task::{Context, Poll};
use core::time::Duration;

use atomic_waker::AtomicWaker;

use crate::body::Body;
use crate::http::{Headers, RequestHead, Status};

mod websocket;

pub use websocket::{OnWebSocket, Socket, WebSocket};

/// A boxed future that can move between threads.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Any error, boxed.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// An application: what a server runs.
pub trait App: Send + Sync + 'static {
    /// Answers a request.
    ///
    /// The server polls the future in the task of the connection and drops it when the client is gone for good;
    /// what must go on belongs into [`Executor::spawn`] or [`Response::background`]. A panic is answered with 500.
    fn call(&self, request: Request) -> Reply;

    /// Called once, before the first request. An error ends the start of the server.
    fn startup(&self, executor: Arc<dyn Executor>) -> BoxFuture<Result<(), BoxError>> {
        let _ = executor;
        Box::pin(core::future::ready(Ok(())))
    }

    /// Called once, after the last response.
    fn shutdown(&self) -> BoxFuture<Result<(), BoxError>> {
        Box::pin(core::future::ready(Ok(())))
    }
}

/// What an application may ask of the executor that runs it, without knowing which.
pub trait Executor: Send + Sync {
    /// Runs a future beside the others. The server waits for it at shutdown, within the graceful timeout.
    fn spawn(&self, future: BoxFuture<()>);

    /// Completes after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<()>;

    /// Runs `work`, which may block, on a thread of its own.
    fn blocking(&self, work: Box<dyn FnOnce() + Send>);
}

/// A request: its head, its body, and the connection on which it came.
#[derive(Debug)]
pub struct Request {
    head: Arc<RequestHead>,
    body: Body,
    connection: Arc<Connection>,
    websocket: bool,
}

impl Request {
    /// Puts a request together.
    pub fn new(head: Arc<RequestHead>, body: Body, connection: Arc<Connection>) -> Self {
        Self { head, body, connection, websocket: false }
    }

    /// The handshake of a WebSocket, which a server has looked at and would complete.
    pub fn handshake(head: Arc<RequestHead>, connection: Arc<Connection>) -> Self {
        Self { head, body: Body::empty(), connection, websocket: true }
    }

    /// Whether the client asks for a WebSocket. [`Response::websocket`] accepts, any other response declines.
    pub fn is_websocket(&self) -> bool {
        self.websocket
    }

    /// Method, target, header fields.
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// The head, to be changed by middleware. Copies it where someone else holds it too.
    pub fn head_mut(&mut self) -> &mut RequestHead {
        Arc::make_mut(&mut self.head)
    }

    /// The body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The body, to be read or replaced.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// The connection on which the request came.
    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Head, body and connection.
    pub fn into_parts(self) -> (Arc<RequestHead>, Body, Arc<Connection>) {
        (self.head, self.body, self.connection)
    }
}

/// A connection, as applications see it: who is at its ends, and whether the client is still there.
pub struct Connection {
    /// The client.
    pub client: Option<Address>,
    /// The address of ours that the client has connected to.
    pub server: Option<Address>,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The path under which a proxy serves the application: empty, or `/prefix` without a slash at the end.
    pub root_path: Arc<str>,
    /// The executor that runs the application.
    pub executor: Arc<dyn Executor>,
    peer: AtomicU8,
    waker: AtomicWaker,
}

impl Connection {
    /// A connection over which both sides can still talk.
    pub fn new(
        client: Option<Address>,
        server: Option<Address>,
        scheme: &'static str,
        root_path: Arc<str>,
        executor: Arc<dyn Executor>,
    ) -> Self {
        let peer = AtomicU8::new(Peer::Present as u8);
        Self { client, server, scheme, root_path, executor, peer, waker: AtomicWaker::new() }
    }

    /// Whether the client is still there, as far as is known by now.
    pub fn peer(&self) -> Peer {
        match self.peer.load(Ordering::Acquire) {
            0 => Peer::Present,
            1 => Peer::HalfClosed,
            _ => Peer::Gone,
        }
    }

    /// Tells the application what has become of the client. It never comes back: an earlier state is ignored.
    pub fn set_peer(&self, peer: Peer) {
        if self.peer.fetch_max(peer as u8, Ordering::AcqRel) < peer as u8 {
            self.waker.wake();
        }
    }

    /// Completes when the client is known to be no longer [`Peer::Present`]. One task can wait at a time.
    pub async fn disconnected(&self) -> Peer {
        core::future::poll_fn(|cx| {
            self.waker.register(cx.waker());
            match self.peer() {
                Peer::Present => Poll::Pending,
                peer => Poll::Ready(peer),
            }
        })
        .await
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("client", &self.client)
            .field("server", &self.server)
            .field("scheme", &self.scheme)
            .field("root_path", &self.root_path)
            .field("peer", &self.peer())
            .finish_non_exhaustive()
    }
}

/// What has become of the client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Peer {
    /// Nothing has been heard to the contrary.
    Present = 0,
    /// It will send no more. Most likely it has left, but it may be waiting for its answer, and gets it.
    HalfClosed = 1,
    /// It has left: no answer will reach it.
    Gone = 2,
}

/// One end of a connection.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Address {
    /// Address and port.
    Ip(SocketAddr),
    /// The path of a Unix socket.
    Unix(Arc<str>),
}

impl fmt::Display for Address {
    /// `127.0.0.1:8000`, `::1:8000` (without brackets, as Uvicorn has it), or the path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => write!(f, "{}:{}", address.ip(), address.port()),
            Self::Unix(path) => f.write_str(path),
        }
    }
}

/// The answer to a request: at hand, or to come.
pub enum Reply {
    /// At hand.
    Ready(Response),
    /// To come.
    Future(BoxFuture<Response>),
}

impl Reply {
    /// An answer to come.
    pub fn future(future: impl Future<Output = Response> + Send + 'static) -> Self {
        Self::Future(Box::pin(future))
    }
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Self::Ready(response)
    }
}

impl Future for Reply {
    type Output = Response;

    /// Like any future, not to be polled again after it has completed: it would answer with an empty 500.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        match &mut *self {
            Self::Ready(response) => {
                let spent = Response::empty(Status::INTERNAL_SERVER_ERROR);
                Poll::Ready(core::mem::replace(response, spent))
            }
            Self::Future(future) => future.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(response) => response.fmt(f),
            Self::Future(_) => f.write_str("Reply(to come)"),
        }
    }
}

/// A response.
///
/// What frames the message (`content-length`, `transfer-encoding`, `connection`) and the server's own fields (`date`,
/// `server`) are added by the server, where the application has not set them.
#[derive(Default)]
pub struct Response {
    /// The status.
    pub status: Status,
    /// The header fields.
    pub headers: Headers,
    /// The body.
    pub body: Body,
    /// Runs after the response has been sent, or has failed to be.
    pub background: Option<BoxFuture<()>>,
    /// What takes over the connection after this response. In a box, so that the others, which most are, stay small.
    pub upgrade: Option<Box<Upgrade>>,
}

/// What takes over a connection that leaves HTTP.
pub enum Upgrade {
    /// Bytes both ways, after a response of 101, or of 2xx to CONNECT.
    Tunnel(OnTunnel),
    /// Messages both ways: see [`Response::websocket`].
    WebSocket(OnWebSocket),
}

impl Upgrade {
    /// Bytes both ways, for `run`.
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

/// What takes over a [`Tunnel`].
pub type OnTunnel = Box<dyn FnOnce(Tunnel) -> BoxFuture<()> + Send>;

impl Response {
    /// A response of status 200 with this body and no header fields.
    pub fn new(body: impl Into<Body>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// A response of this status, without a body.
    pub fn empty(status: Status) -> Self {
        Self { status, ..Self::default() }
    }

    /// A response of this status, with a text as its body.
    pub fn text(status: Status, text: impl Into<Body>) -> Self {
        const TEXT: Headers =
            Headers::constant("content-type: text/plain; charset=utf-8").expect("a header field");
        Self { status, headers: TEXT, body: text.into(), background: None, upgrade: None }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:?}", self.status, self.headers, self.body)
    }
}

/// A connection that has left HTTP: bytes both ways, those that the peer had sent ahead first.
pub struct Tunnel(Pin<Box<dyn Duplex>>);

impl Tunnel {
    /// A tunnel over `io`.
    pub fn new(io: impl Duplex + 'static) -> Self {
        Self(Box::pin(io))
    }

    /// Reads into `buf`; 0 at the end.
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

    /// Says that nothing more will be written.
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

/// Bytes both ways: what a server gives to a [`Tunnel`].
pub trait Duplex: Send {
    /// Reads into `buf`; 0 at the end.
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8])
    -> Poll<Result<usize, BoxError>>;

    /// Writes some of `buf`.
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize, BoxError>>;

    /// Says that nothing more will be written.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They are handed on many times for each request.
    #[test]
    fn bodies_and_replies_are_no_larger_than_what_most_of_them_hold() {
        assert_eq!(size_of::<Body>(), size_of::<crate::Bytes>());
        assert_eq!(size_of::<Reply>(), size_of::<Response>());
        // Up to this size it is copied in place.
        assert!(size_of::<Response>() <= 128);
    }
}
