//! `Timeout`: ends handlers that take too long.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use stelo_core::app::{BoxFuture, Reply, Response};
use stelo_core::http::Status;

use super::{Middleware, Next};
use crate::handler::Scope;
use crate::request::{Executor, Request};
use crate::response::{Failure, HttpError};

/// Drops a handler that has not returned its response in time, and answers 503.
///
/// The time counts until the handler returns its response. A body that streams afterwards, and a WebSocket that has been
/// accepted, have timeouts of the server (`--timeout-write`, `--ws-ping-timeout`). A handler that returns without
/// waiting sets no timer.
///
/// The status is not 408, which says that the client was slow, and browsers then repeat the request.
/// [`status`](Self::status) sets another one, such as 504 for a handler that waits for another server.
///
/// ```
/// use std::time::Duration;
/// use stelo_toolkit::middleware::Timeout;
/// use stelo_toolkit::{App, TestClient, get};
///
/// async fn hangs() { std::future::pending().await }
///
/// let app = App::new().middleware(Timeout::new(Duration::from_millis(1))).route("/", get(hangs));
/// assert_eq!(TestClient::new(app).get("/").send().status().code(), 503);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Timeout {
    duration: Duration,
    status: Status,
}

impl Timeout {
    /// Creates the middleware, with the time that handlers have.
    pub const fn new(duration: Duration) -> Self {
        Self { duration, status: Status::SERVICE_UNAVAILABLE }
    }

    /// Sets the status of the response. 503 by default.
    #[must_use]
    pub const fn status(self, status: Status) -> Self {
        Self { status, ..self }
    }
}

impl Middleware for Timeout {
    fn call(&self, request: Request, next: Next) -> Reply {
        let (scope, executor) = (Scope::of(&request), request.executor());
        match next.run(request) {
            Reply::Future(work) => {
                Reply::future(scope.settle(Timed { work, timer: Timer::Unset(executor), timeout: *self }))
            }
            ready => ready,
        }
    }
}

/// A handler with a deadline.
struct Timed {
    work: BoxFuture<Response>,
    timer: Timer,
    timeout: Timeout,
}

enum Timer {
    /// Not set: most handlers return before they wait for anything.
    Unset(Executor),
    Set(BoxFuture<()>),
}

impl Future for Timed {
    type Output = Result<Response, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { work, timer, timeout } = &mut *self;
        if let Poll::Ready(response) = work.as_mut().poll(cx) {
            return Poll::Ready(Ok(response));
        }
        if let Timer::Unset(executor) = timer {
            *timer = Timer::Set(executor.clone().into_inner().sleep(timeout.duration));
        }
        let Timer::Set(sleep) = timer else { return Poll::Pending };
        sleep.as_mut().poll(cx).map(|()| {
            let error = HttpError::new(timeout.status);
            Err(Failure::new(error.with_detail("the handler took too long")))
        })
    }
}
