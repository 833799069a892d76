//! Routers: patterns, methods, handlers, included and mounted routers.
//!
//! `Router`, `MethodRouter` and `mount` are the API. The engine is behind it: `declare` and `plan` compile declarations to a
//! `table`, through which an `arrival` goes.

pub(crate) mod arrival;
mod check;
mod declare;
mod error;
mod methods;
pub(crate) mod mount;
pub(crate) mod plan;
pub(crate) mod shown;
pub(crate) mod table;

use std::error::Error;
use std::panic::Location;
use std::sync::Arc;

use stelo_core::http::Status;
pub use stelo_core::routing::{Convertor, Methods, ReverseError};

pub use self::error::BuildError;
pub(crate) use self::methods::Declared;
pub use self::methods::{
    MethodRouter, any, delete, endpoint, get, head, on, options, patch, post, put, query, websocket,
};
pub use self::mount::{Foreign, Mountable, Mounted};
use crate::forms::FormLimits;
use crate::handler::{ErrorHandler, ErrorHandlers, Handler};
use crate::middleware::{Layer, Middleware};
use crate::request::workers::Pool;
use crate::request::{BlockingLimits, Extensions};
use crate::response::HttpError;
use crate::websocket::WebSocketHandler;

/// A list of routes. The first that matches wins.
///
/// Patterns are `/users/{id:int}/{name}`; the convertors are `str` (the default: anything without a `/`), `int`,
/// `float`, `uuid`, `path` (anything) and those of [`convertor`](Self::convertor). A path that differs
/// from a matching one only by a trailing `/` is redirected. A method that no route of the path answers gets 405.
///
/// ```
/// use stelo_toolkit::{App, Path, Router, get};
///
/// async fn list() -> &'static str { "all" }
/// async fn item(Path(id): Path<u32>) -> String { format!("item {id}") }
///
/// let items = Router::new().route("/", get(list)).route("/{id:int}", get(item)).name("item");
/// let app = App::new().mount("/items", items).name("items");
/// # app.build().unwrap();
/// ```
#[must_use]
pub struct Router {
    pub(crate) entries: Vec<Entry>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) body_limit: Option<usize>,
    pub(crate) redirect_slashes: bool,
    pub(crate) convertors: Vec<(String, Arc<dyn Convertor>)>,
    pub(crate) fallback: Option<Declared>,
    pub(crate) state: Extensions,
    pub(crate) errors: ErrorHandlers,
    /// A name that was given before there was a route to name.
    pub(crate) stray_name: Option<String>,
}

/// A declaration.
pub(crate) struct Entry {
    pub(crate) pattern: String,
    pub(crate) name: Option<String>,
    pub(crate) kind: EntryKind,
    /// The declaration in the source code, for messages.
    pub(crate) place: &'static Location<'static>,
}

pub(crate) enum EntryKind {
    Route(MethodRouter),
    Mount(Mounted),
    Host(Mounted),
    Include(Box<Router>),
}

impl Default for Router {
    fn default() -> Self {
        Self::new()
    }
}

impl Router {
    /// Creates a router without routes.
    pub fn new() -> Self {
        Self {
            entries: Vec::new(),
            layers: Vec::new(),
            body_limit: None,
            redirect_slashes: true,
            convertors: Vec::new(),
            fallback: None,
            state: Extensions::default(),
            errors: ErrorHandlers::default(),
            stray_name: None,
        }
    }

    /// Adds a route: the handlers for the paths of a pattern, by method. [`App::build`](crate::App::build) reports a mistake
    /// in the pattern, at start-up at the latest.
    ///
    /// `OPTIONS *` is answered with 204, unless a route has the pattern `*`. A mounted router cannot have that route.
    ///
    /// ```
    /// use stelo_toolkit::routing::options;
    /// use stelo_toolkit::{App, Status, TestClient};
    ///
    /// let client = TestClient::new(App::new());
    /// assert_eq!(client.options("*").send().status(), Status::NO_CONTENT);
    /// let client = TestClient::new(App::new().route("*", options("hello")));
    /// assert_eq!(client.options("*").send().text(), "hello");
    /// ```
    #[track_caller]
    pub fn route(self, pattern: &str, methods: MethodRouter) -> Self {
        self.add(pattern, EntryKind::Route(methods))
    }

    /// Adds a route for WebSockets: short for `route(pattern, websocket(handler))`, see [`websocket`](crate::websocket()).
    #[track_caller]
    pub fn websocket<Args: 'static>(self, pattern: &str, handler: impl WebSocketHandler<Args>) -> Self {
        self.route(pattern, websocket(handler))
    }

    /// Includes the routes of a router behind a prefix, as if they had been declared here: FastAPI's `include_router`.
    ///
    /// Middleware, error handlers, state and body limit of the router stay around its routes. Unlike a
    /// [mount](Self::mount), it does not change the root path. Routes declared later can match below the prefix, and the
    /// outer router answers a path that no route matches. A route for the empty path answers the prefix itself. A
    /// [`name`](Self::name) given to the included router comes before the names inside: `items:list`.
    ///
    /// A router with a fallback cannot be included, and one with hosts only without a prefix. [`App::build`](crate::App::build)
    /// reports both.
    ///
    /// ```
    /// use stelo_toolkit::{App, Path, Router, TestClient, get};
    ///
    /// async fn item(Path(id): Path<u32>) -> String { format!("item {id}") }
    ///
    /// let items = Router::new().route("", get("all items")).route("/{id:int}", get(item)).name("item");
    /// let client = TestClient::new(App::new().include("/items", items).name("items"));
    /// assert_eq!(client.get("/items").send().text(), "all items");
    /// assert_eq!(client.get("/items/7").send().text(), "item 7");
    /// ```
    #[track_caller]
    pub fn include(self, prefix: &str, router: Self) -> Self {
        self.add(prefix, EntryKind::Include(Box::new(router)))
    }

    /// Includes the routes of a router without a prefix: see [`include`](Self::include).
    #[track_caller]
    pub fn merge(self, router: Self) -> Self {
        self.include("", router)
    }

    /// Mounts a [`Router`], an [`App`](crate::App), an [`Endpoint`](crate::handler::Endpoint) or, as [`Foreign`], any other
    /// application, which answers everything below a prefix: Starlette's `Mount`. The prefix becomes part of its root path.
    /// No route declared later sees such a path.
    ///
    /// The prefix itself is redirected to the prefix and a slash, unless the mounted router has a route for the empty path:
    /// `mount("/items", Router::new().route("", get(list)))` answers `/items`.
    #[track_caller]
    pub fn mount(self, prefix: &str, mounted: impl Mountable) -> Self {
        self.add(prefix, EntryKind::Mount(mounted.into_mounted()))
    }

    /// Mounts a value that answers all requests for a host, as [`mount`](Self::mount) does for a prefix: `example.org`,
    /// `{sub}.example.org`. Case and port are ignored.
    #[track_caller]
    pub fn host(self, pattern: &str, mounted: impl Mountable) -> Self {
        self.add(pattern, EntryKind::Host(mounted.into_mounted()))
    }

    /// Gives the handlers of these routes a value, which they find by its type: [`State`](crate::State),
    /// [`Request::state`](crate::request::Parts::state). It hides a value of the same type further out, and replaces an
    /// earlier one.
    ///
    /// ```
    /// use stelo_toolkit::{App, Router, State, TestClient, get};
    ///
    /// #[derive(Clone)]
    /// struct Table(&'static str);
    ///
    /// async fn table(State(table): State<Table>) -> &'static str { table.0 }
    ///
    /// let module = |name| Router::new().state(Table(name)).route("", get(table));
    /// let client = TestClient::new(App::new().include("/users", module("users")).include("/items", module("items")));
    /// assert_eq!(client.get("/users").send().text(), "users");
    /// assert_eq!(client.get("/items").send().text(), "items");
    /// ```
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, state: T) -> Self {
        self.state.insert(state);
        self
    }

    /// Answers errors of a status by a handler: see [`App::error_handler`](crate::App::error_handler). Handlers of a router
    /// come before those of the routers and the application around it.
    pub fn error_handler(mut self, status: Status, handler: impl ErrorHandler<HttpError>) -> Self {
        self.errors.on_status(status, handler);
        self
    }

    /// Answers errors of a type by a handler: see [`App::on_error`](crate::App::on_error).
    pub fn on_error<E: Error + Send + Sync + 'static, H: ErrorHandler<E>>(mut self, handler: H) -> Self {
        self.errors.on_type(handler);
        self
    }

    #[track_caller]
    fn add(self, pattern: &str, kind: EntryKind) -> Self {
        self.add_at(Location::caller(), pattern, kind)
    }

    pub(crate) fn add_at(
        mut self,
        place: &'static Location<'static>,
        pattern: &str,
        kind: EntryKind,
    ) -> Self {
        self.entries.push(Entry { pattern: pattern.to_owned(), name: None, kind, place });
        self
    }

    /// Names the route, mount, host or included router that was declared last, for
    /// [`Request::url_for`](crate::request::Parts::url_for). Names inside are `outer:inner`.
    pub fn name(mut self, name: &str) -> Self {
        match self.entries.last_mut() {
            Some(entry) => entry.name = Some(name.to_owned()),
            None => self.stray_name = Some(name.to_owned()),
        }
        self
    }

    /// Adds a middleware around all routes of this router, including those declared later. It is inside the middleware
    /// added before.
    pub fn middleware<Args: 'static>(mut self, middleware: impl Middleware<Args>) -> Self {
        self.layers.push(Layer::new(middleware));
        self
    }

    /// Sets the handler for requests that match no route (default: 404), except for `OPTIONS *`. WebSocket handshakes that match no route are always
    /// answered with 403.
    pub fn fallback<Args: 'static>(mut self, handler: impl Handler<Args>) -> Self {
        self.fallback = Some(Declared::handler(handler));
        self
    }

    /// Sets the limit of collected bodies ([`Json`](crate::Json), [`Request::body`](crate::Request::body)), in bytes. A longer
    /// body is answered with 413. The default is 2 MiB. An inner limit replaces an outer one. Streams are not limited.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Sets the limits of forms: the number of fields and files, their sizes, and what is kept in memory. Inner limits
    /// replace outer ones as a whole. They are a [state](Self::state) of the router.
    pub fn form_limits(self, limits: FormLimits) -> Self {
        self.state(limits)
    }

    /// Sets the limits of work that blocks ([`blocking`](crate::handler::blocking), [`Workers`](crate::request::Workers)): 40
    /// threads and a queue of 1,000 by default. A router with limits has its own threads and its own queue.
    pub fn blocking_limits(self, limits: BlockingLimits) -> Self {
        self.state(Pool::new(limits))
    }

    /// Sets whether a path that matches no route is redirected if it would match with a `/` added or removed at its end
    /// (default: yes).
    pub fn redirect_slashes(mut self, redirect: bool) -> Self {
        self.redirect_slashes = redirect;
        self
    }

    /// Registers a convertor for the patterns of this router and of the routers mounted in it.
    pub fn convertor(mut self, name: &str, convertor: impl Convertor) -> Self {
        self.convertors.push((name.to_owned(), Arc::new(convertor)));
        self
    }
}
