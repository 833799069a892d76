//! `Cache`: a cache of responses in front of handlers, by the rules for shared caches (RFC 9111).
//!
//! | module | decides |
//! |---|---|
//! | `policy` | which requests and responses are cached, and for how long |
//! | `key` | which requests have the same response |
//! | `flight` | which requests wait for another one |
//! | `store` | where responses are kept |
//! | `tee` | how a stream is stored |

mod flight;
mod key;
mod policy;
mod store;
mod tee;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use stelo_core::Bytes;
use stelo_core::app::{Reply, Response};
use stelo_core::body::Length;
use stelo_core::http::{Method, Status};

use self::flight::{Flights, Lead};
use self::policy::{Asked, State, Use};
use super::conditional::Conditions;
use super::{Middleware, Next};
use crate::request::Request;
use crate::response::report::failure;
use crate::response::{HttpError, IntoResponse};

pub use store::{CacheEntry, CacheFuture, CacheStore, CachedResponse, MemoryCache};

/// Caches responses, by the rules for shared caches (RFC 9111).
///
/// A response is stored for as long as its `cache-control` says (`s-maxage`, `max-age`, or else `expires`):
/// [`CacheControl`](crate::response::CacheControl) writes it. It is never stored with `no-store`, `private` or `no-cache`,
/// with a `set-cookie`, or with `vary: *`; nor after a request with `authorization`, unless it is `public`, or has
/// `s-maxage` or `must-revalidate`. Stored responses are told apart by scheme, authority, target, and the fields in `vary`.
/// They have an `age`.
///
/// Of several requests for a response that is not stored, the first calls the handler, and the others wait for it. With
/// `stale-while-revalidate`, a stale response answers at once, and the handler runs in the background. With
/// `stale-if-error`, a stale response replaces an error of the server.
///
/// A request other than GET, HEAD, OPTIONS and QUERY that succeeds removes the responses of its target. Requests with a
/// body, a `range`, `if-match`, `if-unmodified-since` or `cache-control: no-store` go to the handler. Clients cannot
/// force a new response: `no-cache` and `max-age` of requests have no effect.
///
/// Streams are stored while the client reads them. Files are not stored, because the system caches them.
///
/// ```
/// use std::time::Duration;
/// use stelo_toolkit::middleware::Cache;
/// use stelo_toolkit::response::CacheControl;
/// use stelo_toolkit::{App, TestClient, get};
///
/// async fn news() -> (CacheControl, String) {
///     (CacheControl::new().max_age(Duration::from_secs(60)), "made with much work".into())
/// }
///
/// let client = TestClient::new(App::new().middleware(Cache::new()).route("/", get(news)));
/// assert_eq!(client.get("/").send().header("age"), None);
/// assert_eq!(client.get("/").send().header("age"), Some("0"));
/// ```
#[derive(Clone)]
#[must_use]
pub struct Cache(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    store: Arc<dyn CacheStore>,
    default_max_age: Duration,
    max_body: usize,
    flights: Arc<Flights>,
}

impl Cache {
    /// Creates a cache in memory, of up to 64 MiB.
    pub fn new() -> Self {
        Self::with_store(MemoryCache::new(64 << 20))
    }

    /// Creates a cache with a store: a [`MemoryCache`] of another size, or one that processes share.
    pub fn with_store(store: impl CacheStore) -> Self {
        Self(Arc::new(Inner {
            store: Arc::new(store),
            default_max_age: Duration::ZERO,
            max_body: 4 << 20,
            flights: Arc::new(Flights::new()),
        }))
    }

    /// Sets how long responses are stored that do not say it, to requests without `cookie` and `authorization`. Zero by
    /// default: they are not stored.
    pub fn default_max_age(self, age: Duration) -> Self {
        self.with(|inner| inner.default_max_age = age)
    }

    /// Sets the size in bytes of the largest body that is stored. 4 MiB by default.
    pub fn max_body(self, bytes: usize) -> Self {
        self.with(|inner| inner.max_body = bytes)
    }

    fn with(mut self, set: impl FnOnce(&mut Inner)) -> Self {
        set(Arc::make_mut(&mut self.0));
        self
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for Cache {
    fn call(&self, request: Request, next: Next) -> Reply {
        let inner = self.0.clone();
        match Use::of(&request) {
            Use::Bypass => next.run(request),
            Use::Cache => Reply::future(inner.serve(request, next)),
            Use::Invalidate => Reply::future(async move {
                let key = key::of_target(&request);
                let response = next.run(request).await;
                if response.status.is_success() || response.status.is_redirection() {
                    inner.log(inner.store.remove(&key).await);
                }
                response
            }),
        }
    }
}

/// A request for a response that may be cached.
struct Query {
    /// The key of the target.
    target: String,
    /// The key of the response, as far as the fields that it varies by are known.
    key: String,
    asked: Asked,
}

impl Inner {
    async fn serve(self: Arc<Self>, request: Request, next: Next) -> Response {
        let target = key::of_target(&request);
        let mut query = Query { key: target.clone(), target, asked: Asked::of(request.headers()) };
        let mut is_alone = *request.method() == Method::Head || query.asked.is_authorized;
        loop {
            let found = self.find(&mut query, &request).await;
            let state = found.as_ref().map_or(State::Expired, |found| found.state());
            match found {
                Some(found) if state == State::Fresh => return answer(&found, &request),
                Some(found) if state == State::Stale => {
                    self.revalidate(query, &request, &next);
                    return answer(&found, &request);
                }
                _ if request.headers().has_token("cache-control", "only-if-cached") => {
                    return HttpError::new(Status::GATEWAY_TIMEOUT).into_response();
                }
                found if is_alone || self.flights.is_passed(&query.key) => {
                    return self.fetch(query, request, next, found, None).await;
                }
                found => match self.flights.join(&query.key) {
                    Ok(lead) => return self.fetch(query, request, next, found, Some(lead)).await,
                    Err(wait) => is_alone = wait.landed().await,
                },
            }
        }
    }

    /// Returns the stored response. Completes the key.
    async fn find(&self, query: &mut Query, request: &Request) -> Option<Arc<CachedResponse>> {
        let mut entry = self.log(self.store.get(&query.target).await).flatten();
        query.key.clone_from(&query.target);
        if let Some(CacheEntry::Vary { names, generation }) = &entry {
            query.key = key::of_variant(&query.target, names, generation, request.headers());
            entry = self.log(self.store.get(&query.key).await).flatten();
        }
        match entry {
            Some(CacheEntry::Response(response)) if response.is_for(query.asked) => Some(response),
            _ => None,
        }
    }

    /// Calls the handler, and stores its response if that is allowed. `spare` is a stale response.
    async fn fetch(
        self: Arc<Self>,
        query: Query,
        mut request: Request,
        next: Next,
        spare: Option<Arc<CachedResponse>>,
        lead: Option<Lead>,
    ) -> Response {
        let spare = spare.filter(|spare| spare.is_for_errors()).map(|spare| (spare, request.without_body()));
        let conditions = Conditions::of(request.headers());
        if Conditions::NAMES.iter().any(|name| request.headers().contains(name)) {
            // The response is stored for clients without these conditions.
            let headers = request.head_mut().headers_mut();
            for name in Conditions::NAMES {
                headers.remove(name);
            }
        }
        let (head, is_head) = (request.without_body(), *request.method() == Method::Head);
        let mut response = next.run(request).await;
        if policy::is_failure(response.status)
            && let Some((spare, request)) = spare
        {
            return answer(&spare, &request);
        }
        let fresh = match is_head {
            true => None,
            false => policy::lifetime(query.asked, &response, self.default_max_age),
        };
        let passed = (query.key.clone(), lead.is_some());
        let is_stored = match fresh {
            Some(fresh) => self.clone().keep(query, &head, &mut response, fresh).await,
            None => false,
        };
        if passed.1 || is_stored {
            self.flights.set_passed(&passed.0, !is_stored);
        }
        lead.into_iter().for_each(Lead::land);
        conditions.apply(&mut response);
        response
    }

    /// Stores a response whose body is in memory. Returns whether it is stored; a stream is stored at its end.
    async fn keep(
        self: Arc<Self>,
        query: Query,
        request: &Request,
        response: &mut Response,
        fresh: Duration,
    ) -> bool {
        let length = match response.body.length() {
            Length::None => Some(0),
            Length::Known(length) => Some(length),
            Length::Unknown => None,
        };
        if length.is_some_and(|length| length > self.max_body as u64) {
            return false;
        }
        let mut headers = response.headers.clone();
        let age = headers.get_str("age").and_then(|age| age.parse().ok()).unwrap_or(0);
        headers.remove("age");
        let made_at =
            SystemTime::now().checked_sub(Duration::from_secs(age)).unwrap_or(SystemTime::UNIX_EPOCH);
        let cached = CachedResponse::new(response.status, headers, Bytes::new(), made_at, fresh);
        let names = key::varying(&response.headers);
        let values = key::values(&names, request.headers());
        match response.body.full_mut() {
            Some(bytes) => {
                let shared = Bytes::from_shared(Arc::new(std::mem::take(bytes)));
                bytes.clone_from(&shared);
                self.put(query, names, values, CachedResponse { body: shared, ..cached }).await;
                true
            }
            None if length == Some(0) => {
                self.put(query, names, values, cached).await;
                true
            }
            None => {
                let inner = self.clone();
                let store = move |bytes: Vec<u8>| -> stelo_core::app::BoxFuture<()> {
                    Box::pin(async move {
                        let body = Bytes::from_shared(Arc::new(bytes));
                        inner.flights.set_passed(&query.key, false);
                        inner.put(query, names, values, CachedResponse { body, ..cached }).await;
                    })
                };
                let body = std::mem::take(&mut response.body);
                response.body = tee::tee(body, self.max_body, Box::new(store));
                false
            }
        }
    }

    /// Stores a response under the key of its target, or under one of its variants.
    async fn put(&self, query: Query, names: Vec<String>, values: Vec<String>, response: CachedResponse) {
        let known = match self.log(self.store.get(&query.target).await).flatten() {
            Some(CacheEntry::Vary { names, generation }) => Some((names, generation)),
            _ => None,
        };
        let response = CacheEntry::Response(Arc::new(response));
        let generation = match known {
            None if names.is_empty() => {
                self.log(self.store.put(&query.target, response).await);
                return;
            }
            Some((known, generation)) if known == names => generation,
            // The fields have changed: the earlier responses are not found any more.
            _ => {
                let generation = crate::random::hex::<8>();
                let entry = CacheEntry::Vary { names: names.clone(), generation: generation.clone() };
                self.log(self.store.put(&query.target, entry).await);
                generation
            }
        };
        let key = key::with_values(&query.target, &names, &generation, &values);
        self.log(self.store.put(&key, response).await);
    }

    /// Calls the handler in the background, unless another request does.
    fn revalidate(self: &Arc<Self>, query: Query, request: &Request, next: &Next) {
        let Ok(lead) = self.flights.join(&query.key) else { return };
        let (inner, next) = (self.clone(), Next { node: next.node, depth: next.depth });
        let mut again = request.without_body();
        again.head_mut().set_method(Method::Get);
        request.spawn(async move {
            let response = inner.fetch(query, again, next, None, Some(lead)).await;
            // A stream is stored when it has been read.
            let mut body = response.body;
            while let Some(Ok(_)) = body.frame().await {}
            if let Some(background) = response.background {
                background.await;
            }
        });
    }

    /// Logs an error of the store.
    fn log<T>(&self, result: Result<T, stelo_core::app::BoxError>) -> Option<T> {
        result.inspect_err(|error| failure!("the response cache failed: {error}")).ok()
    }
}

/// Returns the response to a request.
fn answer(cached: &CachedResponse, request: &Request) -> Response {
    let mut headers = cached.headers.clone();
    headers.set("age", cached.age().as_secs());
    let body = if cached.body.is_empty() { Default::default() } else { cached.body.clone().into() };
    let mut response = Response { status: cached.status, headers, body, ..Response::default() };
    Conditions::of(request.headers()).apply(&mut response);
    response
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("default_max_age", &self.0.default_max_age)
            .field("max_body", &self.0.max_body)
            .finish_non_exhaustive()
    }
}
