//! `Failure`: an error of any type on its way to an error handler, which can still answer for itself.

use std::any::Any;
use std::fmt;

use stelo_core::app::Response;

use super::IntoResponse;

/// An error on its way to whoever answers it.
///
/// Made by [`IntoResponse::into_outcome`] of a `Result`; an implementation of that trait for a type that wraps a
/// `Result` passes it on.
pub struct Failure(pub(crate) Box<dyn Answers>);

/// An error that can answer for itself.
pub(crate) trait Answers: Any + Send {
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
