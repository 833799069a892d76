//! An exchange: the request as it is sent, its response, and the redirects that follow.

use std::sync::Arc;

use stelo_core::app::{Address, Connection, Context, Peer, Request};
use stelo_core::body::{Body, Length};
use stelo_core::http::{Headers, Method, RequestHead};

use super::client::Harness;
use super::location::Location;
use super::response::{Begun, TestResponse, answer};
use crate::response::report::Failures;

/// The number of redirects that a request follows.
const REDIRECTS: usize = 20;

/// A request without its body.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) location: Location,
    pub(super) headers: Headers,
    /// The fields that the client does not add.
    pub(super) omitted: Vec<String>,
    /// The cookies of this request alone.
    pub(super) cookies: Vec<(String, String)>,
    pub(super) peer: Peer,
    pub(super) follows: bool,
}

/// The last response of an exchange, before its body has been read.
pub(super) struct Last {
    pub(super) begun: Begun,
    pub(super) context: Arc<Context>,
    pub(super) url: String,
    pub(super) history: Vec<TestResponse>,
}

impl Last {
    /// Reads the response.
    pub(super) async fn finish(self, late: &Failures) -> TestResponse {
        let Self { begun, url, history, .. } = self;
        let mut response = begun.finish(url, late).await;
        response.around.history = history;
        response
    }
}

impl Outgoing {
    /// Calls the application until a response is not a redirect, or redirects are not followed.
    pub(super) async fn exchange(mut self, client: &Harness, mut body: Body, late: &Failures) -> Last {
        let mut history = Vec::new();
        loop {
            let copy = copy(&mut body);
            let (head, context) = self.parts(client, body.length());
            let request = Request::new(head.clone(), body, context.clone());
            let mut interim = Vec::new();
            let response = answer(client, request, &mut interim).await;
            let begun = Begun::judge(&head, response, interim);
            client.cookies.keep(&self.location, &begun.headers, client.executor.now());
            let url = self.location.url();
            let next = if self.follows { self.next(&begun) } else { None };
            let Some((method, location)) = next else { return Last { begun, context, url, history } };
            assert!(
                history.len() < REDIRECTS,
                "`{url}` is more than {REDIRECTS} redirects away: `follow_redirects(false)` returns the first one"
            );
            history.push(begun.finish(url, late).await);
            body = match copy {
                _ if method != self.method => Body::empty(),
                Some(copy) => copy,
                None => panic!(
                    "a redirect to `{}` sends the body again, but a stream is gone: send bytes, or use `follow_redirects(false)`",
                    location.url()
                ),
            };
            self.redirect(method, location);
        }
    }

    /// Returns the method and the location to which a response leads.
    fn next(&self, begun: &Begun) -> Option<(Method, Location)> {
        let is_post = self.method == Method::Post;
        let method = match begun.status.code() {
            303 | 302 if self.method != Method::Head => Method::Get,
            301 if is_post => Method::Get,
            301 | 302 | 303 | 307 | 308 => self.method.clone(),
            _ => return None,
        };
        let location = String::from_utf8_lossy(begun.headers.get("location")?).into_owned();
        Some((method, self.location.redirect(&location)?))
    }

    /// Changes the request to that of a redirect.
    fn redirect(&mut self, method: Method, location: Location) {
        if method != self.method {
            for name in ["content-length", "content-type", "content-encoding", "transfer-encoding"] {
                self.headers.remove(name);
            }
        }
        if !self.location.is_same_origin(&location) {
            self.headers.remove("host");
            // They belong to the first origin: the redirect must not hand them to another one.
            self.headers.remove("authorization");
        }
        self.headers.remove("cookie");
        self.cookies.clear();
        (self.method, self.location) = (method, location);
    }

    /// Returns the head of the request and its context.
    pub(super) fn parts(&self, client: &Harness, length: Length) -> (Arc<RequestHead>, Arc<Context>) {
        let Self { method, location, headers, .. } = self;
        let Some(mut head) = RequestHead::new(method.clone(), &location.target) else {
            let target = &location.target;
            panic!("`{target}` is not a target for this method: write `/path?query`, percent-encoded");
        };
        let fields = head.headers_mut();
        if !self.has("host")
            && let Err(error) = fields.try_append("host", &location.authority)
        {
            panic!("the host `{}`: {error}", location.authority);
        }
        fields.append_all(headers);
        self.add_framing(fields, length);
        if !self.has("cookie")
            && let Some(cookies) = client.cookies.field(location, &self.cookies, client.executor.now())
            && let Err(error) = fields.try_append("cookie", cookies)
        {
            panic!("a cookie: {error}");
        }
        let server = Address::Ip(([127, 0, 0, 1], location.port()).into());
        let executor = Arc::new(client.executor.clone());
        let mut context = Context::new(Connection::new(client.address.clone(), Some(server), executor));
        context.set_secure(location.secure);
        context.set_root_path(client.root_path.clone());
        context.set_peer(self.peer);
        (Arc::new(head), Arc::new(context))
    }

    /// Whether the test has set a field, or wants it absent.
    fn has(&self, name: &str) -> bool {
        self.headers.contains(name) || self.omitted.iter().any(|omitted| omitted == name)
    }

    /// Adds the field that frames the body, as a client on a connection must.
    fn add_framing(&self, headers: &mut Headers, length: Length) {
        if self.has("content-length") || self.has("transfer-encoding") {
            return;
        }
        match length {
            Length::Known(length) => headers.append("content-length", length),
            Length::Unknown => headers.append("transfer-encoding", "chunked"),
            // RFC 9110 section 8.6: methods that anticipate content state that there is none.
            Length::None
                if matches!(self.method, Method::Post | Method::Put | Method::Patch | Method::Query) =>
            {
                headers.append("content-length", "0");
            }
            Length::None => {}
        }
    }
}

/// Returns a second body, unless the first one is a stream.
fn copy(body: &mut Body) -> Option<Body> {
    match body.full_mut() {
        Some(bytes) => Some(Body::from(bytes.clone())),
        None => (body.length() == Length::None).then(Body::empty),
    }
}
