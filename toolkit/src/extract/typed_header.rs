//! `Header`: a header field as a typed value.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stelo_core::http::{Headers, Status, date};

use super::{FromRequestParts, OptionalFromRequestParts};
use crate::request::Parts;
use crate::response::HttpError;

/// A header field as a value: [`UserAgent`], [`ContentType`], [`Origin`], or your own [`TypedHeader`].
///
/// Rejects a request without the field, with two of them, or with an invalid one: status 400, naming the field.
///
/// ```
/// use stelo_toolkit::extract::{Header, TypedHeader};
/// use stelo_toolkit::{App, TestClient, get};
///
/// struct ApiVersion(u32);
///
/// impl TypedHeader for ApiVersion {
///     const NAME: &'static str = "x-api-version";
///
///     fn parse(value: &str) -> Option<Self> {
///         value.parse().ok().map(Self)
///     }
/// }
///
/// async fn version(Header(ApiVersion(version)): Header<ApiVersion>) -> String { format!("version {version}") }
///
/// let client = TestClient::new(App::new().route("/", get(version)));
/// assert_eq!(client.get("/").header("x-api-version", "7").send().text(), "version 7");
/// assert_eq!(client.get("/").send().text(), "the header `x-api-version` is missing");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header<T>(pub T);

/// A type that is read from a header field.
pub trait TypedHeader: Sized {
    /// The name of the field.
    const NAME: &'static str;

    /// Parses a value. `None` if it is invalid.
    fn parse(value: &str) -> Option<Self>;
}

impl<T: TypedHeader> Header<T> {
    /// Finds the field. `None` if there is none.
    fn find(headers: &Headers) -> Option<Result<Self, HttpError>> {
        let mut fields = headers.get_all(T::NAME);
        let field = fields.next()?;
        if fields.next().is_some() {
            return Some(Err(Self::reject("is there twice")));
        }
        let value = std::str::from_utf8(field).ok().and_then(T::parse);
        Some(value.map(Self).ok_or_else(|| Self::reject("is invalid")))
    }

    fn reject(reason: &str) -> HttpError {
        HttpError::new(Status::BAD_REQUEST).with_detail(format!("the header `{}` {reason}", T::NAME))
    }
}

impl<T: TypedHeader> FromRequestParts for Header<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
        Self::find(parts.headers()).unwrap_or_else(|| Err(Self::reject("is missing")))
    }
}

/// `None` if the request has no such field. An invalid one is rejected.
impl<T: TypedHeader> OptionalFromRequestParts for Header<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Option<Self>, HttpError> {
        Self::find(parts.headers()).transpose()
    }
}

macro_rules! texts {
    ($($(#[$docs:meta])* $name:ident = $field:literal;)*) => {$(
        $(#[$docs])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $name(pub String);

        impl TypedHeader for $name {
            const NAME: &'static str = $field;

            fn parse(value: &str) -> Option<Self> {
                Some(Self(value.to_owned()))
            }
        }
    )*};
}

texts! {
    /// The program of the client: `user-agent` (RFC 9110 section 10.1.5).
    UserAgent = "user-agent";
    /// The media type of the body: `content-type` (RFC 9110 section 8.3).
    ContentType = "content-type";
    /// The origin of the page that makes the request: `origin` (RFC 6454 section 7).
    Origin = "origin";
    /// The page with the link: `referer` (RFC 9110 section 10.1.3).
    Referer = "referer";
}

/// The number of bytes of the body: `content-length` (RFC 9110 section 8.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ContentLength(pub u64);

impl TypedHeader for ContentLength {
    const NAME: &'static str = "content-length";

    fn parse(value: &str) -> Option<Self> {
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        value.parse().ok().filter(|_| is_number).map(Self)
    }
}

/// The time of the client's copy: `if-modified-since` (RFC 9110 section 13.1.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IfModifiedSince(pub SystemTime);

impl TypedHeader for IfModifiedSince {
    const NAME: &'static str = "if-modified-since";

    fn parse(value: &str) -> Option<Self> {
        date::parse(value.as_bytes()).map(|seconds| Self(UNIX_EPOCH + Duration::from_secs(seconds)))
    }
}
