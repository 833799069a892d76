//! The handshake of a WebSocket (RFC 6455 section 4.2), and what follows HTTP.

use std::fmt::Display;
use std::sync::Arc;

use stelo_core::app::{OnTunnel, OnWebSocket, Response};
use stelo_core::body::Length;
use stelo_core::http::{Headers, RequestHead, Status};
use stelo_core::ws::{self, Agreed, Handshake};

/// The protocol that follows HTTP on a connection or stream.
pub(in crate::connection) enum Next {
    /// Bytes both ways.
    Tunnel(OnTunnel),
    /// A WebSocket.
    WebSocket(Box<Accepted>),
}

/// A WebSocket that was accepted.
pub(in crate::connection) struct Accepted {
    pub(in crate::connection) run: OnWebSocket,
    pub(in crate::connection) agreed: Agreed,
    pub(in crate::connection) config: Arc<ws::Config>,
    /// The target of the request and its client, for the log.
    pub(in crate::connection) target: Box<str>,
}

/// An invalid handshake.
pub(super) struct Refusal {
    status: Status,
    headers: Headers,
    pub(super) why: String,
}

impl Refusal {
    fn new(status: Status, headers: Headers, why: impl Display) -> Self {
        Self { status, headers, why: why.to_string() }
    }

    /// Returns the response to the handshake.
    pub(super) fn response(&self) -> Box<Response> {
        let mut response = Response::text(self.status, format!("{}\n", self.why));
        response.headers.append_all(&self.headers);
        Box::new(response)
    }
}

/// Checks a request that asks for a WebSocket.
pub(super) fn check(head: &RequestHead, length: Length) -> Result<Box<Handshake>, Refusal> {
    match Handshake::check(head) {
        Err(refusal) => Err(Refusal::new(refusal.status(), refusal.headers(), refusal)),
        // The body of an extended CONNECT is the WebSocket.
        Ok(_) if head.protocol().is_none() && !matches!(length, Length::None | Length::Known(0)) => {
            Err(Refusal::new(Status::BAD_REQUEST, Headers::new(), "a WebSocket handshake has no body"))
        }
        Ok(handshake) => Ok(Box::new(handshake)),
    }
}
