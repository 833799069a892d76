//! Middleware: code around handlers, which sees each request on its way in and each response on its way out.
//!
//! The first middleware that is added is the outermost. Errors and panics of what is inside have become responses
//! when they come out of [`Next::run`]: a middleware sees the 404 of an unknown path and the 500 of a panic, and can
//! still add header fields to them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use stelo_core::app::{Reply, Response};

use crate::request::Request;
use crate::response::{Failure, IntoResponse};
use crate::routing::table::{NodeId, Routes, Scope};

/// Code around handlers: usually an `async fn(Request, Next) -> Response`, or a closure like it.
///
/// ```
/// use stelo_toolkit::{App, Next, Request, Response, ResponseExt, get, header};
///
/// async fn no_store(request: Request, next: Next) -> Response {
///     let mut response = next.run(request).await;
///     if !response.headers.contains(header::CACHE_CONTROL) {
///         response.set_header(header::CACHE_CONTROL, "no-store");
///     }
///     response
/// }
///
/// let app = App::new().middleware(no_store).route("/", get(async || "hello"));
/// # app.build().unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a middleware",
    label = "not an async function from `(Request, Next)` to a response",
    note = "a middleware is an `async fn(request: Request, next: Next) -> Response`, or a type that implements `Middleware`",
    note = "its future must be `Send`: hold no `Rc`, `RefCell` borrow or lock guard across an `.await`"
)]
pub trait Middleware: Send + Sync + 'static {
    /// Answers a request, by what `next` answers or without it.
    fn call(&self, request: Request, next: Next) -> Reply;
}

impl<F, Fut> Middleware for F
where
    F: Fn(Request, Next) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoResponse> + Send + 'static,
{
    fn call(&self, request: Request, next: Next) -> Reply {
        let scope = Scope::of(&request);
        let answer = self(request, next);
        Reply::future(scope.settle(Outcome { answer }))
    }
}

pin_project! {
    /// A middleware at work. Written by hand, because an `async` block would hold `answer` twice.
    struct Outcome<F> {
        #[pin]
        answer: F,
    }
}

impl<F: Future<Output: IntoResponse>> Future for Outcome<F> {
    type Output = Result<Response, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().answer.poll(cx).map(IntoResponse::into_outcome)
    }
}

/// What a middleware stands around: the further ones, and the handler.
#[derive(Debug)]
pub struct Next {
    pub(crate) node: NodeId,
    /// How many middlewares of that place have been passed.
    pub(crate) depth: usize,
}

impl Next {
    /// The answer of what is inside.
    pub fn run(self, request: Request) -> Reply {
        let routes = request.0.routes.clone();
        match routes.layer(self.node, self.depth) {
            Some(layer) => layer.call(request, Self { depth: self.depth + 1, ..self }),
            None => Routes::enter(&routes, request, self.node, self.depth),
        }
    }
}
