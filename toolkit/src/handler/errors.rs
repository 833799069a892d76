//! Handlers of errors: an application's own answers to failures.
//!
//! A handler, an extractor or the router fails with a value. If the application has registered a handler for its
//! status ([`App::error_handler`](crate::App::error_handler)) or its type ([`App::on_error`](crate::App::on_error)),
//! that handler answers. Otherwise the value answers for itself through [`IntoResponse`].

use std::any::{Any, TypeId};
use std::future::Future;
use std::marker::PhantomData;

use stelo_core::app::Reply;
use stelo_core::http::Status;

use crate::request::Request;
use crate::response::panics::{contained, panicked};
use crate::response::{Failure, HttpError, IntoResponse};

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
