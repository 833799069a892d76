//! Containment of the application: its panics end what they happen in, and nothing else.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use stelo_core::app::BoxFuture;
use tracing::error;

use crate::log::SERVER;

/// Runs code of the application. Returns the message if it panics.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // Unwind safe: the caller drops what the code may have left half done.
    catch_unwind(AssertUnwindSafe(work)).map_err(caught)
}

/// Runs a future of the application. Returns the message if it panics. It is dropped as soon as it has completed.
pub(crate) async fn run<T>(future: BoxFuture<T>) -> Result<T, String> {
    let mut future = Contained::new(future);
    poll_fn(|cx| match future.get() {
        Some(future) => catch(|| future.as_mut().poll(cx))
            .map_or_else(|message| Poll::Ready(Err(message)), |poll| poll.map(Ok)),
        None => Poll::Pending,
    })
    .await
}

/// A value of the application that is dropped by [`discard`].
pub(crate) struct Contained<T>(Option<T>);

impl<T> Contained<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// Returns the value, which is only absent after [`take`](Self::take).
    pub(crate) fn get(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        discard(self.0.take());
    }
}

/// Drops a value of the application. A panic of its destructor is logged.
pub(crate) fn discard<T>(value: T) {
    if let Err(message) = catch(|| drop(value)) {
        error!(target: SERVER, "Panic in a destructor of the application: {message}");
    }
}

/// Returns the message of a panic, and drops its payload.
#[cold]
fn caught(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let message = text.unwrap_or("(no message)").to_owned();
    // The application chooses the payload, so its destructor can panic too. A second such payload is leaked.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("on purpose"));
        }
    }

    struct Chain;

    impl Drop for Chain {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new(Bomb));
        }
    }

    #[test]
    fn a_panic_of_a_destructor_is_contained() {
        discard(Bomb);
        drop(Contained::new(Bomb));
    }

    #[test]
    fn a_panic_of_the_payload_of_a_panic_is_contained() {
        for payload in [Box::new(Bomb) as Box<dyn Any + Send>, Box::new(Chain)] {
            assert_eq!(catch(|| std::panic::resume_unwind(payload)), Err::<(), _>("(no message)".to_owned()));
        }
    }
}
