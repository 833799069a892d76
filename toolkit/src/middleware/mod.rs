//! Middleware: code around handlers, which sees each request on its way in and each response on its way out.
//!
//! The first middleware that is added is the outermost. Errors and panics of what is inside have become responses
//! when they come out of [`Next::run`]: a middleware sees the 404 of an unknown path and the 500 of a panic, and can
//! still add header fields to them.
//!
//! | middleware | does |
//! |---|---|
//! | [`Authentication`], [`requires`] | find the user of a request, and guard routes |
//! | [`BodyLimit`] | limits the size of request bodies |
//! | [`ConcurrencyLimit`] | limits how many requests are handled at once |
//! | [`Cache`] | caches responses |
//! | `Compression`, `Decompression` (feature `gzip`) | compress response bodies, decompress request bodies |
//! | [`Conditional`] | answers 304 and 412 for the responses of handlers |
//! | [`Cors`] | lets pages of other origins read responses |
//! | [`Csrf`] | rejects requests that pages of other origins make |
//! | [`HttpsRedirect`] | redirects `http` to `https` |
//! | [`LoadShed`] | rejects requests that have waited too long |
//! | [`RateLimit`] | limits the number of requests of each client, route or key |
//! | [`RequestId`], [`TraceContext`] | identify requests in the log, and across servers |
//! | [`SecurityHeaders`] | restricts what pages can do, with a [`ContentSecurityPolicy`] |
//! | `Sessions` (feature `sessions`) | keeps values for each client |
//! | [`Timeout`] | ends handlers that take too long |
//! | [`TrustedHost`] | rejects requests for other hosts |

mod authentication;
mod body_limit;
mod cache;
#[cfg(feature = "gzip")]
mod compression;
mod concurrency_limit;
mod conditional;
mod content_security_policy;
mod cors;
mod csrf;
#[cfg(feature = "gzip")]
mod decompression;
mod https_redirect;
mod load_shed;
mod permits;
mod rate_limit;
mod reply;
mod request_id;
mod requires;
mod security_headers;
#[cfg(feature = "sessions")]
mod sessions;
mod timeout;
mod trace_context;
mod trusted_host;

use std::future::Future;
use std::sync::Arc;

use stelo_core::app::Reply;

pub use crate::request::nonce::CspNonce;
pub use authentication::Authentication;
pub use body_limit::BodyLimit;
pub use cache::{Cache, CacheEntry, CacheFuture, CacheStore, CachedResponse, MemoryCache};
#[cfg(feature = "gzip")]
pub use compression::{Coding, Compression, NoCompression};
pub use concurrency_limit::ConcurrencyLimit;
pub use conditional::Conditional;
pub use content_security_policy::ContentSecurityPolicy;
pub use cors::Cors;
pub use csrf::Csrf;
#[cfg(feature = "gzip")]
pub use decompression::Decompression;
pub use https_redirect::HttpsRedirect;
pub use load_shed::LoadShed;
pub use rate_limit::{MemoryRateLimits, Quota, RateLimit, RateLimitStore, Verdict};
pub use request_id::{RequestId, RequestIdentifier};
pub use requires::{Requires, requires};
pub use security_headers::SecurityHeaders;
#[cfg(feature = "sessions")]
pub use sessions::Sessions;
pub use timeout::Timeout;
pub use trace_context::{Trace, TraceContext};
pub use trusted_host::TrustedHost;

use crate::describe::Operation;
use crate::extract::FromRequestParts;
use crate::handler::{Answer, Scope};
use crate::request::Request;
use crate::request::site::{NodeId, Step};
use crate::response::{Failure, IntoResponse};

/// Code around handlers: an `async fn` of up to seven extractors, the [`Request`] and [`Next`], or a closure like it.
///
/// ```
/// use stelo_toolkit::{App, Next, Request, Response, State, get, header};
///
/// #[derive(Clone)]
/// struct Policy(&'static str);
///
/// async fn caching(State(policy): State<Policy>, request: Request, next: Next) -> Response {
///     let mut response = next.run(request).await;
///     if !response.headers.contains(header::CACHE_CONTROL) {
///         response.headers.set(header::CACHE_CONTROL, policy.0);
///     }
///     response
/// }
///
/// let app = App::new().state(Policy("no-store")).middleware(caching).route("/", get(async || "hello"));
/// # app.build().unwrap();
/// ```
///
/// If an argument cannot be taken, its rejection answers the request.
///
/// A type that implements the trait itself leaves out `Args`, which the compiler infers for functions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a middleware",
    label = "not an async function from `(Request, Next)` to a response",
    note = "a middleware is an `async fn(request: Request, next: Next) -> Response`, or a type that implements `Middleware`",
    note = "it may have up to seven arguments before these two: extractors that leave the body alone, such as `State<T>`, `Path<T>`, `Headers`",
    note = "its future must be `Send`: hold no `Rc`, `RefCell` borrow or lock guard across an `.await`"
)]
pub trait Middleware<Args = ()>: Send + Sync + 'static {
    /// Answers a request, with the response of `next` or without it.
    fn call(&self, request: Request, next: Next) -> Reply;

    /// Checks the configuration when the application is built.
    ///
    /// # Errors
    /// What is wrong, and what to do about it. The application does not start:
    /// [`BuildError::Middleware`](crate::routing::BuildError::Middleware).
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Describes the arguments, so that a state that is missing is found at start-up.
    fn describe(operation: &mut Operation)
    where
        Self: Sized,
    {
        let _ = operation;
    }
}

impl<F, Fut> Middleware for F
where
    F: Fn(Request, Next) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoResponse> + Send + 'static,
{
    fn call(&self, request: Request, next: Next) -> Reply {
        let scope = Scope::of(&request);
        let future = self(request, next);
        Reply::future(scope.settle(Answer { future }))
    }
}

macro_rules! middlewares {
    ($(($($part:ident)*))*) => {$(
        #[allow(non_snake_case, reason = "the names of types, used for their values")]
        impl<Fun, Fut, $($part,)*> Middleware<($($part,)*)> for Fun
        where
            Fun: Fn($($part,)* Request, Next) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output: IntoResponse> + Send + 'static,
            $($part: FromRequestParts + Send + 'static,)*
        {
            fn call(&self, mut request: Request, next: Next) -> Reply {
                let scope = Scope::of(&request);
                let middleware = self.clone();
                Reply::future(scope.settle(async move {
                    $(let $part = $part::from_request_parts(&mut request).await.map_err(Failure::new)?;)*
                    middleware($($part,)* request, next).await.into_outcome()
                }))
            }

            fn describe(operation: &mut Operation) {
                $($part::describe(operation);)*
            }
        }
    )*};
}

middlewares! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G)
}

/// A middleware whose type has been erased, as routes hold it.
#[derive(Clone)]
pub(crate) struct Layer {
    pub(crate) step: Step,
    pub(crate) operation: Operation,
}

impl Layer {
    pub(crate) fn new<Args: 'static, M: Middleware<Args>>(middleware: M) -> Self {
        let mut operation = Operation::of::<M>();
        M::describe(&mut operation);
        if let Err(mistake) = middleware.check() {
            operation.mistake(mistake);
        }
        Self {
            step: Arc::new(move |request, node, depth| middleware.call(request, Next { node, depth })),
            operation,
        }
    }
}

/// The further middlewares and the handler that a middleware surrounds.
#[derive(Debug)]
pub struct Next {
    pub(crate) node: NodeId,
    /// The number of middlewares of that node that have been called.
    pub(crate) depth: usize,
}

impl Next {
    /// Sends the request on, and returns the answer.
    #[inline(always)]
    pub fn run(self, request: Request) -> Reply {
        let site = request.site.clone();
        match site.node(self.node).layers.get(self.depth) {
            Some(step) => step(request, self.node, self.depth + 1),
            None => site.engine.resume(&site, request, self.node, self.depth),
        }
    }
}
