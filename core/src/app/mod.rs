//! The contract between servers and applications: what ASGI is to Python.
//!
//! A request goes in and a response comes out. Bodies stream both ways, an upgrade hands over a WebSocket or a tunnel, and
//! start-up and shutdown are part of the contract. Any server that keeps it runs any application that keeps it, with or
//! without the toolkit. The futures of an application are `Send`, so it runs unchanged on every executor; each
//! connection carries the [`Executor`] that runs it.
//!
//! | of a request | of its connection |
//! |---|---|
//! | [`Context`]: client, scheme, root path, whether the client is still there | [`Connection`]: addresses of the socket, TLS session, executor |
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

mod connection;
mod context;
mod request;
mod response;
mod upgrade;
mod websocket;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::error::Error;
use core::fmt;
use core::future::Future;
use core::num::NonZeroUsize;
use core::pin::Pin;
use core::task;
use core::task::Poll;
use core::time::Duration;

pub use connection::{Address, Connection, Tls};
pub use context::{Context, Gone, Interim, Peer};
pub use request::{InterimSender, Request};
pub use response::Response;
pub use upgrade::{Duplex, OnTunnel, Tunnel, Upgrade};
pub use websocket::{OnWebSocket, Socket, WebSocket};

use crate::http::{RequestHead, Status};

/// A boxed future that can move between threads.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Any error, boxed.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// An application, which a server runs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an application",
    label = "not an application",
    note = "put a `Router` into one: `App::new().merge(router)`, or `App::new().mount(\"\", router)` if it has a fallback",
    note = "put a handler into a route: `App::new().route(\"/\", get(handler))`"
)]
pub trait App: Send + Sync + 'static {
    /// Answers a request.
    ///
    /// The server polls the future in the task of the connection and drops it when the client has left. Work that must
    /// go on belongs into [`Executor::spawn`] or [`Response::background`]. A panic is answered with 500.
    fn call(&self, request: Request) -> Reply;

    /// Returns the pattern of the route that answers a request, such as `/users/{id}`. `None`, the default, if there is no
    /// such route, or if the application does not say. Servers name requests by it in metrics, so there must be a bounded
    /// number of patterns.
    fn route(&self, head: &RequestHead, context: &Context) -> Option<&str> {
        let _ = (head, context);
        None
    }

    /// Called once, before the first request. An error ends the start of the server; the application undoes what it has
    /// begun. A server that is asked to stop meanwhile drops the future and calls [`shutdown`](Self::shutdown).
    fn startup(&self, executor: Arc<dyn Executor>) -> BoxFuture<Result<(), BoxError>> {
        let _ = executor;
        Box::pin(core::future::ready(Ok(())))
    }

    /// Called once, after the last response.
    fn shutdown(&self) -> BoxFuture<Result<(), BoxError>> {
        Box::pin(core::future::ready(Ok(())))
    }
}

/// The executor that runs an application.
pub trait Executor: Send + Sync {
    /// Runs a future in a task of its own. At shutdown the server waits for it, within the graceful timeout.
    fn spawn(&self, future: BoxFuture<()>);

    /// Completes after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<()>;

    /// Runs blocking `work` on another thread.
    fn blocking(&self, work: Box<dyn FnOnce() + Send>);

    /// Returns the number of threads that the operator allows an application for work that blocks. `None`, the default,
    /// leaves it to the application. Applications read it when they [start](App::startup).
    fn blocking_threads(&self) -> Option<NonZeroUsize> {
        None
    }

    /// Whether the operator lets an application run its hooks of start-up and shutdown. `true` by default. Applications
    /// read it when they [start](App::startup).
    fn lifespan(&self) -> bool {
        true
    }

    /// Completes when the server begins to stop, so that streams without an end can end. By default it never does.
    fn shutdown(&self) -> BoxFuture<()> {
        Box::pin(core::future::pending())
    }
}

/// The reply to a request: a response, or a future of one.
pub enum Reply {
    /// A response.
    Ready(Response),
    /// A future of a response.
    Future(BoxFuture<Response>),
}

impl Reply {
    /// Boxes a future of a response.
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

    /// Must not be polled after it has completed: it would return an empty 500.
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Response> {
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
            Self::Future(_) => f.write_str("Reply(future)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;

    /// They are moved many times for each request.
    #[test]
    fn bodies_and_replies_are_no_larger_than_what_most_of_them_hold() {
        assert_eq!(size_of::<Body>(), size_of::<crate::Bytes>());
        assert_eq!(size_of::<Reply>(), size_of::<Response>());
        // Up to this size it is copied in place.
        assert!(size_of::<Response>() <= 128);
    }
}
