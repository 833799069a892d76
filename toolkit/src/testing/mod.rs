//! The test client: calls an application in memory, without sockets and without an executor of its own. Results do not
//! depend on timing.

mod executor;
mod websocket;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use serde_core::Serialize;
use serde_core::de::DeserializeOwned;
use stelo_core::app::{
    Address, App as CoreApp, BoxError, Connection, Context, Peer, Reply, Request, Response,
};
use stelo_core::body::{Body, BodyError};
use stelo_core::http::{Headers, Method, RequestHead, Status};

use self::executor::TestExecutor;
use crate::response::error::Chain;
use crate::response::panics::{self, contained};

pub use websocket::{TestHandshake, TestWebSocket};

/// Calls an application in memory. [`new`](Self::new) runs the start-up hooks, and dropping the client runs the shutdown
/// hooks.
///
/// [`TestRequest::send`] returns when the whole body has been read, the background task of the response has ended, and
/// every spawned task has ended or waits for something outside the application.
///
/// ```
/// use stelo_toolkit::{App, Json, Status, TestClient, get};
///
/// async fn double(Json(n): Json<u32>) -> Json<u32> { Json(2 * n) }
///
/// let client = TestClient::new(App::new().route("/", get(async || "hello").post(double)));
/// assert_eq!(client.get("/").send().text(), "hello");
/// assert_eq!(client.post("/").json(&21).send().json::<u32>().unwrap(), 42);
/// assert_eq!(client.get("/nowhere").send().status(), Status::NOT_FOUND);
/// ```
pub struct TestClient {
    app: Arc<dyn CoreApp>,
    executor: TestExecutor,
    secure: bool,
    root_path: Option<Arc<String>>,
    started: bool,
}

impl TestClient {
    /// Starts an application, and creates a client of it. The shutdown hooks run when the client is
    /// [closed](Self::close) or dropped.
    ///
    /// ```
    /// use stelo_toolkit::response::BoxError;
    /// use stelo_toolkit::{App, State, TestClient, get};
    ///
    /// #[derive(Clone)]
    /// struct Greeting(String);
    ///
    /// async fn load() -> Result<Greeting, BoxError> { Ok(Greeting("hello".into())) }
    /// async fn greet(State(greeting): State<Greeting>) -> String { greeting.0 }
    ///
    /// let client = TestClient::new(App::new().lifespan(load, async |_| ()).route("/", get(greet)));
    /// assert_eq!(client.get("/").send().text(), "hello");
    /// ```
    ///
    /// # Panics
    /// If the application does not start: [`try_new`](Self::try_new) returns the error instead.
    #[track_caller]
    pub fn new(app: impl CoreApp) -> Self {
        match Self::try_new(app) {
            Ok(client) => client,
            Err(error) => panic!("the application does not start: {}", Chain(&*error)),
        }
    }

    /// Does what [`new`](Self::new) does, for tests of a start that fails.
    ///
    /// # Errors
    /// The application is invalid, or a start-up hook fails.
    pub fn try_new(app: impl CoreApp) -> Result<Self, BoxError> {
        let mut client = Self::without_start(app);
        client.executor.run(client.app.startup(Arc::new(client.executor.clone())))?;
        client.started = true;
        Ok(client)
    }

    /// Creates a client of an application whose start-up and shutdown hooks do not run.
    pub fn without_start(app: impl CoreApp) -> Self {
        let executor = TestExecutor::default();
        Self { app: Arc::new(app), executor, secure: false, root_path: None, started: false }
    }

    /// Runs the shutdown hooks.
    ///
    /// # Errors
    /// A shutdown hook fails.
    pub fn close(mut self) -> Result<(), BoxError> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<(), BoxError> {
        match std::mem::take(&mut self.started) {
            true => self.executor.run(self.app.shutdown()),
            false => Ok(()),
        }
    }

    /// Returns the client with a root path, as behind a proxy that serves the application below it.
    #[must_use]
    pub fn with_root_path(mut self, root_path: &str) -> Self {
        self.root_path = Some(Arc::new(root_path.into()));
        self
    }

    /// Returns the client with the scheme `https`.
    #[must_use]
    pub fn with_https(mut self) -> Self {
        self.secure = true;
        self
    }

    /// Creates a request of this method to a target such as `/path?query`.
    pub fn request(&self, method: Method, target: &str) -> TestRequest<'_> {
        let mut headers = Headers::new();
        for (name, value) in [("host", "testserver"), ("accept", "*/*"), ("user-agent", "testclient")] {
            headers.append(name, value);
        }
        let target = target.to_owned();
        TestRequest { client: self, method, target, headers, body: Body::empty(), peer: Peer::Present }
    }

    /// Creates a request for a WebSocket to a target such as `/path?query`.
    pub fn websocket_connect(&self, target: &str) -> TestHandshake<'_> {
        TestHandshake::new(self.get(target))
    }

    /// Creates a GET request.
    pub fn get(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::Get, target)
    }

    /// Creates a HEAD request.
    pub fn head(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::Head, target)
    }

    /// Creates a POST request.
    pub fn post(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::Post, target)
    }

    /// Creates a PUT request.
    pub fn put(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::Put, target)
    }

    /// Creates a PATCH request.
    pub fn patch(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::Patch, target)
    }

    /// Creates a DELETE request.
    pub fn delete(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::Delete, target)
    }

    /// Creates an OPTIONS request.
    pub fn options(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::Options, target)
    }
}

impl Drop for TestClient {
    /// Runs the shutdown hooks.
    ///
    /// # Panics
    /// If a shutdown hook fails, so that the test fails too. Not while the test is panicking.
    fn drop(&mut self) {
        match self.shut_down() {
            Err(error) if !std::thread::panicking() => panic!("the shutdown failed: {}", Chain(&*error)),
            _ => {}
        }
    }
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestClient")
    }
}

/// A request that has not been sent.
#[must_use]
#[derive(Debug)]
pub struct TestRequest<'a> {
    client: &'a TestClient,
    method: Method,
    target: String,
    headers: Headers,
    body: Body,
    peer: Peer,
}

impl TestRequest<'_> {
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

    /// Removes a header field, such as the `host` that every request has.
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Sets the body.
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

    /// Sends the request.
    ///
    /// # Panics
    /// If the target is invalid for the method.
    pub fn send(mut self) -> TestResponse {
        let (app, is_head) = (self.client.app.clone(), self.method == Method::Head);
        let body = std::mem::take(&mut self.body);
        let (head, context) = self.parts();
        let request = Request::new(head, body, context);
        self.client.executor.run(async move { collect(answer(app, request).await, is_head).await })
    }

    /// Returns the head of the request and its context.
    fn parts(&self) -> (Arc<RequestHead>, Arc<Context>) {
        let Self { client, method, target, headers, peer, .. } = self;
        let Some(mut head) = RequestHead::new(method.clone(), target) else {
            panic!("`{target}` is not a target for this method: write `/path?query`, percent-encoded");
        };
        head.headers_mut().append_all(headers);
        let address = |port| Some(Address::Ip(([127, 0, 0, 1], port).into()));
        let executor = Arc::new(client.executor.clone());
        let mut context = Context::new(Connection::new(address(50000), address(80), executor));
        context.set_secure(client.secure);
        context.set_root_path(client.root_path.clone());
        context.set_peer(*peer);
        (Arc::new(head), Arc::new(context))
    }
}

/// Calls the application as a server does: a panic is answered with 500.
async fn answer(app: Arc<dyn CoreApp>, request: Request) -> Response {
    let answer = std::panic::catch_unwind(AssertUnwindSafe(|| app.call(request)));
    let answer = match answer {
        Ok(Reply::Ready(response)) => Ok(response),
        Ok(Reply::Future(future)) => contained(future).await,
        Err(panic) => Err(panic),
    };
    answer.unwrap_or_else(|panic| {
        tracing::error!("the application panicked: {}", panics::message(&*panic));
        Response::empty(Status::INTERNAL_SERVER_ERROR)
    })
}

/// Reads a response as a server does: the body, then the background task.
async fn collect(response: Response, is_head: bool) -> TestResponse {
    let Response { status, headers, mut body, background, .. } = response;
    let mut response = TestResponse { status, headers, body: Vec::new(), error: None };
    while !is_head && let Some(piece) = body.chunk().await {
        match piece {
            Ok(piece) => response.body.extend_from_slice(&piece),
            Err(error) => {
                response.error = Some(error);
                break;
            }
        }
    }
    if let Some(background) = background
        && let Err(panic) = contained(background).await
    {
        tracing::error!("a background task panicked: {}", panics::message(&*panic));
    }
    response
}

/// A response with its whole body.
#[derive(Debug)]
pub struct TestResponse {
    status: Status,
    headers: Headers,
    body: Vec<u8>,
    error: Option<BodyError>,
}

impl TestResponse {
    /// Returns the status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Returns the header fields, without those that a server adds.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Returns the first header field of this name, if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get_str(name)
    }

    /// Returns the body. If it failed, the part before the failure.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// Returns the body as text. Bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// The body is not JSON, or not of such a value.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// Returns the error of the body, if it failed.
    pub fn body_error(&self) -> Option<&BodyError> {
        self.error.as_ref()
    }
}
