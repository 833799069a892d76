//! `RequestId`: gives each request an identifier, for the log and for the client.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use stelo_core::app::Reply;
use stelo_core::http::header::{HeaderName, IntoHeaderName};

use super::reply::{edited, traced};
use super::{Middleware, Next};
use crate::random;
use crate::request::{Parts, Request};

/// The longest identifier that is accepted, in bytes.
const MAX_LEN: usize = 128;

/// Gives each request an identifier: in the [extensions](Parts::extensions) of the request, in the span of its log lines
/// (`request{request_id=..}`), and in the field `x-request-id` of the response.
///
/// The identifier of a request that a [trusted](Self::trust) peer has sent is kept if it has 1 to 128 letters, digits
/// and `-._~+/=:@`. Any other request gets a new one of 32 hexadecimal digits. By default, peers are trusted that the server
/// trusts as proxies (`--forwarded-allow-ips`) and that have named the client.
///
/// ```
/// use stelo_toolkit::middleware::{RequestId, RequestIdentifier};
/// use stelo_toolkit::{App, Extension, TestClient, get};
///
/// async fn show(Extension(id): Extension<RequestIdentifier>) -> String { id.to_string() }
///
/// let client = TestClient::new(App::new().middleware(RequestId::new()).route("/", get(show)));
/// let response = client.get("/").send();
/// assert_eq!(response.header("x-request-id"), Some(&*response.text()));
/// ```
pub struct RequestId {
    header: HeaderName,
    trust: Box<dyn Fn(&Parts) -> bool + Send + Sync>,
}

/// The identifier of a request, which [`RequestId`] puts into its extensions.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RequestIdentifier(Arc<str>);

impl RequestId {
    /// Creates the middleware, with the field `x-request-id`.
    pub fn new() -> Self {
        let header = HeaderName::from_static("x-request-id");
        Self { header, trust: Box::new(Parts::is_forwarded) }
    }

    /// Sets the name of the field, in requests and responses.
    ///
    /// # Panics
    /// If a literal is not a valid name.
    #[must_use]
    #[track_caller]
    pub fn header(self, name: impl IntoHeaderName) -> Self {
        Self { header: name.into_header_name(), ..self }
    }

    /// Sets the requests whose own identifiers are kept: `|_| true` for all, `|_| false` for none.
    #[must_use]
    pub fn trust(self, predicate: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Self { trust: Box::new(predicate), ..self }
    }

    fn accepted(&self, request: &Parts) -> Option<RequestIdentifier> {
        let id = request.headers().get_str(self.header).filter(|_| (self.trust)(request))?;
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=:@".contains(&byte);
        let is_valid = (1..=MAX_LEN).contains(&id.len()) && id.bytes().all(is_allowed);
        is_valid.then(|| RequestIdentifier(id.into()))
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for RequestId {
    fn call(&self, mut request: Request, next: Next) -> Reply {
        let id = self.accepted(&request).unwrap_or_else(|| RequestIdentifier(random::hex::<16>().into()));
        let span = tracing::info_span!("request", request_id = &*id.0);
        request.extensions_mut().insert(id.clone());
        let header = self.header;
        edited(traced(span, request, next), move |response| {
            // An identifier has only characters that are valid in a field.
            let _ = response.headers.try_set(header.as_str(), &*id.0);
        })
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestId").field("header", &self.header).finish_non_exhaustive()
    }
}

impl Deref for RequestIdentifier {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
