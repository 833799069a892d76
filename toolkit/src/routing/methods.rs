//! `MethodRouter`: the handlers of one route, by method, and its WebSocket handler.

use stelo_core::http::Method;
use stelo_core::routing::Methods;

use crate::describe::Operation;
use crate::forms::FormLimits;
use crate::handler::{Handler, HttpEndpoint, Leaf, http_endpoint};
use crate::middleware::{Layer, Middleware};
use crate::request::{Extensions, Request};
use crate::websocket::{WebSocketHandler, leaf};

/// A handler that has been put into a route.
pub(crate) struct Declared {
    pub(crate) leaf: Leaf,
    pub(crate) operation: Operation,
}

impl Declared {
    pub(crate) fn handler<Args: 'static, H: Handler<Args>>(handler: H) -> Self {
        let mut operation = Operation::of::<H>();
        H::describe(&mut operation);
        Self { leaf: handler.into_leaf(), operation }
    }

    fn websocket<Args: 'static, H: WebSocketHandler<Args>>(handler: H) -> Self {
        let mut operation = Operation::of::<H>();
        H::describe(&mut operation);
        Self { leaf: leaf(handler), operation }
    }
}

/// The handlers of a route, by method, and its WebSocket handler: `get(list).post(create)`.
#[must_use]
#[derive(Default)]
pub struct MethodRouter {
    pub(crate) handlers: Vec<(Methods, Declared)>,
    pub(crate) websocket: Option<Declared>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) body_limit: Option<usize>,
    /// Settings of the route that are looked up by type, such as the limits of forms.
    pub(crate) state: Extensions,
}

impl MethodRouter {
    /// Adds a handler for these methods. A handler declared before takes precedence.
    pub fn on<Args: 'static>(mut self, methods: impl Into<Methods>, handler: impl Handler<Args>) -> Self {
        self.handlers.push((methods.into(), Declared::handler(handler)));
        self
    }

    /// Sets the handler for WebSockets, in place of an earlier one. Other requests go to the handlers of methods.
    pub fn websocket<Args: 'static>(mut self, handler: impl WebSocketHandler<Args>) -> Self {
        self.websocket = Some(Declared::websocket(handler));
        self
    }

    /// Adds a middleware around the handlers of this route, inside those added before.
    pub fn middleware<Args: 'static>(mut self, middleware: impl Middleware<Args>) -> Self {
        self.layers.push(Layer::new(middleware));
        self
    }

    /// Sets the [limit of collected bodies](crate::Router::body_limit) of this route, in bytes.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Sets the [limits of forms](crate::Router::form_limits) of this route.
    pub fn form_limits(mut self, limits: FormLimits) -> Self {
        self.state.insert(limits);
        self
    }
}

/// Creates a route with a handler for these methods.
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

/// Creates a route for WebSockets alone. See [`WebSocket`](crate::WebSocket).
///
/// ```
/// use stelo_toolkit::websocket::WebSocketError;
/// use stelo_toolkit::{App, Html, WebSocket, get};
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

/// Creates a route of a type with a method for each HTTP method. See [`HttpEndpoint`].
pub fn endpoint<E: HttpEndpoint>(endpoint: E) -> MethodRouter {
    E::METHODS.iter().fold(MethodRouter::default(), |route, method| {
        let endpoint = endpoint.clone();
        let handler =
            move |request: Request| http_endpoint::dispatch(endpoint.clone(), method.clone(), request);
        route.on(method.clone(), handler)
    })
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
    /// Adds a handler for GET, which answers HEAD too.
    get Method::Get;
    /// Adds a handler for HEAD alone. Without one, [`get`] answers HEAD.
    head Method::Head;
    /// Adds a handler for POST.
    post Method::Post;
    /// Adds a handler for PUT.
    put Method::Put;
    /// Adds a handler for PATCH.
    patch Method::Patch;
    /// Adds a handler for DELETE.
    delete Method::Delete;
    /// Adds a handler for OPTIONS.
    options Method::Options;
    /// Adds a handler for QUERY, which reads as GET does, and has a body.
    query Method::Query;
    /// Adds a handler for every method.
    any Methods::ANY;
}
