//! The hooks of an application: their panics are errors, and what the server hears meanwhile can end them.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};

use stelo_core::app::{BoxError, BoxFuture};

use crate::contain::{self, catch};

/// The result of a hook, or what has ended it.
pub(crate) type Outcome<T> = Result<Result<(), BoxError>, T>;

/// Runs a hook until it completes, or until `interrupted` does. A hook that is interrupted is dropped.
pub(crate) async fn run<T>(
    hook: impl FnOnce() -> BoxFuture<Result<(), BoxError>>,
    mut interrupted: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Outcome<T> {
    let panicked = |message| format!("panic: {message}");
    let future = match catch(hook) {
        Ok(future) => future,
        Err(message) => return Ok(Err(panicked(message).into())),
    };
    let mut running = pin!(contain::run(future));
    poll_fn(|cx| match running.as_mut().poll(cx) {
        Poll::Ready(Ok(result)) => Poll::Ready(Ok(result)),
        Poll::Ready(Err(message)) => Poll::Ready(Ok(Err(panicked(message).into()))),
        Poll::Pending => interrupted(cx).map(Err),
    })
    .await
}
