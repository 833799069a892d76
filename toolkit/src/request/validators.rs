//! `Validators`: conditional requests for any representation (RFC 9110 section 13).

use std::time::{SystemTime, UNIX_EPOCH};

use stelo_core::http::{Headers, Method, Status, date};

use super::Parts;
use super::preconditions::{Current, Precondition};
use crate::response::HttpError;

/// The entity tag and the time of the last modification of a resource, to be compared with the conditions of a request.
///
/// A handler that changes a resource checks them before it does, so that two clients cannot overwrite each other's
/// changes. [`Conditional`](crate::middleware::Conditional) does the same for the responses of GET and HEAD.
///
/// ```
/// use stelo_toolkit::request::Validators;
/// use stelo_toolkit::{App, Request, Status, TestClient, put};
///
/// async fn save(request: Request) -> stelo_toolkit::Result<&'static str> {
///     // The version in the database.
///     Validators::new().etag("\"7\"").check(&request)?;
///     Ok("saved")
/// }
///
/// let client = TestClient::new(App::new().route("/", put(save)));
/// assert_eq!(client.put("/").header("if-match", "\"7\"").send().text(), "saved");
/// assert_eq!(client.put("/").header("if-match", "\"6\"").send().status(), Status::PRECONDITION_FAILED);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[must_use]
pub struct Validators {
    etag: Option<Vec<u8>>,
    /// In seconds since 1970.
    modified: Option<u64>,
}

impl Validators {
    /// Creates validators without a tag and a time.
    pub const fn new() -> Self {
        Self { etag: None, modified: None }
    }

    /// Sets the entity tag, with its quotes: `"7"`, or `W/"7"` for a weak one.
    pub fn etag(mut self, etag: impl AsRef<[u8]>) -> Self {
        self.etag = Some(etag.as_ref().to_vec());
        self
    }

    /// Sets the time of the last modification. Its fraction of a second is cut off.
    pub fn last_modified(mut self, time: SystemTime) -> Self {
        self.modified = Some(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
        self
    }

    /// Reads the validators of a response.
    pub(crate) fn of(headers: &Headers) -> Self {
        Self {
            etag: headers.get("etag").map(<[u8]>::to_vec),
            modified: headers.get("last-modified").and_then(date::parse),
        }
    }

    /// Checks the conditions of a request: `if-match` or else `if-unmodified-since`, then `if-none-match` or else
    /// `if-modified-since` (RFC 9110 section 13.2.2).
    ///
    /// # Errors
    /// 412 if the client wants another version; 304 if GET or HEAD finds the version that the client has.
    pub fn check(&self, request: &Parts) -> Result<(), HttpError> {
        let is_read = matches!(request.method(), Method::Get | Method::Head);
        match self.evaluate(request.headers(), is_read) {
            Precondition::Holds => Ok(()),
            Precondition::Failed => Err(HttpError::new(Status::PRECONDITION_FAILED)),
            Precondition::NotModified => {
                let error = HttpError::new(Status::NOT_MODIFIED);
                match &self.etag {
                    Some(etag) => Err(error.clone().try_with_header("etag", etag).unwrap_or(error)),
                    None => Err(error),
                }
            }
        }
    }

    /// Evaluates the conditions of a request.
    pub(crate) fn evaluate(&self, headers: &Headers, is_read: bool) -> Precondition {
        Current { etag: self.etag.as_deref(), modified: self.modified }.evaluate(headers, is_read)
    }
}
