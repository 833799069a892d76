//! `User` and `AuthCredentials`: what the middleware knows about a request, as arguments of handlers.

use std::borrow::Cow;

use stelo_core::http::Status;

use crate::extract::{FromRequestParts, OptionalFromRequestParts};
use crate::request::Parts;
use crate::response::HttpError;
use crate::response::report::failure;

/// The scopes of a request: texts such as `authenticated` and `admin`. Empty for a request without a user.
///
/// As an argument, it rejects the request with 500 if [`Authentication`](crate::middleware::Authentication) is missing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuthCredentials {
    scopes: Vec<Cow<'static, str>>,
    /// The challenge of the backend.
    challenge: Option<Cow<'static, str>>,
}

impl AuthCredentials {
    /// Creates credentials with these scopes.
    pub fn new(scopes: impl IntoIterator<Item: Into<Cow<'static, str>>>) -> Self {
        Self { scopes: scopes.into_iter().map(Into::into).collect(), challenge: None }
    }

    /// Returns the scopes.
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.scopes.iter().map(|scope| &**scope)
    }

    /// Returns whether all of these scopes are there: Starlette's `has_required_scope`.
    pub fn has_scopes(&self, required: impl IntoIterator<Item: AsRef<str>>) -> bool {
        required.into_iter().all(|scope| self.scopes().any(|own| own == scope.as_ref()))
    }

    pub(crate) fn with_challenge(self, challenge: Option<Cow<'static, str>>) -> Self {
        Self { challenge, ..self }
    }

    /// Returns an error of this status. One of 401 has the challenge.
    pub(crate) fn refuse(&self, status: Status) -> HttpError {
        let error = HttpError::new(status);
        match &self.challenge {
            Some(challenge) if status == Status::UNAUTHORIZED => {
                error.clone().try_with_header("www-authenticate", &**challenge).unwrap_or(error)
            }
            _ => error,
        }
    }

    /// Returns the credentials of a request.
    ///
    /// # Errors
    /// 500, with a line in the log, if the middleware is missing.
    pub(crate) fn of(parts: &Parts) -> Result<&Self, HttpError> {
        parts.extensions().get().ok_or_else(|| {
            failure!("the user of a request is needed: add `middleware::Authentication` around the route");
            HttpError::new(Status::INTERNAL_SERVER_ERROR)
        })
    }
}

impl FromRequestParts for AuthCredentials {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
        Self::of(parts).cloned()
    }
}

/// The user that the [backend](super::AuthenticationBackend) has found, of its type of users.
///
/// Rejects a request without a user with 401 if the backend has a challenge, else with 403. An `Option` is `None` then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct User<U>(pub U);

impl<U: Clone + Send + Sync + 'static> FromRequestParts for User<U> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
        let credentials = AuthCredentials::of(parts)?;
        parts.extensions().get::<Self>().cloned().ok_or_else(|| {
            let has_challenge = credentials.challenge.is_some();
            credentials.refuse(if has_challenge { Status::UNAUTHORIZED } else { Status::FORBIDDEN })
        })
    }
}

/// `None` if the request has no user.
impl<U: Clone + Send + Sync + 'static> OptionalFromRequestParts for User<U> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Option<Self>, HttpError> {
        AuthCredentials::of(parts)?;
        Ok(parts.extensions().get::<Self>().cloned())
    }
}
