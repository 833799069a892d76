//! Extractors that leave the body alone: query, state, extensions, header fields, the client.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use serde_core::de::DeserializeOwned;
use stelo_core::app::Address;
use stelo_core::http::{Headers, Method, Status, Version};

use super::{FromRequestParts, OptionalFromRequestParts};
use crate::describe::Operation;
use crate::request::{Cookies, Executor, Parts, QueryParams, Url, Workers, decode};
use crate::response::HttpError;
use crate::response::report::failure;

/// The query as a value: a struct with a field per parameter (`Vec` for repeated ones), or a map.
///
/// Rejects a query that does not fit with 400, naming the parameter.
///
/// ```
/// use serde::Deserialize;
/// use stelo_toolkit::Query;
///
/// #[derive(Deserialize)]
/// struct Page { page: u32, #[serde(default)] tag: Vec<String> }
///
/// async fn list(Query(page): Query<Page>) -> String { format!("page {}", page.page) }
/// # let _ = stelo_toolkit::get(list);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> Query<T> {
    /// Reads a query.
    ///
    /// # Errors
    /// 400, naming the parameter that does not fit.
    pub fn parse(query: &str) -> Result<Self, HttpError> {
        decode::query(query).map(Self)
    }
}

impl<T: DeserializeOwned> FromRequestParts for Query<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
        parts.query().map(Self)
    }
}

/// `None` if the target has no query.
impl<T: DeserializeOwned> OptionalFromRequestParts for Query<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Option<Self>, HttpError> {
        parts.head().query().map(Self::parse).transpose()
    }
}

/// A value given to [`App::state`](crate::App::state) or created at start-up, found by its type. It is cloned for each
/// request, so wrap large values in an `Arc`.
///
/// If a handler takes a state that the application does not have, the application does not start.
///
/// ```
/// use stelo_toolkit::{App, State, get};
///
/// #[derive(Clone)]
/// struct Greeting(&'static str);
///
/// async fn hello(State(greeting): State<Greeting>) -> &'static str { greeting.0 }
///
/// let app = App::new().state(Greeting("hello")).route("/", get(hello));
/// app.build().unwrap();
/// assert!(App::new().route("/", get(hello)).build().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct State<T>(pub T);

impl<T: Clone + Send + Sync + 'static> FromRequestParts for State<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
        parts.state().cloned().map(Self).ok_or_else(|| {
            missing("state", std::any::type_name::<T>(), "give it to `App::state`, and start the application")
        })
    }

    fn describe(operation: &mut Operation) {
        operation.state::<T>();
    }
}

/// `None` if the application has no such state.
impl<T: Clone + Send + Sync + 'static> OptionalFromRequestParts for State<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts) -> Result<Option<Self>, Infallible> {
        Ok(parts.state().cloned().map(Self))
    }
}

/// A clone of a value that a middleware has put into [`Parts::extensions_mut`].
///
/// Rejects a request without the value with 500, because the middleware is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extension<T>(pub T);

impl<T: Clone + Send + Sync + 'static> FromRequestParts for Extension<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
        parts.extensions().get::<T>().cloned().map(Self).ok_or_else(|| {
            missing("extension", std::any::type_name::<T>(), "a middleware has to put it into the request")
        })
    }
}

/// `None` if no middleware has put such a value into the request.
impl<T: Clone + Send + Sync + 'static> OptionalFromRequestParts for Extension<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions().get::<T>().cloned().map(Self))
    }
}

fn missing(what: &str, name: &str, advice: &str) -> HttpError {
    failure!("no {what} of type {name}: {advice}");
    HttpError::new(Status::INTERNAL_SERVER_ERROR)
}

/// The address of the client, the path of its Unix socket, or the name that a proxy gives it. Rejects the request with 500 if the server does not know
/// it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientAddress(pub Address);

impl ClientAddress {
    /// The IP address and the port of the client. `None` over a Unix socket, and for a client that a proxy only names.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self.0 {
            Address::Ip(address) => Some(address),
            Address::Unix(_) | Address::Name(_) => None,
        }
    }

    /// The IP address of the client. `None` over a Unix socket, and for a client that a proxy only names.
    pub fn ip(&self) -> Option<IpAddr> {
        self.socket_addr().map(|address| address.ip())
    }
}

impl FromRequestParts for ClientAddress {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
        let client = parts.client().cloned().map(Self);
        client.ok_or_else(|| missing("client address", "Address", "take `Option<ClientAddress>`"))
    }
}

/// `None` if the server does not know the address.
impl OptionalFromRequestParts for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts) -> Result<Option<Self>, Infallible> {
        Ok(parts.client().cloned().map(Self))
    }
}

/// The pattern of the route that answers, including mounts, such as `/users/{id:int}`. For logs and metrics, in handlers
/// and in middleware.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MatchedPath(pub String);

/// `None` if no route answers.
impl OptionalFromRequestParts for MatchedPath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts) -> Result<Option<Self>, Infallible> {
        Ok(parts.matched_path().map(|path| Self(path.to_owned())))
    }
}

/// Implements extractors that cannot fail.
macro_rules! always {
    ($($kind:ty = $take:expr;)*) => {$(
        impl FromRequestParts for $kind {
            type Rejection = Infallible;

            async fn from_request_parts(parts: &mut Parts) -> Result<Self, Infallible> {
                let take: fn(&Parts) -> Self = $take;
                Ok(take(parts))
            }
        }
    )*};
}

always! {
    Method = |parts| parts.method().clone();
    Version = |parts| parts.version();
    Headers = |parts| parts.headers().clone();
    Cookies = Parts::cookies;
    QueryParams = Parts::query_params;
    Url = Parts::url;
    Executor = Parts::executor;
    Workers = Parts::workers;
    MatchedPath = |parts| Self(parts.matched_path().unwrap_or_default().to_owned());
}
