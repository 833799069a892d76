//! Extractors: typed arguments of handlers and middleware, taken from the request.
//!
//! | argument | trait to implement |
//! |---|---|
//! | leaves the body alone, in any place | [`FromRequestParts`] |
//! | may take the body, in the last place | [`FromRequest`] |
//! | may be absent, as an `Option` | [`OptionalFromRequestParts`], [`OptionalFromRequest`] |

mod authorization;
mod body;
mod either;
mod form;
mod optional;
mod parts;
mod path;
mod typed_header;
#[cfg(feature = "validation")]
mod valid;

use std::convert::Infallible;
use std::future::Future;

pub use authorization::{Authorization, AuthorizationScheme, Basic, Bearer};
pub use body::Json;
pub use either::Either;
pub use form::Form;
pub use optional::{OptionalFromRequest, OptionalFromRequestParts};
pub use parts::{ClientAddress, Extension, MatchedPath, Query, State};
pub use path::Path;
pub use typed_header::{
    ContentLength, ContentType, Header, IfModifiedSince, Origin, Referer, TypedHeader, UserAgent,
};
#[cfg(feature = "validation")]
pub use valid::{Valid, Wraps};

use self::private::{ViaParts, ViaRequest};
use crate::describe::Operation;
use crate::request::{Parts, Request};
use crate::response::IntoResponse;

/// An argument that leaves the body of the request alone. A handler has any number of them.
///
/// ```
/// use stelo_toolkit::request::Parts;
/// use stelo_toolkit::extract::FromRequestParts;
/// use stelo_toolkit::{HttpError, Status};
///
/// struct ApiKey(String);
///
/// impl FromRequestParts for ApiKey {
///     type Rejection = HttpError;
///
///     async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
///         let key = parts.headers().get_str("x-api-key");
///         key.map(|key| Self(key.into())).ok_or(HttpError::new(Status::UNAUTHORIZED))
///     }
/// }
///
/// async fn secret(ApiKey(key): ApiKey) -> String { format!("your key is {key}") }
/// # let _ = stelo_toolkit::get(secret);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler, or not in this place",
    label = "not an extractor that leaves the body alone",
    note = "an argument that takes the body (`Request`, `Json`, `Form`, `FormData`, `Multipart`, `Body`, `Bytes`, `String`) must be the last one",
    note = "for an argument of your own type, implement `FromRequestParts`, or wrap it: `Path<T>`, `Query<T>`, `State<T>`",
    note = "an `Option<T>` is an argument if `T` implements `OptionalFromRequestParts`"
)]
pub trait FromRequestParts: Sized {
    /// The response to a request from which the argument cannot be taken.
    type Rejection: IntoResponse + Send + 'static;

    /// Takes the argument from the request.
    fn from_request_parts(parts: &mut Parts) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;

    /// Describes the argument, for the check at start-up.
    fn describe(operation: &mut Operation) {
        let _ = operation;
    }
}

/// An argument that may take the body of the request: the last one of a handler.
///
/// `Via` distinguishes the types that implement this trait from those that implement [`FromRequestParts`] and can be
/// the last argument too. The compiler infers it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler",
    label = "not an extractor",
    note = "in `Json<T>`, `Form<T>`, `Query<T>` and `Path<T>`, `T` must implement `Deserialize`: put `#[derive(serde::Deserialize)]` on it",
    note = "arguments are `Request`, `Path<T>`, `Query<T>`, `State<T>`, `Extension<T>`, `Headers`, `Method`, `Cookies`, `Url` and, in the last place, `Json<T>`, `Form<T>`, `FormData`, `Multipart`, `Body`, `Bytes`, `String`; or an `Option` or `Result` of one",
    note = "for an argument of your own type, implement `FromRequestParts` or `FromRequest`",
    note = "an `Option<T>` is an argument if `T` implements `OptionalFromRequestParts` or `OptionalFromRequest`"
)]
pub trait FromRequest<Via = ViaRequest>: Sized {
    /// The response to a request from which the argument cannot be taken.
    type Rejection: IntoResponse + Send + 'static;

    /// Makes the argument of the request.
    fn from_request(request: Request) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;

    /// Describes the argument, for the check at start-up.
    fn describe(operation: &mut Operation) {
        let _ = operation;
    }
}

mod private {
    /// The type implements [`FromRequest`](super::FromRequest) itself.
    #[derive(Debug)]
    pub enum ViaRequest {}

    /// The type implements [`FromRequestParts`](super::FromRequestParts).
    #[derive(Debug)]
    pub enum ViaParts {}
}

impl<T: FromRequestParts> FromRequest<ViaParts> for T {
    type Rejection = T::Rejection;

    async fn from_request(mut request: Request) -> Result<Self, Self::Rejection> {
        Self::from_request_parts(&mut request).await
    }

    fn describe(operation: &mut Operation) {
        <Self as FromRequestParts>::describe(operation);
    }
}

/// The rejection if the argument cannot be taken: the handler answers in its own way.
impl<T: FromRequestParts> FromRequestParts for Result<T, T::Rejection> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, Self::Rejection> {
        Ok(T::from_request_parts(parts).await)
    }

    fn describe(operation: &mut Operation) {
        operation.fallible(T::describe);
    }
}

/// The rejection if the argument cannot be taken: the handler answers in its own way.
impl<T: FromRequest> FromRequest for Result<T, T::Rejection> {
    type Rejection = Infallible;

    async fn from_request(request: Request) -> Result<Self, Self::Rejection> {
        Ok(T::from_request(request).await)
    }

    fn describe(operation: &mut Operation) {
        operation.fallible(T::describe);
    }
}
