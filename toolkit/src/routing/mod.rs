//! Declaring routes: patterns, methods, handlers, and what is mounted.

pub(crate) mod arrival;
pub(crate) mod mount;
pub(crate) mod table;

use std::marker::PhantomData;
use std::sync::Arc;

use stelo_core::http::Method;
use stelo_core::routing::{Convertor, Methods};

pub use self::mount::{AsApp, AsEndpoint, AsRouter, Mountable, Mounted};
use crate::handler::{Handler, Leaf, Needs};
use crate::middleware::Middleware;
use crate::websocket::{Upgraded, WebSocketHandler};

/// A table of routes, in order: the first that matches wins.
///
/// Patterns are `/users/{id:int}/{name}`; the convertors are `str` (the default: anything without a `/`), `int`,
/// `float`, `uuid`, `path` (anything) and those of [`convertor`](Self::convertor). A path that only differs by a `/` at
/// its end from one that matches is redirected to that; a method that no route of the path answers gets 405.
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
    pub(crate) layers: Vec<Arc<dyn Middleware>>,
    pub(crate) body_limit: Option<usize>,
    pub(crate) redirect_slashes: bool,
    pub(crate) convertors: Vec<(String, Arc<dyn Convertor>)>,
    pub(crate) fallback: Option<Declared>,
    /// A name that was given before there was anything to name.
    pub(crate) stray_name: Option<String>,
}

/// Something declared.
pub(crate) struct Entry {
    pub(crate) pattern: String,
    pub(crate) name: Option<String>,
    pub(crate) kind: EntryKind,
}

pub(crate) enum EntryKind {
    Route(MethodRouter),
    Mount(Mounted),
    Host(Mounted),
}

impl Default for Router {
    fn default() -> Self {
        Self::new()
    }
}

impl Router {
    /// No routes.
    pub fn new() -> Self {
        Self {
            entries: Vec::new(),
            layers: Vec::new(),
            body_limit: None,
            redirect_slashes: true,
            convertors: Vec::new(),
            fallback: None,
            stray_name: None,
        }
    }

    /// A route: what answers the paths of a pattern, by method. A mistake in the pattern is reported by
    /// [`App::build`](crate::App::build), and so at start-up.
    pub fn route(self, pattern: &str, methods: MethodRouter) -> Self {
        self.add(pattern, EntryKind::Route(methods))
    }

    /// A route for WebSockets: short for `route(pattern, websocket(handler))`, see [`websocket`](crate::websocket).
    pub fn websocket<Args: 'static>(self, pattern: &str, handler: impl WebSocketHandler<Args>) -> Self {
        self.route(pattern, websocket(handler))
    }

    /// Has everything below a prefix answered by a [`Router`], an [`App`](crate::App), an [`Endpoint`](crate::Endpoint) or any other
    /// [application](stelo_core::app::App). What is mounted sees the prefix as its root path; no route declared
    /// after it sees such a path.
    pub fn mount<Kind>(self, prefix: &str, mounted: impl Mountable<Kind>) -> Self {
        self.add(prefix, EntryKind::Mount(mounted.into_mounted()))
    }

    /// Has all requests for a host answered by what is given, as in [`mount`](Self::mount): `example.org`,
    /// `{sub}.example.org`. Neither case nor port counts.
    pub fn host<Kind>(self, pattern: &str, mounted: impl Mountable<Kind>) -> Self {
        self.add(pattern, EntryKind::Host(mounted.into_mounted()))
    }

    fn add(mut self, pattern: &str, kind: EntryKind) -> Self {
        self.entries.push(Entry { pattern: pattern.to_owned(), name: None, kind });
        self
    }

    /// Names the route, mount or host that was declared last, for [`Request::url_for`](crate::Request::url_for). What
    /// is mounted has `outer:inner` names.
    pub fn name(mut self, name: &str) -> Self {
        match self.entries.last_mut() {
            Some(entry) => entry.name = Some(name.to_owned()),
            None => self.stray_name = Some(name.to_owned()),
        }
        self
    }

    /// Adds a middleware around all routes of this table, those declared later too, inside those added before.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.layers.push(Arc::new(middleware));
        self
    }

    /// Has what no route matches answered by a handler, rather than with 404. Handshakes of WebSockets that no route
    /// matches are answered with 403 all the same.
    pub fn fallback<Args: 'static>(mut self, handler: impl Handler<Args>) -> Self {
        self.fallback = Some(Declared::handler(handler));
        self
    }

    /// How many bytes of a body are held at most by what collects it ([`Json`](crate::Json),
    /// [`Request::body`](crate::Request::body) and the like); more answer 413. 2 MiB unless set; an inner limit takes
    /// the place of an outer one. Streams are not limited.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Whether a path that nothing matches is redirected where it would match with a `/` more or less at its end. On
    /// unless switched off.
    pub fn redirect_slashes(mut self, redirect: bool) -> Self {
        self.redirect_slashes = redirect;
        self
    }

    /// Registers a convertor, for the patterns of this table and of the routers mounted in it.
    pub fn convertor(mut self, name: &str, convertor: impl Convertor) -> Self {
        self.convertors.push((name.to_owned(), Arc::new(convertor)));
        self
    }
}

/// A handler that has been put into a route.
pub(crate) struct Declared {
    pub(crate) leaf: Leaf,
    pub(crate) needs: Needs,
}

impl Declared {
    fn handler<Args: 'static, H: Handler<Args>>(handler: H) -> Self {
        let mut needs = Needs::default();
        H::needs(&mut needs);
        Self { leaf: handler.erased(), needs }
    }

    fn websocket<Args: 'static, H: WebSocketHandler<Args>>(handler: H) -> Self {
        let mut needs = Needs::default();
        H::needs(&mut needs);
        Self { leaf: Leaf::Endpoint(Box::new(Upgraded(handler, PhantomData))), needs }
    }
}

/// What answers the requests of a route: by method, and those for a WebSocket. `get(list).post(create)`.
#[must_use]
#[derive(Default)]
pub struct MethodRouter {
    pub(crate) handlers: Vec<(Methods, Declared)>,
    pub(crate) websocket: Option<Declared>,
    pub(crate) layers: Vec<Arc<dyn Middleware>>,
    pub(crate) body_limit: Option<usize>,
}

impl MethodRouter {
    /// Has these methods answered by a handler, unless one declared before answers them.
    pub fn on<Args: 'static>(mut self, methods: impl Into<Methods>, handler: impl Handler<Args>) -> Self {
        self.handlers.push((methods.into(), Declared::handler(handler)));
        self
    }

    /// Has requests for a WebSocket answered by a handler, in place of one given before. Whoever asks for the path in
    /// another way gets the handlers of methods.
    pub fn websocket<Args: 'static>(mut self, handler: impl WebSocketHandler<Args>) -> Self {
        self.websocket = Some(Declared::websocket(handler));
        self
    }

    /// Adds a middleware around the handlers of this route, inside those added before.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.layers.push(Arc::new(middleware));
        self
    }

    /// The [limit of bodies](Router::body_limit) of this route.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }
}

/// A route whose handler answers these methods.
///
/// ```
/// use stelo_toolkit::{Method, on};
///
/// async fn handler() {}
///
/// let methods = on([Method::Get, Method::Post], handler);
/// # let _ = methods;
/// ```
pub fn on<Args: 'static>(methods: impl Into<Methods>, handler: impl Handler<Args>) -> MethodRouter {
    MethodRouter::default().on(methods, handler)
}

/// A route whose handler answers requests for a WebSocket, and only these. See [`WebSocket`](crate::WebSocket).
///
/// ```
/// use stelo_toolkit::{App, Html, WebSocket, WebSocketError, get};
///
/// async fn page() -> Html<&'static str> { Html("<script>new WebSocket(location)</script>") }
/// async fn greet(websocket: WebSocket) -> Result<(), WebSocketError> {
///     websocket.accept().await?;
///     websocket.send_text("hello").await
/// }
///
/// // A page and its WebSocket may share a path.
/// let app = App::new().route("/", get(page).websocket(greet));
/// # app.build().unwrap();
/// ```
pub fn websocket<Args: 'static>(handler: impl WebSocketHandler<Args>) -> MethodRouter {
    MethodRouter::default().websocket(handler)
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident $methods:expr;)*) => {
        $(
            $(#[$doc])*
            pub fn $name<Args: 'static>(handler: impl Handler<Args>) -> MethodRouter {
                on($methods, handler)
            }
        )*

        impl MethodRouter {
            $(
                $(#[$doc])*
                pub fn $name<Args: 'static>(self, handler: impl Handler<Args>) -> Self {
                    self.on($methods, handler)
                }
            )*
        }
    };
}

methods! {
    /// GET, and HEAD with it.
    get Method::Get;
    /// HEAD alone; [`get`] answers HEAD too, unless there is a handler for it.
    head Method::Head;
    /// POST.
    post Method::Post;
    /// PUT.
    put Method::Put;
    /// PATCH.
    patch Method::Patch;
    /// DELETE.
    delete Method::Delete;
    /// OPTIONS.
    options Method::Options;
    /// Every method.
    any Methods::ANY;
}
