//! A request, as an application gets it.

use alloc::sync::Arc;

use super::context::{Gone, Interim};
use super::{Connection, Context};
use crate::body::Body;
use crate::http::{Headers, RequestHead, Status};

/// A request: its head, its body, and its context.
#[derive(Debug)]
pub struct Request {
    head: Arc<RequestHead>,
    body: Body,
    context: Arc<Context>,
    /// Counts the requests of the context.
    exchange: u32,
    websocket: bool,
}

impl Request {
    /// Creates a request.
    pub fn new(head: Arc<RequestHead>, body: Body, context: Arc<Context>) -> Self {
        Self { head, body, context, exchange: 0, websocket: false }
    }

    /// Numbers the request. A server whose requests share a [`Context`] gives each another number, so that an interim
    /// response goes out with its own request only.
    #[must_use]
    pub fn numbered(mut self, exchange: u32) -> Self {
        self.exchange = exchange;
        self
    }

    /// Marks the request as a WebSocket handshake that the server has checked and can complete.
    #[must_use]
    pub fn with_handshake(mut self) -> Self {
        self.websocket = true;
        self
    }

    /// Whether the client asks for a WebSocket. [`Response::websocket`](super::Response::websocket) accepts, any other
    /// response declines.
    pub fn is_websocket(&self) -> bool {
        self.websocket
    }

    /// Returns method, target and header fields.
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// Returns the head, for middleware to change. Copies it if it is shared.
    pub fn head_mut(&mut self) -> &mut RequestHead {
        Arc::make_mut(&mut self.head)
    }

    /// Returns the body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Returns the body, to read or replace it.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// Returns the context: the identity of the client, and whether it is still connected.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Replaces the context, for middleware that knows the client better.
    pub fn set_context(&mut self, context: Arc<Context>) {
        self.context = context;
    }

    /// Returns the connection on which the request came.
    pub fn connection(&self) -> &Connection {
        self.context.connection()
    }

    /// Returns a handle that sends interim responses, such as 103 Early Hints (RFC 8297), before the final one.
    pub fn interim(&self) -> InterimSender {
        InterimSender::new(self.context.clone(), self.exchange)
    }

    /// Returns the [number](Self::numbered) of the request.
    pub fn number(&self) -> u32 {
        self.exchange
    }

    /// Splits the request into head, body and context.
    pub fn into_parts(self) -> (Arc<RequestHead>, Body, Arc<Context>) {
        (self.head, self.body, self.context)
    }
}

/// Sends interim responses (1xx) before the final response of a request.
#[derive(Clone, Debug)]
pub struct InterimSender {
    context: Arc<Context>,
    exchange: u32,
}

impl InterimSender {
    /// Creates the handle of the request of that [number](Request::number).
    pub fn new(context: Arc<Context>, number: u32) -> Self {
        Self { context, exchange: number }
    }

    /// Sends an interim response, and completes when the server has taken it.
    ///
    /// A server drops a response that is not allowed: one that is not 1xx, is 100 or 101, goes to an HTTP/1.0 client, or
    /// comes after the final response.
    ///
    /// # Errors
    /// The client has left.
    pub async fn send(&self, status: Status, headers: Headers) -> Result<(), Gone> {
        self.context.send_interim(Interim { status, headers, exchange: self.exchange }).await
    }
}
