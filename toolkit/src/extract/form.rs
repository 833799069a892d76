//! Extractors that take a form: as a struct, as fields, as a stream of parts.

use serde_core::de::DeserializeOwned;
use stelo_core::http::{Method, Status};

use super::{FromRequest, OptionalFromRequest, OptionalFromRequestParts, Query};
use crate::forms::{self, FormData, FormLimits, Kind, Multipart};
use crate::request::{Request, decode};
use crate::response::HttpError;

/// A form as a value: a struct with a field for each name (`Vec` for repeated ones), or a map. For GET and HEAD it reads
/// the query, for other methods the body, urlencoded or multipart. Files are [`UploadFile`](crate::forms::UploadFile)s.
///
/// Rejects another content type with 415, a form that is malformed or exceeds the [limits](crate::forms::FormLimits) with 400, one that
/// is too large with 413, and one that does not fit with 422, naming the field.
///
/// ```
/// use serde::Deserialize;
/// use stelo_toolkit::{App, Form, TestClient, post};
///
/// #[derive(Deserialize)]
/// struct Login { name: String, #[serde(default)] remember: bool }
///
/// async fn login(Form(login): Form<Login>) -> String { format!("hello, {}", login.name) }
///
/// let client = TestClient::new(App::new().route("/", post(login)));
/// assert_eq!(client.post("/").form(&[("name", "ada")]).send().text(), "hello, ada");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Form<T> {
    type Rejection = HttpError;

    async fn from_request(mut request: Request) -> Result<Self, HttpError> {
        if matches!(request.method(), Method::Get | Method::Head) {
            return request.query().map(Self);
        }
        // A middleware may have read the form.
        let is_read = request.extensions().get::<FormData>().is_some();
        match forms::kind(request.headers()) {
            Some(Kind::Urlencoded) if !is_read => {
                let (limits, limit) = (FormLimits::of(&request), request.body_limit());
                decode::form(&forms::urlencoded(request.stream(), limit, &limits).await?).map(Self)
            }
            Some(_) => forms::typed(&request.form().await?).map(Self),
            None => Err(unsupported(
                "the body must be a form: send it with `content-type: application/x-www-form-urlencoded` or `multipart/form-data`",
            )),
        }
    }
}

/// `None` if the request has no content type, or, for GET and HEAD, no query.
impl<T: DeserializeOwned> OptionalFromRequest for Form<T> {
    type Rejection = HttpError;

    async fn from_request(mut request: Request) -> Result<Option<Self>, HttpError> {
        if matches!(request.method(), Method::Get | Method::Head) {
            let query = <Query<T> as OptionalFromRequestParts>::from_request_parts(&mut request).await?;
            return Ok(query.map(|Query(form)| Self(form)));
        }
        match request.headers().contains("content-type") {
            true => <Self as FromRequest>::from_request(request).await.map(Some),
            false => Ok(None),
        }
    }
}

/// The form in the body, as [`Request::form`] returns it.
impl FromRequest for FormData {
    type Rejection = HttpError;

    async fn from_request(mut request: Request) -> Result<Self, HttpError> {
        request.form().await
    }
}

/// The parts of a multipart form as a stream. Rejects another content type with 415, and one without a boundary with 400.
impl FromRequest for Multipart {
    type Rejection = HttpError;

    async fn from_request(mut request: Request) -> Result<Self, HttpError> {
        Self::of(&mut request).unwrap_or_else(|| {
            Err(unsupported(
                "the body must be a multipart form: send it with `content-type: multipart/form-data`",
            ))
        })
    }
}

fn unsupported(detail: &'static str) -> HttpError {
    HttpError::new(Status::UNSUPPORTED_MEDIA_TYPE).with_detail(detail)
}
