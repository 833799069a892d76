//! Signed tokens (RFC 7519, HS256): a token for a name and a password, and routes for its bearer.
//!
//! `cargo run --example jwt`, then `curl -X POST -u ada:secret http://127.0.0.1:8000/token`, and
//! `curl -H "authorization: Bearer TOKEN" http://127.0.0.1:8000/me`.

use std::borrow::Cow;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use stelo::authentication::{AuthCredentials, AuthenticationBackend, AuthenticationError, User};
use stelo::extract::{Authorization, Basic, Bearer, FromRequestParts};
use stelo::middleware::{Authentication, requires};
use stelo::request::Parts;
use stelo::{App, HttpError, Json, State, Status, get, post};

/// The seconds until a token expires.
const LIFETIME: u64 = 15 * 60;

/// The content of a token.
#[derive(Clone, Serialize, Deserialize)]
struct Claims {
    sub: String,
    scope: String,
    exp: u64,
}

/// The key that signs tokens.
#[derive(Clone)]
struct Key(Arc<[u8]>);

impl Key {
    /// Creates a key for this run. A program with several processes reads it from its configuration.
    fn random() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self(key.into()))
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.chain_update(text)
    }

    fn sign(&self, claims: &Claims) -> Result<String, serde_json::Error> {
        let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?);
        let text = format!("{}.{claims}", header());
        let signature = URL_SAFE_NO_PAD.encode(self.mac(&text).finalize().into_bytes());
        Ok(format!("{text}.{signature}"))
    }

    /// Returns the content of a token. `None` if this key has not signed it, or it has expired.
    fn verify(&self, token: &str) -> Option<Claims> {
        let (text, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        // In constant time.
        self.mac(text).verify_slice(&signature).ok()?;
        let (head, claims) = text.split_once('.')?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        // The algorithm is ours, and never the one that a token names.
        (head == header() && now() < claims.exp).then_some(claims)
    }
}

fn header() -> String {
    URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Finds the user by the token.
struct ByToken(Key);

impl AuthenticationBackend for ByToken {
    type User = Claims;

    async fn authenticate(
        &self,
        parts: &mut Parts,
    ) -> Result<Option<(AuthCredentials, Claims)>, AuthenticationError> {
        let Ok(Authorization(bearer)) = Authorization::<Bearer>::from_request_parts(parts).await else {
            return Ok(None);
        };
        let claims = self.0.verify(&bearer.token).ok_or_else(|| {
            HttpError::new(Status::UNAUTHORIZED)
                .with_detail("the token is invalid or has expired")
                .with_header("www-authenticate", "Bearer error=\"invalid_token\"")
        })?;
        let scopes: Vec<_> = claims.scope.split(' ').map(str::to_owned).collect();
        Ok(Some((AuthCredentials::new(scopes), claims)))
    }

    fn challenge(&self) -> Option<Cow<'static, str>> {
        Some("Bearer".into())
    }
}

/// Gives a token for a name and a password.
async fn token(
    State(key): State<Key>,
    Authorization(login): Authorization<Basic>,
) -> stelo::Result<Json<serde_json::Value>> {
    // A real program compares with hashes: see `login.rs`.
    if !login.matches("ada", "secret") {
        return Err(HttpError::new(Status::FORBIDDEN).with_detail("name or password is wrong").into());
    }
    let claims = Claims { sub: login.username, scope: "authenticated reader".into(), exp: now() + LIFETIME };
    let answer = serde_json::json!({
        "access_token": key.sign(&claims)?, "token_type": "Bearer", "expires_in": LIFETIME,
    });
    Ok(Json(answer))
}

async fn me(User(claims): User<Claims>) -> Json<Claims> {
    Json(claims)
}

fn main() -> ExitCode {
    let key = match Key::random() {
        Ok(key) => key,
        Err(error) => {
            eprintln!("no random numbers: {error}");
            return ExitCode::FAILURE;
        }
    };
    let guard = requires(["authenticated"]).status(Status::UNAUTHORIZED);
    let app = App::new()
        .middleware(Authentication::new(ByToken(key.clone())))
        .state(key)
        .route("/token", post(token))
        .route("/me", get(me).middleware(guard.clone()))
        .route("/admin", get("the admin").middleware(guard).middleware(requires(["admin"])));
    stelo::run(app)
}
