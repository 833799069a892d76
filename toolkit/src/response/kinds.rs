//! Types of responses: HTML, redirects, streams.

use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use stelo_core::Bytes;
use stelo_core::app::{BoxError, Response};
use stelo_core::body::Body;
use stelo_core::http::header::{self, HeaderValue, IntoHeaderValue};
use stelo_core::http::{Headers, Status};

use super::{IntoResponse, with_headers};
use crate::response::panics;
use crate::response::report::failure;

/// An HTML page: `text/html; charset=utf-8`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Html<T>(pub T);

impl<T: Into<Body>> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        const HTML: Headers =
            Headers::constant("content-type: text/html; charset=utf-8").expect("a header field");
        with_headers(self.0, HTML)
    }
}

/// Redirects the client to another URL. The caller must check a URL that comes from outside.
///
/// ```
/// use stelo_toolkit::Redirect;
///
/// async fn moved() -> Redirect { Redirect::to("/new place") }
/// # let _ = stelo_toolkit::get(moved);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redirect {
    status: Status,
    location: HeaderValue,
}

/// The characters that are percent-encoded in a `location`: all but unreserved characters and ``:/%#?=@[]!$&'()*+,;`` (RFC 3986 section 2).
const LOCATION: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

impl Redirect {
    /// Creates a redirect of status 307: the client repeats the request there, with its method and its body.
    pub fn to(url: impl AsRef<str>) -> Self {
        Self::with_status(Status::TEMPORARY_REDIRECT, url)
    }

    /// Creates a redirect of status 303: the client sends GET there. The usual response to a form.
    pub fn see_other(url: impl AsRef<str>) -> Self {
        Self::with_status(Status::SEE_OTHER, url)
    }

    /// Creates a redirect of status 308: as [`to`](Self::to), and the client may cache it.
    pub fn permanent(url: impl AsRef<str>) -> Self {
        Self::with_status(Status::PERMANENT_REDIRECT, url)
    }

    /// Creates a redirect of this status. Characters that are invalid in a URL are percent-encoded.
    pub fn with_status(status: Status, url: impl AsRef<str>) -> Self {
        let location = utf8_percent_encode(url.as_ref(), LOCATION).to_string();
        Self { status, location: location.try_into().expect("percent-encoded text is visible ASCII") }
    }
}

impl IntoResponse for Redirect {
    fn into_response(self) -> Response {
        let mut response = Response::empty(self.status);
        response.headers.append(header::LOCATION, self.location);
        response
    }
}

/// A response whose body comes piece by piece from a stream. An error of the stream cuts the response off, so that the
/// client notices that it is incomplete.
///
/// ```
/// use futures_lite::{StreamExt, stream};
/// use stelo_toolkit::response::StreamingResponse;
/// use stelo_toolkit::IntoResponse;
///
/// async fn numbers() -> impl IntoResponse {
///     StreamingResponse::text(stream::iter(1..=3).map(|n| format!("{n}\n")))
/// }
/// # let _ = stelo_toolkit::get(numbers);
/// ```
pub struct StreamingResponse {
    body: Body,
    content_type: Option<HeaderValue>,
}

impl StreamingResponse {
    /// Creates a response of these pieces, without a content type.
    pub fn new<T: Into<Bytes>>(pieces: impl Stream<Item = T> + Send + 'static) -> Self {
        Self::fallible(Infallible(Box::pin(pieces)))
    }

    /// Creates a response of these pieces as `text/plain; charset=utf-8`.
    pub fn text<T: Into<Bytes>>(pieces: impl Stream<Item = T> + Send + 'static) -> Self {
        Self::new(pieces).content_type("text/plain; charset=utf-8")
    }

    /// Creates a response of pieces that can fail.
    pub fn fallible<T: Into<Bytes>, E: Into<BoxError>>(
        pieces: impl Stream<Item = Result<T, E>> + Send + 'static,
    ) -> Self {
        Self { body: Body::from_stream(Contained(Some(Box::pin(pieces)))), content_type: None }
    }

    /// Sets the content type: a literal, or a checked [`HeaderValue`].
    ///
    /// # Panics
    /// If a literal is not a valid header value.
    #[must_use]
    #[track_caller]
    pub fn content_type(self, content_type: impl IntoHeaderValue) -> Self {
        Self { content_type: Some(content_type.into_header_value()), ..self }
    }
}

impl IntoResponse for StreamingResponse {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.body);
        if let Some(content_type) = self.content_type {
            response.headers.append(header::CONTENT_TYPE, content_type);
        }
        response
    }
}

/// A stream that wraps its items in `Ok`.
struct Infallible<S>(Pin<Box<S>>);

impl<S: Stream> Stream for Infallible<S> {
    type Item = Result<S::Item, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx).map(|item| item.map(Ok))
    }
}

/// A stream that returns a panic as its last error.
struct Contained<S>(Option<Pin<Box<S>>>);

impl<S: Stream<Item = Result<T, E>>, T, E: Into<BoxError>> Stream for Contained<S> {
    type Item = Result<T, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = &mut self.0 else { return Poll::Ready(None) };
        let poll = std::panic::AssertUnwindSafe(|| stream.as_mut().poll_next(cx));
        match std::panic::catch_unwind(poll) {
            Ok(poll) => poll.map(|item| item.map(|piece| piece.map_err(Into::into))),
            Err(panic) => {
                self.0 = None;
                Poll::Ready(Some(Err(report(&*panic))))
            }
        }
    }
}

fn report(panic: &(dyn Any + Send)) -> BoxError {
    failure!("the body of a response panicked: {}", panics::message(panic));
    "the body of the response panicked".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_quoted() {
        for (url, location) in [
            ("/a b", "/a%20b"),
            ("/é?x=ü#f", "/%C3%A9?x=%C3%BC#f"),
            ("/x\r\ny", "/x%0D%0Ay"),
            ("<>|\"`{}^\\", "%3C%3E%7C%22%60%7B%7D%5E%5C"),
            ("/%7e", "/%7e"),
            ("//h/:?#[]@!$&'()*+,;=~", "//h/:?#[]@!$&'()*+,;=~"),
        ] {
            let response = Redirect::to(url).into_response();
            assert_eq!(response.headers.get_str("location"), Some(location));
        }
    }
}
