//! A request: what the client sends, and the exchange that follows.

use std::fmt;
use std::future::{Future, IntoFuture};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_core::Serialize;
use stelo_core::app::Peer;
use stelo_core::body::Body;
use stelo_core::http::Method;

use super::client::Harness;
use super::exchange::Outgoing;
use super::host;
use super::multipart::{self, Part};
use super::response::{TestResponse, Verdict};
use super::stream::{Opened, TestStream};
use crate::response::report::Failures;

/// A request that has not been sent. It is sent by [`send`](Self::send), which blocks the thread, or by `await`, which runs
/// the application in the executor of the test. [`open`](Self::open) returns before the body of the response has been read.
#[must_use]
#[derive(Debug)]
pub struct TestRequest<'a> {
    pub(super) client: &'a Harness,
    pub(super) outgoing: Outgoing,
    /// The target as the test has written it.
    target: String,
    body: Body,
}

impl<'a> TestRequest<'a> {
    pub(super) fn new(client: &'a Harness, method: Method, target: &str) -> Self {
        let outgoing = Outgoing {
            method,
            location: client.base.request(target),
            headers: client.headers.clone(),
            omitted: Vec::new(),
            cookies: Vec::new(),
            peer: Peer::Present,
            follows: client.follows,
        };
        Self { client, outgoing, target: target.to_owned(), body: Body::empty() }
    }

    /// Sets a header field, and removes others of its name.
    ///
    /// # Panics
    /// If name or value is invalid.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        if let Err(error) = self.outgoing.headers.try_set(name, value) {
            panic!("header field `{name}`: {error}");
        }
        self
    }

    /// Adds a header field. Others of its name stay.
    ///
    /// # Panics
    /// If name or value is invalid.
    pub fn add_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        if let Err(error) = self.outgoing.headers.try_append(name, value) {
            panic!("header field `{name}`: {error}");
        }
        self
    }

    /// Removes a header field, such as the `host` that every request has, or the `content-length` of its body.
    pub fn without_header(mut self, name: &str) -> Self {
        self.outgoing.headers.remove(name);
        self.outgoing.omitted.push(name.to_ascii_lowercase());
        self
    }

    /// Adds parameters to the query of the target.
    pub fn query(mut self, parameters: &[(&str, &str)]) -> Self {
        let target = &mut self.outgoing.location.target;
        target.push(if target.contains('?') { '&' } else { '?' });
        target.push_str(&form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish());
        self
    }

    /// Adds a cookie to this request alone. It replaces one that the client [keeps](super::Client::cookies).
    pub fn cookie(mut self, name: &str, value: &str) -> Self {
        self.outgoing.cookies.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets `authorization` to a name and a password (RFC 7617).
    pub fn basic_auth(self, name: &str, password: &str) -> Self {
        self.header("authorization", format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
    }

    /// Sets `authorization` to a token (RFC 6750).
    ///
    /// # Panics
    /// If the token has control characters.
    pub fn bearer_auth(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Sets whether redirects are followed. The default is that of the
    /// [client](super::Client::follow_redirects).
    pub fn follow_redirects(mut self, follow: bool) -> Self {
        self.outgoing.follows = follow;
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

    /// Sets the body to a multipart form, with its content type.
    ///
    /// ```
    /// use stelo_toolkit::forms::FormData;
    /// use stelo_toolkit::testing::Part;
    /// use stelo_toolkit::{App, TestClient, post};
    ///
    /// async fn names(form: FormData) -> String {
    ///     form.iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")
    /// }
    ///
    /// let client = TestClient::new(App::new().route("/", post(names)));
    /// let parts = [Part::text("title", "Tea"), Part::file("image", "tea.png", "…")];
    /// assert_eq!(client.post("/").multipart(&parts).send().text(), "title image");
    /// ```
    pub fn multipart(self, parts: &[Part]) -> Self {
        let (content_type, form) = multipart::form(parts);
        self.header("content-type", content_type).body(form)
    }

    /// Sets the state of the client, such as one that disconnects before the application looks.
    pub fn peer(mut self, peer: Peer) -> Self {
        self.outgoing.peer = peer;
        self
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
        format!("`{} {}`", self.outgoing.method, self.target)
    }

    /// Sends the request, and blocks the thread until the response begins.
    ///
    /// # Panics
    /// As [`send`](Self::send). Failures after the beginning of the response are raised by the [`TestStream`].
    #[track_caller]
    pub fn open(self) -> TestStream<'a> {
        let (client, label) = (self.client, self.label());
        let sentence = (&label as &dyn fmt::Display, "write `.open_async().await` instead of `.open()`");
        let opened = host::block_on(&client.executor, client.limits, sentence, self.opened());
        opened.raised(client, label)
    }

    /// Sends the request in the executor of the test, and returns when the response begins.
    ///
    /// # Panics
    /// As [`open`](Self::open).
    pub async fn open_async(self) -> TestStream<'a> {
        let (client, label) = (self.client, self.label());
        let opened = client.executor.drive(self.opened()).await;
        opened.raised(client, label)
    }

    /// Calls the application.
    async fn opened(self) -> Opened {
        let (failures, late) = <(Failures, Failures)>::default();
        let exchange = self.outgoing.exchange(self.client, self.body, &late);
        let last = failures.during(exchange).await;
        Opened { last, failures, late }
    }

    /// Calls the application, and reads the response.
    async fn exchange(self) -> Verdict {
        let (failures, late) = <(Failures, Failures)>::default();
        let exchange =
            async { self.outgoing.exchange(self.client, self.body, &late).await.finish(&late).await };
        let response = failures.during(exchange).await;
        Verdict { response, failures, late }
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
