//! `Executor`: a handle on the executor that runs the application, whichever it is.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use stelo_core::app::BoxFuture;

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

    /// Completes when the server begins to stop, so that streams without an end can end. [`EventStream`] waits for it by
    /// itself.
    ///
    /// [`EventStream`]: crate::events::EventStream
    pub fn shutdown(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.shutdown()
    }

    /// As [`sleep`](Self::sleep), as a future that its caller keeps.
    pub(crate) fn timer(&self, duration: Duration) -> BoxFuture<()> {
        self.0.sleep(duration)
    }

    /// Runs blocking `work` on another thread.
    pub(crate) fn start_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.0.blocking(work);
    }

    /// The number of threads that the operator allows for work that blocks.
    pub(crate) fn blocking_threads(&self) -> Option<NonZeroUsize> {
        self.0.blocking_threads()
    }

    /// Whether the operator lets the application run its hooks.
    pub(crate) fn lifespan(&self) -> bool {
        self.0.lifespan()
    }

    /// As [`shutdown`](Self::shutdown), as a future that its caller keeps.
    pub(crate) fn stopping(&self) -> BoxFuture<()> {
        self.0.shutdown()
    }

    /// Runs `work`, which may block, on a thread where it delays no other request, and returns its result. The executor
    /// limits the number of threads; [`Workers`](super::Workers) have a limit of the application and a bounded queue.
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
    let (job, result) = job(work);
    start(Box::new(move || job.run()));
    result.await
}

/// Work for another thread. [`run`](Self::run) never panics.
pub(crate) struct Job {
    work: Box<dyn FnOnce() + Send>,
    /// Whether the waiting task is there.
    is_wanted: Box<dyn Fn() -> bool + Send>,
}

impl Job {
    pub(crate) fn run(self) {
        (self.work)();
    }

    /// Whether the task that waits for the result is still there.
    pub(crate) fn is_wanted(&self) -> bool {
        (self.is_wanted)()
    }
}

/// Splits `work` into a job for another thread and the future of its result, which panics if `work` does.
pub(crate) fn job<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> (Job, impl Future<Output = T> + Send) {
    let slot = Arc::new(Mutex::new(Slot { result: None, waker: None }));
    let (theirs, waiting) = (slot.clone(), Arc::downgrade(&slot));
    let run = move || {
        let result = catch_unwind(AssertUnwindSafe(work));
        let waker = {
            let mut slot = theirs.lock().unwrap_or_else(PoisonError::into_inner);
            slot.result = Some(result);
            slot.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    };
    // One reference is the job's own.
    let is_wanted = move || waiting.strong_count() > 1;
    let result = async move {
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
    };
    (Job { work: Box::new(run), is_wanted: Box::new(is_wanted) }, result)
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
