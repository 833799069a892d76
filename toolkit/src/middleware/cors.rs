//! `Cors`: lets pages of other origins read responses (the CORS protocol of the Fetch standard).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stelo_core::app::{Reply, Response};
use stelo_core::http::header::HeaderValue;
use stelo_core::http::{Headers, Method, Status};

use super::reply::{edited, sorted};
use super::{Middleware, Next};
use crate::request::Request;

/// The methods that `*` allows. Other methods must be named.
const ALL_METHODS: [&str; 8] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY"];

/// The header fields that need no permission (Fetch section 2.2.2).
const SAFE_HEADERS: [&str; 4] = ["Accept", "Accept-Language", "Content-Language", "Content-Type"];

/// Lets pages of other origins send requests and read the responses: Starlette's `CORSMiddleware`.
///
/// It answers preflight requests itself, before the routes. It adds its fields to the response of every other request
/// with an `origin`, also to errors and to the 500 of a panic. By default no origin is allowed, and GET is the only method.
///
/// A request of a page that is not allowed still reaches its handler: the browser only hides the response.
/// [`Csrf`](super::Csrf) rejects such requests.
///
/// ```
/// use stelo_toolkit::middleware::Cors;
/// use stelo_toolkit::{App, TestClient, get};
///
/// let cors = Cors::new().allow_origins(["https://example.org"]).allow_methods(["GET", "POST"]);
/// let client = TestClient::new(App::new().middleware(cors).route("/", get("hello")));
/// let response = client.get("/").header("origin", "https://example.org").send();
/// assert_eq!(response.header("access-control-allow-origin"), Some("https://example.org"));
/// ```
pub struct Cors {
    allow_origins: Vec<String>,
    allow_origin_if: Option<Box<Predicate>>,
    allow_methods: Vec<String>,
    allow_headers: Vec<String>,
    allow_credentials: bool,
    allow_private_network: bool,
    expose_headers: Vec<String>,
    max_age: Duration,
    fields: Fields,
}

type Predicate = dyn Fn(&str) -> bool + Send + Sync;

/// The fields that are the same for every response.
#[derive(Default)]
struct Fields {
    preflight: Headers,
    simple: Arc<Headers>,
}

impl Cors {
    /// Creates the middleware. It allows no origin, the method GET, no further header fields, and no credentials. Browsers
    /// may remember that for ten minutes.
    pub fn new() -> Self {
        let cors = Self {
            allow_origins: Vec::new(),
            allow_origin_if: None,
            allow_methods: vec!["GET".into()],
            allow_headers: Vec::new(),
            allow_credentials: false,
            allow_private_network: false,
            expose_headers: Vec::new(),
            max_age: Duration::from_secs(600),
            fields: Fields::default(),
        };
        cors.with_fields()
    }

    /// Sets the origins that are allowed: `*` for all, or `https://example.org`, with the port if it is not that of the
    /// scheme, and without a slash at the end.
    #[must_use]
    pub fn allow_origins(mut self, origins: impl IntoIterator<Item: Into<String>>) -> Self {
        self.allow_origins = texts(origins);
        self.with_fields()
    }

    /// Also allows the origins that a function allows. It gets the whole origin, such as `https://a.example.org:8000`.
    /// Starlette's `allow_origin_regex`.
    ///
    /// ```
    /// use stelo_toolkit::middleware::Cors;
    ///
    /// let cors = Cors::new().allow_origin_if(|origin| {
    ///     origin.strip_prefix("https://").is_some_and(|host| host.ends_with(".example.org"))
    /// });
    /// # let _ = cors;
    /// ```
    #[must_use]
    pub fn allow_origin_if(mut self, predicate: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.allow_origin_if = Some(Box::new(predicate));
        self.with_fields()
    }

    /// Sets the methods that are allowed, in upper case. `*` allows DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT and QUERY.
    ///
    /// # Panics
    /// If a method has a control character.
    #[must_use]
    #[track_caller]
    pub fn allow_methods(mut self, methods: impl IntoIterator<Item: Into<String>>) -> Self {
        self.allow_methods = texts(methods);
        if is_any(&self.allow_methods) {
            self.allow_methods = texts(ALL_METHODS);
        }
        self.with_fields()
    }

    /// Sets the header fields that requests may have, or `*` for all. `Accept`, `Accept-Language`, `Content-Language` and
    /// `Content-Type` are always allowed.
    ///
    /// # Panics
    /// If a name has a control character.
    #[must_use]
    #[track_caller]
    pub fn allow_headers(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.allow_headers = texts(names);
        self.with_fields()
    }

    /// Sets whether requests may have cookies and `authorization`. Browsers do not accept `*` then, so responses name
    /// the origin.
    #[must_use]
    pub fn allow_credentials(mut self, allow: bool) -> Self {
        self.allow_credentials = allow;
        self.with_fields()
    }

    /// Sets whether pages of public sites may send requests to this server in a private network. Off by default: a
    /// preflight that asks for it is then rejected.
    #[must_use]
    pub fn allow_private_network(mut self, allow: bool) -> Self {
        self.allow_private_network = allow;
        self
    }

    /// Sets the header fields of responses that pages may read.
    ///
    /// # Panics
    /// If a name has a control character.
    #[must_use]
    #[track_caller]
    pub fn expose_headers(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.expose_headers = texts(names);
        self.with_fields()
    }

    /// Sets how long browsers may remember the answer to a preflight, in whole seconds. 600 by default.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self.with_fields()
    }

    #[track_caller]
    fn with_fields(mut self) -> Self {
        let mut simple = Headers::new();
        if self.allows_all_origins() {
            simple.set("access-control-allow-origin", "*");
        }
        let mut preflight = Headers::new();
        match self.names_origin() {
            true => preflight.set("vary", "Origin"),
            false => preflight.set("access-control-allow-origin", "*"),
        }
        preflight.set("access-control-allow-methods", list(&self.allow_methods));
        preflight.set("access-control-max-age", self.max_age.as_secs());
        if !is_any(&self.allow_headers) {
            let names = sorted([texts(SAFE_HEADERS), self.allow_headers.clone()].concat().into_iter());
            preflight.set("access-control-allow-headers", list(&names));
        }
        if self.allow_credentials {
            simple.set("access-control-allow-credentials", "true");
            preflight.set("access-control-allow-credentials", "true");
        }
        if !self.expose_headers.is_empty() {
            simple.set("access-control-expose-headers", list(&self.expose_headers));
        }
        self.fields = Fields { preflight, simple: Arc::new(simple) };
        self
    }

    fn allows_all_origins(&self) -> bool {
        is_any(&self.allow_origins)
    }

    /// Whether responses name the origin: with credentials, browsers do not accept `*`.
    fn names_origin(&self) -> bool {
        !self.allows_all_origins() || self.allow_credentials
    }

    fn allows_origin(&self, origin: &str) -> bool {
        self.allows_all_origins()
            || self.allow_origins.iter().any(|allowed| allowed == origin)
            || self.allow_origin_if.as_ref().is_some_and(|allows| allows(origin))
    }

    /// Returns the origin of a request, if responses name it.
    fn named(&self, origin: &[u8]) -> Option<HeaderValue> {
        let origin = std::str::from_utf8(origin).ok().filter(|_| self.names_origin())?;
        self.allows_origin(origin).then(|| origin.to_owned().try_into().ok())?
    }

    /// Whether a list of header fields names only those that are allowed.
    fn allows_headers(&self, list: &[u8]) -> bool {
        let allowed = || SAFE_HEADERS.into_iter().chain(self.allow_headers.iter().map(|name| &**name));
        list.split(|&byte| byte == b',')
            .all(|name| allowed().any(|other| name.trim_ascii().eq_ignore_ascii_case(other.as_bytes())))
    }

    fn preflight(&self, request: &Headers, origin: &[u8], method: &[u8]) -> Response {
        let mut headers = self.fields.preflight.clone();
        let mut failures = Vec::new();
        if !std::str::from_utf8(origin).is_ok_and(|origin| self.allows_origin(origin)) {
            failures.push("origin");
        } else if let Some(origin) = self.named(origin) {
            headers.set("access-control-allow-origin", origin);
        }
        if !self.allow_methods.iter().any(|allowed| allowed.as_bytes() == method) {
            failures.push("method");
        }
        let requested = || request.get_all("access-control-request-headers");
        if is_any(&self.allow_headers) {
            for list in requested() {
                if let Ok(list) = HeaderValue::try_from(list.to_vec()) {
                    headers.append("access-control-allow-headers", list);
                }
            }
        } else if !requested().all(|list| self.allows_headers(list)) {
            failures.push("headers");
        }
        if request.contains("access-control-request-private-network") {
            match self.allow_private_network {
                true => headers.set("access-control-allow-private-network", "true"),
                false => failures.push("private-network"),
            }
        }
        let (status, text) = match failures.is_empty() {
            true => (Status::OK, "OK".into()),
            false => (Status::BAD_REQUEST, format!("Disallowed CORS {}", failures.join(", "))),
        };
        let response = Response::text(status, text);
        headers.append_all(&response.headers);
        Response { headers, ..response }
    }
}

impl Default for Cors {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for Cors {
    fn call(&self, request: Request, next: Next) -> Reply {
        let headers = request.headers();
        let Some(origin) = headers.get("origin").filter(|_| !request.is_websocket()) else {
            return next.run(request);
        };
        if *request.method() == Method::Options
            && let Some(method) = headers.get("access-control-request-method")
        {
            return self.preflight(headers, origin, method).into();
        }
        let (origin, fields) = (self.named(origin), self.fields.simple.clone());
        edited(next.run(request), move |response| {
            response.headers.set_all(&fields);
            if let Some(origin) = origin {
                response.headers.set("access-control-allow-origin", origin);
                response.headers.add_vary("Origin");
            }
        })
    }
}

impl fmt::Debug for Cors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cors")
            .field("allow_origins", &self.allow_origins)
            .field("allow_methods", &self.allow_methods)
            .field("allow_headers", &self.allow_headers)
            .field("allow_credentials", &self.allow_credentials)
            .field("allow_private_network", &self.allow_private_network)
            .field("expose_headers", &self.expose_headers)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

fn texts(items: impl IntoIterator<Item: Into<String>>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}

fn is_any(items: &[String]) -> bool {
    items.iter().any(|item| item == "*")
}

#[track_caller]
fn list(items: &[String]) -> HeaderValue {
    let text = items.join(", ");
    match HeaderValue::try_from(text) {
        Ok(value) => value,
        Err(error) => panic!("CORS: {items:?}: {error}"),
    }
}
