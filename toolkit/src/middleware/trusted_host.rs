//! `TrustedHost`: rejects requests for other hosts than those of the site.

use stelo_core::app::Reply;
use stelo_core::http::Status;

use super::reply::refused;
use super::{Middleware, Next};
use crate::request::Request;
use crate::request::url::authority::split_port;
use crate::response::{HttpError, IntoResponse, Redirect};

/// Rejects requests whose `host` is not one of the site, with status 400: Starlette's `TrustedHostMiddleware`.
///
/// It protects code that builds URLs from the host of the request, and a server in a private network from pages whose
/// host name leads there (DNS rebinding). The port does not matter, and neither does the case of letters.
///
/// ```
/// use stelo_toolkit::middleware::TrustedHost;
/// use stelo_toolkit::{App, TestClient, get};
///
/// let hosts = TrustedHost::new(["example.org", "*.example.org"]);
/// let client = TestClient::new(App::new().middleware(hosts).route("/", get("hello")));
/// assert_eq!(client.get("/").header("host", "api.example.org:8000").send().text(), "hello");
/// assert_eq!(client.get("/").header("host", "evil.test").send().text(), "Invalid host header");
/// ```
#[derive(Clone, Debug)]
pub struct TrustedHost {
    allowed_hosts: Vec<String>,
    www_redirect: bool,
}

impl TrustedHost {
    /// Allows these hosts: `*` for all, `example.org`, or `*.example.org` for every host below it. An IPv6 address is in
    /// brackets, as in a URL.
    ///
    /// # Panics
    /// If a host has a `*` in another place.
    #[track_caller]
    pub fn new(allowed_hosts: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let lower = |host: &str| host.to_ascii_lowercase();
        let allowed_hosts: Vec<_> = allowed_hosts.into_iter().map(|host| lower(host.as_ref())).collect();
        for host in &allowed_hosts {
            let rest = if host == "*" { "" } else { host.strip_prefix("*.").unwrap_or(host) };
            assert!(!rest.contains('*'), "`{host}`: write `*`, `*.example.org`, or a host without `*`");
        }
        Self { allowed_hosts, www_redirect: true }
    }

    /// Sets whether a request for `example.org` is redirected to `www.example.org` if only that is allowed. It is by default,
    /// with status 307.
    #[must_use]
    pub fn www_redirect(mut self, redirect: bool) -> Self {
        self.www_redirect = redirect;
        self
    }

    fn allows(&self, host: &str) -> bool {
        self.allowed_hosts.iter().any(|allowed| match allowed.strip_prefix('*') {
            Some(suffix) => ends_with(host, suffix),
            None => host.eq_ignore_ascii_case(allowed),
        })
    }

    /// Whether `www.` and the host is allowed, by name.
    fn allows_www(&self, host: &str) -> bool {
        let with_www = |allowed: &String| {
            allowed.strip_prefix("www.").is_some_and(|bare| bare.eq_ignore_ascii_case(host))
        };
        self.allowed_hosts.iter().any(with_www)
    }
}

impl Middleware for TrustedHost {
    fn call(&self, request: Request, next: Next) -> Reply {
        let authority = request.head().authority().unwrap_or_default();
        let host = split_port(authority).0;
        if self.allows(host) {
            return next.run(request);
        }
        if self.www_redirect && self.allows_www(host) {
            let url = request.url();
            let authority = format!("www.{}", url.authority());
            return Redirect::to(url.with_authority(authority).to_string()).into_response().into();
        }
        let error = HttpError::new(Status::BAD_REQUEST).with_detail("Invalid host header");
        refused(request, error)
    }
}

/// Whether `text` ends with `suffix`, without regard to case.
fn ends_with(text: &str, suffix: &str) -> bool {
    let (text, suffix) = (text.as_bytes(), suffix.as_bytes());
    let start = text.len().checked_sub(suffix.len());
    start.and_then(|start| text.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}
