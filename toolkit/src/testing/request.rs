//! A request: what the client sends, and the exchange that follows.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::sync::Arc;

use serde_core::Serialize;
use stelo_core::app::{Address, Connection, Context, Peer, Request};
use stelo_core::body::{Body, Length};
use stelo_core::http::{Headers, Method, RequestHead};

use super::client::Harness;
use super::host;
use super::response::{TestResponse, Verdict, answer, judge};
use crate::response::report::Failures;

/// A request that has not been sent. It is sent by [`send`](Self::send), which blocks the thread, or by `await`, which runs
/// the application in the executor of the test.
#[must_use]
#[derive(Debug)]
pub struct TestRequest<'a> {
    pub(super) client: &'a Harness,
    method: Method,
    target: String,
    headers: Headers,
    /// The fields that the client does not add.
    omitted: Vec<String>,
    body: Body,
    peer: Peer,
}

impl<'a> TestRequest<'a> {
    pub(super) fn new(client: &'a Harness, method: Method, target: &str, body: Body) -> Self {
        let mut headers = Headers::new();
        for (name, value) in [("host", "testserver"), ("accept", "*/*"), ("user-agent", "testclient")] {
            headers.append(name, value);
        }
        let (target, omitted, peer) = (target.to_owned(), Vec::new(), Peer::Present);
        Self { client, method, target, headers, omitted, body, peer }
    }

    /// Sets a header field, and removes others of its name.
    ///
    /// # Panics
    /// If name or value is invalid.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        if let Err(error) = self.headers.try_set(name, value) {
            panic!("header field `{name}`: {error}");
        }
        self
    }

    /// Adds a header field. Others of its name stay.
    ///
    /// # Panics
    /// If name or value is invalid.
    pub fn add_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        if let Err(error) = self.headers.try_append(name, value) {
            panic!("header field `{name}`: {error}");
        }
        self
    }

    /// Removes a header field, such as the `host` that every request has, or the `content-length` of its body.
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self.omitted.push(name.to_ascii_lowercase());
        self
    }

    /// Sets the body. The request has its `content-length`, or `transfer-encoding: chunked` if the length is not known.
    pub fn body(self, body: impl Into<Body>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Sets the body to a stream.
    pub fn stream(self, body: Body) -> Self {
        Self { body, ..self }
    }

    /// Sets the body to a value as JSON, with its content type.
    ///
    /// # Panics
    /// If the value cannot be written as JSON.
    pub fn json(self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(text) => self.header("content-type", "application/json").body(text),
            Err(error) => panic!("the body: {error}"),
        }
    }

    /// Sets the body to a urlencoded form, with its content type.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header("content-type", "application/x-www-form-urlencoded").body(form)
    }

    /// Sets the state of the client, such as one that disconnects before the application looks.
    pub fn peer(self, peer: Peer) -> Self {
        Self { peer, ..self }
    }

    /// Sends the request, and blocks the thread until the application has answered it.
    ///
    /// # Panics
    /// If the target is invalid for the method. If the application fails, unless
    /// [`raise_server_errors(false)`](super::Client::raise_server_errors) says otherwise. If the application waits for an
    /// executor that needs this thread: write `await` instead.
    #[track_caller]
    pub fn send(self) -> TestResponse {
        let (client, label) = (self.client, self.label());
        let sentence = (&label as &dyn fmt::Display, "write `.await` instead of `.send()`");
        let verdict = host::block_on(&client.executor, client.limits, sentence, self.exchange());
        verdict.raised(client.raises, &label)
    }

    /// Returns the subject of messages about this request.
    pub(super) fn label(&self) -> String {
        format!("`{} {}`", self.method, self.target)
    }

    /// Calls the application.
    fn exchange(mut self) -> impl Future<Output = Verdict> + use<> {
        let app = self.client.app.clone();
        let body = std::mem::take(&mut self.body);
        let (head, context) = self.parts(body.length());
        Verdict::of(async move |late: &Failures| {
            let mut interim = Vec::new();
            let response = answer(app, Request::new(head.clone(), body, context), &mut interim).await;
            let mut response = judge(&head, response, late).await;
            response.around.interim = interim;
            response
        })
    }

    /// Returns the head of the request and its context.
    pub(super) fn parts(&self, length: Length) -> (Arc<RequestHead>, Arc<Context>) {
        let Self { client, method, target, headers, peer, .. } = self;
        let Some(mut head) = RequestHead::new(method.clone(), target) else {
            panic!("`{target}` is not a target for this method: write `/path?query`, percent-encoded");
        };
        head.headers_mut().append_all(headers);
        self.add_framing(head.headers_mut(), length);
        let address = |port| Some(Address::Ip(([127, 0, 0, 1], port).into()));
        let executor = Arc::new(client.executor.clone());
        let mut context = Context::new(Connection::new(address(50000), address(80), executor));
        context.set_secure(client.secure);
        context.set_root_path(client.root_path.clone());
        context.set_peer(*peer);
        (Arc::new(head), Arc::new(context))
    }

    /// Adds the field that frames the body, as a client on a connection must.
    fn add_framing(&self, headers: &mut Headers, length: Length) {
        let has = |name: &str| headers.contains(name) || self.omitted.iter().any(|omitted| omitted == name);
        if has("content-length") || has("transfer-encoding") {
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

impl<'a> IntoFuture for TestRequest<'a> {
    type Output = TestResponse;
    type IntoFuture = std::pin::Pin<Box<dyn Future<Output = TestResponse> + Send + 'a>>;

    /// Sends the request in the executor of the test. Panics as [`send`](Self::send) does.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (client, label) = (self.client, self.label());
            let verdict = client.executor.drive(self.exchange()).await;
            verdict.raised(client.raises, &label)
        })
    }
}
