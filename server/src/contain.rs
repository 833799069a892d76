//! Containment of the application: its panics end what they happen in, and nothing else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::error;

use crate::log::SERVER;

/// Runs code of the application. Returns the message if it panics.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // Unwind safe: the caller drops what the code may have left half done.
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| message(&*payload))
}

/// Drops a value of the application. A panic of its destructor is logged.
pub(crate) fn discard<T>(value: T) {
    if let Err(message) = catch(|| drop(value)) {
        error!(target: SERVER, "Panic in a destructor of the application: {message}");
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no message)").to_owned()
}
