//! Extractors that take the body: JSON, text, bytes, the body itself. Each is the last argument of a handler.

use std::convert::Infallible;

use serde_core::Serialize;
use serde_core::de::DeserializeOwned;
use stelo_core::Bytes;
use stelo_core::app::Response;
use stelo_core::body::Body;
use stelo_core::http::{Headers, Status};

use super::{FromRequest, OptionalFromRequest};
use crate::request::{Request, decode};
use crate::response::report::failure;
use crate::response::{Failure, HttpError, IntoResponse, with_headers};

/// JSON. As an argument, it reads the body as a value; as a response, it writes the value as the body.
///
/// Rejects a request without a JSON content type with 415, a body that is not JSON with 400, and a value that does not
/// fit with 422, naming the field.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stelo_toolkit::Json;
///
/// #[derive(Serialize, Deserialize)]
/// struct Item { name: String, price: u32 }
///
/// async fn twice(Json(item): Json<Item>) -> Json<Item> { Json(Item { price: 2 * item.price, ..item }) }
/// # let _ = stelo_toolkit::post(twice);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Json<T> {
    /// Reads a JSON text.
    ///
    /// # Errors
    /// 400 if it is not JSON; 422, naming the field, if the value does not fit.
    pub fn parse(text: &[u8]) -> Result<Self, HttpError> {
        decode::json(text).map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest for Json<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request) -> Result<Self, HttpError> {
        if !media_type(request.headers()).is_some_and(is_json) {
            return Err(HttpError::new(Status::UNSUPPORTED_MEDIA_TYPE)
                .with_detail("the body must be JSON: send it with `content-type: application/json`"));
        }
        Self::parse(&collect(request).await?)
    }
}

/// `None` if the request has no content type.
impl<T: DeserializeOwned> OptionalFromRequest for Json<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request) -> Result<Option<Self>, HttpError> {
        match request.headers().contains("content-type") {
            true => <Self as FromRequest>::from_request(request).await.map(Some),
            false => Ok(None),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        self.into_outcome().unwrap_or_else(IntoResponse::into_response)
    }

    fn into_outcome(self) -> Result<Response, Failure> {
        let text = serde_json::to_vec(&self.0).map_err(|error| {
            failure!("{} cannot be written as JSON: {error}", std::any::type_name::<T>());
            Failure::new(HttpError::new(Status::INTERNAL_SERVER_ERROR))
        })?;
        const JSON: Headers = Headers::constant("content-type: application/json").expect("a header field");
        Ok(with_headers(text, JSON))
    }
}

/// Returns the media type of the body, without its parameters.
fn media_type(headers: &Headers) -> Option<&str> {
    headers.get_str("content-type")?.split(';').next().map(str::trim)
}

/// Whether the type is `application/json`, or one with the suffix `+json` (RFC 6839), as `application/problem+json`.
fn is_json(media: &str) -> bool {
    let Some((kind, subtype)) = media.split_once('/') else { return false };
    let suffix = subtype.len().checked_sub(5).and_then(|at| subtype.get(at..));
    kind.eq_ignore_ascii_case("application")
        && (subtype.eq_ignore_ascii_case("json") || suffix.is_some_and(|s| s.eq_ignore_ascii_case("+json")))
}

async fn collect(mut request: Request) -> Result<Vec<u8>, HttpError> {
    let limit = request.body_limit();
    Ok(request.stream().collect(limit).await?)
}

impl FromRequest for Request {
    type Rejection = Infallible;

    async fn from_request(request: Request) -> Result<Self, Infallible> {
        Ok(request)
    }
}

/// The body itself, without a limit of the toolkit.
impl FromRequest for Body {
    type Rejection = Infallible;

    async fn from_request(mut request: Request) -> Result<Self, Infallible> {
        Ok(request.stream())
    }
}

impl FromRequest for Bytes {
    type Rejection = HttpError;

    async fn from_request(request: Request) -> Result<Self, HttpError> {
        collect(request).await.map(Into::into)
    }
}

impl FromRequest for Vec<u8> {
    type Rejection = HttpError;

    async fn from_request(request: Request) -> Result<Self, HttpError> {
        collect(request).await
    }
}

/// The body as text. Rejects a body that is not UTF-8 with 400.
impl FromRequest for String {
    type Rejection = HttpError;

    async fn from_request(request: Request) -> Result<Self, HttpError> {
        decode::text(collect(request).await?)
    }
}
