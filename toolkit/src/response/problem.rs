//! `Problem`: an error as JSON for programs (RFC 9457, "Problem Details for HTTP APIs").

use std::fmt;

use serde_core::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use stelo_core::app::Response;
use stelo_core::http::{Headers, Status};

use super::report::failure;
use super::{HttpError, IntoResponse, with_headers};

/// An error as JSON for programs: `application/problem+json` (RFC 9457).
///
/// It is a response, and an error that becomes an [`HttpError`]: handlers of errors see its status, and
/// [`HttpError::problem`] returns it.
///
/// ```
/// use stelo_toolkit::response::Problem;
/// use stelo_toolkit::{App, Status, TestClient, get};
///
/// async fn pay() -> stelo_toolkit::Result<&'static str> {
///     let problem = Problem::new(Status::FORBIDDEN)
///         .with_type("https://example.org/problems/out-of-credit")
///         .with_title("You do not have enough credit")
///         .with_detail("the balance is 30, the price is 50")
///         .with_member("balance", &30);
///     Err(problem.into())
/// }
///
/// let response = TestClient::new(App::new().route("/", get(pay))).get("/").send();
/// assert_eq!(response.header("content-type"), Some("application/problem+json"));
/// assert!(response.text().contains(r#""balance":30"#));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    status: Status,
    kind: Option<String>,
    title: String,
    detail: Option<String>,
    instance: Option<String>,
    members: Map<String, Value>,
}

/// The members that RFC 9457 section 3.1 defines.
const DEFINED: [&str; 5] = ["type", "title", "status", "detail", "instance"];

impl Problem {
    /// Creates a problem of this status, with the standard phrase as its title and the type `about:blank`.
    pub fn new(status: Status) -> Self {
        let title = status.reason().to_owned();
        Self { status, kind: None, title, detail: None, instance: None, members: Map::new() }
    }

    /// Sets the URI that identifies the kind of the problem, best one that leads to a page about it.
    #[must_use]
    pub fn with_type(self, uri: impl Into<String>) -> Self {
        Self { kind: Some(uri.into()), ..self }
    }

    /// Sets the title: a short text that is the same for all problems of the type.
    #[must_use]
    pub fn with_title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    /// Sets the detail: a text about this occurrence.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// Sets the URI that identifies this occurrence.
    #[must_use]
    pub fn with_instance(self, uri: impl Into<String>) -> Self {
        Self { instance: Some(uri.into()), ..self }
    }

    /// Adds a member of the type's own (RFC 9457 section 3.2). A member that the RFC defines, and a value that cannot be
    /// written as JSON, are left out, with a line in the log.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: &impl Serialize) -> Self {
        match serde_json::to_value(value) {
            _ if DEFINED.contains(&name) => {
                failure!("the member `{name}` of a problem has a method of its own: use it");
            }
            Ok(value) => {
                self.members.insert(name.to_owned(), value);
            }
            Err(error) => failure!("the member `{name}` of a problem cannot be written as JSON: {error}"),
        }
        self
    }

    /// Returns the status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Returns the title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the detail.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    pub(super) fn to_response(&self) -> Response {
        const JSON: Headers =
            Headers::constant("content-type: application/problem+json").expect("a header field");
        if self.status.forbids_body() {
            return Response::empty(self.status);
        }
        // Texts and JSON values can always be written.
        let text = serde_json::to_vec(self).unwrap_or_default();
        Response { status: self.status, ..with_headers(text, JSON) }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(kind) = &self.kind {
            map.serialize_entry("type", kind)?;
        }
        map.serialize_entry("title", &self.title)?;
        map.serialize_entry("status", &self.status.code())?;
        if let Some(detail) = &self.detail {
            map.serialize_entry("detail", detail)?;
        }
        if let Some(instance) = &self.instance {
            map.serialize_entry("instance", instance)?;
        }
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl fmt::Display for Problem {
    /// Writes the detail, or else the title.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail.as_deref().unwrap_or(&self.title))
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.to_response()
    }
}

impl From<Problem> for HttpError {
    /// An error with the status of the problem, that is answered by the problem.
    fn from(problem: Problem) -> Self {
        Self::new(problem.status).with_detail(problem.to_string()).with_source(problem)
    }
}

impl From<HttpError> for Problem {
    /// The problem behind an error, or else one of its status and its text. The header fields are lost, except in an
    /// error handler, which keeps them.
    ///
    /// ```
    /// use stelo_toolkit::response::Problem;
    /// use stelo_toolkit::{App, HttpError, Request, TestClient};
    ///
    /// // Every error of the application is a problem.
    /// let app = App::new().on_error(async |_: Request, error: HttpError| Problem::from(error));
    /// let text = TestClient::new(app).get("/nowhere").send().text();
    /// assert_eq!(text, r#"{"title":"Not Found","status":404}"#);
    /// ```
    fn from(error: HttpError) -> Self {
        if let Some(problem) = error.problem() {
            return problem.clone();
        }
        let problem = Self::new(error.status);
        match error.detail == problem.title {
            true => problem,
            false => problem.with_detail(error.detail),
        }
    }
}
