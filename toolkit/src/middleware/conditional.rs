//! `Conditional`: answers 304 and 412 for the responses of handlers (RFC 9110 section 13).

use sha1_smol::Sha1;
use stelo_core::app::{Reply, Response};
use stelo_core::http::{Headers, Method, Status};

use super::reply::edited;
use super::{Middleware, Next};
use crate::request::preconditions::Precondition;
use crate::request::{Request, Validators};
use crate::response::{CacheControl, HttpError, IntoResponse};

/// Answers conditional GET and HEAD requests: 304 without the body if the client has the response already, 412 if it wants
/// another version.
///
/// The handler still runs: this saves bytes, not work. It compares `etag` and `last-modified` of the response. A response
/// of status 200 with neither gets an `etag`: a hash of its body, if that is in memory and no larger than the
/// [limit](Self::max_etag_size). Responses with `cache-control: no-store` get none.
///
/// Add it inside of `Compression`. For requests that change something, use
/// [`Validators`](crate::request::Validators) in the handler.
///
/// ```
/// use stelo_toolkit::middleware::Conditional;
/// use stelo_toolkit::{App, Status, TestClient, get};
///
/// let client = TestClient::new(App::new().middleware(Conditional::new()).route("/", get("hello")));
/// let response = client.get("/").send();
/// let etag = response.header("etag").unwrap();
/// assert_eq!(client.get("/").header("if-none-match", etag).send().status(), Status::NOT_MODIFIED);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Conditional {
    max_etag_size: usize,
}

impl Conditional {
    /// Creates the middleware, with the defaults of its methods.
    pub fn new() -> Self {
        Self { max_etag_size: 1 << 20 }
    }

    /// Sets the largest body in bytes that gets an `etag` from its hash. 1 MiB by default, which takes about 2 ms. 0 turns
    /// such tags off.
    pub fn max_etag_size(mut self, bytes: usize) -> Self {
        self.max_etag_size = bytes;
        self
    }
}

impl Default for Conditional {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for Conditional {
    fn call(&self, request: Request, next: Next) -> Reply {
        if !matches!(request.method(), Method::Get | Method::Head) || request.is_websocket() {
            return next.run(request);
        }
        let (conditions, limit) = (Conditions::of(request.headers()), self.max_etag_size);
        edited(next.run(request), move |response| {
            add_etag(response, limit);
            conditions.apply(response);
        })
    }
}

/// Adds the hash of the body.
fn add_etag(response: &mut Response, limit: usize) {
    let headers = &response.headers;
    if response.status != Status::OK
        || headers.contains("etag")
        || headers.contains("last-modified")
        || CacheControl::of(headers).is_no_store()
    {
        return;
    }
    if let Some(bytes) = response.body.full_mut().filter(|bytes| bytes.len() <= limit) {
        let digest = Sha1::from(&bytes[..]).digest().bytes();
        // 128 bits are enough to tell the versions of a page apart.
        let half = digest.first_chunk().copied().map(u128::from_be_bytes).unwrap_or_default();
        let etag = format!("\"{half:032x}\"");
        response.headers.try_set("etag", etag).unwrap_or_default();
    }
}

/// The conditions of a GET or HEAD request.
pub(super) struct Conditions(Headers);

impl Conditions {
    pub(super) const NAMES: [&str; 4] =
        ["if-match", "if-unmodified-since", "if-none-match", "if-modified-since"];

    pub(super) fn of(headers: &Headers) -> Self {
        let mut conditions = Headers::new();
        for name in Self::NAMES {
            for value in headers.get_all(name) {
                conditions.try_append(name, value).unwrap_or_default();
            }
        }
        Self(conditions)
    }

    /// Replaces a response by 304 or 412, if the conditions say so. Those of a response that has failed have no effect
    /// (section 13.2.1).
    pub(super) fn apply(&self, response: &mut Response) {
        if self.0.is_empty() || !response.status.is_success() {
            return;
        }
        match Validators::of(&response.headers).evaluate(&self.0, true) {
            Precondition::Holds => {}
            Precondition::NotModified => {
                response.status = Status::NOT_MODIFIED;
                response.body = stelo_core::body::Body::empty();
                // Those that describe the body that is not sent (section 15.4.5).
                for name in [
                    "content-type",
                    "content-length",
                    "content-encoding",
                    "content-language",
                    "content-range",
                ] {
                    response.headers.remove(name);
                }
            }
            Precondition::Failed => {
                let failed = HttpError::new(Status::PRECONDITION_FAILED).into_response();
                let background = response.background.take();
                *response = Response { background, ..failed };
            }
        }
    }
}
