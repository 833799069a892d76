//! From a request to a form.

use stelo_core::http::Headers;

use super::spool::Spool;
use super::{FormData, FormLimits, FormValue, Multipart, UploadFile, rejection, urlencoded};
use crate::request::{Parts, Request};
use crate::response::HttpError;

/// The kinds of forms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Urlencoded,
    Multipart,
}

/// Returns the kind of form that the body is, by its content type.
pub(crate) fn kind(headers: &Headers) -> Option<Kind> {
    let media = headers.get("content-type")?.split(|&b| b == b';').next()?.trim_ascii();
    match media {
        media if media.eq_ignore_ascii_case(b"multipart/form-data") => Some(Kind::Multipart),
        media if media.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") => Some(Kind::Urlencoded),
        _ => None,
    }
}

impl FormLimits {
    /// Returns the limits of the route, the router or the application that answers.
    pub(crate) fn of(parts: &Parts) -> Self {
        parts.state().cloned().unwrap_or_default()
    }
}

impl Multipart {
    /// Takes the body of a request. `None` if it is not a multipart form.
    pub(crate) fn of(request: &mut Request) -> Option<Result<Self, HttpError>> {
        (kind(request.headers()) == Some(Kind::Multipart)).then(|| Self::begin(request))
    }

    /// Begins to read the form of a request of this content type.
    fn begin(request: &mut Request) -> Result<Self, HttpError> {
        let (body, limits, limit) = (request.stream(), FormLimits::of(request), request.body_limit());
        let content_type = request.headers().get("content-type").unwrap_or_default();
        Self::new(content_type, body, limits, limit)
    }
}

impl Request {
    /// Reads the form in the body, urlencoded or multipart. The form stays in the request: a handler behind a middleware
    /// can read it again. A body of another content type is an empty form, and stays unread.
    ///
    /// ```
    /// use stelo_toolkit::{App, HttpError, Next, Request, Response, TestClient, post};
    /// use stelo_toolkit::forms::FormData;
    ///
    /// async fn check(mut request: Request, next: Next) -> Result<Response, HttpError> {
    ///     let form = request.form().await?;
    ///     tracing::info!("{} fields", form.len());
    ///     Ok(next.run(request).await)
    /// }
    ///
    /// async fn greet(form: FormData) -> String { format!("hello, {}", form.text("name").unwrap_or("stranger")) }
    ///
    /// let client = TestClient::new(App::new().middleware(check).route("/", post(greet)));
    /// assert_eq!(client.post("/").form(&[("name", "ada")]).send().text(), "hello, ada");
    /// ```
    ///
    /// # Errors
    /// 400 if the form is malformed, ends early, or has too many or too large fields; 413 if the body, a file, or all
    /// fields together are too large; 507, 503 or 500 if a file cannot be stored; otherwise the error that ended the body
    /// early.
    pub async fn form(&mut self) -> Result<FormData, HttpError> {
        if let Some(form) = self.extensions().get::<FormData>() {
            return Ok(form.clone());
        }
        let form = match kind(self.headers()) {
            None => return Ok(FormData::new()),
            Some(Kind::Urlencoded) => {
                let (limits, limit) = (FormLimits::of(self), self.body_limit());
                let body = urlencoded(self.stream(), limit, &limits).await?;
                form_urlencoded::parse(&body)
                    .map(|(name, value)| (name, FormValue::Text(value.into_owned())))
                    .collect()
            }
            Some(Kind::Multipart) => collect(Multipart::begin(self)?, self).await?,
        };
        self.extensions_mut().insert(form.clone());
        Ok(form)
    }
}

/// Reads all parts: fields to memory, files to memory or a temporary file.
async fn collect(mut form: Multipart, request: &Parts) -> Result<FormData, HttpError> {
    let mut spool = Spool::new(form.limits(), request.executor());
    let mut data = FormData::new();
    let limit = request.body_limit();
    let mut left = limit;
    while let Some(mut part) = form.next_part().await? {
        let value = if part.filename().is_some() {
            while let Some(bytes) = part.chunk().await? {
                spool.write(bytes).await.map_err(rejection::of_disk)?;
            }
            Err(spool.end().await.map_err(rejection::of_disk)?)
        } else {
            let text = part.text().await?;
            let size = part.name().len() + text.len();
            left = left
                .checked_sub(size)
                .ok_or_else(|| rejection::too_large("all fields of the form", limit as u64))?;
            Ok(text)
        };
        let (name, filename, headers) = part.into_head();
        let value = match value {
            Ok(text) => FormValue::Text(text),
            Err(content) => {
                let executor = Some(request.executor());
                FormValue::File(UploadFile::of(content, filename.unwrap_or_default(), headers, executor))
            }
        };
        data.append(name, value);
    }
    Ok(data)
}
