//! `HttpError`, the error with the status, the text and the header fields of its response, and `Error`, which any error
//! converts to.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stelo_core::app::{BoxError, Response};
use stelo_core::body::BodyError;
use stelo_core::http::header::{IntoHeaderName, IntoHeaderValue};
use stelo_core::http::{Headers, InvalidHeader, Status};

use super::{IntoResponse, Problem, report};

/// Any error: `?` converts every error to it. An alias of [`BoxError`].
///
/// A boxed error keeps its meaning. Error handlers registered by type see the original value, in HTTP handlers as in
/// WebSocket handlers:
///
/// | error | response without an error handler | error handler that sees it |
/// |---|---|---|
/// | [`HttpError`] | its status, text and header fields | that of its status, else that of `HttpError` |
/// | rejection of an extractor of the toolkit | as `HttpError`, which it is | as `HttpError` |
/// | [`BodyError`] | 400, 408 or 413, as [`HttpError::from`] says | that of `BodyError`, else as `HttpError` |
/// | [`Problem`] | its JSON | that of `Problem`, else as `HttpError` |
/// | type registered with [`App::on_error`](crate::App::on_error) | | that of the type |
/// | [`WebSocketException`](crate::websocket::WebSocketException) in a WebSocket handler | 403, or its close code once accepted | that of the type, before the WebSocket is accepted |
/// | [`WebSocketError`](crate::websocket::WebSocketError) in a WebSocket handler | 500, or a close code once accepted | that of the type, before the WebSocket is accepted |
/// | any other error, a text | 500, and the error is logged with its sources | as `HttpError` of 500 with the error as its source |
///
/// It is an alias, so `?` also takes errors that other code has boxed, and a text becomes an error by `into()`.
///
/// An error type that implements [`IntoResponse`] and is not registered is its own response only if a handler returns
/// that very type, because a box does not know how its content responds. `on_error(async |_: Request, error: MyError| error)`
/// registers it.
///
/// ```
/// use stelo_toolkit::{App, HttpError, Path, Status, TestClient, get};
///
/// async fn double(Path(text): Path<String>) -> stelo_toolkit::Result<String> {
///     let number: u32 = text.parse().map_err(|_| HttpError::from(Status::NOT_FOUND))?;
///     let double = number.checked_mul(2).ok_or("too large")?;
///     Ok(double.to_string())
/// }
///
/// let client = TestClient::new(App::new().route("/{text}", get(double))).raise_server_errors(false);
/// assert_eq!(client.get("/21").send().text(), "42");
/// assert_eq!(client.get("/tea").send().status(), Status::NOT_FOUND);
/// assert_eq!(client.get("/4000000000").send().status(), Status::INTERNAL_SERVER_ERROR);
/// ```
pub type Error = BoxError;

/// The result of a handler that can fail with [any error](Error).
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error with the status, the text and the header fields of its response: Starlette's `HTTPException`.
///
/// ```
/// use stelo_toolkit::{HttpError, Path, Status};
///
/// async fn item(Path(id): Path<u32>) -> Result<String, HttpError> {
///     if id > 100 {
///         return Err(HttpError::new(Status::NOT_FOUND).with_detail("there are only 100 items"));
///     }
///     Ok(format!("item {id}"))
/// }
/// # let _ = stelo_toolkit::get(item);
/// ```
#[derive(Clone, Debug)]
pub struct HttpError {
    /// The status of the response.
    pub status: Status,
    /// The text of the response; the standard phrase unless [`with_detail`](Self::with_detail) says more. A response with
    /// an empty text has no content type.
    pub detail: Cow<'static, str>,
    /// Further header fields of the response.
    pub headers: Headers,
    source: Option<Arc<Source>>,
}

/// The error behind an [`HttpError`]. Clones share it, so that it is logged once.
#[derive(Debug)]
struct Source {
    error: BoxError,
    logged: AtomicBool,
}

impl HttpError {
    /// Creates an error of this status, with the standard phrase as its text.
    pub fn new(status: Status) -> Self {
        Self { status, detail: Cow::Borrowed(status.reason()), headers: Headers::new(), source: None }
    }

    /// Sets the text.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// Sets the error that caused this one, its [`source`](std::error::Error::source). The client does not see it. If the status is 500 or above, it is logged with its own sources.
    ///
    /// ```
    /// use stelo_toolkit::{HttpError, Status};
    ///
    /// async fn quote() -> Result<String, HttpError> {
    ///     let quote = std::fs::read_to_string("/nowhere/quote");
    ///     quote.map_err(|error| HttpError::new(Status::SERVICE_UNAVAILABLE).with_source(error))
    /// }
    /// # let _ = stelo_toolkit::get(quote);
    /// ```
    #[must_use]
    pub fn with_source(self, error: impl Into<BoxError>) -> Self {
        let source = Source { error: error.into(), logged: AtomicBool::new(false) };
        Self { source: Some(Arc::new(source)), ..self }
    }

    /// As [`with_source`](Self::with_source), for an error that is in the log already.
    pub(crate) fn with_logged_source(self, error: impl Into<BoxError>) -> Self {
        let source = Source { error: error.into(), logged: AtomicBool::new(true) };
        Self { source: Some(Arc::new(source)), ..self }
    }

    /// Returns the problem that this error was made of.
    pub fn problem(&self) -> Option<&Problem> {
        self.source.as_ref()?.error.downcast_ref()
    }

    /// Adds a header field. Name and value are constants, literals or numbers; others are checked
    /// by [`try_with_header`](Self::try_with_header).
    ///
    /// ```
    /// use stelo_toolkit::{HttpError, Status, header};
    ///
    /// let error = HttpError::new(Status::UNAUTHORIZED).with_header(header::WWW_AUTHENTICATE, "Basic");
    /// # let _ = error;
    /// ```
    ///
    /// # Panics
    /// If a literal is not a valid name or value.
    #[must_use]
    #[track_caller]
    pub fn with_header(mut self, name: impl IntoHeaderName, value: impl IntoHeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Adds a header field whose name or value is known only at run time.
    ///
    /// # Errors
    /// The field cannot be written as one header line.
    pub fn try_with_header(
        mut self,
        name: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<Self, InvalidHeader> {
        self.headers.try_append(name, value)?;
        Ok(self)
    }

    /// Logs the source of a server error, once.
    pub(crate) fn log(&self) {
        if let Some(source) = &self.source
            && self.status.code() >= 500
            && !source.logged.swap(true, Ordering::Relaxed)
        {
            let error: &(dyn std::error::Error + 'static) = &*source.error;
            tracing::error!(error, "a handler failed: {}", Chain(error));
            report::note(format_args!("a handler failed: {}", Chain(error)));
        }
    }
}

/// An error and its sources, from the outermost to the root cause.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut sources = std::iter::successors(self.0.source(), |error| error.source());
        sources.try_for_each(|source| write!(f, ": {source}"))
    }
}

impl PartialEq for HttpError {
    /// Compares status, text and header fields; the sources of errors cannot be compared.
    fn eq(&self, other: &Self) -> bool {
        (self.status, &self.detail, &self.headers) == (other.status, &other.detail, &other.headers)
    }
}

impl Eq for HttpError {}

impl fmt::Display for HttpError {
    /// `404: Not Found`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status.code(), self.detail)
    }
}

impl std::error::Error for HttpError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &*source.error as _)
    }
}

impl From<Status> for HttpError {
    fn from(status: Status) -> Self {
        Self::new(status)
    }
}

impl From<BodyError> for HttpError {
    /// The response to a request whose body could not be read. An `HttpError` in [`BodyError::Other`] is taken out.
    fn from(error: BodyError) -> Self {
        let error = match error {
            BodyError::Other(error) => match error.downcast() {
                Ok(error) => return *error,
                Err(error) => BodyError::Other(error),
            },
            error => error,
        };
        let status = match &error {
            BodyError::Fault(fault) => fault.status().unwrap_or(Status::BAD_REQUEST),
            BodyError::TooLarge { .. } => Status::CONTENT_TOO_LARGE,
            _ => Status::BAD_REQUEST,
        };
        Self::new(status).with_detail(error.to_string())
    }
}

impl From<BoxError> for HttpError {
    /// Takes the error out of its box if it is an `HttpError`, a [`Problem`] or a [`BodyError`]. Any other error becomes the source of
    /// an error of status 500.
    fn from(error: BoxError) -> Self {
        error
            .downcast()
            .map(|error| *error)
            .or_else(|error| error.downcast::<BodyError>().map(|error| (*error).into()))
            .or_else(|error| error.downcast::<Problem>().map(|problem| (*problem).into()))
            .unwrap_or_else(|error| Self::new(Status::INTERNAL_SERVER_ERROR).with_source(error))
    }
}

impl IntoResponse for BoxError {
    /// The response of the [`HttpError`] made [from](HttpError::from) it.
    fn into_response(self) -> Response {
        HttpError::from(self).into_response()
    }
}

impl IntoResponse for BodyError {
    /// The response of the [`HttpError`] made [from](HttpError::from) it.
    fn into_response(self) -> Response {
        HttpError::from(self).into_response()
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        self.log();
        let mut response = if let Some(problem) = self.problem().filter(|it| it.status() == self.status) {
            problem.to_response()
        } else if self.status.forbids_body() || self.detail.is_empty() {
            Response::empty(self.status)
        } else {
            Response::text(self.status, self.detail)
        };
        response.headers.set_all(&self.headers);
        response
    }
}
