//! The access line of a response: what it has, and when it is written.
//!
//! A plain line has no bytes and no duration, so that of a complete response is written when the response is sent. A
//! [`Watch`] writes the other lines: it goes along with an exchange, and its end is that of the response.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stelo_core::app::{Address, Context};
use stelo_core::http::{Headers, Method, RequestHead, Status, header};
use tracing::{Level, enabled, field, info};

use super::ACCESS;
use super::pattern::Pattern;
use crate::config::{AccessFormat, Log, LogFormat};

/// The observation of the exchanges of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Nothing.
    Off,
    /// Each response has a line, without bytes and duration.
    Lines,
    /// Each exchange has a [`Watch`] from its start.
    Watched,
}

/// Counts exchanges.
pub(crate) trait Observer: Send + Sync {
    /// Counts a request that has begun.
    fn begin(&self);

    /// Counts a request that has ended, with the status and the bytes of its response. `None` if there was none.
    fn end(&self, head: &RequestHead, context: &Context, response: Option<(u16, u64)>, duration: Duration);
}

/// The work of watches at the end of an exchange.
pub(crate) struct Watching {
    pub(crate) access: Access,
    /// Responses have lines.
    lines: bool,
    /// `None` leaves the form of the line to the subscriber.
    format: Option<AccessFormat>,
    observer: Option<Arc<dyn Observer>>,
}

impl Watching {
    /// Returns what the settings ask for. A subscriber of the program's own gets all fields.
    pub(crate) fn new(log: &Log, observer: Option<Arc<dyn Observer>>) -> Arc<Self> {
        let lines = log.access && enabled!(target: ACCESS, Level::INFO);
        let details = log.access_format.is_some() || log.format == LogFormat::Json || !super::is_installed();
        let access = match (lines, details) {
            _ if observer.is_some() => Access::Watched,
            (false, _) => Access::Off,
            (true, false) => Access::Lines,
            (true, true) => Access::Watched,
        };
        Arc::new(Self { access, lines, format: log.access_format.clone(), observer })
    }
}

/// Goes along with an exchange. Its drop is the end of the exchange: the response is complete, or was cut off.
pub(crate) struct Watch {
    watching: Arc<Watching>,
    context: Arc<Context>,
    /// Set before the exchange ends, if its response streams.
    head: Option<Arc<RequestHead>>,
    begun: Instant,
    /// `None` until the response has begun.
    status: Option<Status>,
    is_handshake: bool,
    /// The bytes of the body that were sent.
    bytes: u64,
    /// The fields of the response that the format names.
    response_fields: Vec<Option<Box<[u8]>>>,
    request_id: Option<Box<str>>,
}

impl Watch {
    pub(crate) fn new(watching: Arc<Watching>, context: Arc<Context>) -> Box<Self> {
        if let Some(observer) = &watching.observer {
            observer.begin();
        }
        Box::new(Self {
            watching,
            context,
            head: None,
            begun: Instant::now(),
            status: None,
            is_handshake: false,
            bytes: 0,
            response_fields: Vec::new(),
            request_id: None,
        })
    }

    /// Sets the head of the request.
    pub(crate) fn set_head(&mut self, head: &Arc<RequestHead>) {
        self.head.get_or_insert_with(|| head.clone());
    }

    /// Notes that the head of a response is sent.
    pub(crate) fn responds(&mut self, status: Status, headers: &Headers, is_handshake: bool) {
        self.status = Some(status);
        self.is_handshake = is_handshake;
        if self.watching.access == Access::Lines {
            return;
        }
        if let Some(format) = &self.watching.format {
            let value = |name: &String| headers.get(name).map(Into::into);
            self.response_fields = format.response_fields.iter().map(value).collect();
        }
        // Middleware that makes identifiers puts them into the response.
        let id = headers.get_str(header::X_REQUEST_ID);
        let of_request = self.head.as_ref().and_then(|head| head.headers().get_str(header::X_REQUEST_ID));
        self.request_id = id.or(of_request).map(Into::into);
    }

    /// Counts bytes of the body. A response to HEAD, or one that has no body, has none.
    pub(crate) fn sends(&mut self, bytes: u64) {
        let has_body = self.head.as_ref().is_none_or(|head| head.method() != &Method::Head)
            && self.status.is_none_or(|status| !matches!(status.code(), 100..=199 | 204 | 304));
        if has_body {
            self.bytes += bytes;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(head) = &self.head else { return };
        if let Some(observer) = &self.watching.observer {
            let response = self.status.map(|status| (status.code(), self.bytes));
            observer.end(head, &self.context, response, self.begun.elapsed());
        }
        let Some(status) = self.status else { return };
        if !self.watching.lines {
            return;
        }
        let client = self.context.client();
        if self.watching.access == Access::Lines {
            return super::access(client, head, status);
        }
        let record = Record {
            client,
            head,
            scheme: self.context.scheme(),
            status,
            bytes: self.bytes,
            duration: self.begun.elapsed(),
            unix_time: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            request_id: self.request_id.as_deref(),
            response_fields: &self.response_fields,
        };
        match &self.watching.format {
            Some(format) => record.log_as(format),
            None => record.log(self.is_handshake),
        }
    }
}

/// The facts about a response that a line can have.
pub(super) struct Record<'a> {
    pub(super) client: Option<&'a Address>,
    pub(super) head: &'a RequestHead,
    pub(super) scheme: &'static str,
    pub(super) status: Status,
    /// The bytes of the body that were sent.
    pub(super) bytes: u64,
    /// The time from the request to the end of the response.
    pub(super) duration: Duration,
    /// The end of the response, in seconds since 1970.
    pub(super) unix_time: u64,
    /// The `x-request-id` of the response, or else that of the request.
    pub(super) request_id: Option<&'a str>,
    pub(super) response_fields: &'a [Option<Box<[u8]>>],
}

impl Record<'_> {
    /// Returns the identifier of the trace: 32 hexadecimal digits of `traceparent` (Trace Context section 3.2).
    pub(super) fn trace_id(&self) -> Option<&str> {
        let mut parts = self.head.headers().get_str(header::TRACEPARENT)?.split('-');
        let (_, id, _) = (parts.next()?, parts.next()?, parts.next()?);
        let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        (id.len() == 32 && id.bytes().all(is_digit) && id.bytes().any(|byte| byte != b'0')).then_some(id)
    }

    /// Logs the fields. Those that plain lines have come first, in their order.
    fn log(&self, is_handshake: bool) {
        let (client, duration) = (self.client.map(field::display), self.duration.as_micros());
        let duration = u64::try_from(duration).unwrap_or(u64::MAX);
        match is_handshake {
            false => info!(
                target: ACCESS,
                client,
                method = self.head.method().as_str(),
                target = self.head.target(),
                version = field::display(self.head.version()),
                status = self.status.code(),
                bytes = self.bytes,
                duration_us = duration,
                request_id = self.request_id,
                trace_id = self.trace_id(),
            ),
            true => info!(
                target: ACCESS,
                client,
                websocket = self.head.target(),
                status = self.status.code(),
                duration_us = duration,
                request_id = self.request_id,
                trace_id = self.trace_id(),
            ),
        }
    }

    /// Logs a line of this format, as a message.
    fn log_as(&self, format: &AccessFormat) {
        let mut line = String::new();
        if Pattern(format).write(&mut line, self).is_ok() {
            info!(target: ACCESS, "{line}");
        }
    }
}
