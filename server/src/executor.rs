//! The executor as an application sees it: a runtime whose tasks are counted.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use stelo_core::app::{BoxFuture, Executor};
use stelo_runtime::Runtime;
use tracing::error;

use crate::log::SERVER;
use crate::thread::registry::{Kind, Member, Phase, Registry};

/// A runtime whose tasks are members of a registry.
pub(crate) struct Handle<R> {
    pub(crate) runtime: R,
    pub(crate) registry: Arc<Registry>,
}

impl<R: Runtime> Executor for Handle<R> {
    fn spawn(&self, future: BoxFuture<()>) {
        self.runtime.spawn(Task { future, member: self.registry.join(Kind::Task) });
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        Box::pin(self.runtime.sleep(self.runtime.now() + duration))
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.runtime.blocking(work);
    }
}

/// A background task. It ends when it completes or panics, or when the server aborts.
struct Task {
    future: BoxFuture<()>,
    member: Member,
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.member.phase(cx) == Phase::Aborting {
            return Poll::Ready(());
        }
        match catch(|| self.future.as_mut().poll(cx)) {
            Ok(poll) => poll,
            Err(message) => {
                error!(target: SERVER, "A background task panicked: {message}");
                Poll::Ready(())
            }
        }
    }
}

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
