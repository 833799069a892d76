//! What a handler may ask of the executor that runs it, without naming it.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

/// The executor that runs the application: a handle, cheap to clone.
#[derive(Clone)]
pub struct Executor(Arc<dyn stelo_core::app::Executor>);

impl Executor {
    /// A handle on what a server hands to its application.
    pub fn new(executor: Arc<dyn stelo_core::app::Executor>) -> Self {
        Self(executor)
    }

    /// What the server has handed over.
    pub(crate) fn into_inner(self) -> Arc<dyn stelo_core::app::Executor> {
        self.0
    }

    /// Runs a future beside the others. The server waits for it at shutdown, within its graceful timeout.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(Box::pin(future));
    }

    /// Completes after `duration`.
    pub async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }

    /// Runs `work`, which may block, on a thread where it delays no other request, and gives its result back.
    ///
    /// # Panics
    /// With the panic of `work`.
    pub async fn run_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        finished(|work| self.0.blocking(work), work).await
    }
}

/// Has `start` run `work` on another thread, and waits for it.
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

/// Where the thread that works leaves the result for the task that waits.
struct Slot<T> {
    result: Option<Result<T, Box<dyn Any + Send>>>,
    waker: Option<Waker>,
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Executor")
    }
}
