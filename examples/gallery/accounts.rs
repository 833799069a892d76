//! Login and logout: the form, the session, and the passwords.

use std::collections::HashMap;
use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use serde::Deserialize;
use stelo::authentication::{AuthCredentials, AuthenticationBackend, AuthenticationError};
use stelo::extract::FromRequestParts;
use stelo::handler::blocking;
use stelo::middleware::{Quota, RateLimit};
use stelo::request::{Parts, Url};
use stelo::sessions::Session;
use stelo::templates::context;
use stelo::{Form, HttpError, Method, Query, Redirect, Request, Response, Router, State, get, post};

use crate::pages::Page;

/// The accounts of this demonstration. A site of your own keeps hashes in its database.
const ACCOUNTS: [(&str, &str); 2] = [("ada", "correct horse"), ("grace", "battery staple")];

/// A user who is logged in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
}

/// Finds the user in the session.
pub(crate) struct BySession;

impl AuthenticationBackend for BySession {
    type User = Person;

    async fn authenticate(
        &self,
        parts: &mut Parts,
    ) -> Result<Option<(AuthCredentials, Person)>, AuthenticationError> {
        let session = Session::from_request_parts(parts).await?;
        let person = session.get("person").map(|name| Person { name });
        Ok(person.map(|person| (AuthCredentials::new(["artist"]), person)))
    }
}

/// The hashes of the passwords: argon2id with 19 MiB, the default of the crate.
#[derive(Clone)]
pub(crate) struct Passwords {
    hashes: Arc<HashMap<&'static str, String>>,
    /// The hash of no password. An unknown name is answered as slowly as a wrong password.
    nobody: Arc<str>,
}

impl Passwords {
    /// Hashes the passwords of the accounts. Takes some 50 ms each.
    pub(crate) fn new() -> stelo::Result<Self> {
        let hash = |password: &str| -> stelo::Result<String> {
            let hash: PasswordHash =
                Argon2::default().hash_password(password.as_bytes()).map_err(|error| error.to_string())?;
            Ok(hash.to_string())
        };
        let hashes = ACCOUNTS.iter().map(|(name, password)| Ok((*name, hash(password)?)));
        Ok(Self { hashes: Arc::new(hashes.collect::<stelo::Result<_>>()?), nobody: hash("")?.into() })
    }

    fn are_right(&self, name: &str, password: &str) -> bool {
        let known = self.hashes.get(name);
        let hash = PasswordHash::new(known.map_or(&*self.nobody, String::as_str));
        let hash = hash.expect("it was made by `new`");
        Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && known.is_some()
    }
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

async fn form(
    Query(Next { next }): Query<Next>,
    page: Page,
    request: Request,
) -> Result<Response, HttpError> {
    page.show(&request, "login.html", context! { next })
}

#[derive(Deserialize)]
struct Login {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Blocking, because a hash takes a thread for some time.
fn log_in(
    State(passwords): State<Passwords>,
    session: Session,
    url: Url,
    Form(login): Form<Login>,
) -> stelo::Result<Redirect> {
    if !passwords.are_right(&login.name, &login.password) {
        session.flash("error", "Name or password is wrong.")?;
        return Ok(Redirect::see_other(url.to_string()));
    }
    // An id that was planted before the login is worthless now.
    session.cycle();
    session.insert("person", &login.name)?;
    session.flash("success", format!("Welcome, {}.", login.name))?;
    Ok(Redirect::see_other(local(&login.next, &url)))
}

async fn log_out(session: Session) -> stelo::Result<Redirect> {
    session.flush();
    session.flash("success", "You have left. Come back soon.")?;
    Ok(Redirect::see_other("/"))
}

/// Returns the path of a page of this site. Another site must not get visitors by a link to the login.
fn local<'a>(next: &'a str, url: &Url) -> &'a str {
    let origin = format!("{}://{}", url.scheme(), url.authority());
    let path = next.strip_prefix(&*origin).unwrap_or(next);
    let is_path = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    if is_path { path } else { "/" }
}

/// The routes of login and logout. Each client has ten tries a minute.
pub(crate) fn router() -> Router {
    let tries = RateLimit::new(Quota::per_minute(10)).name("login").by_key(|parts| {
        let address = parts.client()?.to_string();
        (*parts.method() == Method::Post).then_some(address)
    });
    Router::new()
        .route("/login", get(form).post(blocking(log_in)).middleware(tries))
        .name("login")
        .route("/logout", post(log_out))
        .name("logout")
}
