//! The handshake of a WebSocket (RFC 6455 section 4.2), and what follows HTTP.

use std::fmt::Display;
use std::sync::Arc;

use stelo_core::app::{OnTunnel, OnWebSocket, Response};
use stelo_core::body::Length;
use stelo_core::http::{Headers, RequestHead, Status};
use stelo_core::ws::{self, Agreed, Handshake};
use tracing::warn;

use crate::log::SERVER;

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
    /// The target of the request, for the log.
    pub(in crate::connection) target: Box<str>,
}

/// Checks a request that asks for a WebSocket. Returns the response if it is invalid.
pub(super) fn check(head: &RequestHead, length: Length) -> Result<Box<Handshake>, Box<Response>> {
    match Handshake::check(head) {
        Err(refusal) => Err(refuse(refusal.status(), refusal.headers(), &refusal)),
        Ok(_) if !matches!(length, Length::None | Length::Known(0)) => {
            Err(refuse(Status::BAD_REQUEST, Headers::new(), &"a WebSocket handshake has no body"))
        }
        Ok(handshake) => Ok(Box::new(handshake)),
    }
}

fn refuse(status: Status, headers: Headers, why: &dyn Display) -> Box<Response> {
    warn!(target: SERVER, "Invalid WebSocket handshake received: {why}");
    let mut response = Response::text(status, format!("{why}\n"));
    response.headers.append_all(&headers);
    Box::new(response)
}
