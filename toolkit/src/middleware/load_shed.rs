//! `LoadShed`: rejects requests that have waited too long, so that the others are answered in time.
//!
//! The rule is that of CoDel for servers ("Fail at Scale", ACM Queue 13(8), 2015): a queue that is never empty is an
//! overload, and every request that waits in it only adds delay.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_lite::future::or;
use stelo_core::app::Reply;

use super::concurrency_limit::{held, overload, overloaded};
use super::permits::Permits;
use super::{Middleware, Next};
use crate::handler::Scope;
use crate::request::{Parts, Request};
use crate::response::Failure;

/// The default of [`LoadShed::max_wait`].
const MAX_WAIT: Duration = Duration::from_millis(100);

/// The default of [`LoadShed::overload_wait`].
const OVERLOAD_WAIT: Duration = Duration::from_millis(5);

/// The default number of requests that wait.
const WAITING: usize = 1024;

/// Handles a number of requests at once, and rejects others that wait too long with 503 and `retry-after: 1`.
///
/// A request waits for 100 ms at most ([`max_wait`](Self::max_wait)). After 100 ms in which there was always a request that
/// waited, the server is overloaded: further requests wait for 5 ms at most ([`overload_wait`](Self::overload_wait)). So the
/// requests that are handled have not waited long, however many come. At most 1,024 wait.
///
/// A request counts until its handler returns the response. Requests for health and metrics must be
/// [exempt](Self::exempt), or an overloaded server looks like a broken one.
///
/// ```
/// use stelo_toolkit::middleware::LoadShed;
/// use stelo_toolkit::{App, TestClient, get};
///
/// let shed = LoadShed::new(64).exempt(["/health", "/metrics"]);
/// let app = App::new().middleware(shed).route("/", get("hello")).route("/health", get("well"));
/// assert_eq!(TestClient::new(app).get("/").send().text(), "hello");
/// ```
pub struct LoadShed {
    permits: Arc<Permits>,
    max_waiting: usize,
    max_wait: Duration,
    overload_wait: Duration,
    exempt: Vec<String>,
    clock: Box<dyn Fn() -> Duration + Send + Sync>,
}

impl LoadShed {
    /// Handles at most that number of requests at once.
    ///
    /// # Panics
    /// If the number is zero.
    #[track_caller]
    pub fn new(requests: usize) -> Self {
        assert!(requests > 0, "load shedding handles at least one request at once");
        let start = Instant::now();
        Self {
            permits: Permits::new(requests),
            max_waiting: WAITING,
            max_wait: MAX_WAIT,
            overload_wait: OVERLOAD_WAIT,
            exempt: Vec::new(),
            clock: Box::new(move || start.elapsed()),
        }
    }

    /// Sets how long a request waits at most, and how long there must always be one that waits in an overload. 100 ms by
    /// default.
    #[must_use]
    pub fn max_wait(self, wait: Duration) -> Self {
        Self { max_wait: wait, ..self }
    }

    /// Sets how long a request waits at most in an overload. 5 ms by default.
    #[must_use]
    pub fn overload_wait(self, wait: Duration) -> Self {
        Self { overload_wait: wait, ..self }
    }

    /// Sets how many requests may wait. 1,024 by default.
    #[must_use]
    pub fn max_waiting(self, requests: usize) -> Self {
        Self { max_waiting: requests, ..self }
    }

    /// Handles requests of these paths at once. They do not count.
    #[must_use]
    pub fn exempt(mut self, paths: impl IntoIterator<Item: Into<String>>) -> Self {
        self.exempt.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Sets the clock that finds an overload, for tests: the time since any point in the past.
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    fn exempts(&self, request: &Parts) -> bool {
        self.exempt.iter().any(|path| path == request.path())
    }
}

impl Middleware for LoadShed {
    fn call(&self, request: Request, next: Next) -> Reply {
        if self.exempts(&request) {
            return next.run(request);
        }
        if let Some(permit) = self.permits.take() {
            return held(permit, next.run(request));
        }
        let Some((wait, busy)) = self.permits.wait(self.max_waiting, &self.clock) else {
            return overloaded(request);
        };
        let longest = if busy < self.max_wait { self.max_wait } else { self.overload_wait };
        let (scope, sleep) = (Scope::of(&request), request.sleep(longest));
        Reply::future(scope.settle(async move {
            let permit = or(async { Some(wait.await) }, async {
                sleep.await;
                None
            });
            match permit.await {
                Some(permit) => Ok(held(permit, next.run(request)).await),
                None => Err(Failure::new(overload())),
            }
        }))
    }
}

impl fmt::Debug for LoadShed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadShed")
            .field("max_waiting", &self.max_waiting)
            .field("max_wait", &self.max_wait)
            .field("overload_wait", &self.overload_wait)
            .field("exempt", &self.exempt)
            .finish_non_exhaustive()
    }
}
