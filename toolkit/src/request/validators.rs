//! `Validators`: conditional requests for any representation (RFC 9110 section 13).

use std::time::{SystemTime, UNIX_EPOCH};

use stelo_core::http::{Headers, Method, Status, date};

use super::Parts;
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

/// Validators that belong to something else, such as a file.
#[derive(Clone, Copy)]
pub(crate) struct Current<'a> {
    pub(crate) etag: Option<&'a [u8]>,
    /// In seconds since 1970.
    pub(crate) modified: Option<u64>,
}

impl Current<'_> {
    /// Evaluates the conditions of a request.
    pub(crate) fn evaluate(self, headers: &Headers, is_read: bool) -> Precondition {
        let date = |name| headers.get(name).and_then(date::parse);
        let is_since = |date: u64| self.modified.map(|modified| modified <= date);
        let wanted = match headers.contains("if-match") {
            true => self.is_listed(headers, "if-match", true),
            false => date("if-unmodified-since").and_then(is_since).unwrap_or(true),
        };
        if !wanted {
            return Precondition::Failed;
        }
        let known = match headers.contains("if-none-match") {
            true => self.is_listed(headers, "if-none-match", false),
            false => is_read && date("if-modified-since").and_then(is_since).unwrap_or(false),
        };
        match (known, is_read) {
            (false, _) => Precondition::Holds,
            (true, true) => Precondition::NotModified,
            (true, false) => Precondition::Failed,
        }
    }

    /// Whether one of the entity tags in a field is that of the resource, or is `*`. Strong comparisons need strong tags;
    /// others ignore `W/` (section 8.8.3.2).
    fn is_listed(self, headers: &Headers, name: &str, is_strong: bool) -> bool {
        let opaque = |tag| if is_strong { Some(tag).filter(is_strong_tag) } else { Some(without_mark(tag)) };
        let own = self.etag.and_then(opaque);
        let mut tags = headers.get_all(name).flat_map(|value| value.split(|&byte| byte == b','));
        tags.any(|tag| {
            let tag = tag.trim_ascii();
            tag == b"*" || (own.is_some() && opaque(tag) == own)
        })
    }
}

fn is_strong_tag(tag: &&[u8]) -> bool {
    !tag.starts_with(b"W/")
}

fn without_mark(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// The result of the conditions of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Precondition {
    /// There are none, or they hold.
    Holds,
    /// The client has the current version: 304.
    NotModified,
    /// The client wants another version: 412.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn evaluate(own: &Validators, fields: &[(&str, &str)]) -> (Precondition, Precondition) {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.try_append(name, value).unwrap();
        }
        (own.evaluate(&headers, true), own.evaluate(&headers, false))
    }

    #[test]
    fn conditions_are_evaluated_in_order() {
        use Precondition::{Failed, Holds, NotModified};
        let own = Validators { etag: Some(b"\"a\"".to_vec()), modified: date::parse(DATE.as_bytes()) };
        for (fields, read, write) in [
            (&[][..], Holds, Holds),
            (&[("if-none-match", "\"a\"")], NotModified, Failed),
            (&[("if-none-match", "\"x\", W/\"a\"")], NotModified, Failed),
            (&[("if-none-match", "*")], NotModified, Failed),
            (&[("if-none-match", "\"x\""), ("if-modified-since", DATE)], Holds, Holds),
            (&[("if-modified-since", DATE)], NotModified, Holds),
            (&[("if-modified-since", BEFORE)], Holds, Holds),
            (&[("if-match", "\"a\"")], Holds, Holds),
            (&[("if-match", "*")], Holds, Holds),
            (&[("if-match", "W/\"a\"")], Failed, Failed),
            (&[("if-match", "\"a\""), ("if-none-match", "\"a\"")], NotModified, Failed),
            (&[("if-match", "\"x\""), ("if-none-match", "\"a\"")], Failed, Failed),
            (&[("if-unmodified-since", DATE)], Holds, Holds),
            (&[("if-unmodified-since", BEFORE)], Failed, Failed),
            (&[("if-match", "\"a\""), ("if-unmodified-since", BEFORE)], Holds, Holds),
        ] {
            assert_eq!(evaluate(&own, fields), (read, write), "{fields:?}");
        }
        let weak = Validators::new().etag("W/\"a\"");
        assert_eq!(evaluate(&weak, &[("if-match", "W/\"a\"")]).0, Failed);
        assert_eq!(evaluate(&weak, &[("if-none-match", "\"a\"")]).0, NotModified);
        assert_eq!(evaluate(&Validators::new(), &[("if-match", "\"a\"")]).0, Failed);
        assert_eq!(evaluate(&Validators::new(), &[("if-modified-since", DATE)]).0, Holds);
    }
}
