//! `Csrf`: rejects requests that the page of another site makes with the cookies of the user.
//!
//! The rules are those of Go's `http.CrossOriginProtection`: Fetch metadata first, then `origin`. No tokens are needed,
//! and no state is kept.

use std::fmt;

use stelo_core::app::Reply;
use stelo_core::http::{Method, Status};

use super::reply::refused;
use super::{Middleware, Next};
use crate::request::{Parts, Request};
use crate::response::HttpError;

/// Rejects requests that the page of another origin makes, with status 403 (cross-site request forgery).
///
/// | request | answer |
/// |---|---|
/// | GET, HEAD or OPTIONS that asks for no WebSocket | passes: these methods must change nothing |
/// | its `origin` is trusted | passes |
/// | `sec-fetch-site: same-origin` or `none` | passes: the site itself, or the user |
/// | any other `sec-fetch-site`, `same-site` too | 403 |
/// | no `sec-fetch-site`, `origin` has the host of the request | passes |
/// | no `sec-fetch-site`, any other `origin`, `null` too | 403 |
/// | neither field | passes: not a browser |
///
/// Every WebSocket handshake is checked, because browsers send cookies with it to any site. QUERY is checked too,
/// because it has a body.
///
/// A proxy must not rewrite `host`; otherwise, name the public origin with [`trust_origins`](Self::trust_origins).
/// Browsers send no `sec-fetch-site` to sites without `https` (except `localhost`), so `origin` decides there.
///
/// ```
/// use stelo_toolkit::middleware::Csrf;
/// use stelo_toolkit::{App, TestClient, post};
///
/// let client = TestClient::new(App::new().middleware(Csrf::new()).route("/pay", post("paid")));
/// assert_eq!(client.post("/pay").send().text(), "paid");
/// assert_eq!(client.post("/pay").header("sec-fetch-site", "same-origin").send().text(), "paid");
/// assert_eq!(client.post("/pay").header("sec-fetch-site", "cross-site").send().status().code(), 403);
/// ```
#[derive(Default)]
pub struct Csrf {
    trusted: Vec<String>,
    exempt: Option<Box<Predicate>>,
}

type Predicate = dyn Fn(&Parts) -> bool + Send + Sync;

impl Csrf {
    /// Creates the middleware. It trusts no other origin.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts these origins too, such as `https://login.example.org`.
    ///
    /// # Panics
    /// If a text is not an origin: a scheme, `://`, a host, and the port if it is not that of the scheme.
    #[must_use]
    #[track_caller]
    pub fn trust_origins(mut self, origins: impl IntoIterator<Item: AsRef<str>>) -> Self {
        for origin in origins {
            let origin = origin.as_ref();
            let is_origin = split(origin).is_some_and(|(_, host)| !host.contains(['/', '?', '#', '@']));
            assert!(is_origin, "`{origin}` is not an origin: write `https://example.org`, without a path");
            self.trusted.push(origin.to_ascii_lowercase());
        }
        self
    }

    /// Lets the requests pass for which a function returns true, such as those of a webhook with a signature of its own.
    #[must_use]
    pub fn exempt(mut self, predicate: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.exempt = Some(Box::new(predicate));
        self
    }

    pub(super) fn admits(&self, request: &Parts) -> bool {
        let is_safe = matches!(request.method(), Method::Get | Method::Head | Method::Options);
        if is_safe && !request.is_websocket() {
            return true;
        }
        let headers = request.headers();
        let (site, origin) = (headers.get("sec-fetch-site"), headers.get("origin"));
        let passes = match (site, origin) {
            (Some(b"same-origin" | b"none"), _) | (None, None) => true,
            (None, Some(origin)) => is_same(request, origin),
            (Some(_), _) => false,
        };
        passes
            || origin.is_some_and(|origin| self.trusts(origin))
            || self.exempt.as_ref().is_some_and(|exempt| exempt(request))
    }

    fn trusts(&self, origin: &[u8]) -> bool {
        self.trusted.iter().any(|trusted| origin.eq_ignore_ascii_case(trusted.as_bytes()))
    }
}

/// Whether an origin is that of the request itself. The scheme of the request may be unknown behind a proxy that ends TLS,
/// so only a page without TLS is another origin than a request with it.
fn is_same(request: &Parts, origin: &[u8]) -> bool {
    let Some((scheme, host)) = std::str::from_utf8(origin).ok().and_then(split) else { return false };
    let is_downgrade = scheme == "http" && matches!(request.scheme(), "https" | "wss");
    let own = request.head().authority().unwrap_or_default();
    let port = if scheme == "https" { ":443" } else { ":80" };
    let own = own.strip_suffix(port).unwrap_or(own);
    !is_downgrade && own.eq_ignore_ascii_case(host)
}

/// Splits an origin into its scheme and its host with the port.
fn split(origin: &str) -> Option<(&str, &str)> {
    origin.split_once("://").filter(|(scheme, host)| !scheme.is_empty() && !host.is_empty())
}

impl Middleware for Csrf {
    fn call(&self, request: Request, next: Next) -> Reply {
        if self.admits(&request) {
            return next.run(request);
        }
        refuse(request)
    }
}

/// Answers a request that is not admitted.
pub(super) fn refuse(request: Request) -> Reply {
    let error = HttpError::new(Status::FORBIDDEN);
    refused(request, error.with_detail("the request comes from a page of another origin"))
}

impl fmt::Debug for Csrf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csrf").field("trusted", &self.trusted).finish_non_exhaustive()
    }
}
