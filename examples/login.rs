//! A login form: passwords hashed by argon2, a session in memory, a page for users only, and a logout.
//!
//! `cargo run --example login --features sessions`, then open <http://127.0.0.1:8000>. The user is `ada`, the password
//! `correct horse`.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use serde::Deserialize;
use stelo::authentication::{AuthCredentials, AuthenticationBackend, AuthenticationError, User};
use stelo::extract::FromRequestParts;
use stelo::handler::blocking;
use stelo::middleware::{Authentication, Sessions, requires};
use stelo::request::{Parts, Url};
use stelo::sessions::{MemoryStore, Session};
use stelo::{App, Form, Html, Query, Redirect, State, get, post};

/// The hashes of the passwords: argon2id with 19 MiB, the default of the crate.
#[derive(Clone)]
struct Passwords {
    hashes: Arc<HashMap<String, String>>,
    /// The hash of no password. An unknown name is answered as slowly as a wrong password.
    nobody: Arc<str>,
}

impl Passwords {
    fn new(users: &[(&str, &str)]) -> stelo::Result<Self> {
        let hash = |password: &str| -> stelo::Result<String> {
            let hash: PasswordHash =
                Argon2::default().hash_password(password.as_bytes()).map_err(|error| error.to_string())?;
            Ok(hash.to_string())
        };
        let hashes = users.iter().map(|(name, password)| Ok(((*name).to_owned(), hash(password)?)));
        Ok(Self { hashes: Arc::new(hashes.collect::<stelo::Result<_>>()?), nobody: hash("")?.into() })
    }

    /// Takes some 50 ms of a thread.
    fn are_right(&self, name: &str, password: &str) -> bool {
        let known = self.hashes.get(name);
        let hash = known.map_or(&*self.nobody, String::as_str);
        let hash = PasswordHash::new(hash).expect("it was made by `new`");
        Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && known.is_some()
    }
}

#[derive(Clone)]
struct Person {
    name: String,
}

/// Finds the user in the session.
struct BySession;

impl AuthenticationBackend for BySession {
    type User = Person;

    async fn authenticate(
        &self,
        parts: &mut Parts,
    ) -> Result<Option<(AuthCredentials, Person)>, AuthenticationError> {
        let session = Session::from_request_parts(parts).await?;
        let user = session.get("user").map(|name| Person { name });
        Ok(user.map(|user| (AuthCredentials::new(["authenticated"]), user)))
    }
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

async fn form(session: Session, Query(Next { next }): Query<Next>) -> Html<String> {
    let notes = session.take_flashes();
    let notes: String =
        notes.iter().map(|note| format!("<p role=alert>{}</p>", escape(&note.message))).collect();
    page(&format!(
        "<h1>Log in</h1>{notes}<form method=post>
         <input type=hidden name=next value=\"{}\">
         <label>Name <input name=name autocomplete=username required autofocus></label>
         <label>Password <input name=password type=password autocomplete=current-password required></label>
         <button>Log in</button></form>",
        escape(&next)
    ))
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
    session.insert("user", &login.name)?;
    Ok(Redirect::see_other(local(&login.next, &url)))
}

async fn log_out(session: Session) -> Redirect {
    session.flush();
    Redirect::see_other("/login")
}

async fn account(User(person): User<Person>) -> Html<String> {
    page(&format!(
        "<h1>Hello, {}!</h1><form method=post action=/logout><button>Log out</button></form>",
        escape(&person.name)
    ))
}

/// Returns the path of a page of this site. Another site must not get visitors by a link to the login.
fn local<'a>(next: &'a str, url: &Url) -> &'a str {
    let origin = format!("{}://{}", url.scheme(), url.authority());
    let path = next.strip_prefix(&*origin).unwrap_or(next);
    let is_path = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    if is_path { path } else { "/" }
}

fn page(body: &str) -> Html<String> {
    let style = "body{font:1rem/1.6 system-ui;max-width:24rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}\
                 label{display:block;margin:1rem 0}input{display:block;width:100%;font:inherit}button{font:inherit}";
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Login</title><style>{style}</style>{body}"
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn main() -> ExitCode {
    let passwords = match Passwords::new(&[("ada", "correct horse")]) {
        Ok(passwords) => passwords,
        Err(error) => {
            eprintln!("the passwords cannot be hashed: {error}");
            return ExitCode::FAILURE;
        }
    };
    // With `https`, add `.https_only(true)`.
    let sessions = Sessions::stored(MemoryStore::new());
    let app = App::new()
        .state(passwords)
        .middleware(sessions)
        .middleware(Authentication::new(BySession))
        .route("/login", get(form).post(blocking(log_in)))
        .name("login")
        .route("/logout", post(log_out))
        .route("/", get(account).middleware(requires(["authenticated"]).redirect("login")));
    stelo::run(app)
}
