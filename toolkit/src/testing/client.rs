//! The client: starts an application, creates requests to it, and stops it.

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use stelo_core::app::{Address, App as CoreApp, BoxError};
use stelo_core::http::{Headers, Method};

use super::cookies::CookieJar;
use super::executor::{Limits, TestExecutor};
use super::host::{self, Host};
use super::location::Location;
use super::request::TestRequest;
use super::websocket::TestHandshake;
use crate::response::error::Chain;

/// The default of [`Client::with_timeout`].
const TIMEOUT: Duration = Duration::from_secs(30);

/// Calls an application in memory. `TestClient` is the name to use it by.
///
/// [`new`](Self::new) runs the start-up hooks, and dropping the client runs the shutdown hooks. A request is sent by
/// [`send`](TestRequest::send) or by `await`. Both return when the whole body has been read, the background task of the
/// response has ended, and every spawned task has ended or waits for something outside the application.
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
///
/// # Inside an executor
/// A handler that uses the timers, tasks or sockets of an executor needs that executor. In a test of it, such as
/// `#[tokio::test]`, write `await` instead of `send()`, and [`start`](Self::start) and [`stop`](Self::stop) if hooks
/// wait too:
///
/// ```
/// # use stelo_toolkit::{App, TestClient, get};
/// # futures_lite::future::block_on(async {
/// let client = TestClient::start(App::new().route("/", get("hello"))).await;
/// assert_eq!(client.get("/").await.text(), "hello");
/// client.stop().await.unwrap();
/// # });
/// ```
///
/// # Errors of the application
/// A response of 500 because of an error or a panic makes the test panic with that error, as Starlette's client does.
/// [`raise_server_errors(false)`](Self::raise_server_errors) returns the response instead.
pub struct Client<H: Host> {
    harness: Harness,
    started: bool,
    host: PhantomData<H>,
}

/// The part of a client that its requests need.
pub(super) struct Harness {
    pub(super) app: Arc<dyn CoreApp>,
    pub(super) executor: TestExecutor,
    pub(super) limits: Limits,
    pub(super) base: Location,
    pub(super) headers: Headers,
    pub(super) cookies: CookieJar,
    pub(super) address: Option<Address>,
    pub(super) root_path: Option<Arc<String>>,
    pub(super) raises: bool,
    pub(super) follows: bool,
}

impl<H: Host> Client<H> {
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
    /// If the application does not start: [`try_new`](Self::try_new) returns the error instead. If a hook waits for an
    /// executor on this thread: use [`start`](Self::start).
    #[track_caller]
    pub fn new(app: impl CoreApp) -> Self {
        Self::started(Self::try_new(app))
    }

    /// Does what [`new`](Self::new) does, for tests of a start that fails.
    ///
    /// # Errors
    /// The application is invalid, or a start-up hook fails.
    ///
    /// # Panics
    /// If a hook waits for an executor on this thread: use [`try_start`](Self::try_start).
    #[track_caller]
    pub fn try_new(app: impl CoreApp) -> Result<Self, BoxError> {
        let mut client = Self::without_start(app);
        let Harness { app, executor, limits, .. } = &client.harness;
        let instead = "write `TestClient::start(app).await` instead of `TestClient::new(app)`";
        let hooks = app.startup(Arc::new(executor.clone()));
        host::block_on(executor, *limits, (&"the start-up", instead), hooks)?;
        client.started = true;
        Ok(client)
    }

    /// Does what [`new`](Self::new) does, in the executor of the test.
    ///
    /// # Panics
    /// If the application does not start.
    pub async fn start(app: impl CoreApp) -> Self {
        Self::started(Self::try_start(app).await)
    }

    /// Does what [`try_new`](Self::try_new) does, in the executor of the test.
    ///
    /// # Errors
    /// The application is invalid, or a start-up hook fails.
    pub async fn try_start(app: impl CoreApp) -> Result<Self, BoxError> {
        let mut client = Self::without_start(app);
        let Harness { app, executor, .. } = &client.harness;
        executor.drive(app.startup(Arc::new(executor.clone()))).await?;
        client.started = true;
        Ok(client)
    }

    #[track_caller]
    fn started(client: Result<Self, BoxError>) -> Self {
        match client {
            Ok(client) => client,
            Err(error) => panic!("the application does not start: {}", Chain(&*error)),
        }
    }

    /// Creates a client of an application whose start-up and shutdown hooks do not run.
    pub fn without_start(app: impl CoreApp) -> Self {
        let mut headers = Headers::new();
        headers.append("accept", "*/*");
        headers.append("user-agent", "testclient");
        let harness = Harness {
            app: Arc::new(app),
            executor: TestExecutor::default(),
            limits: Limits { timeout: TIMEOUT, skips_sleeps: false, forbids_blocking: H::forbids_blocking },
            base: Location::testserver(),
            headers,
            cookies: CookieJar::default(),
            address: Some(Address::Ip(([127, 0, 0, 1], 50000).into())),
            root_path: None,
            raises: true,
            follows: true,
        };
        Self { harness, started: false, host: PhantomData }
    }

    /// Runs the shutdown hooks.
    ///
    /// # Errors
    /// A shutdown hook fails.
    ///
    /// # Panics
    /// If a hook waits for an executor on this thread: use [`stop`](Self::stop).
    #[track_caller]
    pub fn close(mut self) -> Result<(), BoxError> {
        if !std::mem::take(&mut self.started) {
            return Ok(());
        }
        let Harness { app, executor, limits, .. } = &self.harness;
        executor.begin_shutdown();
        host::block_on(executor, *limits, STOP, app.shutdown())
    }

    /// Runs the shutdown hooks in the executor of the test.
    ///
    /// # Errors
    /// A shutdown hook fails.
    pub async fn stop(mut self) -> Result<(), BoxError> {
        self.harness.executor.begin_shutdown();
        match std::mem::take(&mut self.started) {
            true => self.harness.executor.drive(self.harness.app.shutdown()).await,
            false => Ok(()),
        }
    }

    /// Returns the client with a root path, as behind a proxy that serves the application below it.
    #[must_use]
    pub fn with_root_path(mut self, root_path: &str) -> Self {
        self.harness.root_path = Some(Arc::new(root_path.into()));
        self
    }

    /// Returns the client with the scheme `https`.
    #[must_use]
    pub fn with_https(mut self) -> Self {
        self.harness.base.secure = true;
        self
    }

    /// Returns the client with a base URL: its scheme, host and port are those of all requests, and its path comes before
    /// the path of a target. The default is `http://testserver`. A target can also be an absolute URL.
    ///
    /// ```
    /// use stelo_toolkit::{App, Request, TestClient, get};
    ///
    /// async fn url(request: Request) -> String { request.url().to_string() }
    ///
    /// let client = TestClient::new(App::new().route("/api/tea", get(url))).with_base_url("https://example.org/api");
    /// assert_eq!(client.get("/tea").send().text(), "https://example.org/api/tea");
    /// ```
    ///
    /// # Panics
    /// If the URL does not begin with `http://` or `https://` and a host.
    #[must_use]
    #[track_caller]
    pub fn with_base_url(mut self, url: &str) -> Self {
        match Location::parse(url) {
            Some(base) => self.harness.base = base,
            None => {
                panic!("`{url}` is not a base URL: write `https://example.org` or `https://example.org/path`")
            }
        }
        self
    }

    /// Returns the client with a header field in all its requests, such as `user-agent`. The field of a request replaces it.
    ///
    /// # Panics
    /// If name or value is invalid.
    #[must_use]
    #[track_caller]
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        if let Err(error) = self.harness.headers.try_set(name, value) {
            panic!("header field `{name}`: {error}");
        }
        self
    }

    /// Returns the client with a [cookie](Self::cookies) that all its requests have.
    #[must_use]
    pub fn with_cookie(self, name: &str, value: &str) -> Self {
        self.harness.cookies.set(name, value);
        self
    }

    /// Returns the client with another address: `127.0.0.1:50000` by default, and `None` if the server does not know it.
    #[must_use]
    pub fn with_client_address(mut self, address: Option<SocketAddr>) -> Self {
        self.harness.address = address.map(Address::Ip);
        self
    }

    /// Sets whether redirects are followed, up to 20 of them. They are by default, as by Starlette's client.
    ///
    /// The statuses 301, 302 and 303 turn a POST into a GET; 307 and 308 send the body again. A redirect to another host
    /// goes to the same application, without `authorization`.
    ///
    /// ```
    /// use stelo_toolkit::response::Redirect;
    /// use stelo_toolkit::{App, Status, TestClient, get};
    ///
    /// let app = App::new().route("/old", get(async || Redirect::to("/new"))).route("/new", get("tea"));
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/old").send().text(), "tea");
    /// let redirect = client.get("/old").follow_redirects(false).send();
    /// assert_eq!(redirect.status(), Status::TEMPORARY_REDIRECT);
    /// ```
    #[must_use]
    pub fn follow_redirects(mut self, follow: bool) -> Self {
        self.harness.follows = follow;
        self
    }

    /// Sets whether calls that block the thread skip a sleep of the application even if something else could wake it.
    ///
    /// A call that blocks the thread skips the time while all tasks wait for [`Executor::sleep`] and for nothing else. So a
    /// handler that sleeps an hour is answered at once. It waits if a task also waits for a channel, a socket or another
    /// executor, which could wake it earlier. With this, it does not. With `await`, time always passes.
    ///
    /// [`Executor::sleep`]: crate::request::Executor::sleep
    #[must_use]
    pub fn always_skip_sleeps(mut self, skip: bool) -> Self {
        self.harness.limits.skips_sleeps = skip;
        self
    }

    /// Returns the cookies that the client keeps.
    pub fn cookies(&self) -> &CookieJar {
        &self.harness.cookies
    }

    /// Returns the client with another limit for calls that block the thread: the longest time without progress, 30
    /// seconds by default. Such a call then panics instead of hanging.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.harness.limits.timeout = timeout;
        self
    }

    /// Sets whether an error or a panic of the application makes the test panic. It does by default, if the response is
    /// 500, if the body is cut off, if a background task panics, or if a WebSocket handler fails. Starlette's
    /// `raise_server_exceptions`.
    ///
    /// ```
    /// use stelo_toolkit::{App, Status, TestClient, get};
    ///
    /// async fn fails() -> stelo_toolkit::Result<String> { Err("out of tea".into()) }
    ///
    /// let client = TestClient::new(App::new().route("/", get(fails))).raise_server_errors(false);
    /// assert_eq!(client.get("/").send().status(), Status::INTERNAL_SERVER_ERROR);
    /// ```
    #[must_use]
    pub fn raise_server_errors(mut self, raise: bool) -> Self {
        self.harness.raises = raise;
        self
    }

    /// Creates a request of this method to a target such as `/path?query`, or to an absolute URL.
    pub fn request(&self, method: Method, target: &str) -> TestRequest<'_> {
        TestRequest::new(&self.harness, method, target)
    }

    /// Creates a request for a WebSocket to a target such as `/path?query`.
    pub fn websocket_connect(&self, target: &str) -> TestHandshake<'_> {
        TestHandshake::new(self.get(target).follow_redirects(false))
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

    /// Creates a QUERY request.
    pub fn query(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::Query, target)
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

/// The sentence about a shutdown that cannot block its thread.
const STOP: (&dyn fmt::Display, &str) =
    (&"the shutdown", "write `client.stop().await` at the end of the test");

impl<H: Host> Drop for Client<H> {
    /// Runs the shutdown hooks, and drops the tasks and WebSocket handlers that still wait.
    ///
    /// # Panics
    /// If a shutdown hook fails, so that the test fails too. Not while the test is panicking.
    fn drop(&mut self) {
        let is_running = std::mem::take(&mut self.started);
        let Harness { app, executor, limits, .. } = &self.harness;
        let error = is_running.then(|| {
            executor.begin_shutdown();
            match executor.run(*limits, app.shutdown()) {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(format!("the shutdown failed: {}", Chain(&*error))),
                Err(stuck) => Some(host::explain(&stuck, STOP.0, STOP.1)),
            }
        });
        executor.drop_tasks();
        if let Some(error) = error.flatten()
            && !std::thread::panicking()
        {
            panic!("{error}");
        }
    }
}

impl<H: Host> fmt::Debug for Client<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestClient")
    }
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestClient")
    }
}
