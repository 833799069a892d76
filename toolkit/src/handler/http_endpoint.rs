//! `HttpEndpoint`: a type with a method for each HTTP method, Starlette's `HTTPEndpoint`.

use std::future::{Future, ready};

use stelo_core::http::{Method, Status};

use crate::request::Request;
use crate::response::report::failure;
use crate::response::{HttpError, Response, Result};

/// A type with a method for each HTTP method. [`endpoint`](crate::routing::endpoint()) makes a route of it.
///
/// The methods that are not in [`METHODS`](Self::METHODS) are answered with 405 and `allow`. HEAD is answered by
/// [`head`](Self::head) if it is in the list, and otherwise by [`get`](Self::get).
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use stelo_toolkit::handler::HttpEndpoint;
/// use stelo_toolkit::routing::endpoint;
/// use stelo_toolkit::{App, IntoResponse, Method, Request, Response, Result, Status, TestClient};
///
/// #[derive(Clone, Default)]
/// struct Note(Arc<Mutex<String>>);
///
/// impl HttpEndpoint for Note {
///     const METHODS: &'static [Method] = &[Method::Get, Method::Put];
///
///     async fn get(&self, _: Request) -> Result<Response> {
///         Ok(self.0.lock().unwrap().clone().into_response())
///     }
///
///     async fn put(&self, mut request: Request) -> Result<Response> {
///         let text = request.text().await?;
///         *self.0.lock().unwrap() = text;
///         Ok(Status::NO_CONTENT.into_response())
///     }
/// }
///
/// let client = TestClient::new(App::new().route("/note", endpoint(Note::default())));
/// assert_eq!(client.put("/note").body("tea").send().status(), Status::NO_CONTENT);
/// assert_eq!(client.get("/note").send().text(), "tea");
/// assert_eq!(client.post("/note").send().header("allow"), Some("GET, HEAD, PUT"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an endpoint for HTTP methods",
    note = "implement `HttpEndpoint` and `Clone` for it"
)]
pub trait HttpEndpoint: Clone + Send + Sync + 'static {
    /// The HTTP methods that the type answers. Each needs its method below: one that is missing is answered with 500, and
    /// the log says so.
    const METHODS: &'static [Method];

    /// Answers GET, and HEAD if it is not in [`METHODS`](Self::METHODS).
    ///
    /// # Errors
    /// As the errors of a handler; likewise in the methods below.
    fn get(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        undefined::<Self>(&request)
    }

    /// Answers HEAD.
    fn head(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        undefined::<Self>(&request)
    }

    /// Answers POST.
    fn post(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        undefined::<Self>(&request)
    }

    /// Answers PUT.
    fn put(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        undefined::<Self>(&request)
    }

    /// Answers PATCH.
    fn patch(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        undefined::<Self>(&request)
    }

    /// Answers DELETE.
    fn delete(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        undefined::<Self>(&request)
    }

    /// Answers OPTIONS.
    fn options(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        undefined::<Self>(&request)
    }

    /// Answers QUERY.
    fn query(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        undefined::<Self>(&request)
    }
}

/// The answer of a method that is in the list and not defined.
fn undefined<E>(request: &Request) -> impl Future<Output = Result<Response>> + Send + use<E> {
    let name = std::any::type_name::<E>();
    failure!("{name} has {} in `METHODS`, but no method for it", request.method());
    ready(Err(HttpError::new(Status::INTERNAL_SERVER_ERROR).into()))
}

/// Calls the method of an endpoint for `method`, which is in its list.
pub(crate) async fn dispatch<E: HttpEndpoint>(
    endpoint: E,
    method: Method,
    request: Request,
) -> Result<Response> {
    match method {
        Method::Get => endpoint.get(request).await,
        Method::Head => endpoint.head(request).await,
        Method::Post => endpoint.post(request).await,
        Method::Put => endpoint.put(request).await,
        Method::Patch => endpoint.patch(request).await,
        Method::Delete => endpoint.delete(request).await,
        Method::Options => endpoint.options(request).await,
        Method::Query => endpoint.query(request).await,
        _ => undefined::<E>(&request).await,
    }
}
