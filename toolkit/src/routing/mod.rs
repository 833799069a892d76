//! Declaring routes: patterns, methods, handlers, and what is mounted.

pub(crate) mod arrival;
mod error;
mod methods;
pub(crate) mod mount;
pub(crate) mod plan;
pub(crate) mod table;

use std::sync::Arc;

use stelo_core::routing::Convertor;

pub use self::error::BuildError;
pub(crate) use self::methods::Declared;
pub use self::methods::{MethodRouter, any, delete, get, head, on, options, patch, post, put, websocket};
pub use self::mount::{AsApp, AsEndpoint, AsRouter, Mountable, Mounted};
use crate::handler::Handler;
use crate::middleware::Middleware;
use crate::websocket::WebSocketHandler;

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
