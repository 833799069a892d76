//! A response, as an application gives it.

use alloc::boxed::Box;
use core::fmt;

use super::{BoxFuture, Upgrade};
use crate::body::Body;
use crate::http::{Headers, Status};

/// A response.
///
/// The server adds the fields that frame the message (`content-length`, `transfer-encoding`, `connection`) and its own
/// (`date`, `server`), unless the application has set them.
#[derive(Default)]
pub struct Response {
    /// The status.
    pub status: Status,
    /// The header fields.
    pub headers: Headers,
    /// The body.
    pub body: Body,
    /// Runs after the response was sent, or could not be sent.
    pub background: Option<BoxFuture<()>>,
    /// The upgrade that follows this response. Boxed, so that ordinary responses stay small.
    pub upgrade: Option<Box<Upgrade>>,
}

impl Response {
    /// Creates a response of status 200 with this body and no header fields.
    pub fn new(body: impl Into<Body>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// Creates a response without a body.
    pub fn empty(status: Status) -> Self {
        Self { status, ..Self::default() }
    }

    /// Creates a response with plain text.
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
