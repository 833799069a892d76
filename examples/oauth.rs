//! A login at another site: the authorization code of OAuth 2 with `state` and PKCE (RFC 6749, RFC 7636, RFC 9700).
//!
//! The other site is a part of this program, so that it runs by itself: `/provider` asks no questions, and says that the
//! visitor is Ada. `cargo run --example oauth --features sessions`, then open <http://127.0.0.1:8000>.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use stelo::middleware::Sessions;
use stelo::sessions::{MemoryStore, Session};
use stelo::{App, Html, HttpError, Query, Redirect, Request, Router, State, Status, get};

/// The name of this site at the provider.
const CLIENT: &str = "example";

/// Returns a random text of 256 bits.
fn random() -> stelo::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers: {error}"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The challenge of a verifier (RFC 7636 section 4.2).
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

async fn home(session: Session) -> Html<String> {
    Html(match session.get::<String>("user") {
        Some(user) => format!("<!doctype html><title>OAuth</title><p>Hello, {user}!"),
        None => "<!doctype html><title>OAuth</title><p><a href=/login>Log in</a>".into(),
    })
}

/// Sends the visitor to the provider. The session keeps what the answer is compared with.
async fn login(session: Session, request: Request) -> stelo::Result<Redirect> {
    let (state, verifier) = (random()?, random()?);
    let to = request.url_for("provider:authorize", &[])?.replace_query_params([
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", &*request.url_for("callback", &[])?.to_string()),
        ("state", &*state),
        ("code_challenge", &*challenge(&verifier)),
        ("code_challenge_method", "S256"),
    ]);
    session.insert("login", (state, verifier))?;
    Ok(Redirect::see_other(to.to_string()))
}

#[derive(Deserialize)]
struct Answer {
    state: String,
    code: String,
}

/// The visitor comes back. An answer that this session has not asked for is refused.
async fn callback(
    session: Session,
    State(provider): State<Provider>,
    Query(answer): Query<Answer>,
) -> Result<Redirect, HttpError> {
    let refused = || HttpError::new(Status::BAD_REQUEST).with_detail("this login was not begun here");
    let (state, verifier) = session.remove::<(String, String)>("login").ok_or_else(refused)?;
    if state != answer.state {
        return Err(refused());
    }
    let user = provider.exchange(&answer.code, &verifier).ok_or_else(refused)?;
    session.cycle();
    session.insert("user", user).map_err(|error| HttpError::from(stelo::Error::from(error)))?;
    Ok(Redirect::see_other("/"))
}

/// The other site: codes that have not been used, each with its challenge.
#[derive(Clone, Default)]
struct Provider(Arc<Mutex<HashMap<String, String>>>);

impl Provider {
    /// Returns the user of a code, once. A real provider is asked with an HTTP client.
    fn exchange(&self, code: &str, verifier: &str) -> Option<&'static str> {
        let expected = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(code)?;
        (expected == challenge(verifier)).then_some("Ada")
    }
}

#[derive(Deserialize)]
struct Authorize {
    client_id: String,
    redirect_uri: String,
    state: String,
    code_challenge: String,
}

async fn authorize(State(provider): State<Provider>, request: Request) -> stelo::Result<Redirect> {
    let ask: Authorize = request.query()?;
    // A provider redirects only to the address that the site has registered.
    let registered = request.url_for("callback", &[])?;
    if ask.client_id != CLIENT || ask.redirect_uri != registered.to_string() {
        return Err(HttpError::new(Status::BAD_REQUEST).with_detail("unknown site").into());
    }
    let code = random()?;
    let back = registered.replace_query_params([("code", &*code), ("state", &*ask.state)]);
    provider.0.lock().unwrap_or_else(PoisonError::into_inner).insert(code, ask.code_challenge);
    Ok(Redirect::see_other(back.to_string()))
}

fn main() -> ExitCode {
    let provider = Router::new().route("/authorize", get(authorize)).name("authorize");
    let app = App::new()
        .state(Provider::default())
        // With `https`, add `.https_only(true)`.
        .middleware(Sessions::stored(MemoryStore::new()))
        .route("/", get(home))
        .route("/login", get(login))
        .route("/callback", get(callback))
        .name("callback")
        .mount("/provider", provider)
        .name("provider");
    stelo::run(app)
}
