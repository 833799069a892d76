//! What the toolkit adds to a response: header fields, cookies and background tasks in a chain.

use std::future::Future;

use stelo_core::app::{BoxFuture, Response};
use stelo_core::http::InvalidHeader;

use super::IntoResponse;
use super::{InvalidCookie, SetCookie};

/// What the toolkit adds to [`Response`].
///
/// ```
/// use stelo_toolkit::{IntoResponse, Response, ResponseExt, SetCookie};
///
/// async fn login() -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
///     let mut response = "welcome".into_response().background(async { println!("sent") });
///     response.set_cookie(&SetCookie::new("user", "ada"))?;
///     Ok(response)
/// }
/// # let _ = stelo_toolkit::get(login);
/// ```
pub trait ResponseExt: Sized {
    /// Sets a header field, in place of others of its name.
    ///
    /// # Errors
    /// The field cannot be written as one header line.
    fn set_header(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), InvalidHeader>;

    /// Sets a cookie.
    ///
    /// # Errors
    /// The cookie cannot be written.
    fn set_cookie(&mut self, cookie: &SetCookie) -> Result<(), InvalidCookie>;

    /// Has the browser forget a cookie that was set for the whole site. For others there is [`SetCookie::removal`].
    ///
    /// # Errors
    /// The name cannot be that of a cookie.
    fn delete_cookie(&mut self, name: &str) -> Result<(), InvalidCookie> {
        self.set_cookie(&SetCookie::removal(name.to_owned()))
    }

    /// Has a task run after the response has been sent, or has failed to be, and after the tasks that it has already.
    #[must_use]
    fn background(self, task: impl Future<Output = ()> + Send + 'static) -> Self;
}

impl ResponseExt for Response {
    fn set_header(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), InvalidHeader> {
        self.headers.try_set(name, value)
    }

    fn set_cookie(&mut self, cookie: &SetCookie) -> Result<(), InvalidCookie> {
        let field = cookie.to_field()?;
        // The check of the cookie allows less than a header field may have.
        self.headers.try_append("set-cookie", field).map_err(|_| InvalidCookie::Attribute)
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

/// A response with a task that runs after it has been sent.
///
/// ```
/// use stelo_toolkit::{Background, IntoResponse};
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
    /// `response`, and then `task`.
    pub fn new(response: T, task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { response, task: Box::pin(task) }
    }
}

impl<T: IntoResponse> IntoResponse for Background<T> {
    fn into_response(self) -> Response {
        self.response.into_response().background(self.task)
    }

    fn into_outcome(self) -> Result<Response, crate::Failure> {
        Ok(self.response.into_outcome()?.background(self.task))
    }
}
