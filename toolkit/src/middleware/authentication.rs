//! `Authentication`: finds the user of each request. Starlette's `AuthenticationMiddleware`.

use std::fmt;
use std::sync::Arc;

use stelo_core::app::{Reply, Response};

use super::{Middleware, Next};
use crate::authentication::{AuthCredentials, AuthenticationBackend, AuthenticationError, User};
use crate::handler::Scope;
use crate::request::{Parts, Request};
use crate::response::{Failure, HttpError, IntoResponse};

/// Asks an [`AuthenticationBackend`] for the user of each request, WebSocket handshakes included.
///
/// Handlers take the [`User`] and the [`AuthCredentials`] as arguments. A request without a user passes:
/// [`requires`](super::requires) guards a route.
pub struct Authentication<B> {
    backend: Arc<B>,
    on_error: Option<Arc<OnError>>,
}

type OnError = dyn Fn(&Parts, AuthenticationError) -> Response + Send + Sync;

impl<B: AuthenticationBackend> Authentication<B> {
    /// Creates the middleware.
    pub fn new(backend: B) -> Self {
        Self { backend: Arc::new(backend), on_error: None }
    }

    /// Sets the response to credentials that the backend does not accept. Without it, the error goes to the error
    /// handlers of the application as [`HttpError`], and is else its own response: status 400 with its text.
    #[must_use]
    pub fn on_error<R: IntoResponse>(
        self,
        respond: impl Fn(&Parts, AuthenticationError) -> R + Send + Sync + 'static,
    ) -> Self {
        let respond = move |parts: &Parts, error: AuthenticationError| respond(parts, error).into_response();
        Self { on_error: Some(Arc::new(respond)), ..self }
    }
}

impl<B: AuthenticationBackend> Middleware for Authentication<B> {
    fn call(&self, mut request: Request, next: Next) -> Reply {
        let scope = Scope::of(&request);
        let (backend, on_error) = (self.backend.clone(), self.on_error.clone());
        Reply::future(scope.settle(async move {
            let (credentials, user) = match backend.authenticate(&mut request).await {
                Ok(Some((credentials, user))) => (credentials, Some(user)),
                Ok(None) => (AuthCredentials::default(), None),
                Err(error) => {
                    return match on_error {
                        Some(respond) => Ok(respond(&request, error)),
                        None => Err(Failure::new(HttpError::from(error))),
                    };
                }
            };
            let extensions = request.extensions_mut();
            extensions.insert(credentials.with_challenge(backend.challenge()));
            match user {
                Some(user) => drop(extensions.insert(User(user))),
                None => drop(extensions.remove::<User<B::User>>()),
            }
            Ok(next.run(request).await)
        }))
    }
}

impl<B> fmt::Debug for Authentication<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authentication")
    }
}
