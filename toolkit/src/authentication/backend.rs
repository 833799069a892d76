//! `AuthenticationBackend`: finds the user of a request.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;

use stelo_core::http::Status;

use super::AuthCredentials;
use crate::request::Parts;
use crate::response::HttpError;

/// Finds the user of a request, by credentials, a session, or anything else in its head.
///
/// ```
/// use stelo_toolkit::authentication::{AuthCredentials, AuthenticationBackend, AuthenticationError, User};
/// use stelo_toolkit::middleware::{Authentication, requires};
/// use stelo_toolkit::request::Parts;
/// use stelo_toolkit::{App, Status, TestClient, get};
///
/// #[derive(Clone)]
/// struct Person { name: String }
///
/// struct ByKey;
///
/// impl AuthenticationBackend for ByKey {
///     type User = Person;
///
///     async fn authenticate(
///         &self,
///         parts: &mut Parts,
///     ) -> Result<Option<(AuthCredentials, Person)>, AuthenticationError> {
///         match parts.headers().get_str("x-api-key") {
///             None => Ok(None),
///             Some("key of ada") => {
///                 Ok(Some((AuthCredentials::new(["authenticated"]), Person { name: "Ada".into() })))
///             }
///             Some(_) => Err(AuthenticationError::new("unknown key")),
///         }
///     }
/// }
///
/// async fn account(User(person): User<Person>) -> String { format!("Hello, {}!", person.name) }
///
/// let app = App::new()
///     .middleware(Authentication::new(ByKey))
///     .route("/account", get(account).middleware(requires(["authenticated"])));
///
/// let client = TestClient::new(app);
/// assert_eq!(client.get("/account").header("x-api-key", "key of ada").send().text(), "Hello, Ada!");
/// assert_eq!(client.get("/account").header("x-api-key", "guess").send().text(), "unknown key");
/// assert_eq!(client.get("/account").send().status(), Status::FORBIDDEN);
/// ```
pub trait AuthenticationBackend: Send + Sync + 'static {
    /// The user. Handlers get a clone of it.
    type User: Clone + Send + Sync + 'static;

    /// Returns the user and the scopes of a request, or `None` for a request without a user.
    ///
    /// # Errors
    /// The request is answered by [`on_error`](crate::middleware::Authentication::on_error): with 400 and the text of the
    /// error, unless the error or the application says otherwise.
    fn authenticate(
        &self,
        parts: &mut Parts,
    ) -> impl Future<Output = Result<Option<(AuthCredentials, Self::User)>, AuthenticationError>> + Send;

    /// Returns the value of `www-authenticate` for responses of status 401, such as `Bearer`.
    fn challenge(&self) -> Option<Cow<'static, str>> {
        None
    }
}

/// An error of a backend: credentials that are not accepted, or another one made [from](Self::from) an [`HttpError`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthenticationError(HttpError);

impl AuthenticationError {
    /// Creates an error of status 400 with this text.
    pub fn new(detail: impl Into<Cow<'static, str>>) -> Self {
        Self(HttpError::new(Status::BAD_REQUEST).with_detail(detail))
    }
}

impl From<HttpError> for AuthenticationError {
    fn from(error: HttpError) -> Self {
        Self(error)
    }
}

impl From<AuthenticationError> for HttpError {
    fn from(error: AuthenticationError) -> Self {
        error.0
    }
}

impl fmt::Display for AuthenticationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl Error for AuthenticationError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
