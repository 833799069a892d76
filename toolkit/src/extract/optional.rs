//! `Option<T>` as an argument: `None` if the request does not have it, a rejection if it is malformed.
//!
//! A type opts in, because only the type knows the difference between the two.

use std::future::Future;

use super::{FromRequest, FromRequestParts};
use crate::describe::Operation;
use crate::request::{Parts, Request};
use crate::response::IntoResponse;

/// An argument that leaves the body alone and may be absent: `Option<T>`.
///
/// ```
/// use stelo_toolkit::extract::OptionalFromRequestParts;
/// use stelo_toolkit::request::Parts;
/// use stelo_toolkit::{App, HttpError, Status, TestClient, get};
///
/// struct Version(u32);
///
/// impl OptionalFromRequestParts for Version {
///     type Rejection = HttpError;
///
///     async fn from_request_parts(parts: &mut Parts) -> Result<Option<Self>, HttpError> {
///         let Some(text) = parts.headers().get_str("x-version") else { return Ok(None) };
///         let version = text.parse().map_err(|_| HttpError::new(Status::BAD_REQUEST))?;
///         Ok(Some(Self(version)))
///     }
/// }
///
/// async fn page(version: Option<Version>) -> String { format!("{:?}", version.map(|version| version.0)) }
///
/// let client = TestClient::new(App::new().route("/", get(page)));
/// assert_eq!(client.get("/").send().text(), "None");
/// assert_eq!(client.get("/").header("x-version", "7").send().text(), "Some(7)");
/// assert_eq!(client.get("/").header("x-version", "x").send().status(), Status::BAD_REQUEST);
/// ```
#[diagnostic::on_unimplemented(
    message = "`Option<{Self}>` cannot be an argument of a handler, or not in this place",
    note = "`Query`, `Path`, `State`, `Extension`, `ClientAddress` and `MatchedPath` can be optional; in the last place, `Json` and `Form` too",
    note = "for your own type, implement `OptionalFromRequestParts`; or take `Result<T, T::Rejection>`"
)]
pub trait OptionalFromRequestParts: Sized {
    /// The response to a request whose argument is malformed.
    type Rejection: IntoResponse + Send + 'static;

    /// Takes the argument from the request; `None` if the request does not have it.
    fn from_request_parts(
        parts: &mut Parts,
    ) -> impl Future<Output = Result<Option<Self>, Self::Rejection>> + Send;

    /// Describes the argument.
    fn describe(operation: &mut Operation) {
        let _ = operation;
    }
}

/// An argument that may take the body and may be absent: `Option<T>` as the last argument of a handler.
#[diagnostic::on_unimplemented(
    message = "`Option<{Self}>` cannot be an argument of a handler",
    note = "`Json` and `Form` can be optional, and everything that implements `OptionalFromRequestParts`",
    note = "for your own type, implement `OptionalFromRequest`; or take `Result<T, T::Rejection>`"
)]
pub trait OptionalFromRequest: Sized {
    /// The response to a request whose argument is malformed.
    type Rejection: IntoResponse + Send + 'static;

    /// Makes the argument of the request; `None` if the request does not have it.
    fn from_request(request: Request) -> impl Future<Output = Result<Option<Self>, Self::Rejection>> + Send;

    /// Describes the argument.
    fn describe(operation: &mut Operation) {
        let _ = operation;
    }
}

/// `None` if the request does not have the argument.
impl<T: OptionalFromRequestParts> FromRequestParts for Option<T> {
    type Rejection = T::Rejection;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, Self::Rejection> {
        T::from_request_parts(parts).await
    }

    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

/// `None` if the request does not have the argument.
impl<T: OptionalFromRequest> FromRequest for Option<T> {
    type Rejection = T::Rejection;

    async fn from_request(request: Request) -> Result<Self, Self::Rejection> {
        T::from_request(request).await
    }

    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}
