//! `TraceContext`: the place of a request in a distributed trace (W3C Trace Context, level 1).

use std::fmt;
use std::sync::Arc;

use stelo_core::app::Reply;
use stelo_core::http::Headers;

use super::reply::traced;
use super::{Middleware, Next};
use crate::random;
use crate::request::Request;

/// The longest `tracestate` that is passed on, in bytes (Trace Context section 3.3.1.5).
const MAX_STATE: usize = 512;

/// Reads the fields `traceparent` and `tracestate`, and puts a [`Trace`] into the extensions of the request and into the
/// span of its log lines (`request{trace_id=.. span_id=..}`).
///
/// A request without a valid `traceparent` begins a trace. A handler that calls another server sends the trace on:
///
/// ```
/// use stelo_toolkit::middleware::{Trace, TraceContext};
/// use stelo_toolkit::{App, Extension, TestClient, get};
///
/// /// Returns the field for a request to another server.
/// async fn call(Extension(trace): Extension<Trace>) -> String { trace.to_string() }
///
/// let client = TestClient::new(App::new().middleware(TraceContext::new()).route("/", get(call)));
/// let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let sent = client.get("/").header("traceparent", parent).send().text();
/// assert!(sent.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && sent.ends_with("-01"));
/// assert_ne!(sent, parent);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceContext {
    restart: bool,
    sampled: bool,
}

impl TraceContext {
    /// Creates the middleware. It continues the traces of clients, and samples those that it begins.
    pub const fn new() -> Self {
        Self { restart: false, sampled: true }
    }

    /// Sets whether each request begins a trace, whatever the client sends. For servers whose clients are not trusted.
    #[must_use]
    pub const fn restart(self, restart: bool) -> Self {
        Self { restart, ..self }
    }

    /// Sets whether traces that begin here are marked as sampled. They are by default.
    #[must_use]
    pub const fn sampled(self, sampled: bool) -> Self {
        Self { sampled, ..self }
    }
}

impl Default for TraceContext {
    fn default() -> Self {
        Self::new()
    }
}

/// The place of a request in a distributed trace. Displays as the `traceparent` of requests that its handler sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    trace_id: u128,
    parent_id: Option<u64>,
    span_id: u64,
    sampled: bool,
    state: Option<Arc<str>>,
}

impl Trace {
    /// Returns the identifier of the trace, not 0.
    pub fn trace_id(&self) -> u128 {
        self.trace_id
    }

    /// Returns the identifier of the span of the client. `None` if the trace begins here.
    pub fn parent_id(&self) -> Option<u64> {
        self.parent_id
    }

    /// Returns the identifier of the span of this request, not 0.
    pub fn span_id(&self) -> u64 {
        self.span_id
    }

    /// Whether the trace is recorded.
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// Returns the field `tracestate`, to be sent on unchanged.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Begins a trace.
    fn begin(sampled: bool) -> Self {
        let trace_id = u128::from_be_bytes(random::bytes()).max(1);
        Self { trace_id, parent_id: None, span_id: new_id(), sampled, state: None }
    }

    /// Continues the trace of a client. `None` if the fields are missing or invalid.
    fn continued(headers: &Headers) -> Option<Self> {
        let mut parents = headers.get_all("traceparent");
        let (Some(parent), None) = (parents.next(), parents.next()) else { return None };
        let (trace_id, parent_id, sampled) = parse(parent)?;
        let states: Vec<_> = headers.get_all("tracestate").map(String::from_utf8_lossy).collect();
        let state = Some(states.join(",")).filter(|state| !state.is_empty() && state.len() <= MAX_STATE);
        let parent_id = Some(parent_id);
        Some(Self { trace_id, parent_id, span_id: new_id(), sampled, state: state.map(Into::into) })
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

fn new_id() -> u64 {
    u64::from_be_bytes(random::bytes()).max(1)
}

/// Parses a `traceparent` (section 3.2): the identifiers of the trace and of the parent, and whether it is sampled.
fn parse(field: &[u8]) -> Option<(u128, u64, bool)> {
    let (known, rest) = field.split_at_checked(55)?;
    let text = std::str::from_utf8(known).ok()?;
    let [version, trace, parent, flags] = split(text)?;
    // A later version may add parts behind another `-`. Version ff is invalid.
    let is_complete = if version == "00" { rest.is_empty() } else { matches!(rest, [] | [b'-', ..]) };
    if version == "ff" || !is_complete {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok().filter(|&id| id != 0)?;
    let parent = u64::from_str_radix(parent, 16).ok().filter(|&id| id != 0)?;
    Some((trace, parent, u8::from_str_radix(flags, 16).ok()? & 1 == 1))
}

/// Splits the four parts of lower-case hexadecimal digits.
fn split(text: &str) -> Option<[&str; 4]> {
    let mut parts = text.split('-');
    let mut part = |len| {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        parts.next().filter(|part| part.len() == len && part.bytes().all(is_digit))
    };
    Some([part(2)?, part(32)?, part(16)?, part(2)?])
}

impl Middleware for TraceContext {
    fn call(&self, mut request: Request, next: Next) -> Reply {
        let continued = if self.restart { None } else { Trace::continued(request.headers()) };
        let trace = continued.unwrap_or_else(|| Trace::begin(self.sampled));
        let span = tracing::info_span!(
            "request",
            trace_id = format_args!("{:032x}", trace.trace_id),
            span_id = format_args!("{:016x}", trace.span_id),
        );
        request.extensions_mut().insert(trace);
        traced(span, request, next)
    }
}
