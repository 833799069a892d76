//! Extractors: typed arguments of handlers, taken from the request.

mod body;
mod parts;
mod path;

use std::future::Future;

use crate::handler::Needs;
use crate::request::Request;
use crate::response::IntoResponse;

pub use body::{Form, Json};
pub use parts::{ClientAddress, Extension, MatchedPath, Query, State};
pub use path::Path;

/// An argument that leaves the body of the request to others. A handler has any number of them.
///
/// ```
/// use stelo_toolkit::{FromRequestParts, HttpError, Request, Status};
///
/// struct ApiKey(String);
///
/// impl FromRequestParts for ApiKey {
///     type Rejection = HttpError;
///
///     async fn from_request_parts(request: &mut Request) -> Result<Self, HttpError> {
///         let key = request.headers().get_str("x-api-key");
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
    note = "an argument that takes the body (`Request`, `Json`, `Form`, `Body`, `Bytes`, `String`) must be the last one",
    note = "for an argument of your own type, implement `FromRequestParts`, or wrap it: `Path<T>`, `Query<T>`, `State<T>`"
)]
pub trait FromRequestParts: Sized {
    /// What answers a request from which the argument cannot be taken.
    type Rejection: IntoResponse + Send + 'static;

    /// Takes the argument from the request.
    fn from_request_parts(
        request: &mut Request,
    ) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;

    /// Says what the application must have for this argument. Checked at start-up.
    fn needs(needs: &mut Needs) {
        let _ = needs;
    }
}

/// An argument that may take the body of the request: the last one of a handler.
///
/// `Via` tells apart the types that implement this trait from those that implement [`FromRequestParts`] and are
/// arguments of the last place too; leave it out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler",
    label = "not an extractor",
    note = "arguments are `Request`, `Path<T>`, `Query<T>`, `State<T>`, `Extension<T>`, `Headers`, `Method`, `Cookies`, `Url` and, in the last place, `Json<T>`, `Form<T>`, `Body`, `Bytes`, `String`; or an `Option` or `Result` of one",
    note = "for an argument of your own type, implement `FromRequestParts` or `FromRequest`"
)]
pub trait FromRequest<Via = ViaRequest>: Sized {
    /// What answers a request from which the argument cannot be taken.
    type Rejection: IntoResponse + Send + 'static;

    /// Makes the argument of the request.
    fn from_request(request: Request) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;

    /// Says what the application must have for this argument. Checked at start-up.
    fn needs(needs: &mut Needs) {
        let _ = needs;
    }
}

/// The type implements [`FromRequest`] itself.
#[derive(Debug)]
pub enum ViaRequest {}

/// The type implements [`FromRequestParts`].
#[derive(Debug)]
pub enum ViaParts {}

impl<T: FromRequestParts> FromRequest<ViaParts> for T {
    type Rejection = T::Rejection;

    async fn from_request(mut request: Request) -> Result<Self, Self::Rejection> {
        Self::from_request_parts(&mut request).await
    }

    fn needs(needs: &mut Needs) {
        <Self as FromRequestParts>::needs(needs);
    }
}

/// `None` where the argument cannot be taken, whatever the reason.
impl<T: FromRequestParts> FromRequestParts for Option<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(request: &mut Request) -> Result<Self, Self::Rejection> {
        Ok(T::from_request_parts(request).await.ok())
    }

    fn needs(needs: &mut Needs) {
        T::needs(needs);
    }
}

/// The rejection where the argument cannot be taken: the handler answers in its own way.
impl<T: FromRequestParts> FromRequestParts for Result<T, T::Rejection> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(request: &mut Request) -> Result<Self, Self::Rejection> {
        Ok(T::from_request_parts(request).await)
    }

    fn needs(needs: &mut Needs) {
        T::needs(needs);
    }
}

/// `None` where the argument cannot be taken, whatever the reason.
impl<T: FromRequest> FromRequest for Option<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request) -> Result<Self, Self::Rejection> {
        Ok(T::from_request(request).await.ok())
    }

    fn needs(needs: &mut Needs) {
        T::needs(needs);
    }
}

/// The rejection where the argument cannot be taken: the handler answers in its own way.
impl<T: FromRequest> FromRequest for Result<T, T::Rejection> {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request) -> Result<Self, Self::Rejection> {
        Ok(T::from_request(request).await)
    }

    fn needs(needs: &mut Needs) {
        T::needs(needs);
    }
}
