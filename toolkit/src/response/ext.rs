//! `ResponseExt`: header fields, cookies, trailers and background tasks of a response; `Background`.

use std::future::Future;

use stelo_core::app::{BoxFuture, Response};
use stelo_core::http::Headers;
use stelo_core::http::header::{IntoHeaderName, IntoHeaderValue};

use super::trailers::with_trailers;
use super::{IntoResponse, InvalidCookie, SetCookie};
use crate::describe::Operation;

/// Methods that the toolkit adds to [`Response`].
///
/// ```
/// use stelo_toolkit::response::{ResponseExt, SetCookie};
/// use stelo_toolkit::{IntoResponse, Response};
///
/// async fn login() -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
///     let mut response = "welcome".into_response().background(async { println!("sent") });
///     response.set_cookie(&SetCookie::new("user", "ada"))?;
///     Ok(response)
/// }
/// # let _ = stelo_toolkit::get(login);
/// ```
pub trait ResponseExt: Sized {
    /// Returns the response with a header field, in place of others of its name. Name and value are constants, literals or
    /// numbers: see [`Headers::set`](stelo_core::http::Headers::set). For text that is known only at run time, call
    /// [`Headers::try_set`](stelo_core::http::Headers::try_set) on the field `headers`.
    ///
    /// ```
    /// use stelo_toolkit::response::ResponseExt;
    /// use stelo_toolkit::{IntoResponse, Response, header};
    ///
    /// async fn quote() -> Response {
    ///     "to be or not to be".into_response().with_header(header::CACHE_CONTROL, "no-store")
    /// }
    /// # let _ = stelo_toolkit::get(quote);
    /// ```
    ///
    /// # Panics
    /// If a literal is not a valid name or value.
    #[must_use]
    #[track_caller]
    fn with_header(self, name: impl IntoHeaderName, value: impl IntoHeaderValue) -> Self;

    /// Sets a cookie.
    ///
    /// # Errors
    /// The cookie cannot be written.
    fn set_cookie(&mut self, cookie: &SetCookie) -> Result<(), InvalidCookie>;

    /// Deletes a cookie that was set for the whole site. For others use [`SetCookie::removal`].
    ///
    /// # Errors
    /// The name is not valid for a cookie.
    fn delete_cookie(&mut self, name: &str) -> Result<(), InvalidCookie> {
        self.set_cookie(&SetCookie::removal(name.to_owned()))
    }

    /// Sends a body of unknown length to its end even if the client has ended its side of the connection: see
    /// [`Body::allow_half_closed`](stelo_core::body::Body::allow_half_closed).
    ///
    /// ```
    /// use futures_lite::stream;
    /// use stelo_toolkit::response::{ResponseExt, StreamingResponse};
    /// use stelo_toolkit::{IntoResponse, Response};
    ///
    /// /// A report that command-line clients fetch with `nc -N`, which ends its side after the request.
    /// async fn report() -> Response {
    ///     let lines = stream::iter((1..=3).map(|n| format!("{n}\n")));
    ///     StreamingResponse::text(lines).into_response().allow_half_closed()
    /// }
    /// # let _ = stelo_toolkit::get(report);
    /// ```
    #[must_use]
    fn allow_half_closed(self) -> Self;

    /// Adds trailer fields, which the future gives when the body has been sent (RFC 9110 section 6.5). The body is sent in
    /// chunks, so a `content-length` is removed. Clients of HTTP/1.0 get no trailers.
    ///
    /// ```
    /// use futures_lite::stream;
    /// use stelo_toolkit::response::{ResponseExt, StreamingResponse};
    /// use stelo_toolkit::{Headers, IntoResponse, Response};
    ///
    /// async fn report() -> Response {
    ///     let lines = stream::iter(["one\n", "two\n"]);
    ///     StreamingResponse::text(lines).into_response().trailers(async {
    ///         let mut fields = Headers::new();
    ///         fields.set("x-lines", 2);
    ///         fields
    ///     })
    /// }
    /// # let _ = stelo_toolkit::get(report);
    /// ```
    #[must_use]
    fn trailers(self, trailers: impl Future<Output = Headers> + Send + 'static) -> Self;

    /// Runs a task after the response was sent or could not be sent, and after its earlier tasks.
    #[must_use]
    fn background(self, task: impl Future<Output = ()> + Send + 'static) -> Self;
}

impl ResponseExt for Response {
    fn with_header(mut self, name: impl IntoHeaderName, value: impl IntoHeaderValue) -> Self {
        self.headers.set(name, value);
        self
    }

    fn set_cookie(&mut self, cookie: &SetCookie) -> Result<(), InvalidCookie> {
        let field = cookie.to_field()?;
        // The check of the cookie allows less than a header field may have.
        self.headers.try_append("set-cookie", field).map_err(|_| InvalidCookie::Attribute)
    }

    fn allow_half_closed(mut self) -> Self {
        self.body = std::mem::take(&mut self.body).allow_half_closed();
        self
    }

    fn trailers(mut self, trailers: impl Future<Output = Headers> + Send + 'static) -> Self {
        self.headers.remove("content-length");
        self.body = with_trailers(std::mem::take(&mut self.body), trailers);
        self
    }

    fn background(mut self, task: impl Future<Output = ()> + Send + 'static) -> Self {
        self.background = Some(match self.background.take() {
            None => Box::pin(task),
            Some(earlier) => Box::pin(async {
                earlier.await;
                task.await;
            }),
        });
        self
    }
}

/// A response with a task that runs after it was sent.
///
/// ```
/// use stelo_toolkit::response::Background;
/// use stelo_toolkit::IntoResponse;
///
/// async fn signup() -> impl IntoResponse {
///     Background::new("welcome", async { /* send a mail */ })
/// }
/// # let _ = stelo_toolkit::get(signup);
/// ```
pub struct Background<T> {
    response: T,
    task: BoxFuture<()>,
}

impl<T: IntoResponse> Background<T> {
    /// Creates a response with a task.
    pub fn new(response: T, task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { response, task: Box::pin(task) }
    }
}

impl<T: IntoResponse> IntoResponse for Background<T> {
    fn into_response(self) -> Response {
        self.response.into_response().background(self.task)
    }

    fn into_outcome(self) -> Result<Response, super::Failure> {
        Ok(self.response.into_outcome()?.background(self.task))
    }

    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}
