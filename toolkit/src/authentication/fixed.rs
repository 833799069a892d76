//! `BasicBackend` and `BearerBackend`: a fixed list of passwords or tokens, such as for a page of metrics.

use std::borrow::Cow;

use stelo_core::http::Status;

use super::{AuthCredentials, AuthenticationBackend, AuthenticationError};
use crate::extract::{Authorization, AuthorizationScheme, Basic, Bearer};
use crate::request::Parts;
use crate::response::HttpError;

/// A user with a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SimpleUser {
    /// The name.
    pub username: String,
}

/// A list of names with their secrets, compared in a time that does not depend on the bytes that differ.
#[derive(Clone, Default)]
struct Known(Vec<(String, String)>);

impl Known {
    /// Finds the user for which `matches` is true. All are compared, so that the time does not tell which.
    fn find(&self, matches: impl Fn(&str, &str) -> bool) -> Option<SimpleUser> {
        let found = self.0.iter().fold(None, |found, (name, secret)| {
            let is_it = matches(name, secret);
            if is_it { Some(name) } else { found }
        });
        found.map(|name| SimpleUser { username: name.clone() })
    }
}

/// The scopes of a user that is known, or an error of status 401.
fn admitted(
    user: Option<SimpleUser>,
    challenge: &str,
) -> Result<Option<(AuthCredentials, SimpleUser)>, AuthenticationError> {
    let error = || {
        let error = HttpError::new(Status::UNAUTHORIZED).with_detail("invalid credentials");
        error.clone().try_with_header("www-authenticate", challenge).unwrap_or(error)
    };
    let user = user.ok_or_else(error)?;
    Ok(Some((AuthCredentials::new(["authenticated"]), user)))
}

/// Knows users by name and password: HTTP Basic (RFC 7617). Use it over `https` only.
///
/// A user has the scope `authenticated`. Wrong credentials are 401.
///
/// ```
/// use stelo_toolkit::authentication::BasicBackend;
/// use stelo_toolkit::middleware::{Authentication, requires};
/// use stelo_toolkit::{App, Status, TestClient, get};
///
/// let users = BasicBackend::new().user("ada", "a long password");
/// let guard = requires(["authenticated"]).status(Status::UNAUTHORIZED);
/// let app = App::new().middleware(Authentication::new(users)).route("/", get("hello").middleware(guard));
///
/// let response = TestClient::new(app).get("/").send();
/// assert_eq!(response.header("www-authenticate"), Some(r#"Basic realm="restricted", charset="UTF-8""#));
/// ```
#[derive(Clone, Default)]
pub struct BasicBackend(Known);

impl BasicBackend {
    /// Creates a backend without users.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.0.0.push((name.into(), password.into()));
        self
    }
}

impl AuthenticationBackend for BasicBackend {
    type User = SimpleUser;

    async fn authenticate(
        &self,
        parts: &mut Parts,
    ) -> Result<Option<(AuthCredentials, SimpleUser)>, AuthenticationError> {
        match Authorization::<Basic>::find(parts.headers()).transpose()? {
            None => Ok(None),
            Some(Authorization(basic)) => {
                let user = self.0.find(|name, password| basic.matches(name, password));
                admitted(user, Basic::CHALLENGE)
            }
        }
    }

    fn challenge(&self) -> Option<Cow<'static, str>> {
        Some(Basic::CHALLENGE.into())
    }
}

/// Knows users by a token: HTTP Bearer (RFC 6750). Use it over `https` only.
///
/// A user has the scope `authenticated`. An unknown token is 401.
#[derive(Clone, Default)]
pub struct BearerBackend(Known);

impl BearerBackend {
    /// Creates a backend without users.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the token of a user.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>, name: impl Into<String>) -> Self {
        self.0.0.push((name.into(), token.into()));
        self
    }
}

impl AuthenticationBackend for BearerBackend {
    type User = SimpleUser;

    async fn authenticate(
        &self,
        parts: &mut Parts,
    ) -> Result<Option<(AuthCredentials, SimpleUser)>, AuthenticationError> {
        match Authorization::<Bearer>::find(parts.headers()).transpose()? {
            None => Ok(None),
            Some(Authorization(bearer)) => {
                admitted(self.0.find(|_, token| bearer.matches(token)), "Bearer error=\"invalid_token\"")
            }
        }
    }

    fn challenge(&self) -> Option<Cow<'static, str>> {
        Some(Bearer::CHALLENGE.into())
    }
}
