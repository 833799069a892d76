//! `Endpoint`: a type that answers requests in its own way, such as static files or a gateway to another application.

use std::sync::Arc;

use super::{Leaf, Outcome};
use crate::describe::Operation;
use crate::request::Request;

/// A type that answers every request below a [mount](crate::Router::mount).
///
/// ```
/// use stelo_toolkit::handler::{Endpoint, Outcome};
/// use stelo_toolkit::{App, HttpError, Request, Status, TestClient};
///
/// /// Answers the paths that the list contains.
/// struct Listed(&'static [&'static str]);
///
/// impl Endpoint for Listed {
///     fn call(&self, request: Request) -> Outcome {
///         match self.0.contains(&request.route_path()) {
///             true => "listed".into(),
///             false => Outcome::fail(HttpError::new(Status::NOT_FOUND)),
///         }
///     }
/// }
///
/// let client = TestClient::new(App::new().mount("/list", Listed(&["/a", "/b"])));
/// assert_eq!(client.get("/list/a").send().text(), "listed");
/// assert_eq!(client.get("/list/c").send().status(), Status::NOT_FOUND);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an endpoint",
    note = "implement `Endpoint` for it, or use an `async fn` as a handler of a route"
)]
pub trait Endpoint: Send + Sync + 'static {
    /// Answers a request.
    ///
    /// The error handlers of the application answer an error. A panic, here or in the future, is answered with 500.
    fn call(&self, request: Request) -> Outcome;

    /// Describes the endpoint when the application is built. A [warning](Operation::warn) goes to the log.
    fn describe(&self, operation: &mut Operation) {
        let _ = operation;
    }
}

/// Erases the type of an endpoint.
pub(crate) fn leaf(endpoint: Arc<impl Endpoint>) -> Leaf {
    Leaf::new(move |request, scope| scope.contain(|| endpoint.call(request)))
}
