//! The application: a router with state, error handlers and hooks.

mod build;

use std::any::TypeId;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use stelo_core::app::{App as CoreApp, BoxError, BoxFuture, Context, Reply};
use stelo_core::http::{RequestHead, Status};
use stelo_core::routing::Convertor;

use self::build::Built;
use crate::forms::FormLimits;
use crate::handler::{ErrorHandler, Handler};
use crate::lifespan;
pub use crate::lifespan::{HookResult, StartHook};
use crate::middleware::Middleware;
use crate::request::{BlockingLimits, Executor, UrlPath};
use crate::response::panics;
use crate::response::report::failure;
use crate::response::{HttpError, IntoResponse};
pub use crate::routing::BuildError;
use crate::routing::mount::MountedKind;
use crate::routing::plan::Draft;
use crate::routing::shown::Shown;
use crate::routing::{EntryKind, Foreign, MethodRouter, Mountable, Mounted, Router, websocket};
use crate::websocket::WebSocketHandler;

/// An application: a [`Router`] with state, error handlers, and hooks for start-up and shutdown.
///
/// A server runs it (`stelo::run(app)`), a [`TestClient`](crate::TestClient) calls it, and another application can mount
/// it. [`build`](Self::build) finds mistakes, such as an invalid pattern or a handler whose state is missing. A server
/// builds the application at start-up, and ends with the one line of the [`BuildError`].
///
/// ```
/// use stelo_toolkit::{App, Path, State, get};
///
/// #[derive(Clone)]
/// struct Greeting(&'static str);
///
/// async fn greet(State(greeting): State<Greeting>, Path(name): Path<String>) -> String {
///     format!("{}, {name}!", greeting.0)
/// }
///
/// let app = App::new().state(Greeting("Hello")).route("/{name}", get(greet));
/// let client = stelo_toolkit::TestClient::new(app);
/// assert_eq!(client.get("/world").send().text(), "Hello, world!");
/// ```
#[must_use]
pub struct App {
    /// The declarations, until the application is built.
    draft: Mutex<Draft>,
    built: OnceLock<Result<Arc<Built>, BuildError>>,
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

impl App {
    /// Creates an application that answers every request with 404.
    pub fn new() -> Self {
        Self { draft: Mutex::default(), built: OnceLock::new() }
    }

    /// Adds a route: see [`Router::route`].
    #[track_caller]
    pub fn route(self, pattern: &str, methods: MethodRouter) -> Self {
        self.added(Location::caller(), pattern, EntryKind::Route(methods))
    }

    /// Adds a route for WebSockets: see [`Router::websocket`].
    #[track_caller]
    pub fn websocket<Args: 'static>(self, pattern: &str, handler: impl WebSocketHandler<Args>) -> Self {
        self.added(Location::caller(), pattern, EntryKind::Route(websocket(handler)))
    }

    /// Includes the routes of a router behind a prefix: see [`Router::include`].
    #[track_caller]
    pub fn include(self, prefix: &str, router: Router) -> Self {
        self.added(Location::caller(), prefix, EntryKind::Include(Box::new(router)))
    }

    /// Includes the routes of a router: see [`Router::merge`].
    #[track_caller]
    pub fn merge(self, router: Router) -> Self {
        self.include("", router)
    }

    /// Adds a mount: see [`Router::mount`]. A mounted `App` keeps its own state and error handlers, and sees the state of
    /// this one too. Its start-up hooks run after those of this one.
    #[track_caller]
    pub fn mount(self, prefix: &str, mounted: impl Mountable) -> Self {
        self.added(Location::caller(), prefix, EntryKind::Mount(mounted.into_mounted()))
    }

    /// Adds a host: see [`Router::host`].
    #[track_caller]
    pub fn host(self, pattern: &str, mounted: impl Mountable) -> Self {
        self.added(Location::caller(), pattern, EntryKind::Host(mounted.into_mounted()))
    }

    /// Names the route, mount or host that was declared last: see [`Router::name`].
    pub fn name(self, name: &str) -> Self {
        self.routed(|router| router.name(name))
    }

    /// Adds a middleware around the whole application, inside those added before: see [`Router::middleware`].
    pub fn middleware<Args: 'static>(self, middleware: impl Middleware<Args>) -> Self {
        self.routed(|router| router.middleware(middleware))
    }

    /// Sets the handler for requests that match no route: see [`Router::fallback`].
    pub fn fallback<Args: 'static>(self, handler: impl Handler<Args>) -> Self {
        self.routed(|router| router.fallback(handler))
    }

    /// Sets the limit of collected bodies, in bytes: see [`Router::body_limit`].
    pub fn body_limit(self, bytes: usize) -> Self {
        self.routed(|router| router.body_limit(bytes))
    }

    /// Sets the limits of forms: see [`Router::form_limits`].
    pub fn form_limits(self, limits: FormLimits) -> Self {
        self.state(limits)
    }

    /// Sets the limits of work that blocks: see [`Router::blocking_limits`].
    pub fn blocking_limits(self, limits: BlockingLimits) -> Self {
        self.routed(|router| router.blocking_limits(limits))
    }

    /// Sets whether paths that differ by a trailing `/` are redirected: see [`Router::redirect_slashes`].
    pub fn redirect_slashes(self, redirect: bool) -> Self {
        self.routed(|router| router.redirect_slashes(redirect))
    }

    /// Registers a convertor: see [`Router::convertor`].
    pub fn convertor(self, name: &str, convertor: impl Convertor) -> Self {
        self.routed(|router| router.convertor(name, convertor))
    }

    /// Gives the handlers a value, which they find by its type: [`State`](crate::State),
    /// [`Request::state`](crate::request::Parts::state). It replaces an earlier value of the same type.
    pub fn state<T: Clone + Send + Sync + 'static>(self, state: T) -> Self {
        self.routed(|router| router.state(state))
    }

    /// Answers errors of a status by a handler: those of the router (404, 405), of extractors (400, 413, 415, 422), and
    /// every [`HttpError`] that a handler returns. The handler for 500 also answers panics, and errors whose response is
    /// 500. The request that it gets has no body.
    ///
    /// ```
    /// use stelo_toolkit::{App, Html, HttpError, Request, Status};
    ///
    /// async fn not_found(request: Request, error: HttpError) -> (Status, Html<String>) {
    ///     (error.status, Html(format!("<h1>There is no {}</h1>", request.path().replace('<', "&lt;"))))
    /// }
    ///
    /// let app = App::new().error_handler(Status::NOT_FOUND, not_found);
    /// # app.build().unwrap();
    /// ```
    pub fn error_handler(self, status: Status, handler: impl ErrorHandler<HttpError>) -> Self {
        self.routed(|router| router.error_handler(status, handler))
    }

    /// Answers errors of a type by a handler, instead of by their own [`IntoResponse`]. It makes no difference whether `?`
    /// has boxed them ([`Error`](crate::Error)). A handler for the status of an [`HttpError`] comes first. The request
    /// that the handler gets has no body.
    ///
    /// ```
    /// use stelo_toolkit::{App, Request, Status, TestClient, get};
    ///
    /// #[derive(Debug)]
    /// struct OutOfStock;
    ///
    /// impl std::fmt::Display for OutOfStock {
    ///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("out of stock") }
    /// }
    /// impl std::error::Error for OutOfStock {}
    ///
    /// fn take() -> Result<u32, OutOfStock> { Err(OutOfStock) }
    /// async fn buy() -> stelo_toolkit::Result<String> { Ok(format!("item {}", take()?)) }
    /// async fn sold_out(_: Request, _: OutOfStock) -> (Status, &'static str) { (Status::CONFLICT, "sold out") }
    ///
    /// let client = TestClient::new(App::new().route("/buy", get(buy)).on_error(sold_out));
    /// assert_eq!(client.get("/buy").send().text(), "sold out");
    /// ```
    pub fn on_error<E: Error + Send + Sync + 'static, H: ErrorHandler<E>>(self, handler: H) -> Self {
        self.routed(|router| router.on_error(handler))
    }

    /// Answers unforeseen errors and panics with a page that shows the error with its sources, the request, the route, and
    /// the backtrace of a panic: as HTML if the client accepts it, else as text. It comes before the handler for 500.
    ///
    /// The page is for development. In a program built without debug assertions, as `cargo build --release` does, this
    /// has no effect but a [warning](Self::warnings). A panic hook records the places of panics, before the hook of the
    /// program.
    ///
    /// ```
    /// use stelo_toolkit::{App, TestClient, get};
    ///
    /// async fn broken() -> stelo_toolkit::Result<String> {
    ///     Ok(std::fs::read_to_string("/nowhere/quote")?)
    /// }
    ///
    /// let client = TestClient::new(App::new().debug(true).route("/", get(broken))).raise_server_errors(false);
    /// let page = client.get("/").header("accept", "text/html").send().text();
    /// assert!(page.contains("No such file or directory"));
    /// ```
    pub fn debug(self, debug: bool) -> Self {
        let allowed = cfg!(debug_assertions);
        if debug && allowed {
            panics::record();
        }
        self.edited(|draft| {
            draft.router.errors.set_debug(debug && allowed);
            draft.hides_debug = debug && !allowed;
        })
    }

    /// Runs a hook before the first request, after the hooks declared before. It may take the [`Executor`]. Its error
    /// ends the start.
    pub fn on_startup<Args>(self, hook: impl StartHook<Args, ()>) -> Self {
        self.edited(|draft| draft.hooks.push(lifespan::on_startup(hook)))
    }

    /// Runs a hook after the last response, before the hooks declared before.
    pub fn on_shutdown<Fut>(self, hook: impl FnOnce() -> Fut + Send + 'static) -> Self
    where
        Fut: Future<Output: HookResult<()>> + Send + 'static,
    {
        self.edited(|draft| draft.hooks.push(lifespan::on_shutdown(hook)))
    }

    /// Creates a state value at start-up, and disposes of it at shutdown, in the reverse order of declaration. Handlers
    /// find it as any other [`state`](Self::state).
    ///
    /// ```
    /// use stelo_toolkit::response::BoxError;
    /// use stelo_toolkit::{App, State, get};
    ///
    /// #[derive(Clone)]
    /// struct Pool;
    ///
    /// async fn connect() -> Result<Pool, BoxError> { Ok(Pool) }
    /// async fn close(_: Pool) {}
    /// async fn home(State(_pool): State<Pool>) -> &'static str { "connected" }
    ///
    /// let app = App::new().lifespan(connect, close).route("/", get(home));
    /// # app.build().unwrap();
    /// ```
    pub fn lifespan<Args, T, Fut>(
        self,
        open: impl StartHook<Args, T>,
        close: impl FnOnce(T) -> Fut + Send + 'static,
    ) -> Self
    where
        T: Clone + Send + Sync + 'static,
        Fut: Future<Output: HookResult<()>> + Send + 'static,
    {
        self.edited(|draft| {
            draft.promised.push(TypeId::of::<T>());
            draft.hooks.push(lifespan::lifespan(open, close));
        })
    }

    /// Builds the application, once. A server does so itself; a test can call it to find mistakes.
    ///
    /// # Errors
    /// Returns the first mistake that is certain, in one line: an invalid pattern, a route that is declared twice, a state
    /// that is missing, path parameters that do not suit a handler. What may be a mistake is a [warning](Self::warnings).
    ///
    /// ```
    /// use stelo_toolkit::{App, get};
    ///
    /// let app = App::new().route("/", get("hello")).route("/", get("world"));
    /// assert!(app.build().unwrap_err().to_string().starts_with("GET `/` ("));
    /// ```
    pub fn build(&self) -> Result<(), BuildError> {
        self.built().map(|_| ()).map_err(Clone::clone)
    }

    /// Returns the path of the route of that name, `outer:inner` through mounts, for code without a request. Builds the
    /// application. With a request, call [`url_for`](crate::request::Parts::url_for).
    ///
    /// # Errors
    /// The application has a mistake; no route has that name and exactly these parameters; or a value does not fit.
    pub fn url_path_for(
        &self,
        name: &str,
        params: &[(&str, &dyn fmt::Display)],
    ) -> Result<UrlPath, BoxError> {
        let built = self.built().map_err(Clone::clone)?;
        Ok(built.url_path_for(name, params)?)
    }

    /// Builds the application, and returns what may be a mistake, each in one line: a route that an earlier one hides, a
    /// pattern in the syntax of another framework, a missing directory of static files. They are logged when the
    /// application is built, or written to the standard error if the program has no log. Empty if [`build`](Self::build) fails.
    ///
    /// ```
    /// use stelo_toolkit::{App, get};
    ///
    /// let app = App::new().route("/users/{name}", get("a user")).route("/users/me", get("you"));
    /// assert!(app.warnings()[0].contains("is never reached"));
    /// ```
    pub fn warnings(&self) -> &[String] {
        self.built().map_or(&[], |built| built.warnings())
    }

    fn built(&self) -> Result<&Arc<Built>, &BuildError> {
        let build = || {
            let built = Built::new(std::mem::take(&mut *self.lock()))?;
            for warning in built.warnings() {
                tracing::warn!("{warning}");
                // A test has no log as a rule.
                if !tracing::dispatcher::has_been_set() {
                    eprintln!("warning: {warning}");
                }
            }
            Ok(Arc::new(built))
        };
        self.built.get_or_init(build).as_ref()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Draft> {
        self.draft.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn edited(mut self, edit: impl FnOnce(&mut Draft)) -> Self {
        if self.built.get().is_some() {
            self.built = OnceLock::from(Err(BuildError::Changed));
        }
        edit(self.draft.get_mut().unwrap_or_else(PoisonError::into_inner));
        self
    }

    fn added(self, place: &'static Location<'static>, pattern: &str, kind: EntryKind) -> Self {
        self.routed(|router| router.add_at(place, pattern, kind))
    }

    fn routed(self, edit: impl FnOnce(Router) -> Router) -> Self {
        self.edited(|draft| draft.router = edit(std::mem::take(&mut draft.router)))
    }
}

impl Mountable for App {
    /// An application that has been built routes its requests itself. The routes of any other become part of the outer
    /// application.
    fn into_mounted(self) -> Mounted {
        if self.built.get().is_some() {
            return Foreign(self).into_mounted();
        }
        let draft = self.draft.into_inner().unwrap_or_else(PoisonError::into_inner);
        Mounted(MountedKind::App(Box::new(draft)))
    }
}

impl CoreApp for App {
    fn call(&self, request: stelo_core::app::Request) -> Reply {
        match self.built() {
            Ok(built) => built.call(request),
            Err(error) => {
                failure!("the application cannot run: {error}");
                HttpError::new(Status::INTERNAL_SERVER_ERROR).into_response().into()
            }
        }
    }

    fn route(&self, head: &RequestHead, context: &Context) -> Option<&str> {
        self.built().as_ref().ok()?.route(head, context.root_path())
    }

    fn startup(&self, executor: Arc<dyn stelo_core::app::Executor>) -> BoxFuture<Result<(), BoxError>> {
        match self.built() {
            Ok(built) => {
                let built = built.clone();
                Box::pin(async move { built.start(Executor::new(executor)).await })
            }
            Err(error) => Box::pin(std::future::ready(Err(error.clone().into()))),
        }
    }

    fn shutdown(&self) -> BoxFuture<Result<(), BoxError>> {
        match self.built() {
            Ok(built) => {
                let built = built.clone();
                Box::pin(async move { built.stop().await })
            }
            Err(_) => Box::pin(std::future::ready(Ok(()))),
        }
    }
}

/// Lists the routes, with the paths of their handlers, or shows the mistake that [`build`](App::build) has found.
///
/// ```
/// use stelo_toolkit::{App, get};
///
/// async fn home() {}
///
/// let shown = format!("{:?}", App::new().route("/", get(home)).name("home"));
/// assert!(shown.starts_with(r#"App { routes: [Route { path: "/", name: "home", GET: "#), "{shown}");
/// ```
impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut form = f.debug_struct("App");
        match self.built.get() {
            None => form.field("routes", &Shown::of(&self.lock().router)),
            Some(Ok(built)) => form.field("routes", &built.shown()),
            Some(Err(error)) => form.field("error", &format_args!("{error}")),
        };
        form.finish_non_exhaustive()
    }
}
