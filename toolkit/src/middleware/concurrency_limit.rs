//! `ConcurrencyLimit`: limits how many requests are handled at once.

use std::sync::Arc;
use std::time::Duration;

use stelo_core::app::Reply;
use stelo_core::http::Status;

use super::permits::{Permit, Permits};
use super::reply::refused;
use super::{Middleware, Next};
use crate::request::Request;
use crate::response::HttpError;

/// The default number of requests that wait.
const WAITING: usize = 1024;

/// Handles at most a number of requests at once. Others wait, first come, first served. If 1,024 wait
/// ([`max_waiting`](Self::max_waiting)), further ones are answered with 503 and `retry-after: 1`.
///
/// A request counts until its handler returns the response. It does not count while its body streams, nor as a WebSocket.
/// [`LoadShed`](super::LoadShed) also limits how long requests wait. The option `--limit-concurrency` counts connections.
///
/// ```
/// use stelo_toolkit::middleware::ConcurrencyLimit;
/// use stelo_toolkit::{App, TestClient, post};
///
/// // Two reports at once. The middleware of a route leaves the other routes alone.
/// let limit = ConcurrencyLimit::new(2).max_waiting(20);
/// let app = App::new().route("/report", post("done").middleware(limit));
/// assert_eq!(TestClient::new(app).post("/report").send().text(), "done");
/// ```
#[derive(Clone, Debug)]
pub struct ConcurrencyLimit {
    permits: Arc<Permits>,
    max_waiting: usize,
}

impl ConcurrencyLimit {
    /// Handles at most that number of requests at once. Clones share the number.
    ///
    /// # Panics
    /// If the number is zero.
    #[track_caller]
    pub fn new(requests: usize) -> Self {
        assert!(requests > 0, "a limit of concurrent requests allows at least one");
        Self { permits: Permits::new(requests), max_waiting: WAITING }
    }

    /// Sets how many requests may wait. 0 answers all beyond the limit with 503.
    #[must_use]
    pub fn max_waiting(self, requests: usize) -> Self {
        Self { max_waiting: requests, ..self }
    }
}

impl Middleware for ConcurrencyLimit {
    fn call(&self, request: Request, next: Next) -> Reply {
        if let Some(permit) = self.permits.take() {
            return held(permit, next.run(request));
        }
        match self.permits.wait(self.max_waiting, || Duration::ZERO) {
            Some((wait, _)) => Reply::future(async move {
                let permit = wait.await;
                held(permit, next.run(request)).await
            }),
            None => overloaded(request),
        }
    }
}

/// Keeps a permit until the response is there.
pub(super) fn held(permit: Permit, reply: Reply) -> Reply {
    match reply {
        Reply::Future(future) => Reply::future(async move {
            let response = future.await;
            drop(permit);
            response
        }),
        ready => ready,
    }
}

/// Answers a request with 503.
pub(super) fn overloaded(request: Request) -> Reply {
    refused(request, overload())
}

pub(super) fn overload() -> HttpError {
    let error = HttpError::new(Status::SERVICE_UNAVAILABLE).with_header("retry-after", 1_u32);
    error.with_detail("the server is overloaded: try again later")
}
