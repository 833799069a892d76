//! `Parts`: a request without its body.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde_core::de::DeserializeOwned;
use stelo_core::app::{Address, Context, InterimSender, Peer};
use stelo_core::http::{Headers, Method, RequestHead, Status, Version};
use stelo_core::routing::{ReverseError, Slash};

use super::cleanup::Cleanups;
use super::limit::Limit;
use super::position::{Position, Protocol, slice};
use super::site::SiteRef;
use super::url::authority::authority;
use super::url::encode_path;
use super::workers::Pool;
use super::{Cookies, Executor, Extensions, Links, QueryParams, Url, UrlPath, Workers, decode};
use crate::response::HttpError;
use crate::response::report::failure;

/// A request without its body: method, target, header fields, and what the application knows about it.
///
/// A [`Request`](super::Request) dereferences to its parts. [`FromRequestParts`](crate::extract::FromRequestParts) gets nothing
/// else, so several arguments of a handler can be taken before one takes the body.
pub struct Parts {
    pub(crate) head: Arc<RequestHead>,
    pub(crate) context: Arc<Context>,
    /// The number of the request in its context.
    pub(crate) number: u32,
    pub(crate) protocol: Protocol,
    /// Most requests have none.
    pub(crate) extensions: Option<Box<Extensions>>,
    pub(crate) site: SiteRef,
    pub(crate) position: Position,
}

impl Parts {
    /// Returns the method, the target, the version and the header fields.
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// Returns the head, to be changed by middleware. A changed target is not routed again.
    pub fn head_mut(&mut self) -> &mut RequestHead {
        Arc::make_mut(&mut self.head)
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        self.head.method()
    }

    /// Returns the version of HTTP.
    pub fn version(&self) -> Version {
        self.head.version()
    }

    /// Returns the header fields.
    pub fn headers(&self) -> &Headers {
        self.head.headers()
    }

    /// Returns the path, percent-decoded, including the root path and the prefixes of mounts. Invalid UTF-8 becomes
    /// U+FFFD; the [head](Self::head) has the path as received.
    pub fn path(&self) -> &str {
        self.position.path(&self.head)
    }

    /// Returns the part of the path, percent-decoded, that the mounts have not matched.
    pub fn route_path(&self) -> &str {
        self.path().get(self.position.rest as usize..).unwrap_or_default()
    }

    /// Returns the [route path](Self::route_path) as received. `None` if a mount has matched bytes that are not UTF-8.
    pub(crate) fn raw_route_path(&self) -> Option<&str> {
        self.position.raw_route_path(&self.head)
    }

    /// Whether the [route path](Self::route_path) has a slash that was encoded by the client.
    pub(crate) fn has_encoded_slash(&self) -> bool {
        self.position.has_encoded_slash()
    }

    /// Whether the decoded path is UTF-8.
    pub(crate) fn has_text_path(&self) -> bool {
        self.position.is_text()
    }

    /// # Errors
    /// 400 if the decoded path is not UTF-8: its parameters are not the text that the client means.
    pub(crate) fn check_path(&self) -> Result<(), HttpError> {
        match self.has_text_path() {
            true => Ok(()),
            false => Err(HttpError::new(Status::BAD_REQUEST).with_detail("the path is not UTF-8")),
        }
    }

    /// Returns the target of a redirect to the same path with a slash more or less at its end. It names neither scheme nor
    /// host, which a proxy may have changed and the client may have invented.
    pub(crate) fn location(&self, slash: Slash) -> String {
        let root = if self.has_root_path() { String::new() } else { encode_path(self.context.root_path()) };
        let path = [&*root, self.head.path()].concat();
        let path = match slash {
            Slash::Add => slash.apply(&path),
            Slash::Remove => Cow::Borrowed(path.trim_end_matches('/')),
        };
        // One slash at the start: after two, the next segment would be a host.
        let mut location = format!("/{}", path.trim_start_matches('/'));
        if let Some(query) = self.head.query() {
            location.push('?');
            location.push_str(query);
        }
        location
    }

    /// Returns the path under which clients reach the application: the root path of the server, followed by the
    /// prefixes of the mounts that the request has passed.
    pub fn root_path(&self) -> Cow<'_, str> {
        if self.has_root_path() {
            Cow::Borrowed(self.passed())
        } else {
            Cow::Owned(format!("{}{}", self.context.root_path(), self.passed()))
        }
    }

    /// Whether the path begins with the root path of the server. A proxy may have removed it.
    fn has_root_path(&self) -> bool {
        self.position.root as usize == self.context.root_path().len()
    }

    /// The part of the path that the mounts and the root path have matched.
    fn passed(&self) -> &str {
        slice(self.path(), 0, self.position.rest)
    }

    /// Returns the pattern of the route that answers, including mounts, such as `/users/{id:int}`. `None` if no route
    /// answers: a mounted endpoint, a fallback, a redirect, 404, 405.
    ///
    /// In the middleware of a router or of the application it is looked up with each call.
    ///
    /// ```
    /// use stelo_toolkit::{App, Next, Request, Response, TestClient, get};
    ///
    /// async fn measure(request: Request, next: Next) -> Response {
    ///     let route = request.matched_path().unwrap_or("none").to_owned();
    ///     let mut response = next.run(request).await;
    ///     response.headers.try_set("x-route", route).expect("this pattern is a valid value");
    ///     response
    /// }
    ///
    /// let app = App::new().middleware(measure).route("/users/{id:int}", get("a user"));
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/users/7").send().header("x-route"), Some("/users/{id:int}"));
    /// assert_eq!(client.get("/nowhere").send().header("x-route"), Some("none"));
    /// ```
    pub fn matched_path(&self) -> Option<&str> {
        let mut node = self.site.node(self.position.node);
        if !node.is_route {
            node = self.site.node(self.site.engine.destination(self)?);
        }
        node.is_route.then_some(&*node.pattern)
    }

    /// Returns the URL as the client sees it.
    pub fn url(&self) -> Url {
        let path = self.head.path();
        let path = if self.has_root_path() {
            path.to_owned()
        } else {
            format!("{}{path}", self.context.root_path())
        };
        self.site_url(path, self.head.query())
    }

    /// Returns the URL of the application: the root path of the server with a `/` behind it, no query.
    pub fn base_url(&self) -> Url {
        self.site_url(format!("{}/", self.context.root_path()), None)
    }

    /// Returns the URL of the route of that name, `outer:inner` through mounts, with these values for its parameters.
    /// Its scheme is `ws` or `wss` if the route is only for WebSockets.
    ///
    /// ```
    /// # use stelo_toolkit::*;
    /// async fn links(request: Request) -> Result<String, HttpError> {
    ///     let url = request.url_for("post", &[("id", &7), ("slug", &"a b")]);
    ///     Ok(url.map_err(|_| Status::INTERNAL_SERVER_ERROR)?.to_string())
    /// }
    ///
    /// let app = App::new().route("/", get(links)).route("/users/{id:int}/posts/{slug}", get(links)).name("post");
    /// let url = TestClient::new(app).get("/").send().text();
    /// assert_eq!(url, "http://testserver/users/7/posts/a%20b");
    /// ```
    ///
    /// # Errors
    /// No route has that name and exactly these parameters, or a value does not fit its convertor.
    pub fn url_for(&self, name: &str, params: &[(&str, &dyn fmt::Display)]) -> Result<Url, ReverseError> {
        Ok(self.url_path_for(name, params)?.make_absolute_url(&self.base_url()))
    }

    /// Returns the path of the route of that name, as [`url_for`](Self::url_for) without scheme, host and root path.
    ///
    /// # Errors
    /// As [`url_for`](Self::url_for).
    pub fn url_path_for(
        &self,
        name: &str,
        params: &[(&str, &dyn fmt::Display)],
    ) -> Result<UrlPath, ReverseError> {
        self.site.engine.url_path_for(name, params).map(|(path, protocol)| UrlPath::new(path, protocol))
    }

    /// Returns a value that makes URLs of routes, as [`url_for`](Self::url_for) does, and that outlives the request.
    pub fn links(&self) -> Links {
        Links { site: self.site.clone(), base: self.base_url() }
    }

    fn site_url(&self, path: String, query: Option<&str>) -> Url {
        let authority = authority(self.head.authority(), self.server(), self.context.scheme());
        Url::new(self.scheme(), authority, path, query)
    }

    /// Returns the parameters of the query; none if there is no query.
    pub fn query_params(&self) -> QueryParams {
        QueryParams::parse(self.head.query().unwrap_or_default())
    }

    /// Reads the query as a value.
    ///
    /// # Errors
    /// 400, naming the parameter that does not fit.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        decode::query(self.head.query().unwrap_or_default())
    }

    /// Returns the names and values of the path parameters, those of outer mounts first. Invalid UTF-8 becomes U+FFFD.
    pub fn path_params(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> + ExactSizeIterator {
        let text = self.position.full_text(&self.head);
        self.captured().map(move |(name, start, end)| (name, slice(text, start, end)))
    }

    /// As [`path_params`](Self::path_params), without the UTF-8 check.
    pub(crate) fn path_param_bytes(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        let full = self.position.full_bytes(&self.head);
        let value = move |start, end| full.get(start as usize..end as usize).unwrap_or_default();
        self.captured().map(move |(name, start, end)| (name, value(start, end)))
    }

    /// The names of the path parameters, and the ranges of their values.
    fn captured(&self) -> impl DoubleEndedIterator<Item = (&str, u32, u32)> + ExactSizeIterator {
        let names = self.site.node(self.position.node).params.iter();
        names.zip(&self.position.params).map(|(name, &(start, end))| (&**name, start, end))
    }

    /// Reads the path parameter of that name as a value. If mounts repeat the name, the innermost counts.
    ///
    /// # Errors
    /// 400 if the text is not such a value, or the path is not UTF-8. 500, with a line in the log, if the route has no such parameter.
    pub fn path_param<T: FromStr<Err: fmt::Display>>(&self, name: &str) -> Result<T, HttpError> {
        let Some((_, text)) = self.path_params().rev().find(|(other, _)| *other == name) else {
            failure!("{} has no path parameter `{name}`", self.matched_path().unwrap_or("this place"));
            return Err(HttpError::new(Status::INTERNAL_SERVER_ERROR));
        };
        self.check_path()?;
        text.parse().map_err(|error| {
            HttpError::new(Status::BAD_REQUEST)
                .with_detail(format!("invalid path parameter `{name}`: {error}"))
        })
    }

    /// Returns the cookies.
    pub fn cookies(&self) -> Cookies {
        Cookies::parse(self.headers())
    }

    /// The number of bytes of the body that may be collected.
    pub(crate) fn body_limit(&self) -> usize {
        match self.extensions().get::<Limit>() {
            Some(limit) => limit.bytes(),
            None => self.site.node(self.position.node).body_limit,
        }
    }

    /// Whether a proxy that the server trusts has named the client.
    pub(crate) fn is_forwarded(&self) -> bool {
        self.context.client() != self.context.connection().peer.as_ref()
    }

    /// Returns the address of the client.
    pub fn client(&self) -> Option<&Address> {
        self.context.client()
    }

    /// Returns the address of the server that the client has connected to.
    pub fn server(&self) -> Option<&Address> {
        self.context.connection().local.as_ref()
    }

    /// Returns `http` or `https`, or `ws` or `wss` if the client asks for a WebSocket.
    pub fn scheme(&self) -> &'static str {
        match (self.protocol, self.context.scheme()) {
            (Protocol::Http, scheme) => scheme,
            (Protocol::WebSocket, "https") => "wss",
            (Protocol::WebSocket, _) => "ws",
        }
    }

    /// Whether the client asks for a WebSocket.
    pub fn is_websocket(&self) -> bool {
        self.protocol == Protocol::WebSocket
    }

    /// Whether the client has ended its side of the connection: most likely it has left.
    pub fn is_disconnected(&self) -> bool {
        self.context.peer() != Peer::Present
    }

    /// Completes when the client has ended its side of the connection. Any number of tasks can wait.
    pub fn disconnected(&self) -> impl Future<Output = ()> + Send + 'static {
        let context = self.context.clone();
        async move {
            context.disconnected().await;
        }
    }

    /// Returns a handle that sends interim responses, such as 103 Early Hints (RFC 8297), before the final one.
    pub fn interim(&self) -> InterimSender {
        InterimSender::new(self.context.clone(), self.number)
    }

    /// Sends 103 Early Hints (RFC 8297): the client can load what these `link` fields name while the handler still works.
    /// Completes when the server has taken it. Clients of HTTP/1.0 get none, and it is no error if the client has left.
    ///
    /// ```
    /// use stelo_toolkit::{App, Html, HttpError, Request, TestClient, get};
    ///
    /// async fn page(request: Request) -> Result<Html<&'static str>, HttpError> {
    ///     request.send_early_hints(["</style.css>; rel=preload; as=style"]).await?;
    ///     Ok(Html("<link rel=stylesheet href=/style.css>"))
    /// }
    ///
    /// let client = TestClient::new(App::new().route("/", get(page)));
    /// assert_eq!(client.get("/").send().status().code(), 200);
    /// ```
    ///
    /// # Errors
    /// 500 if a link cannot be written in one line of a header.
    pub fn send_early_hints<I: IntoIterator<Item: AsRef<[u8]>>>(
        &self,
        links: I,
    ) -> impl Future<Output = Result<(), HttpError>> + Send + use<I> {
        let mut headers = Headers::new();
        let written = links.into_iter().try_for_each(|link| headers.try_append("link", link));
        let interim = self.interim();
        async move {
            written.map_err(|error| HttpError::new(Status::INTERNAL_SERVER_ERROR).with_source(error))?;
            let _gone = interim.send(Status::EARLY_HINTS, headers).await;
            Ok(())
        }
    }

    /// Returns the value of this type that was given to [`App::state`](crate::App::state) or made at start-up.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.site.state(self.position.node)
    }

    /// Returns the values that middleware has left for handlers.
    pub fn extensions(&self) -> &Extensions {
        static NONE: Extensions = Extensions::new();
        self.extensions.as_deref().unwrap_or(&NONE)
    }

    /// Returns the values that middleware leaves for handlers, to be changed.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        self.extensions.get_or_insert_default()
    }

    /// Returns the executor that runs the application.
    pub fn executor(&self) -> Executor {
        Executor::new(self.context.connection().executor.clone())
    }

    /// Runs a future beside the others, beyond the end of this request. The server waits for it at shutdown.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.executor().spawn(future);
    }

    /// Completes after `duration`.
    pub fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        self.context.connection().executor.sleep(duration)
    }

    /// Registers work that runs when the response has been sent or could not be sent: after a success, an error or a panic
    /// of the handler, and if the client leaves. Behind a WebSocket it runs at its end. Work that is registered later runs
    /// first.
    ///
    /// An argument that calls it says so in its description, by
    /// [`Operation::after_response`](crate::describe::Operation::after_response). [`Depends`](crate::dependencies::Depends) does.
    ///
    /// # Errors
    /// 500, with a line in the log, if no argument of the handler and its middleware has said so.
    pub fn after_response(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<(), HttpError> {
        let Some(cleanups) = self.extensions().get::<Cleanups>() else {
            let place = self.matched_path().unwrap_or("this place");
            failure!(
                "work after the response of {place} would not run: take the value by `Depends`, or call `Operation::after_response` in `describe`"
            );
            return Err(HttpError::new(Status::INTERNAL_SERVER_ERROR));
        };
        cleanups.push(Box::pin(work));
        Ok(())
    }

    /// Completes when the server begins to stop. A handler that waits for something else without an end must then return:
    /// the server drops it at the graceful timeout.
    ///
    /// ```
    /// use futures_lite::future;
    /// use stelo_toolkit::{App, Request, Status, get};
    ///
    /// # async fn next_job() -> String { "a job".into() }
    /// async fn poll(request: Request) -> Result<String, Status> {
    ///     let stopped = async {
    ///         request.shutdown().await;
    ///         Err(Status::SERVICE_UNAVAILABLE)
    ///     };
    ///     future::or(async { Ok(next_job().await) }, stopped).await
    /// }
    /// # App::new().route("/", get(poll)).build().unwrap();
    /// ```
    pub fn shutdown(&self) -> impl Future<Output = ()> + Send + 'static {
        self.context.connection().executor.shutdown()
    }

    /// Returns the threads for work that blocks, whose number the application [limits](crate::App::blocking_limits).
    pub fn workers(&self) -> Workers {
        let pool = self.site.state::<Pool>(self.position.node).cloned();
        Workers::new(pool.unwrap_or_default(), self.executor())
    }

    /// Runs `work`, which may block, on a thread where it delays no other request.
    pub fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        let executor = self.executor();
        async move { executor.run_blocking(work).await }
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parts({:?})", self.head)
    }
}
