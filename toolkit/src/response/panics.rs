//! Contains panics: the request that panicked is answered with 500, and no other is affected.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_lite::FutureExt;
use stelo_core::http::Status;

use crate::response::HttpError;
use crate::response::report::failure;

/// The payload of a panic.
pub(crate) type Panic = Box<dyn Any + Send>;

/// Runs a future, and returns its panic as an error.
pub(crate) fn contained<T>(future: impl Future<Output = T>) -> impl Future<Output = Result<T, Panic>> {
    AssertUnwindSafe(future).catch_unwind()
}

/// Returns the message of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "(no message)",
    }
}

/// Logs a panic, and returns the error that answers the request.
pub(crate) fn panicked(place: &str, panic: &(dyn Any + Send)) -> HttpError {
    failure!("panic in {place}: {}", message(panic));
    HttpError::new(Status::INTERNAL_SERVER_ERROR)
}
