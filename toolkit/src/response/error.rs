//! `HttpError`: the error that says the status, the text and the header fields of its response.

use std::borrow::Cow;
use std::fmt;

use stelo_core::app::Response;
use stelo_core::body::BodyError;
use stelo_core::http::{Headers, InvalidHeader, Status};

use super::IntoResponse;

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
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpError {
    /// The status of the response.
    pub status: Status,
    /// The text of the response; the standard phrase unless [`with_detail`](Self::with_detail) says more.
    pub detail: Cow<'static, str>,
    /// Further header fields of the response.
    pub headers: Headers,
}

impl HttpError {
    /// An error of this status, with the standard phrase as its text.
    pub fn new(status: Status) -> Self {
        Self { status, detail: Cow::Borrowed(status.reason()), headers: Headers::new() }
    }

    /// The same error with another text.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// The same error with a further header field.
    ///
    /// # Errors
    /// The field cannot be written as one header line.
    pub fn with_header(
        mut self,
        name: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<Self, InvalidHeader> {
        self.headers.append(name, value)?;
        Ok(self)
    }
}

impl fmt::Display for HttpError {
    /// `404: Not Found`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status.code(), self.detail)
    }
}

impl std::error::Error for HttpError {}

impl From<Status> for HttpError {
    fn from(status: Status) -> Self {
        Self::new(status)
    }
}

impl From<BodyError> for HttpError {
    /// What a client should hear when its request body could not be read.
    fn from(error: BodyError) -> Self {
        let status = match &error {
            BodyError::Fault(fault) => fault.status().unwrap_or(Status::BAD_REQUEST),
            BodyError::TooLarge { .. } => Status::CONTENT_TOO_LARGE,
            _ => Status::BAD_REQUEST,
        };
        Self::new(status).with_detail(error.to_string())
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let mut response = if self.status.forbids_body() {
            Response::empty(self.status)
        } else {
            Response::text(self.status, self.detail)
        };
        super::merge_headers(&mut response.headers, &self.headers);
        response
    }
}
