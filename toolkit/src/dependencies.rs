//! Dependencies: values that handlers, middleware and other dependencies ask for, made once per request, with work that
//! runs after the response.
//!
//! A handler that takes [`Depends`] says so when the application is built, and gets a layer that runs the work. Routes
//! without one have no such layer.

use std::future::Future;
use std::sync::Arc;

use stelo_core::app::{Reply, Response, Upgrade};

use crate::describe::Operation;
use crate::extract::FromRequestParts;
use crate::middleware::{Middleware, Next};
use crate::request::cleanup::{Cleanups, Guard};
use crate::request::site::Step;
use crate::request::{Parts, Request};
use crate::response::{IntoResponse, ResponseExt};

/// A value that is made once per request: the argument [`Depends<T>`](Depends) of handlers and middleware.
///
/// ```
/// use stelo_toolkit::dependencies::{Dependency, Depends};
/// use stelo_toolkit::request::Parts;
/// use stelo_toolkit::{App, HttpError, Status, TestClient, get};
///
/// /// The user of the request.
/// #[derive(Clone)]
/// struct User(String);
///
/// impl Dependency for User {
///     type Rejection = HttpError;
///
///     async fn resolve(parts: &mut Parts) -> Result<Self, HttpError> {
///         let name = parts.headers().get_str("x-user").ok_or(HttpError::new(Status::UNAUTHORIZED))?;
///         let user = Self(name.to_owned());
///         parts.after_response(async { println!("the response is sent") })?;
///         Ok(user)
///     }
/// }
///
/// async fn hello(Depends(user): Depends<User>) -> String {
///     format!("hello, {}", user.0)
/// }
///
/// let client = TestClient::new(App::new().route("/", get(hello)));
/// assert_eq!(client.get("/").header("x-user", "ada").send().text(), "hello, ada");
/// assert_eq!(client.get("/").send().status(), Status::UNAUTHORIZED);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a dependency",
    note = "implement `Dependency` and `Clone` for it; wrap large values in an `Arc`"
)]
pub trait Dependency: Clone + Send + Sync + 'static {
    /// The response to a request for which the value cannot be made.
    type Rejection: IntoResponse + Send + 'static;

    /// Makes the value. It can take other dependencies, as `Depends::<T>::from_request_parts(parts).await`, block on a
    /// [thread](Parts::workers), and register work for [after the response](Parts::after_response).
    ///
    /// # Errors
    /// The value cannot be made. The handler is not called.
    fn resolve(parts: &mut Parts) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;

    /// Describes what the value needs, such as a state, for the check at start-up.
    fn describe(operation: &mut Operation) {
        let _ = operation;
    }
}

/// A [`Dependency`] as an argument. The first argument of a request makes the value, and the others get a clone: in
/// middleware, in the handler, and in other dependencies. A rejection is not kept. Error handlers make their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Depends<T>(pub T);

/// A value that was made for the request.
struct Made<T>(T);

impl<T: Dependency> FromRequestParts for Depends<T> {
    type Rejection = T::Rejection;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, T::Rejection> {
        if let Some(Made(value)) = parts.extensions().get::<Made<T>>() {
            return Ok(Self(value.clone()));
        }
        let value = T::resolve(parts).await?;
        parts.extensions_mut().insert(Made(value.clone()));
        Ok(Self(value))
    }

    fn describe(operation: &mut Operation) {
        operation.after_response();
        T::describe(operation);
    }
}

/// Returns a middleware that gives the requests inside this value of a dependency, which then is not made: for tests.
///
/// ```
/// # use stelo_toolkit::dependencies::{Dependency, Depends, provide};
/// # use stelo_toolkit::request::Parts;
/// # use stelo_toolkit::{App, HttpError, Status, TestClient, get};
/// # #[derive(Clone)]
/// # struct User(&'static str);
/// # impl Dependency for User {
/// #     type Rejection = HttpError;
/// #     async fn resolve(_: &mut Parts) -> Result<Self, HttpError> { Err(HttpError::new(Status::UNAUTHORIZED)) }
/// # }
/// async fn hello(Depends(user): Depends<User>) -> String {
///     format!("hello, {}", user.0)
/// }
/// fn app() -> App { App::new().route("/", get(hello)) }
///
/// // Around the application, so that its own middleware gets the value too.
/// let client = TestClient::new(App::new().middleware(provide(User("ada"))).mount("", app()));
/// assert_eq!(client.get("/").send().text(), "hello, ada");
/// assert_eq!(TestClient::new(app()).get("/").send().status(), Status::UNAUTHORIZED);
/// ```
pub fn provide<T: Dependency>(value: T) -> Provide<T> {
    Provide(value)
}

/// A middleware that gives a dependency its value: see [`provide`].
#[derive(Clone, Debug)]
pub struct Provide<T>(T);

impl<T: Dependency> Middleware for Provide<T> {
    fn call(&self, mut request: Request, next: Next) -> Reply {
        request.extensions_mut().insert(Made(self.0.clone()));
        next.run(request)
    }
}

/// Returns the layer that runs the work of a request after its response.
pub(crate) fn step() -> Step {
    Arc::new(|mut request: Request, node, depth| {
        let next = Next { node, depth };
        if request.extensions().get::<Cleanups>().is_some() {
            // A layer further out runs the work.
            return next.run(request);
        }
        let cleanups = Cleanups::new(request.executor());
        request.extensions_mut().insert(cleanups.clone());
        let guard = Guard::new(cleanups);
        let reply = next.run(request);
        Reply::future(async move { guarded(reply.await, guard) })
    })
}

/// Runs the work behind the response: behind its background tasks, or when its WebSocket or tunnel has ended.
fn guarded(mut response: Response, guard: Guard) -> Response {
    let Some(upgrade) = response.upgrade.take() else { return response.background(guard.run()) };
    response.upgrade = Some(Box::new(match *upgrade {
        Upgrade::WebSocket(run) => Upgrade::WebSocket(Box::new(|socket| {
            let session = run(socket);
            Box::pin(async {
                session.await;
                guard.run().await;
            })
        })),
        Upgrade::Tunnel(run) => Upgrade::Tunnel(Box::new(|tunnel| {
            let session = run(tunnel);
            Box::pin(async {
                session.await;
                guard.run().await;
            })
        })),
    }));
    response
}
