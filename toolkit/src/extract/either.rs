//! `Either`: an argument or a response of one of two types.

use stelo_core::app::Response;

use super::FromRequestParts;
use crate::describe::Operation;
use crate::request::Parts;
use crate::response::{Failure, IntoResponse};

/// The first of two arguments that the request has, or a response of one of two types.
///
/// The second is tried if the first rejects the request. If both do, the rejection of the second is the answer. Neither
/// takes the body; to choose between `Json` and `Form`, write an extractor that reads the content type.
///
/// ```
/// use stelo_toolkit::extract::{Authorization, Basic, Bearer, Either};
/// use stelo_toolkit::{App, Json, Status, TestClient, get};
///
/// type Credentials = Either<Authorization<Bearer>, Authorization<Basic>>;
///
/// async fn user(credentials: Credentials) -> Either<String, Json<&'static str>> {
///     match credentials {
///         Either::Left(_) => Either::Right(Json("a token")),
///         Either::Right(Authorization(basic)) => Either::Left(basic.username),
///     }
/// }
///
/// let client = TestClient::new(App::new().route("/", get(user)));
/// assert_eq!(client.get("/").basic_auth("ada", "secret").send().text(), "ada");
/// assert_eq!(client.get("/").bearer_auth("x").send().text(), "\"a token\"");
/// assert_eq!(client.get("/").send().status(), Status::UNAUTHORIZED);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Either<A, B> {
    /// The first type.
    Left(A),
    /// The second type.
    Right(B),
}

impl<A: FromRequestParts + Send, B: FromRequestParts> FromRequestParts for Either<A, B> {
    type Rejection = B::Rejection;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, B::Rejection> {
        if let Ok(value) = A::from_request_parts(parts).await {
            return Ok(Self::Left(value));
        }
        B::from_request_parts(parts).await.map(Self::Right)
    }

    fn describe(operation: &mut Operation) {
        operation.fallible(A::describe);
        B::describe(operation);
    }
}

impl<A: IntoResponse, B: IntoResponse> IntoResponse for Either<A, B> {
    fn into_response(self) -> Response {
        match self {
            Self::Left(value) => value.into_response(),
            Self::Right(value) => value.into_response(),
        }
    }

    fn into_outcome(self) -> Result<Response, Failure> {
        match self {
            Self::Left(value) => value.into_outcome(),
            Self::Right(value) => value.into_outcome(),
        }
    }

    fn describe(operation: &mut Operation) {
        A::describe(operation);
        B::describe(operation);
    }
}
