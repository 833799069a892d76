//! `RateLimit`: limits the number of requests of each client, route or key.

mod key;
mod quota;
mod store;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stelo_core::app::Reply;
use stelo_core::http::{Headers, Status};

use self::key::Keys;
pub use self::quota::{Quota, Verdict};
pub use self::store::{MemoryRateLimits, RateLimitStore};
use super::reply::{edited, refused};
use super::{Middleware, Next};
use crate::request::{Parts, Request};
use crate::response::HttpError;

/// Limits the number of requests, by default of each client. Requests beyond the [`Quota`] are answered with 429 and
/// `retry-after`.
///
/// Every response has the fields `ratelimit-policy` and `ratelimit` (draft-ietf-httpapi-ratelimit-headers), which say what
/// is allowed and what is left.
///
/// A client is an IPv4 address, or the first 64 bits of an IPv6 address. Behind a proxy, the server must trust the proxy
/// (`--forwarded-allow-ips`); otherwise all clients share the quota of the proxy. Clients of a Unix socket share one.
///
/// ```
/// use stelo_toolkit::middleware::{Quota, RateLimit};
/// use stelo_toolkit::{App, TestClient, get};
///
/// let app = App::new().middleware(RateLimit::new(Quota::per_minute(2))).route("/", get("hello"));
/// let client = TestClient::new(app);
/// let response = client.get("/").send();
/// assert_eq!(response.header("ratelimit-policy"), Some(r#""default";q=2;w=60"#));
/// assert_eq!(response.header("ratelimit"), Some(r#""default";r=1;t=30"#));
/// client.get("/").send();
/// let response = client.get("/").send();
/// assert_eq!((response.status().code(), response.header("retry-after")), (429, Some("30")));
/// ```
pub struct RateLimit {
    policy: Policy,
    keys: Keys,
    store: Store,
    fails_closed: bool,
}

/// The name and the quota.
#[derive(Clone)]
struct Policy {
    name: Arc<str>,
    /// The field `ratelimit-policy`.
    text: Arc<str>,
    quota: Quota,
}

enum Store {
    /// Called without boxing a future.
    Memory(Box<MemoryRateLimits>),
    Other(Arc<dyn RateLimitStore>),
}

impl RateLimit {
    /// Creates the middleware, with a quota for each client, kept in memory.
    pub fn new(quota: Quota) -> Self {
        Self {
            policy: Policy::new("default", quota),
            keys: Keys::Client,
            store: Store::Memory(Box::default()),
            fails_closed: false,
        }
    }

    /// Gives each route one quota for all clients. Requests that match no route share one.
    #[must_use]
    pub fn by_route(self) -> Self {
        Self { keys: Keys::Route, ..self }
    }

    /// Gives each client a quota for each route.
    #[must_use]
    pub fn by_client_and_route(self) -> Self {
        Self { keys: Keys::ClientAndRoute, ..self }
    }

    /// Gives each key a quota, such as each API key. Requests without one are not limited.
    ///
    /// ```
    /// use stelo_toolkit::middleware::{Quota, RateLimit};
    ///
    /// let limit = RateLimit::new(Quota::per_second(5))
    ///     .by_key(|request| request.headers().get_str("x-api-key").map(str::to_owned));
    /// # let _ = limit;
    /// ```
    #[must_use]
    pub fn by_key(self, key: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { keys: Keys::Function(Box::new(key)), ..self }
    }

    /// Names the policy in the fields of responses. `default` by default.
    ///
    /// # Panics
    /// If the name has other characters than letters, digits, `-` and `_`.
    #[must_use]
    #[track_caller]
    pub fn name(mut self, name: &str) -> Self {
        let is_valid = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        assert!(is_valid, "`{name}`: the name of a rate limit has letters, digits, `-` and `_`");
        self.policy = Policy::new(name, self.policy.quota);
        self
    }

    /// Keeps the states in another store, which several servers can share.
    #[must_use]
    pub fn store(self, store: impl RateLimitStore) -> Self {
        Self { store: Store::Other(Arc::new(store)), ..self }
    }

    /// Keeps the states in memory, with another number of keys or another clock.
    #[must_use]
    pub fn memory(self, store: MemoryRateLimits) -> Self {
        Self { store: Store::Memory(Box::new(store)), ..self }
    }

    /// Answers 503 if the store fails. By default requests pass then, and the failure is logged.
    #[must_use]
    pub fn fail_closed(self, fails_closed: bool) -> Self {
        Self { fails_closed, ..self }
    }
}

impl Policy {
    fn new(name: &str, quota: Quota) -> Self {
        let text = format!("\"{name}\";q={};w={}", quota.requests(), ceil(quota.window()));
        Self { name: name.into(), text: text.into(), quota }
    }

    /// Sends a request on, or answers it with 429.
    fn apply(&self, verdict: Verdict, request: Request, next: Next) -> Reply {
        if verdict.is_allowed {
            let policy = self.clone();
            return edited(next.run(request), move |response| policy.add(&mut response.headers, verdict));
        }
        let seconds = ceil(verdict.retry_after).max(1);
        let mut error = HttpError::new(Status::TOO_MANY_REQUESTS)
            .with_detail(format!("too many requests: try again in {seconds} s"))
            .with_header("retry-after", seconds);
        self.add(&mut error.headers, verdict);
        refused(request, error)
    }

    /// Adds the fields about the quota, as structured fields (RFC 9651).
    fn add(&self, headers: &mut Headers, verdict: Verdict) {
        let left = format!("\"{}\";r={};t={}", self.name, verdict.remaining, ceil(verdict.reset));
        for (field, text) in [("ratelimit-policy", &*self.text), ("ratelimit", &*left)] {
            // A name of letters, and numbers: always a valid value.
            let _ = headers.try_append(field, text);
        }
    }
}

/// Returns whole seconds, rounded up.
fn ceil(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

impl Middleware for RateLimit {
    fn call(&self, request: Request, next: Next) -> Reply {
        let Some(key) = self.keys.of(&request) else { return next.run(request) };
        let policy = &self.policy;
        let store = match &self.store {
            Store::Memory(store) => {
                let verdict = store.take_now(key, policy.quota);
                return policy.apply(verdict, request, next);
            }
            Store::Other(store) => store,
        };
        let (verdict, policy, fails_closed) =
            (store.take(&key.text(), policy.quota), policy.clone(), self.fails_closed);
        Reply::future(async move {
            match verdict.await {
                Ok(verdict) => policy.apply(verdict, request, next).await,
                Err(error) => {
                    tracing::error!("the store of the rate limit `{}` fails: {error}", policy.name);
                    match fails_closed {
                        true => refused(request, HttpError::new(Status::SERVICE_UNAVAILABLE)).await,
                        false => next.run(request).await,
                    }
                }
            }
        })
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Policy { name, quota, .. } = &self.policy;
        f.debug_struct("RateLimit").field("name", name).field("quota", quota).finish_non_exhaustive()
    }
}
