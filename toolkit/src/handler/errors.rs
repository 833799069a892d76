//! Handlers of errors: an application's own answers to failures.
//!
//! A handler, an extractor or the router fails with a value. If the application has registered a handler for its
//! status ([`App::error_handler`](crate::App::error_handler)) or its type ([`App::on_error`](crate::App::on_error)),
//! that handler answers. Otherwise the value answers for itself through [`IntoResponse`].

use std::any::TypeId;
use std::error::Error;
use std::future::Future;
use std::marker::PhantomData;

use stelo_core::app::{Reply, Response};
use stelo_core::http::{Headers, Status};

use super::debug;
use crate::request::Request;
use crate::response::panics::{contained, panicked};
use crate::response::{Failure, HttpError, IntoResponse};

/// An error handler: an `async fn(Request, E)` that returns a response.
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
    /// If the handler fails, its error is its own response; if it panics, the response is a plain 500. Neither goes to an
    /// error handler again.
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

/// The handlers registered for errors.
#[derive(Default)]
pub(crate) struct ErrorHandlers {
    by_status: Vec<(Status, Box<dyn ErrorHandler<HttpError>>)>,
    by_type: Vec<(TypeId, Box<dyn FailureHandler>)>,
    /// Whether unforeseen errors are answered by the debug page.
    debug: bool,
}

/// An error handler whose type of error is erased.
trait FailureHandler: Send + Sync {
    /// Whether the error is of the handler's type.
    fn takes(&self, failure: &Failure) -> bool;

    /// Answers an error of the handler's type. Any other error is its own response.
    fn call(&self, request: Request, failure: Failure) -> Reply;
}

/// A handler for errors of type `E`.
struct ByType<E, H>(H, PhantomData<fn(E)>);

impl<E: Error + Send + Sync + 'static, H: ErrorHandler<E>> FailureHandler for ByType<E, H> {
    fn takes(&self, failure: &Failure) -> bool {
        failure.downcast_ref::<E>().is_some()
    }

    fn call(&self, request: Request, failure: Failure) -> Reply {
        match failure.downcast() {
            Ok(error) => self.0.call(request, error),
            Err(failure) => failure.into_response().into(),
        }
    }
}

impl ErrorHandlers {
    /// Registers a handler for a status, in place of another one for it.
    pub(crate) fn on_status(&mut self, status: Status, handler: impl ErrorHandler<HttpError>) {
        self.by_status.retain(|(other, _)| *other != status);
        self.by_status.push((status, Box::new(handler)));
    }

    /// Registers a handler for a type of error, in place of another one for it.
    pub(crate) fn on_type<E: Error + Send + Sync + 'static>(&mut self, handler: impl ErrorHandler<E>) {
        self.by_type.retain(|(other, _)| *other != TypeId::of::<E>());
        self.by_type.push((TypeId::of::<E>(), Box::new(ByType(handler, PhantomData))));
    }

    /// Sets whether unforeseen errors are answered by the debug page.
    pub(crate) fn set_debug(&mut self, debug: bool) {
        self.debug = debug;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_status.is_empty() && self.by_type.is_empty() && !self.debug
    }

    pub(crate) fn for_status(&self, status: Status) -> Option<&dyn ErrorHandler<HttpError>> {
        self.by_status.iter().find(|(other, _)| *other == status).map(|(_, handler)| &**handler)
    }

    fn for_type(&self, failure: &Failure) -> Option<&dyn FailureHandler> {
        self.by_type.iter().map(|(_, handler)| &**handler).find(|handler| handler.takes(failure))
    }
}

/// Adds the header fields of an error to the response of its handler, except for those that the handler has set. A 405
/// keeps `allow`, and a 401 `www-authenticate`, which RFC 9110 demands of them (sections 15.5.2 and 15.5.6).
fn keeping(fields: Headers, reply: Reply) -> Reply {
    if fields.is_empty() {
        return reply;
    }
    Reply::future(async move {
        let mut response = reply.await;
        keep(&mut response, &fields);
        response
    })
}

/// The fields that describe the body of an error: its handler makes another body.
const OF_BODY: [&str; 5] =
    ["content-type", "content-length", "content-encoding", "content-language", "content-location"];

fn keep(response: &mut Response, fields: &Headers) {
    let mut kept = fields.clone();
    for name in OF_BODY {
        kept.remove(name);
    }
    for (name, _) in response.headers.iter() {
        kept.remove(name);
    }
    response.headers.append_all(&kept);
}

/// Answers an error by the first of `levels` that has a handler for it, those of the innermost router first.
///
/// Within a level, an [`HttpError`] goes to the handler of its status, else to that of its type. A boxed error that no
/// handler takes by its type becomes an [`HttpError`]. A response of 500 that no handler has made goes to the handler
/// for 500, so one page covers everything unforeseen. In an application with [`App::debug`](crate::App::debug), the
/// debug page does.
pub(crate) fn answer<'a, I>(levels: I, request: Request, failure: Failure) -> Reply
where
    I: Iterator<Item = &'a ErrorHandlers> + Clone,
{
    let is_registered = levels.clone().any(|level| level.for_type(&failure).is_some());
    let failure = if is_registered { failure } else { failure.into_http() };
    if let Some(error) = failure.downcast_ref::<HttpError>() {
        error.log();
        if levels.clone().any(|level| level.debug)
            && !request.is_websocket()
            && (!is_registered || debug::is_panic(error))
            && let Some(page) = debug::page(&request, error)
        {
            return page.into();
        }
    }
    for level in levels.clone() {
        if let Some(error) = failure.downcast_ref::<HttpError>()
            && let Some(handler) = level.for_status(error.status)
        {
            return keeping(error.headers.clone(), handler.call(request, error.clone()));
        }
        if let Some(handler) = level.for_type(&failure) {
            let headers = failure.downcast_ref().map(|error: &HttpError| error.headers.clone());
            return keeping(headers.unwrap_or_default(), handler.call(request, failure));
        }
    }
    let response = failure.into_response();
    let unforeseen = Status::INTERNAL_SERVER_ERROR;
    let handler = levels.clone().find_map(|level| level.for_status(unforeseen));
    match handler.filter(|_| response.status == unforeseen) {
        Some(handler) => handler.call(request, HttpError::new(unforeseen)),
        None => response.into(),
    }
}
