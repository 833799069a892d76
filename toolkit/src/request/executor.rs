//! `Executor`: a handle on the executor that runs the application, whichever it is.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

/// A handle on the executor that runs the application. Cheap to clone.
#[derive(Clone)]
pub struct Executor(Arc<dyn stelo_core::app::Executor>);

impl Executor {
    /// Wraps the executor that a server gives to its application.
    pub fn new(executor: Arc<dyn stelo_core::app::Executor>) -> Self {
        Self(executor)
    }

    /// Returns the executor that the server has given.
    pub(crate) fn into_inner(self) -> Arc<dyn stelo_core::app::Executor> {
        self.0
    }

    /// Spawns a future. The server waits for it at shutdown, within its graceful timeout.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(Box::pin(future));
    }

    /// Completes after `duration`.
    pub async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }

    /// Runs `work`, which may block, on a thread where it delays no other request, and returns its result.
    ///
    /// # Panics
    /// Panics if `work` panics, with the same payload.
    pub async fn run_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        finished(|work| self.0.blocking(work), work).await
    }
}

/// Runs `work` through `start`, which moves it to another thread, and waits for its result.
pub(crate) async fn finished<T: Send + 'static>(
    start: impl FnOnce(Box<dyn FnOnce() + Send>),
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let slot = Arc::new(Mutex::new(Slot { result: None, waker: None }));
    let theirs = slot.clone();
    start(Box::new(move || {
        let result = catch_unwind(AssertUnwindSafe(work));
        let waker = {
            let mut slot = theirs.lock().unwrap_or_else(PoisonError::into_inner);
            slot.result = Some(result);
            slot.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }));
    let result = poll_fn(|cx| {
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                slot.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    });
    result.await.unwrap_or_else(|panic| resume_unwind(panic))
}

/// The result on its way from the working thread to the waiting task.
struct Slot<T> {
    result: Option<Result<T, Box<dyn Any + Send>>>,
    waker: Option<Waker>,
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Executor")
    }
}
