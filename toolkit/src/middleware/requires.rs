//! `requires`: admits requests with certain scopes. Starlette's decorator of that name.

use std::borrow::Cow;

use form_urlencoded::Serializer;
use stelo_core::app::Reply;
use stelo_core::http::Status;

use super::reply::refused;
use super::{Middleware, Next};
use crate::authentication::AuthCredentials;
use crate::request::Request;
use crate::response::report::failure;
use crate::response::{HttpError, IntoResponse, Redirect};

/// Admits the requests that have all of these scopes, and answers the others with 403. For a route, a router or the
/// application, inside [`Authentication`](super::Authentication).
///
/// ```
/// use stelo_toolkit::authentication::BearerBackend;
/// use stelo_toolkit::middleware::{Authentication, requires};
/// use stelo_toolkit::{App, TestClient, get};
///
/// let app = App::new()
///     .middleware(Authentication::new(BearerBackend::new().token("a-long-token", "ada")))
///     .route("/login", get("Who are you?"))
///     .name("login")
///     .route("/account", get("your account").middleware(requires(["authenticated"]).redirect("login")));
///
/// let client = TestClient::new(app);
/// assert_eq!(client.get("/account").header("authorization", "Bearer a-long-token").send().text(), "your account");
/// assert_eq!(
///     client.get("/account").follow_redirects(false).send().header("location"),
///     Some("http://testserver/login?next=http%3A%2F%2Ftestserver%2Faccount")
/// );
/// ```
pub fn requires(scopes: impl IntoIterator<Item: Into<Cow<'static, str>>>) -> Requires {
    let scopes = scopes.into_iter().map(Into::into).collect();
    Requires { scopes, status: Status::FORBIDDEN, redirect: None }
}

/// The middleware that [`requires`] creates.
#[derive(Clone, Debug)]
pub struct Requires {
    scopes: Vec<Cow<'static, str>>,
    status: Status,
    redirect: Option<Cow<'static, str>>,
}

impl Requires {
    /// Sets the status of the response to a request without the scopes. The default is 403. A 401 has the challenge of the
    /// backend.
    #[must_use]
    pub fn status(self, status: Status) -> Self {
        Self { status, ..self }
    }

    /// Redirects a request without the scopes to the route of this name (status 303), with its own URL as the parameter
    /// `next`. A WebSocket handshake is denied with the [status](Self::status).
    ///
    /// The route that answers must not redirect to any `next`: check that it is a URL of the site.
    #[must_use]
    pub fn redirect(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { redirect: Some(name.into()), ..self }
    }

    /// Returns the response to a request without the scopes.
    fn deny(&self, request: Request, error: HttpError) -> Reply {
        let Some(name) = self.redirect.as_ref().filter(|_| !request.is_websocket()) else {
            return refused(request, error);
        };
        match request.url_for(name, &[]) {
            Ok(url) => {
                let url = url.to_string();
                let next =
                    Serializer::new(String::new()).append_pair("next", &request.url().to_string()).finish();
                Redirect::see_other(format!("{url}?{next}")).into_response().into()
            }
            Err(error) => {
                failure!("`requires` cannot redirect to the route `{name}`: {error}");
                refused(request, HttpError::new(Status::INTERNAL_SERVER_ERROR))
            }
        }
    }
}

impl Middleware for Requires {
    fn call(&self, request: Request, next: Next) -> Reply {
        match AuthCredentials::of(&request) {
            Ok(credentials) if credentials.has_scopes(&self.scopes) => next.run(request),
            Ok(credentials) => {
                let error = credentials.refuse(self.status);
                self.deny(request, error)
            }
            Err(error) => refused(request, error),
        }
    }
}
