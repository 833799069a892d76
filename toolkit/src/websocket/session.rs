//! A running WebSocket handler. Until the handshake is answered, its future is the reply ([`Handshake`]). The answer then
//! takes the same future with it as a [`Session`], into the upgrade of an accepted WebSocket, or into the background task
//! of a denial, where its time is limited.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use stelo_core::app::{BoxFuture, Response};
use stelo_core::http::Status;
use stelo_core::ws::CloseCode;

use super::line::{Answer, Line};
use super::{WebSocketException, error};
use crate::request::Executor;
use crate::request::site::{NodeId, SiteRef};
use crate::response::panics::panicked;
use crate::response::report::failure;
use crate::response::{Failure, HttpError, ResponseExt};

/// The longest time of a handler after its denial. A server gives as long to the handler of a WebSocket whose client has
/// left (`timeouts.half_closed`).
const AFTER_DENIAL: Duration = Duration::from_secs(10);

/// A running handler. Ready when the handler, and with it the WebSocket, has ended.
pub(super) struct Session {
    /// `None` once the handler has ended.
    handler: Option<BoxFuture<Result<(), Failure>>>,
    line: Arc<Line>,
    executor: Executor,
    site: SiteRef,
    node: NodeId,
}

impl Session {
    /// Creates a session of a handler and the state of its WebSocket. `node` is its route.
    pub(super) fn new(
        executor: Executor,
        (site, node): (SiteRef, NodeId),
        line: Arc<Line>,
        handler: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) -> Self {
        Self { handler: Some(Box::pin(handler)), line, executor, site, node }
    }

    fn poll_handler(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let Some(handler) = &mut self.handler else { return Poll::Ready(Ok(())) };
        let outcome = ready!(handler.as_mut().poll(cx));
        self.handler = None;
        Poll::Ready(outcome)
    }

    /// Closes the WebSocket as the outcome of the handler says, after the handshake was answered.
    fn finish(&self, outcome: Result<(), Failure>) {
        let place = self.site.label(self.node);
        let Err(failure) = outcome else { return };
        if let Some(WebSocketException { code, reason }) = error::exception(failure, place) {
            // Fails only if this side has already closed the WebSocket.
            let _ = self.line.close(code, &reason);
        }
    }

    /// Makes the response of an answer. The handler continues after it.
    fn respond(self, answer: Answer) -> Response {
        match answer {
            Answer::Accept(headers) => {
                let response = Response::websocket(move |socket| {
                    self.line.open(socket);
                    self
                });
                Response { headers, ..response }
            }
            Answer::Deny(response) if self.handler.is_none() => response,
            Answer::Deny(response) => response.background(self.denied()),
        }
    }

    /// Runs the rest of the handler. Drops it if that takes too long: no client waits for it, and each handshake could
    /// leave another one.
    async fn denied(mut self) {
        let mut timer = self.executor.timer(AFTER_DENIAL);
        let in_time = poll_fn(|cx| match Pin::new(&mut self).poll(cx) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending => timer.as_mut().poll(cx).map(|()| false),
        });
        if !in_time.await {
            let place = self.site.label(self.node);
            tracing::warn!(
                "the WebSocket handler of {place} has not returned {AFTER_DENIAL:?} after its denial, and is dropped"
            );
        }
    }
}

impl Future for Session {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let outcome = match catch_unwind(AssertUnwindSafe(|| self.poll_handler(cx))) {
            Ok(poll) => ready!(poll),
            Err(panic) => {
                self.handler = None;
                panicked(self.site.label(self.node), &*panic);
                Err(Failure::new(WebSocketException::new(CloseCode::INTERNAL_ERROR)))
            }
        };
        self.finish(outcome);
        Poll::Ready(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.line.end();
    }
}

/// A handler that has not answered the handshake. Ready with the response.
pub(super) struct Handshake(pub(super) Option<Session>);

impl Future for Handshake {
    type Output = Result<Response, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let session = self.0.as_mut().expect("a future is not polled after it was ready");
        let answer = match session.poll_handler(cx) {
            Poll::Pending => ready!(session.line.poll_answer(cx)),
            Poll::Ready(outcome) => match (session.line.take_answer(), outcome) {
                (Some(answer), outcome) => {
                    session.finish(outcome);
                    answer
                }
                (None, Err(failure)) => return Poll::Ready(Err(error::unboxed(failure))),
                (None, Ok(())) => {
                    let place = session.site.label(session.node);
                    failure!("the WebSocket handler of {place} returned without completing the handshake");
                    let error = HttpError::new(Status::INTERNAL_SERVER_ERROR);
                    return Poll::Ready(Err(Failure::new(error)));
                }
            },
        };
        let session = self.0.take().expect("it was there above");
        Poll::Ready(Ok(session.respond(answer)))
    }
}
