//! `Failure`: an error of any type on its way to an error handler, which can still be its own response.

use std::any::{Any, TypeId};
use std::error::Error;
use std::fmt;

use stelo_core::app::{BoxError, Response};
use stelo_core::body::BodyError;

use super::{HttpError, IntoResponse, Problem};

/// An error on its way to an error handler.
///
/// [`IntoResponse::into_outcome`] of a `Result` creates it. An implementation of that trait for a type that wraps a
/// `Result` passes it on.
pub struct Failure(Box<dyn Answers>);

/// An error that can be a response.
trait Answers: Any + Send {
    fn answer(self: Box<Self>) -> Response;
}

impl<E: IntoResponse + Send + 'static> Answers for E {
    fn answer(self: Box<Self>) -> Response {
        self.into_response()
    }
}

impl Failure {
    /// Wraps an error. A failure stays as it is.
    pub fn new<E: IntoResponse + Send + 'static>(error: E) -> Self {
        let failure = Self(Box::new(error));
        match TypeId::of::<E>() == TypeId::of::<Self>() {
            true => failure.take::<Self>().unwrap_or_else(|failure| failure),
            false => failure,
        }
    }

    /// Returns the error, or the content of a [`BoxError`], if it is of this type.
    pub fn downcast_ref<E: Error + Send + Sync + 'static>(&self) -> Option<&E> {
        let any: &dyn Any = &*self.0;
        any.downcast_ref().or_else(|| any.downcast_ref::<BoxError>()?.downcast_ref())
    }

    /// Takes out the error, or the content of a [`BoxError`], if it is of this type.
    pub(crate) fn downcast<E: Error + Send + Sync + 'static>(self) -> Result<E, Self> {
        self.take::<E>().or_else(|failure| {
            let error = failure.take::<BoxError>()?.downcast::<E>();
            error.map(|error| *error).map_err(Self::new)
        })
    }

    /// Takes an error of this type out of its box.
    pub(crate) fn unboxed<E: Error + IntoResponse + Send + Sync + 'static>(self) -> Self {
        self.downcast::<E>().map_or_else(|failure| failure, Self::new)
    }

    /// Converts a boxed error, a [`BodyError`] or a [`Problem`] to an [`HttpError`].
    pub(crate) fn into_http(self) -> Self {
        let http = self.take::<BoxError>().map(HttpError::from);
        let http = http.or_else(|failure| failure.take::<BodyError>().map(HttpError::from));
        let http = http.or_else(|failure| failure.take::<Problem>().map(HttpError::from));
        http.map_or_else(|failure| failure, Self::new)
    }

    /// Takes out the error if it is of exactly this type.
    fn take<T: 'static>(self) -> Result<T, Self> {
        let any: &dyn Any = &*self.0;
        if !any.is::<T>() {
            return Err(self);
        }
        let any: Box<dyn Any> = self.0;
        Ok(*any.downcast().expect("the type was checked above"))
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
