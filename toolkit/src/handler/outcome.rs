//! From a handler's future to a response: errors go to the error handlers, panics become 500.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use stelo_core::app::{BoxFuture, Reply, Response};

use crate::request::Request;
use crate::request::site::{NodeId, SiteRef};
use crate::response::panics::panicked;
use crate::response::{Failure, IntoResponse};

/// The result of an [`Endpoint`](super::Endpoint): a response or an error, now or later.
///
/// Any [response](IntoResponse) becomes one, and so does the [`Reply`] of another application. The error handlers of
/// the application answer an error.
pub struct Outcome(Kind);

enum Kind {
    Ready(Result<Response, Failure>),
    Future(BoxFuture<Result<Response, Failure>>),
    /// The future of another application, which does not fail.
    Reply(BoxFuture<Response>),
}

impl Outcome {
    /// An error, which the error handlers of the application answer, or else the error itself.
    pub fn fail(error: impl IntoResponse + Send + 'static) -> Self {
        Self(Kind::Ready(Err(Failure::new(error))))
    }

    /// An outcome that a future produces.
    pub fn future(future: impl Future<Output: IntoResponse> + Send + 'static) -> Self {
        Self(Kind::Future(Box::pin(Answer { future })))
    }
}

impl<T: IntoResponse> From<T> for Outcome {
    fn from(response: T) -> Self {
        Self(Kind::Ready(response.into_outcome()))
    }
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Ready(response) => Self(Kind::Ready(Ok(response))),
            Reply::Future(future) => Self(Kind::Reply(future)),
        }
    }
}

pin_project! {
    /// A future whose output becomes an outcome. Written by hand, because an `async` block would hold `future` twice.
    pub(crate) struct Answer<F> {
        #[pin]
        pub(crate) future: F,
    }
}

impl<F: Future<Output: IntoResponse>> Future for Answer<F> {
    type Output = Result<Response, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(cx).map(IntoResponse::into_outcome)
    }
}

/// The remains of a request that a handler or a middleware has taken, for the answer to an error.
pub(crate) struct Scope {
    site: SiteRef,
    node: NodeId,
    /// The request for the error handlers; `None` if there are none.
    request: Option<Request>,
}

impl Scope {
    #[inline]
    pub(crate) fn of(request: &Request) -> Self {
        let (site, node) = (request.site.clone(), request.position.node);
        let kept = site.node(node).is_guarded.then(|| request.without_body());
        Self { site, node, request: kept }
    }

    /// The scope of a handler that does not take the request.
    pub(crate) fn keeping(mut request: Request) -> Self {
        request.strip();
        Self { site: request.site.clone(), node: request.position.node, request: Some(request) }
    }

    /// The scope of a node without error handlers.
    #[inline]
    pub(crate) fn unguarded(site: SiteRef, node: NodeId) -> Self {
        Self { site, node, request: None }
    }

    /// Runs a handler or a middleware to its response. Answers its error or its panic.
    #[inline]
    pub(crate) fn settle<F>(self, work: F) -> Settle<F>
    where
        F: Future<Output = Result<Response, Failure>>,
    {
        Settle::Working { work, scope: self }
    }

    /// Calls an endpoint. Answers its error or its panic.
    pub(crate) fn contain(mut self, call: impl FnOnce() -> Outcome) -> Reply {
        let outcome = catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
            let error = panicked(self.label(), &*panic);
            Outcome(Kind::Ready(Err(Failure::new(error))))
        });
        match outcome.0 {
            Kind::Ready(Ok(response)) => response.into(),
            Kind::Ready(Err(failure)) => self.answer(failure),
            Kind::Future(future) => Reply::future(self.settle(future)),
            Kind::Reply(future) => Reply::future(self.settle(Answer { future })),
        }
    }

    /// The pattern of the node, for the log.
    fn label(&self) -> &str {
        self.site.label(self.node)
    }

    /// Answers an error. If that panics too, the response is a plain 500.
    fn answer(&mut self, failure: Failure) -> Reply {
        let request = self.request.take();
        let answer = catch_unwind(AssertUnwindSafe(|| match request {
            Some(request) => self.site.engine.answer(request, failure),
            None => failure.into_response().into(),
        }));
        answer.unwrap_or_else(|panic| panicked(self.label(), &*panic).into_response().into())
    }
}

pin_project! {
    /// A handler or a middleware that runs, and then the answer to its error. Written by hand, because an `async fn`
    /// would hold `work` twice.
    #[project = Settling]
    pub(crate) enum Settle<F> {
        Working { #[pin] work: F, scope: Scope },
        Failed { answer: Box<Reply> },
    }
}

impl<F: Future<Output = Result<Response, Failure>>> Future for Settle<F> {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let mut answer = match self.as_mut().project() {
            Settling::Failed { answer } => return Pin::new(&mut **answer).poll(cx),
            Settling::Working { work, scope } => {
                let failure = match catch_unwind(AssertUnwindSafe(|| work.poll(cx))) {
                    Ok(Poll::Pending) => return Poll::Pending,
                    Ok(Poll::Ready(Ok(response))) => return Poll::Ready(response),
                    Ok(Poll::Ready(Err(failure))) => failure,
                    Err(panic) => Failure::new(panicked(scope.label(), &*panic)),
                };
                Box::new(scope.answer(failure))
            }
        };
        let poll = Pin::new(&mut *answer).poll(cx);
        self.set(Self::Failed { answer });
        poll
    }
}
