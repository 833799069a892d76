//! `SecurityHeaders`: the fields by which browsers restrict what a page can do and what can be done to it.

use std::sync::Arc;
use std::time::Duration;

use stelo_core::app::{Reply, Response};
use stelo_core::http::Headers;
use stelo_core::http::header::{HeaderValue, IntoHeaderValue};

use super::content_security_policy::ContentSecurityPolicy;
use super::reply::edited;
use super::{Middleware, Next};
use crate::request::Request;
use crate::request::nonce::CspNonce;

/// Adds header fields that make attacks on users harder. A field that the handler has set stays.
///
/// | field | default | in responses that are |
/// |---|---|---|
/// | `x-content-type-options` | `nosniff` | any |
/// | `cross-origin-resource-policy` | `same-origin` | any |
/// | `referrer-policy` | `same-origin` | HTML |
/// | `cross-origin-opener-policy` | `same-origin` | HTML |
/// | `content-security-policy` | `frame-ancestors 'self'` | HTML |
/// | `content-security-policy-report-only` | none | HTML |
/// | `strict-transport-security` | none | sent over `https` |
///
/// ```
/// use stelo_toolkit::middleware::SecurityHeaders;
/// use stelo_toolkit::{App, Html, TestClient, get};
///
/// let app = App::new().middleware(SecurityHeaders::new()).route("/", get(async || Html("<h1>Hello</h1>")));
/// let response = TestClient::new(app).get("/").send();
/// assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
/// assert_eq!(response.header("content-security-policy"), Some("frame-ancestors 'self'"));
/// ```
#[derive(Clone, Debug)]
pub struct SecurityHeaders {
    any: Headers,
    html: Headers,
    hsts: Option<HeaderValue>,
    csp: Option<ContentSecurityPolicy>,
    report_only: Option<ContentSecurityPolicy>,
    /// The fields without a nonce, over `http` and over `https`.
    ready: [Arc<Fields>; 2],
}

const OPTIONS: &str = "x-content-type-options";
const RESOURCE: &str = "cross-origin-resource-policy";
const REFERRER: &str = "referrer-policy";
const OPENER: &str = "cross-origin-opener-policy";

impl SecurityHeaders {
    /// Creates the middleware with the defaults.
    pub fn new() -> Self {
        let (mut any, mut html) = (Headers::new(), Headers::new());
        any.append(OPTIONS, "nosniff");
        any.append(RESOURCE, "same-origin");
        html.append(REFERRER, "same-origin");
        html.append(OPENER, "same-origin");
        let csp = Some(ContentSecurityPolicy::new().directive("frame-ancestors", ["'self'"]));
        Self { any, html, hsts: None, csp, report_only: None, ready: Default::default() }.with_fields()
    }

    /// Sets which requests name the page that they come from, such as `no-referrer`.
    ///
    /// # Panics
    /// If a literal is not a valid value.
    #[must_use]
    #[track_caller]
    pub fn referrer_policy(mut self, policy: impl IntoHeaderValue) -> Self {
        self.html.set(REFERRER, policy);
        self.with_fields()
    }

    /// Sets which windows can reach the page, such as `same-origin-allow-popups` for a login at another site.
    ///
    /// # Panics
    /// If a literal is not a valid value.
    #[must_use]
    #[track_caller]
    pub fn opener_policy(mut self, policy: impl IntoHeaderValue) -> Self {
        self.html.set(OPENER, policy);
        self.with_fields()
    }

    /// Sets which sites can embed the response, such as `cross-origin` for public pictures.
    ///
    /// # Panics
    /// If a literal is not a valid value.
    #[must_use]
    #[track_caller]
    pub fn resource_policy(mut self, policy: impl IntoHeaderValue) -> Self {
        self.any.set(RESOURCE, policy);
        self.with_fields()
    }

    /// Makes browsers use only `https` for this host, and the hosts below it if `include_subdomains`, for a time of whole
    /// seconds (HSTS, RFC 6797). Browsers hold to it: begin with a short time.
    #[must_use]
    pub fn strict_transport_security(mut self, max_age: Duration, include_subdomains: bool) -> Self {
        let rest = if include_subdomains { "; includeSubDomains" } else { "" };
        self.hsts = HeaderValue::try_from(format!("max-age={}{rest}", max_age.as_secs())).ok();
        self.with_fields()
    }

    /// Sets the policy about what pages load and run. It gets `frame-ancestors 'self'` if it does not say which sites can
    /// frame the page.
    #[must_use]
    pub fn content_security_policy(mut self, policy: ContentSecurityPolicy) -> Self {
        let has_frames = policy.to_string().contains("frame-ancestors");
        self.csp = Some(if has_frames { policy } else { policy.directive("frame-ancestors", ["'self'"]) });
        self.with_fields()
    }

    /// Sets a policy whose violations browsers only report, to try it out.
    #[must_use]
    pub fn content_security_policy_report_only(mut self, policy: ContentSecurityPolicy) -> Self {
        self.report_only = Some(policy);
        self.with_fields()
    }

    /// Leaves out a field, such as `cross-origin-opener-policy`.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.any.remove(name);
        self.html.remove(name);
        if name.eq_ignore_ascii_case("content-security-policy") {
            self.csp = None;
        }
        self.with_fields()
    }

    fn with_fields(mut self) -> Self {
        self.ready = [false, true].map(|is_secure| Arc::new(self.fields(is_secure, None)));
        self
    }

    /// Returns a nonce for the request, if a policy has one.
    fn nonce(&self) -> Option<CspNonce> {
        let mut policies = self.csp.iter().chain(&self.report_only);
        policies.any(ContentSecurityPolicy::has_nonce).then(CspNonce::new)
    }

    /// Returns the fields for the response to a request.
    fn fields(&self, is_secure: bool, nonce: Option<&CspNonce>) -> Fields {
        let mut any = self.any.clone();
        if let Some(hsts) = self.hsts.clone().filter(|_| is_secure) {
            // RFC 6797 section 7.2: not in responses over `http`.
            any.append("strict-transport-security", hsts);
        }
        let mut html = self.html.clone();
        if let Some(csp) = &self.csp {
            html.append("content-security-policy", csp.value(nonce));
        }
        if let Some(csp) = &self.report_only {
            html.append("content-security-policy-report-only", csp.value(nonce));
        }
        Fields { any, html }
    }
}

impl Default for SecurityHeaders {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for SecurityHeaders {
    fn call(&self, mut request: Request, next: Next) -> Reply {
        if request.is_websocket() {
            return next.run(request);
        }
        let is_secure = request.scheme() == "https";
        let fields = match self.nonce() {
            Some(nonce) => {
                let fields = Arc::new(self.fields(is_secure, Some(&nonce)));
                request.extensions_mut().insert(nonce);
                fields
            }
            None => self.ready[usize::from(is_secure)].clone(),
        };
        edited(next.run(request), move |response| fields.add(response))
    }
}

/// The fields of a response.
#[derive(Debug, Default)]
struct Fields {
    any: Headers,
    html: Headers,
}

impl Fields {
    fn add(&self, response: &mut Response) {
        let is_html = is_html(&response.headers);
        let html = self.html.iter().filter(|_| is_html);
        for (name, value) in self.any.iter().chain(html) {
            if !response.headers.contains(name) {
                // They were valid in the fields that they come from.
                let _ = response.headers.try_append(name, value);
            }
        }
    }
}

fn is_html(headers: &Headers) -> bool {
    let value = headers.get_str("content-type").unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim_end();
    ["text/html", "application/xhtml+xml"].iter().any(|html| media_type.eq_ignore_ascii_case(html))
}
