//! `Workers`: a limited number of threads for work that blocks, and a bounded queue before them.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stelo_core::app::Response;
use stelo_core::http::{Status, header};

use super::Executor;
use super::executor::{Job, job};
use crate::response::{HttpError, IntoResponse};

/// The limits of work that blocks: [`App::blocking_limits`](crate::App::blocking_limits).
///
/// ```
/// use stelo_toolkit::App;
/// use stelo_toolkit::request::BlockingLimits;
///
/// let app = App::new().blocking_limits(BlockingLimits::default().threads(8).queue(100));
/// # app.build().unwrap();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockingLimits {
    threads: usize,
    queue: usize,
}

impl BlockingLimits {
    /// The default of [`threads`](Self::threads): 40, as in Starlette. The operator of a server can change it by
    /// `--blocking-threads`, for applications that set no limits.
    pub const THREADS: usize = 40;

    /// The default of [`queue`](Self::queue): 1,000.
    pub const QUEUE: usize = 1000;

    /// Sets the number of pieces of work that run at the same time, each on a thread of the executor. At least one.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    /// Sets the number of pieces of work that wait for a thread. Further ones are [`Busy`], which is answered with 503.
    #[must_use]
    pub fn queue(self, queue: usize) -> Self {
        Self { queue, ..self }
    }
}

impl Default for BlockingLimits {
    fn default() -> Self {
        Self { threads: Self::THREADS, queue: Self::QUEUE }
    }
}

/// A limited number of threads for work that blocks, which all requests of an application share: an argument of handlers,
/// and [`Parts::workers`](super::Parts::workers). [`blocking`](crate::handler::blocking) runs a whole handler there.
///
/// ```
/// use stelo_toolkit::request::{Busy, Workers};
/// use stelo_toolkit::{App, TestClient, get};
///
/// fn expensive(n: u64) -> u64 { (1..=n).product() }
///
/// async fn factorial(workers: Workers) -> Result<String, Busy> {
///     let product = workers.run(|| expensive(20)).await?;
///     Ok(product.to_string())
/// }
///
/// let client = TestClient::new(App::new().route("/", get(factorial)));
/// assert_eq!(client.get("/").send().text(), "2432902008176640000");
/// ```
#[derive(Clone)]
pub struct Workers {
    pool: Pool,
    executor: Executor,
}

impl Workers {
    pub(crate) fn new(pool: Pool, executor: Executor) -> Self {
        Self { pool, executor }
    }

    /// Runs `work`, which may block, on a thread where it delays no other request. If all threads are busy it waits in the
    /// queue. Dropping the future takes work that has not begun out of the queue.
    ///
    /// # Errors
    /// The queue is full.
    ///
    /// # Panics
    /// Panics if `work` panics, with the same payload.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let (job, result) = job(work);
        self.pool.submit(&self.executor, job)?;
        Ok(result.await)
    }

    /// Returns a background task that runs `work` on a thread: see
    /// [`ResponseExt::background`](crate::response::ResponseExt::background). If the queue is full when the response has
    /// been sent, the work is not done, and the log says so.
    ///
    /// ```
    /// use stelo_toolkit::request::Workers;
    /// use stelo_toolkit::response::ResponseExt;
    /// use stelo_toolkit::{IntoResponse, Response};
    ///
    /// async fn upload(workers: Workers) -> Response {
    ///     "thank you".into_response().background(workers.task(|| { /* write a thumbnail */ }))
    /// }
    /// # let _ = stelo_toolkit::get(upload);
    /// ```
    pub fn task(&self, work: impl FnOnce() + Send + 'static) -> impl Future<Output = ()> + Send + 'static {
        let workers = self.clone();
        async move {
            if workers.run(work).await.is_err() {
                tracing::error!("a background task was not run: {Busy}");
            }
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.pool.0.lock();
        write!(f, "Workers({} running, {} waiting)", state.running, state.waiting.len())
    }
}

/// All threads for blocking work are busy, and the queue is full. Answered with 503 and `retry-after: 1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "all threads for blocking work are busy, and the queue is full: see `App::blocking_limits`",
        )
    }
}

impl std::error::Error for Busy {}

impl From<Busy> for HttpError {
    fn from(_: Busy) -> Self {
        Self::new(Status::SERVICE_UNAVAILABLE).with_header(header::RETRY_AFTER, 1)
    }
}

impl IntoResponse for Busy {
    fn into_response(self) -> Response {
        HttpError::from(self).into_response()
    }

    fn into_outcome(self) -> Result<Response, crate::response::Failure> {
        HttpError::from(self).into_outcome()
    }
}

/// The threads and the queue. A state of the application, looked up by type.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    queue: usize,
    /// Whether the application has set the limits, so that the server's setting does not count.
    is_set: bool,
    state: Mutex<State>,
}

struct State {
    threads: usize,
    running: usize,
    waiting: VecDeque<Job>,
}

impl Shared {
    /// Locks the state. No work runs under the lock, so it is consistent even if poisoned.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the next piece of work that is still wanted. Without one, the thread is free.
    fn next(&self) -> Option<Job> {
        loop {
            let job = {
                let mut state = self.lock();
                let job = state.waiting.pop_front();
                if job.is_none() {
                    state.running -= 1;
                }
                job?
            };
            if job.is_wanted() {
                return Some(job);
            }
        }
    }

    /// Takes work out of the queue whose waiting task has gone. The caller drops it: its values are the application's, so
    /// not under the lock.
    fn take_unwanted(state: &mut State) -> VecDeque<Job> {
        let (wanted, unwanted) = state.waiting.drain(..).partition(Job::is_wanted);
        state.waiting = wanted;
        unwanted
    }
}

/// A pool with the default limits, whose number of threads the server may set.
impl Default for Pool {
    fn default() -> Self {
        Self::with(BlockingLimits::default(), false)
    }
}

impl Pool {
    /// Creates a pool with the limits that the application sets.
    pub(crate) fn new(limits: BlockingLimits) -> Self {
        Self::with(limits, true)
    }

    fn with(BlockingLimits { threads, queue }: BlockingLimits, is_set: bool) -> Self {
        let state = State { threads, running: 0, waiting: VecDeque::new() };
        Self(Arc::new(Shared { queue, is_set, state: Mutex::new(state) }))
    }

    /// Takes the setting of the server, if the application has set no limits.
    pub(crate) fn take_setting(&self, threads: NonZeroUsize) {
        if !self.0.is_set {
            self.0.lock().threads = threads.get();
        }
    }

    fn submit(&self, executor: &Executor, job: Job) -> Result<(), Busy> {
        let Some(job) = self.queue(job)? else { return Ok(()) };
        let shared = self.0.clone();
        executor.start_blocking(Box::new(move || {
            let mut next = Some(job);
            while let Some(job) = next {
                job.run();
                next = shared.next();
            }
        }));
        Ok(())
    }

    /// Puts a job into the queue. Returns it if a thread is free, which is then taken.
    fn queue(&self, job: Job) -> Result<Option<Job>, Busy> {
        let limit = self.0.queue;
        let mut state = self.0.lock();
        if state.running < state.threads {
            state.running += 1;
            return Ok(Some(job));
        }
        let unwanted = match state.waiting.len() >= limit {
            true => Shared::take_unwanted(&mut state),
            false => VecDeque::new(),
        };
        let is_full = state.waiting.len() >= limit;
        if !is_full {
            state.waiting.push_back(job);
        }
        drop(state);
        drop(unwanted);
        if is_full { Err(Busy) } else { Ok(None) }
    }
}
