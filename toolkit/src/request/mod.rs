//! The request, as handlers and middleware see it.

pub(crate) mod cookies;
pub(crate) mod executor;
pub(crate) mod extensions;
pub(crate) mod query;
pub(crate) mod shards;
pub(crate) mod url;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_core::de::DeserializeOwned;
use stelo_core::Bytes;
use stelo_core::app::{Address, Connection, Peer};
use stelo_core::body::Body;
use stelo_core::http::{Headers, Method, RequestHead, Status, Version};
use stelo_core::routing::{ReverseError, UrlPath};

pub use self::cookies::Cookies;
pub use self::executor::Executor;
pub use self::extensions::Extensions;
pub use self::query::QueryParams;
pub use self::url::Url;

use self::url::authority;
use crate::extract::{Json, Query};
use crate::response::HttpError;
use crate::routing::arrival::{Place, slice};
use crate::routing::table::{Protocol, RoutesRef};

/// A request: what the client has sent, and what the application knows about it.
///
/// ```
/// use stelo_toolkit::{App, HttpError, Request, post};
///
/// async fn greet(mut request: Request) -> Result<String, HttpError> {
///     let name = request.path_param::<String>("name")?;
///     let greeting = request.text().await?;
///     Ok(format!("{greeting}, {name}!"))
/// }
///
/// let app = App::new().route("/greet/{name}", post(greet));
/// # app.build().unwrap();
/// ```
pub struct Request(pub(crate) Box<Parts>);

/// In one place, because a request passes through many hands.
pub(crate) struct Parts {
    pub(crate) head: Arc<RequestHead>,
    /// Never locked: it makes the request `Sync`, so that futures can hold references to it.
    body: Mutex<Body>,
    connection: Arc<Connection>,
    pub(crate) protocol: Protocol,
    /// Most requests have none.
    extensions: Option<Box<Extensions>>,
    pub(crate) routes: RoutesRef,
    pub(crate) place: Place,
}

impl Request {
    pub(crate) fn new(
        head: Arc<RequestHead>,
        body: Body,
        connection: Arc<Connection>,
        protocol: Protocol,
        routes: RoutesRef,
        place: Place,
    ) -> Self {
        let (body, extensions) = (Mutex::new(body), None);
        Self(Box::new(Parts { head, body, connection, protocol, extensions, routes, place }))
    }

    /// The same request without its body and its extensions, for error handlers.
    pub(crate) fn without_body(&self) -> Self {
        let Parts { head, connection, protocol, routes, place, .. } = &*self.0;
        let (head, connection) = (head.clone(), connection.clone());
        Self::new(head, Body::empty(), connection, *protocol, routes.clone(), place.clone())
    }

    /// Takes away body and extensions, as error handlers are not to see them.
    pub(crate) fn strip(&mut self) {
        self.0.extensions = None;
        *self.body_mut() = Body::empty();
    }

    /// Head, body and connection.
    pub fn into_parts(self) -> (Arc<RequestHead>, Body, Arc<Connection>) {
        let Parts { head, body, connection, .. } = *self.0;
        (head, body.into_inner().unwrap_or_else(PoisonError::into_inner), connection)
    }

    /// Method, target, version and header fields.
    pub fn head(&self) -> &RequestHead {
        &self.0.head
    }

    /// The head, to be changed by middleware. A changed target is not routed again.
    pub fn head_mut(&mut self) -> &mut RequestHead {
        Arc::make_mut(&mut self.0.head)
    }

    /// The method.
    pub fn method(&self) -> &Method {
        self.0.head.method()
    }

    /// The version of HTTP.
    pub fn version(&self) -> Version {
        self.0.head.version()
    }

    /// The header fields.
    pub fn headers(&self) -> &Headers {
        self.0.head.headers()
    }

    /// The path, percent-decoded, mounts and root path included.
    pub fn path(&self) -> &str {
        self.0.place.path(&self.0.head)
    }

    /// What the mounts have left of the path, percent-decoded: what a mounted application answers for.
    pub fn route_path(&self) -> &str {
        self.path().get(self.0.place.rest as usize..).unwrap_or_default()
    }

    /// The path under which the application is reached from outside: the root path of the server and the mounts
    /// that the request has passed.
    pub fn root_path(&self) -> Cow<'_, str> {
        let root = &*self.0.connection.root_path;
        if self.0.place.root as usize == root.len() {
            Cow::Borrowed(self.passed())
        } else {
            Cow::Owned(format!("{root}{}", self.passed()))
        }
    }

    /// What the mounts, and the root path, have taken of the path.
    fn passed(&self) -> &str {
        slice(self.path(), 0, self.0.place.rest)
    }

    /// The pattern of the route that answers, mounts included, such as `/users/{id:int}`; `None` outside routes.
    pub fn matched_path(&self) -> Option<&str> {
        self.0.routes.matched_path(self.0.place.node)
    }

    /// The URL as the client sees it.
    pub fn url(&self) -> Url {
        let root = &*self.0.connection.root_path;
        let path = self.0.head.path();
        let path =
            if self.0.place.root as usize == root.len() { path.to_owned() } else { format!("{root}{path}") };
        self.site_url(self.0.protocol, None, path, self.0.head.query())
    }

    /// The URL of the application: the root path of the server with a `/` behind it, no query.
    pub fn base_url(&self) -> Url {
        self.site_url(self.0.protocol, None, format!("{}/", self.0.connection.root_path), None)
    }

    /// The URL of the route of that name, `outer:inner` through mounts, with these values for its parameters; `ws` or
    /// `wss` where the route is only for WebSockets.
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
    /// No route has that name and exactly these parameters, or a value does not suit its convertor.
    pub fn url_for(&self, name: &str, params: &[(&str, &dyn fmt::Display)]) -> Result<Url, ReverseError> {
        let (UrlPath { host, path }, protocol) = self.0.routes.url_path_for(name, params)?;
        Ok(self.site_url(protocol, host, format!("{}{path}", self.0.connection.root_path), None))
    }

    fn site_url(&self, protocol: Protocol, host: Option<String>, path: String, query: Option<&str>) -> Url {
        let Connection { server, scheme, .. } = &*self.0.connection;
        let authority = host.unwrap_or_else(|| authority(self.0.head.authority(), server.as_ref(), scheme));
        Url::new(self.scheme_of(protocol), authority, path, query)
    }

    fn scheme_of(&self, protocol: Protocol) -> &'static str {
        match (protocol, self.0.connection.scheme) {
            (Protocol::Http, scheme) => scheme,
            (Protocol::WebSocket, "https") => "wss",
            (Protocol::WebSocket, _) => "ws",
        }
    }

    /// The parameters of the query; empty where there is none.
    pub fn query_params(&self) -> QueryParams {
        QueryParams::parse(self.0.head.query().unwrap_or_default())
    }

    /// The query as a value.
    ///
    /// # Errors
    /// 400, naming the parameter that does not fit.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        Query::parse(self.0.head.query().unwrap_or_default()).map(|Query(value)| value)
    }

    /// The names and values of the path parameters, outer mounts first.
    pub fn path_params(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> + ExactSizeIterator {
        let text = self.0.place.full_text(&self.0.head);
        self.captured().map(move |(name, start, end)| (name, slice(text, start, end)))
    }

    /// As [`path_params`](Self::path_params), for who need not know all of them as text.
    pub(crate) fn path_param_bytes(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        let full = self.0.place.full_bytes(&self.0.head);
        let value = move |start, end| full.get(start as usize..end as usize).unwrap_or_default();
        self.captured().map(move |(name, start, end)| (name, value(start, end)))
    }

    /// The names of the path parameters, and where their values begin and end.
    fn captured(&self) -> impl DoubleEndedIterator<Item = (&str, u32, u32)> + ExactSizeIterator {
        let Parts { routes, place, .. } = &*self.0;
        let names = routes.param_names(place.node).iter();
        names.zip(&place.params).map(|(name, &(start, end))| (&**name, start, end))
    }

    /// The path parameter of that name, as a value; the innermost of that name, where mounts repeat it.
    ///
    /// # Errors
    /// 400 if the text is not such a value. 500, with a line in the log, if the route has no such parameter.
    pub fn path_param<T: FromStr<Err: fmt::Display>>(&self, name: &str) -> Result<T, HttpError> {
        let Some((_, text)) = self.path_params().rev().find(|(other, _)| *other == name) else {
            tracing::error!("{} has no path parameter `{name}`", self.matched_path().unwrap_or("this place"));
            return Err(HttpError::new(Status::INTERNAL_SERVER_ERROR));
        };
        text.parse().map_err(|error| {
            HttpError::new(Status::BAD_REQUEST)
                .with_detail(format!("invalid path parameter `{name}`: {error}"))
        })
    }

    /// The cookies.
    pub fn cookies(&self) -> Cookies {
        Cookies::parse(self.headers())
    }

    /// The body, as it comes; takes it out of the request.
    pub fn stream(&mut self) -> Body {
        std::mem::take(self.body_mut())
    }

    /// The body, to be read or replaced by middleware.
    pub fn body_mut(&mut self) -> &mut Body {
        self.0.body.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// All bytes of the body. They stay in the request: whoever asks next (a handler behind a middleware) gets them
    /// too.
    ///
    /// # Errors
    /// 413 if there are more than the [limit](crate::Router::body_limit), 400 if the body broke off.
    pub async fn body(&mut self) -> Result<Bytes, HttpError> {
        let limit = self.body_limit();
        let bytes = self.stream().collect(limit).await?;
        let shared = if bytes.is_empty() { Bytes::new() } else { Bytes::from_shared(Arc::new(bytes)) };
        *self.body_mut() = shared.clone().into();
        Ok(shared)
    }

    /// The body as text.
    ///
    /// # Errors
    /// Those of [`body`](Self::body); 400 if it is not UTF-8.
    pub async fn text(&mut self) -> Result<String, HttpError> {
        utf8(self.body().await?.into_vec())
    }

    /// The body as a value, read as JSON whatever its content type.
    ///
    /// # Errors
    /// Those of [`body`](Self::body); 400 if it is not JSON; 422, naming the field, if the value does not fit.
    pub async fn json<T: DeserializeOwned>(&mut self) -> Result<T, HttpError> {
        Json::parse(&self.body().await?).map(|Json(value)| value)
    }

    /// How many bytes of the body are held at most.
    pub(crate) fn body_limit(&self) -> usize {
        self.0.routes.body_limit(self.0.place.node)
    }

    /// The client.
    pub fn client(&self) -> Option<&Address> {
        self.0.connection.client.as_ref()
    }

    /// The address of ours that the client has connected to.
    pub fn server(&self) -> Option<&Address> {
        self.0.connection.server.as_ref()
    }

    /// `http` or `https`; `ws` or `wss` if the client asks for a WebSocket.
    pub fn scheme(&self) -> &'static str {
        self.scheme_of(self.0.protocol)
    }

    /// Whether the client asks for a WebSocket.
    pub fn is_websocket(&self) -> bool {
        self.0.protocol == Protocol::WebSocket
    }

    /// Whether the client has ended its side of the connection: most likely it has left.
    pub fn is_disconnected(&self) -> bool {
        self.0.connection.peer() != Peer::Present
    }

    /// Completes when the client has ended its side of the connection.
    pub fn disconnected(&self) -> impl Future<Output = ()> + Send + 'static {
        let connection = self.0.connection.clone();
        async move {
            connection.disconnected().await;
        }
    }

    /// The value of this type that was given to [`App::state`](crate::App::state) or made at start-up.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.routes.state(self.0.place.node)
    }

    /// Values that middleware leaves for handlers.
    pub fn extensions(&self) -> &Extensions {
        static NONE: Extensions = Extensions::new();
        self.0.extensions.as_deref().unwrap_or(&NONE)
    }

    /// Values that middleware leaves for handlers, to be changed.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        self.0.extensions.get_or_insert_default()
    }

    /// The executor that runs the application.
    pub fn executor(&self) -> Executor {
        Executor::new(self.0.connection.executor.clone())
    }

    /// Runs a future beside the others, beyond the end of this request. The server waits for it at shutdown.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.executor().spawn(future);
    }

    /// Completes after `duration`.
    pub fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        self.0.connection.executor.sleep(duration)
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

/// Bytes of a body as text.
pub(crate) fn utf8(bytes: Vec<u8>) -> Result<String, HttpError> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        HttpError::new(Status::BAD_REQUEST).with_detail(format!("the body is not UTF-8 (at byte {at})"))
    })
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({:?})", self.0.head)
    }
}
