//! Errors that become responses, and how an application answers them in its own way.
//!
//! A handler, an extractor or the router fails with a value. If the application has registered a handler for its
//! status ([`App::error_handler`](crate::App::error_handler)) or its type ([`App::on_error`](crate::App::on_error)),
//! that one answers; otherwise the value answers for itself through [`IntoResponse`].

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use stelo_core::app::{Reply, Response};
use stelo_core::body::BodyError;
use stelo_core::http::{Headers, InvalidHeader, Status};

use crate::request::Request;
use crate::response::IntoResponse;
use crate::response::panics::{contained, panicked};

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
        crate::response::merge_headers(&mut response.headers, &self.headers);
        response
    }
}

/// An error on its way to whoever answers it.
///
/// Made by [`IntoResponse::into_outcome`] of a `Result`; an implementation of that trait for a type that wraps a
/// `Result` passes it on.
pub struct Failure(Box<dyn Answers>);

trait Answers: Any + Send {
    fn answer(self: Box<Self>) -> Response;
}

impl<E: IntoResponse + Send + 'static> Answers for E {
    fn answer(self: Box<Self>) -> Response {
        self.into_response()
    }
}

impl Failure {
    /// Wraps an error.
    pub fn new(error: impl IntoResponse + Send + 'static) -> Self {
        Self(Box::new(error))
    }

    /// The error, if it is of this type.
    pub fn downcast_ref<E: 'static>(&self) -> Option<&E> {
        let any: &dyn Any = &*self.0;
        any.downcast_ref()
    }

    /// The error, if it is of this type.
    pub(crate) fn downcast<E: 'static>(self) -> Result<E, Self> {
        if self.downcast_ref::<E>().is_none() {
            return Err(self);
        }
        let any: Box<dyn Any> = self.0;
        Ok(*any.downcast().expect("its type has been looked at"))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.answer()
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Failure")
    }
}

/// An async function that answers errors of one type: `async fn(Request, E)` to a response.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler for errors of type `{E}`",
    label = "not an async function from `(Request, {E})` to a response",
    note = "an error handler is an `async fn(request: Request, error: E) -> impl IntoResponse`; for a status, `E` is `HttpError`"
)]
pub trait ErrorHandler<E>: Send + Sync + 'static {
    /// Answers an error. The request has no body.
    fn call(&self, request: Request, error: E) -> Reply;
}

impl<E, F, Fut> ErrorHandler<E> for F
where
    F: Fn(Request, E) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoResponse> + Send + 'static,
{
    /// An error of the handler answers for itself, and its panic is a plain 500: no handler is asked twice.
    fn call(&self, request: Request, error: E) -> Reply {
        let answer = self(request, error);
        Reply::future(async {
            match contained(answer).await {
                Ok(answer) => answer.into_response(),
                Err(panic) => panicked("an error handler", &*panic).into_response(),
            }
        })
    }
}

/// The handlers that an application has registered for its errors.
#[derive(Default)]
pub(crate) struct ErrorHandlers {
    by_status: Vec<(Status, Box<dyn ErrorHandler<HttpError>>)>,
    by_type: Vec<(TypeId, Box<dyn ErrorHandler<Failure>>)>,
}

/// A handler for a type of error, found by that type.
struct ByType<E, H>(H, PhantomData<fn(E)>);

impl<E: 'static, H: ErrorHandler<E>> ErrorHandler<Failure> for ByType<E, H> {
    fn call(&self, request: Request, failure: Failure) -> Reply {
        let error: Box<dyn Any> = failure.0;
        let error = error.downcast().expect("handlers are found by the type of the error");
        self.0.call(request, *error)
    }
}

impl ErrorHandlers {
    /// Registers a handler for a status; the last one for it counts.
    pub(crate) fn on_status(&mut self, status: Status, handler: impl ErrorHandler<HttpError>) {
        self.by_status.retain(|(other, _)| *other != status);
        self.by_status.push((status, Box::new(handler)));
    }

    /// Registers a handler for a type of error; the last one for it counts.
    pub(crate) fn on_type<E: 'static>(&mut self, handler: impl ErrorHandler<E>) {
        self.by_type.retain(|(other, _)| *other != TypeId::of::<E>());
        self.by_type.push((TypeId::of::<E>(), Box::new(ByType(handler, PhantomData))));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_status.is_empty() && self.by_type.is_empty()
    }

    /// The answer to an error. An [`HttpError`] goes to the handler of its status, else to that of its type; any
    /// other error goes to the handler of its type. An answer of 500 that no handler has made goes to the handler
    /// for 500, so that one page covers all that was not foreseen.
    pub(crate) fn answer(&self, request: Request, failure: Failure) -> Reply {
        if let Some(error) = failure.downcast_ref::<HttpError>()
            && let Some(handler) = self.for_status(error.status)
        {
            return handler.call(request, error.clone());
        }
        let error: &dyn Any = &*failure.0;
        let id = error.type_id();
        if let Some((_, handler)) = self.by_type.iter().find(|(other, _)| *other == id) {
            return handler.call(request, failure);
        }
        let response = failure.into_response();
        match self.for_status(Status::INTERNAL_SERVER_ERROR) {
            Some(handler) if response.status == Status::INTERNAL_SERVER_ERROR => {
                handler.call(request, HttpError::new(response.status))
            }
            _ => response.into(),
        }
    }

    fn for_status(&self, status: Status) -> Option<&dyn ErrorHandler<HttpError>> {
        self.by_status.iter().find(|(other, _)| *other == status).map(|(_, handler)| &**handler)
    }
}
