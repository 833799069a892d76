//! Contains panics: the request that panicked is answered with 500, and no other is affected.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, set_hook, take_hook};
use std::sync::Once;

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
    let message = message(panic);
    failure!("panic in {place}: {message}");
    let place = PLACE.try_with(RefCell::take).ok().flatten();
    HttpError::new(Status::INTERNAL_SERVER_ERROR)
        .with_logged_source(Panicked { message: message.to_owned(), place })
}

/// A panic as the source of the error that answers it.
#[derive(Debug)]
pub(crate) struct Panicked {
    message: String,
    /// Known if [`record`] was called.
    pub(crate) place: Option<Place>,
}

/// The place of a panic.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) location: String,
    pub(crate) backtrace: Backtrace,
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panic: {}", self.message)
    }
}

impl std::error::Error for Panicked {}

thread_local! {
    /// The place of the last panic of this thread, until it is contained.
    static PLACE: RefCell<Option<Place>> = const { RefCell::new(None) };
}

/// Puts a panic hook before that of the program. It records places for the page of
/// [`App::debug`](crate::App::debug).
pub(crate) fn record() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let inner = take_hook();
        set_hook(Box::new(move |info| {
            let location = info.location().map(ToString::to_string).unwrap_or_default();
            let place = Place { location, backtrace: Backtrace::force_capture() };
            // The thread may be ending. Then nothing asks for the place.
            let _ = PLACE.try_with(|last| last.replace(Some(place)));
            inner(info);
        }));
    });
}
