//! Limits and timeouts: those of the server, and those of its HTTP/1.1 connections.
//!
//! The documentation of [`stelo_core::h1`] says which attack each of the latter answers.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use stelo_core::h1;

use super::Config;
use super::codec::Codec;
use super::codec::{Bytes, BytesOrOff, Count, CountOrOff, Number, Seconds, SecondsOrOff, Size};
use super::table::{Group, Setting, setting};

/// Limits of a server and of its HTTP/1.1 connections.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Limits {
    /// The number of connections that are served at a time; beyond it 503. Default: no limit.
    pub concurrency: Option<NonZeroUsize>,
    /// The number of requests that are answered before the server stops gracefully. Default: no limit.
    pub max_requests: Option<NonZeroU64>,
    /// The limits of an HTTP/1.1 connection.
    pub http: h1::Limits,
}

/// Timeouts of a server and of its HTTP/1.1 connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// The time that a stopping server waits for responses and background tasks. It then drops them. Default 30 s;
    /// Uvicorn has no limit.
    pub graceful_shutdown: Duration,
    /// The time that a client has for the TLS handshake. Default 10 s.
    pub ssl_handshake: Duration,
    /// The time that a client has to read responses after it has ended its side of the connection. Then a handler that is
    /// still pending is dropped, and so is a body of unknown length that waits for its producer. Responses that are
    /// ready and bodies of known length are still sent. Default 10 s.
    pub half_closed: Duration,
    /// The time that a proxy has for the header of the PROXY protocol. It answers clients that connect and send nothing.
    /// Default 5 s: a segment that is lost is sent again after 1 s and 3 s.
    pub proxy_protocol: Duration,
    /// The time without a byte in either direction after which a tunnel is closed: a connection that has left HTTP by 101
    /// or CONNECT, except for WebSockets, which have pings. `None` keeps it open. Default 10 minutes.
    pub tunnel_idle: Option<Duration>,
    /// The timeouts of an HTTP/1.1 connection.
    pub http: h1::Timeouts,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            graceful_shutdown: Duration::from_secs(30),
            ssl_handshake: Duration::from_secs(10),
            half_closed: Duration::from_secs(10),
            proxy_protocol: Duration::from_secs(5),
            tunnel_idle: Some(Duration::from_secs(600)),
            http: h1::Timeouts::default(),
        }
    }
}

impl Config {
    /// Sets [`Limits::concurrency`]; 0 means no limit.
    #[must_use]
    pub fn limit_concurrency(mut self, connections: usize) -> Self {
        self.limits.concurrency = NonZeroUsize::new(connections);
        self
    }

    /// Sets [`Limits::max_requests`]; 0 means no limit.
    #[must_use]
    pub fn limit_max_requests(mut self, requests: u64) -> Self {
        self.limits.max_requests = NonZeroU64::new(requests);
        self
    }

    /// Sets [`Limits::http`].
    #[must_use]
    pub fn http_limits(mut self, limits: h1::Limits) -> Self {
        self.limits.http = limits;
        self
    }

    /// Sets the `keep_alive` of [`Timeouts::http`].
    #[must_use]
    pub fn timeout_keep_alive(mut self, timeout: Duration) -> Self {
        self.timeouts.http.keep_alive = timeout;
        self
    }

    /// Sets [`Timeouts::graceful_shutdown`].
    #[must_use]
    pub fn timeout_graceful_shutdown(mut self, timeout: Duration) -> Self {
        self.timeouts.graceful_shutdown = timeout;
        self
    }

    /// Sets [`Timeouts::ssl_handshake`].
    #[must_use]
    pub fn timeout_ssl_handshake(mut self, timeout: Duration) -> Self {
        self.timeouts.ssl_handshake = timeout;
        self
    }

    /// Sets [`Timeouts::half_closed`].
    #[must_use]
    pub fn timeout_half_closed(mut self, timeout: Duration) -> Self {
        self.timeouts.half_closed = timeout;
        self
    }

    /// Sets [`Timeouts::tunnel_idle`].
    #[must_use]
    pub fn timeout_tunnel_idle(mut self, timeout: Option<Duration>) -> Self {
        self.timeouts.tunnel_idle = timeout;
        self
    }

    /// Sets [`Timeouts::http`].
    #[must_use]
    pub fn http_timeouts(mut self, timeouts: h1::Timeouts) -> Self {
        self.timeouts.http = timeouts;
        self
    }
}

pub(super) const GROUP: Group = Group {
    title: "Limits and timeouts",
    settings: &[
        setting!(
            "limit-concurrency",
            CountOrOff,
            limits.concurrency,
            "Maximum number of connections; others get 503"
        ),
        setting!(
            "limit-max-requests",
            CountOrOff,
            limits.max_requests,
            "Stop gracefully after this many requests"
        ),
        setting!(
            "limit-requests",
            CountOrOff,
            limits.http.requests,
            "Maximum number of requests on one connection"
        ),
        setting!(
            "limit-request-line",
            Size,
            limits.http.request_line,
            "Maximum length of the request line (else 414)"
        ),
        setting!("limit-method", Size, limits.http.method, "Maximum length of the method (else 501)"),
        setting!("limit-head", Size, limits.http.head, "Maximum size of all header fields (else 431)"),
        setting!(
            "limit-field-line",
            Size,
            limits.http.field_line,
            "Maximum size of one header field (else 431)"
        ),
        setting!("limit-fields", Count, limits.http.fields, "Maximum number of header fields (else 431)"),
        setting!("limit-body", BytesOrOff, limits.http.body, "Maximum size of a request body (else 413)"),
        setting!(
            "limit-body-rate",
            BytesOrOff,
            limits.http.body_rate,
            "Least bytes a second of a request body, after the first 10 seconds (else 408), or off"
        ),
        setting!(
            "limit-chunk-line",
            Size,
            limits.http.chunk_line,
            "Maximum length of a chunk-size line (else 400)"
        ),
        setting!(
            "limit-chunk-extensions",
            Bytes,
            limits.http.chunk_extensions,
            "Maximum size of all chunk extensions in a body (else 400)"
        ),
        setting!(
            "limit-trailers",
            Bytes,
            limits.http.trailers,
            "Maximum size of all trailer fields (else 431)"
        ),
        setting!(
            "limit-trailer-fields",
            Number,
            limits.http.trailer_fields,
            "Maximum number of trailer fields (else 431)"
        ),
        setting!(
            "limit-drain",
            Bytes,
            limits.http.drain,
            "Maximum unread body to discard before a connection is reused; beyond it the response says close"
        ),
        setting!(
            "limit-linger",
            Bytes,
            limits.http.linger,
            "Maximum number of bytes to discard in a lingering close"
        ),
        setting!(
            "limit-write-buffer",
            Size,
            limits.http.write_buffer,
            "Pause the application while more bytes wait to be sent"
        ),
        setting!(
            "timeout-head",
            Seconds,
            timeouts.http.head,
            "Maximum time for a complete request head (else 408)"
        ),
        setting!(
            "timeout-body",
            Seconds,
            timeouts.http.body,
            "Maximum time without a byte of the request body (else 408)"
        ),
        setting!(
            "timeout-write",
            Seconds,
            timeouts.http.write,
            "Close the connection if the client reads nothing for this time"
        ),
        setting!(
            "timeout-keep-alive",
            Seconds,
            timeouts.http.keep_alive,
            "Close idle connections after this time without a request"
        ),
        setting!(
            "timeout-keep-alive-min",
            Seconds,
            timeouts.http.keep_alive_min,
            "When stopping, answer requests on connections that have been idle for less than this time"
        ),
        setting!(
            "timeout-linger",
            Seconds,
            timeouts.http.linger,
            "Maximum wait for the client to read the last response before closing"
        ),
        setting!(
            "timeout-linger-read",
            Seconds,
            timeouts.http.linger_read,
            "The same inside a request: maximum time without a byte of its rest"
        ),
        setting!(
            "timeout-linger-total",
            Seconds,
            timeouts.http.linger_total,
            "Maximum time to discard the rest of a request after the last response"
        ),
        setting!(
            "timeout-ssl-handshake",
            Seconds,
            timeouts.ssl_handshake,
            "Maximum time for the TLS handshake"
        ),
        setting!(
            "timeout-half-closed",
            Seconds,
            timeouts.half_closed,
            "Maximum wait for a handler after its client has ended its side"
        ),
        setting!(
            "timeout-tunnel-idle",
            SecondsOrOff,
            timeouts.tunnel_idle,
            "Close a tunnel (101 or CONNECT, not WebSocket) after this time without a byte, or off"
        ),
        setting!(
            "timeout-graceful-shutdown",
            Seconds,
            timeouts.graceful_shutdown,
            "Maximum wait for responses and background tasks when stopping"
        ),
    ],
};
