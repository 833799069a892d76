//! Responses, and the types that become one.

mod cache_control;
pub(crate) mod error;
mod ext;
mod failure;
mod kinds;
pub(crate) mod panics;
mod problem;
pub(crate) mod report;
mod set_cookie;
mod trailers;

use std::borrow::Cow;

use stelo_core::Bytes;
use stelo_core::body::Body;
use stelo_core::http::{Headers, InvalidHeader, Status};

use crate::describe::Operation;

pub use stelo_core::app::{BoxError, Reply, Response};

pub use cache_control::CacheControl;
pub use error::{Error, HttpError, Result};
pub use ext::{Background, ResponseExt};
pub use failure::Failure;
pub use kinds::{Html, Redirect, StreamingResponse};
pub use problem::Problem;
pub use set_cookie::{InvalidCookie, SameSite, SetCookie};

/// A type that a handler can return.
///
/// Text and bytes have status 200. A [`Status`] has an empty body. A tuple sets status and header fields of its last
/// element. An `Err` is answered by the error handlers of the application, or else is its own response.
///
/// ```
/// use stelo_toolkit::{IntoResponse, Json, Status};
///
/// async fn text() -> &'static str { "hello" }
/// async fn created() -> (Status, [(&'static str, &'static str); 1], Json<u32>) {
///     (Status::CREATED, [("location", "/items/7")], Json(7))
/// }
/// async fn either() -> Result<String, Status> { Err(Status::IM_A_TEAPOT) }
/// # let _ = (stelo_toolkit::get(text), stelo_toolkit::get(created), stelo_toolkit::get(either));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a response",
    label = "a handler cannot return this",
    note = "return text, bytes, `()`, a `Status`, `Json(..)`, `Html(..)`, a `Redirect`, a `Response`, a tuple such as `(Status, body)` or `(Status, headers, body)`, or a `Result` of two of them; or implement `IntoResponse` for your type",
    note = "to fail with any error by `?`, return `stelo::Result<T>`; it answers 500 and logs the error"
)]
pub trait IntoResponse: Sized {
    /// Converts to a response.
    fn into_response(self) -> Response;

    /// Converts to a response, or to an error for the error handlers of the application. Types that wrap a `Result`
    /// implement it; for all others the default is right.
    ///
    /// # Errors
    /// The value is an error.
    fn into_outcome(self) -> Result<Response, Failure> {
        Ok(self.into_response())
    }

    /// Describes the response. Types that wrap another response describe that.
    fn describe(operation: &mut Operation) {
        let _ = operation;
    }
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::default()
    }
}

impl IntoResponse for Status {
    fn into_response(self) -> Response {
        Response::empty(self)
    }
}

impl IntoResponse for std::convert::Infallible {
    fn into_response(self) -> Response {
        match self {}
    }
}

/// Implements responses of status 200.
macro_rules! bodies {
    ($($kind:ty => $response:expr;)*) => {$(
        impl IntoResponse for $kind {
            fn into_response(self) -> Response {
                let respond: fn(Self) -> Response = $response;
                respond(self)
            }
        }
    )*};
}

bodies! {
    &'static str => |text| Response::text(Status::OK, text);
    String => |text| Response::text(Status::OK, text);
    Cow<'static, str> => |text| Response::text(Status::OK, text);
    Vec<u8> => |bytes| with_headers(bytes, BYTES);
    &'static [u8] => |bytes| with_headers(bytes, BYTES);
    Bytes => |bytes| with_headers(bytes, BYTES);
    Body => Response::new;
}

const BYTES: Headers = Headers::constant("content-type: application/octet-stream").expect("a header field");

/// Creates a response of status 200 with header fields.
pub(crate) fn with_headers(body: impl Into<Body>, headers: Headers) -> Response {
    Response { status: Status::OK, headers, body: body.into(), background: None, upgrade: None }
}

impl<T: IntoResponse, E: IntoResponse + Send + 'static> IntoResponse for Result<T, E> {
    fn into_response(self) -> Response {
        self.into_outcome().unwrap_or_else(IntoResponse::into_response)
    }

    fn into_outcome(self) -> Result<Response, Failure> {
        match self {
            Ok(value) => value.into_outcome(),
            Err(error) => Err(Failure::new(error)),
        }
    }

    fn describe(operation: &mut Operation) {
        T::describe(operation);
        E::describe(operation);
    }
}

/// `None` is an error of status 404.
impl<T: IntoResponse> IntoResponse for Option<T> {
    fn into_response(self) -> Response {
        self.into_outcome().unwrap_or_else(IntoResponse::into_response)
    }

    fn into_outcome(self) -> Result<Response, Failure> {
        match self {
            Some(value) => value.into_outcome(),
            None => Err(Failure::new(HttpError::new(Status::NOT_FOUND))),
        }
    }

    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

/// Header fields before the body in a tuple: pairs, or [`Headers`].
///
/// They replace fields of the same names that the body sets, such as its content type.
pub trait IntoHeaders {
    /// Converts to header fields.
    ///
    /// # Errors
    /// A field cannot be written as one header line. The response is then 500.
    fn into_headers(self) -> Result<Headers, InvalidHeader>;
}

impl IntoHeaders for Headers {
    fn into_headers(self) -> Result<Headers, InvalidHeader> {
        Ok(self)
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>, const LEN: usize> IntoHeaders for [(N, V); LEN] {
    fn into_headers(self) -> Result<Headers, InvalidHeader> {
        collect(self)
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> IntoHeaders for Vec<(N, V)> {
    fn into_headers(self) -> Result<Headers, InvalidHeader> {
        collect(self)
    }
}

fn collect<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    fields: impl IntoIterator<Item = (N, V)>,
) -> Result<Headers, InvalidHeader> {
    let mut headers = Headers::new();
    fields.into_iter().try_for_each(|(name, value)| headers.try_append(name, value))?;
    Ok(headers)
}

impl<T: IntoResponse> IntoResponse for (Status, T) {
    fn into_response(self) -> Response {
        Response { status: self.0, ..self.1.into_response() }
    }

    fn into_outcome(self) -> Result<Response, Failure> {
        Ok(Response { status: self.0, ..self.1.into_outcome()? })
    }

    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

impl<H: IntoHeaders, T: IntoResponse> IntoResponse for (H, T) {
    fn into_response(self) -> Response {
        self.into_outcome().unwrap_or_else(IntoResponse::into_response)
    }

    fn into_outcome(self) -> Result<Response, Failure> {
        let mut response = self.1.into_outcome()?;
        let fields = self.0.into_headers().map_err(|error| Failure::new(BoxError::from(error)))?;
        response.headers.set_all(&fields);
        Ok(response)
    }

    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

impl<H: IntoHeaders, T: IntoResponse> IntoResponse for (Status, H, T) {
    fn into_response(self) -> Response {
        self.into_outcome().unwrap_or_else(IntoResponse::into_response)
    }

    fn into_outcome(self) -> Result<Response, Failure> {
        (self.0, (self.1, self.2)).into_outcome()
    }

    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}
