//! `BodyLimit`: limits the size of request bodies, also of those that stream.

use stelo_core::app::Reply;
use stelo_core::body::{BodyError, Length};

use super::{Middleware, Next};
use crate::handler::Scope;
use crate::request::Request;
use crate::request::limit::Limit;
use crate::response::{Failure, HttpError};

/// Limits the size of request bodies, in bytes: Starlette's `max_body_size`. Larger ones are answered with 413.
///
/// It holds for bodies that stream, and replaces the [limit of collected bodies](crate::Router::body_limit). An inner limit
/// replaces an outer one, so a route can take more than the rest of the application:
///
/// ```
/// use stelo_toolkit::middleware::BodyLimit;
/// use stelo_toolkit::{App, Bytes, TestClient, post};
///
/// async fn length(body: Bytes) -> String { body.len().to_string() }
///
/// let app = App::new()
///     .middleware(BodyLimit::new(1024))
///     .route("/note", post(length))
///     .route("/upload", post(length).middleware(BodyLimit::new(1024 * 1024)));
/// let client = TestClient::new(app);
/// assert_eq!(client.post("/note").body(vec![0; 2000]).send().status().code(), 413);
/// assert_eq!(client.post("/upload").body(vec![0; 2000]).send().text(), "2000");
/// ```
///
/// A declared `content-length` beyond the limit is an error when the body is first read, and 413 also if the handler
/// returns without reading it. Other bodies are counted: the read beyond the limit is an error. A response that has
/// begun by then is cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BodyLimit {
    bytes: usize,
}

impl BodyLimit {
    /// Creates the middleware, with the limit in bytes.
    pub const fn new(bytes: usize) -> Self {
        Self { bytes }
    }
}

impl Middleware for BodyLimit {
    fn call(&self, mut request: Request, next: Next) -> Reply {
        let length = request.body_mut().length();
        if length == Length::None {
            return next.run(request);
        }
        let limit = match request.extensions().get::<Limit>() {
            Some(outer) => {
                outer.set(self.bytes);
                outer.clone()
            }
            None => {
                let limit = Limit::new(self.bytes);
                request.extensions_mut().insert(limit.clone());
                limit
            }
        };
        let is_exceeded = limit.is_exceeded_by(length);
        if is_exceeded || length == Length::Unknown {
            // A body of known length never exceeds it, so the others need no count.
            let body = request.stream();
            *request.body_mut() = limit.around(body);
        }
        if !is_exceeded {
            return next.run(request);
        }
        let (scope, reply) = (Scope::of(&request), next.run(request));
        Reply::future(scope.settle(async move {
            let response = reply.await;
            // An inner limit may have replaced this one.
            match limit.is_exceeded_by(length) && !limit.is_read() {
                true => {
                    let error = BodyError::TooLarge { limit: limit.bytes() };
                    Err(Failure::new(HttpError::from(error)))
                }
                false => Ok(response),
            }
        }))
    }
}
