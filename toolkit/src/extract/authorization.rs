//! `Authorization`: the credentials in the `authorization` field (RFC 9110 section 11.6.2), as an argument of handlers.

use std::fmt;
use std::hint::black_box;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use stelo_core::http::{Headers, Status};

use super::{FromRequestParts, OptionalFromRequestParts};
use crate::request::Parts;
use crate::response::HttpError;

/// The credentials of the request. Rejects a request without them with 401 and the challenge of the scheme.
///
/// ```
/// use stelo_toolkit::extract::{Authorization, Bearer};
/// use stelo_toolkit::{App, Status, TestClient, get};
///
/// async fn secret(Authorization(bearer): Authorization<Bearer>) -> Result<&'static str, Status> {
///     if bearer.matches("a-long-random-token") { Ok("42") } else { Err(Status::FORBIDDEN) }
/// }
///
/// let client = TestClient::new(App::new().route("/", get(secret)));
/// assert_eq!(client.get("/").send().header("www-authenticate"), Some("Bearer"));
/// assert_eq!(client.get("/").header("authorization", "Bearer a-long-random-token").send().text(), "42");
/// assert_eq!(client.get("/").header("authorization", "Bearer guess").send().status(), Status::FORBIDDEN);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authorization<S>(pub S);

/// A scheme of authentication: [`Basic`], [`Bearer`], or your own.
pub trait AuthorizationScheme: Sized {
    /// The name of the scheme, compared without regard to case.
    const NAME: &'static str;

    /// The value of `www-authenticate` in the response to a request without credentials.
    const CHALLENGE: &'static str;

    /// Parses what follows the name of the scheme. `None` if it is malformed.
    fn parse(credentials: &str) -> Option<Self>;
}

impl<S: AuthorizationScheme> Authorization<S> {
    /// Finds the credentials. `None` if there are none of this scheme.
    pub(crate) fn find(headers: &Headers) -> Option<Result<Self, HttpError>> {
        let malformed = || Self::reject("malformed credentials");
        let mut fields = headers.get_all("authorization");
        let field = fields.next()?;
        if fields.next().is_some() {
            return Some(Err(Self::reject("more than one `authorization` field")));
        }
        let Ok(field) = std::str::from_utf8(field) else { return Some(Err(malformed())) };
        let (scheme, credentials) = field.split_once(' ').unwrap_or((field, ""));
        scheme
            .eq_ignore_ascii_case(S::NAME)
            .then(|| S::parse(credentials.trim_start_matches(' ')).map(Self).ok_or_else(malformed))
    }

    fn reject(detail: &'static str) -> HttpError {
        let error = HttpError::new(Status::UNAUTHORIZED).with_detail(detail);
        error.clone().try_with_header("www-authenticate", S::CHALLENGE).unwrap_or(error)
    }
}

impl<S: AuthorizationScheme> FromRequestParts for Authorization<S> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
        Self::find(parts.headers()).unwrap_or_else(|| Err(Self::reject(Status::UNAUTHORIZED.reason())))
    }
}

/// `None` if the request has no credentials of this scheme. Malformed ones are rejected.
impl<S: AuthorizationScheme> OptionalFromRequestParts for Authorization<S> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Option<Self>, HttpError> {
        Self::find(parts.headers()).transpose()
    }
}

/// A user name and a password (RFC 7617), in UTF-8.
#[derive(Clone, PartialEq, Eq)]
pub struct Basic {
    /// The name of the user, without a colon.
    pub username: String,
    /// The password.
    pub password: String,
}

impl Basic {
    /// Compares both in a time that does not depend on the bytes that differ.
    pub fn matches(&self, username: &str, password: &str) -> bool {
        is_equal(&self.username, username) & is_equal(&self.password, password)
    }
}

impl AuthorizationScheme for Basic {
    const NAME: &'static str = "Basic";
    const CHALLENGE: &'static str = "Basic realm=\"restricted\", charset=\"UTF-8\"";

    fn parse(credentials: &str) -> Option<Self> {
        const BASE64: GeneralPurpose = GeneralPurpose::new(
            &alphabet::STANDARD,
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
        );
        let text = String::from_utf8(BASE64.decode(credentials).ok()?).ok()?;
        let (username, password) = text.split_once(':')?;
        Some(Self { username: username.to_owned(), password: password.to_owned() })
    }
}

impl fmt::Debug for Basic {
    /// Does not show the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Basic({:?})", self.username)
    }
}

/// A token whose bearer is admitted (RFC 6750).
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The token.
    pub token: String,
}

impl Bearer {
    /// Compares in a time that does not depend on the bytes that differ.
    pub fn matches(&self, token: &str) -> bool {
        is_equal(&self.token, token)
    }
}

impl AuthorizationScheme for Bearer {
    const NAME: &'static str = "Bearer";
    const CHALLENGE: &'static str = "Bearer";

    fn parse(credentials: &str) -> Option<Self> {
        let token = credentials.trim_end_matches('=');
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        let is_token = !token.is_empty() && token.bytes().all(is_valid);
        is_token.then(|| Self { token: credentials.to_owned() })
    }
}

impl fmt::Debug for Bearer {
    /// Does not show the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}

/// Compares a text of the client with a secret. The time depends on the length of what the client sent only.
fn is_equal(given: &str, secret: &str) -> bool {
    let (given, secret) = (given.as_bytes(), secret.as_bytes());
    let mut differ = u8::from(given.len() != secret.len());
    let mut expected = secret.iter().cycle();
    for byte in given {
        // The barrier keeps the compiler from leaving the loop at the first difference.
        differ = black_box(differ | (byte ^ expected.next().copied().unwrap_or(0)));
    }
    differ == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_parsed_strictly() {
        let basic = |text: &str| Basic::parse(text).map(|basic| (basic.username, basic.password));
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(basic("QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), pair("Aladdin", "open sesame"));
        assert_eq!(basic("QWxhZGRpbjpvcGVuIHNlc2FtZQ"), pair("Aladdin", "open sesame"));
        assert_eq!(basic("dGVzdDoxMjPCow=="), pair("test", "123£"));
        assert_eq!(basic("YTpiOmM="), pair("a", "b:c"));
        assert_eq!(basic("Og=="), pair("", ""));
        for text in ["", "!", "YWJj", "/w==", "YTo= x"] {
            assert_eq!(basic(text), None, "{text}");
        }
        for (text, is_token) in
            [("a.b-c_~+/==", true), ("", false), ("==", false), ("a b", false), ("a=b", false)]
        {
            assert_eq!(Bearer::parse(text).is_some(), is_token, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn texts_are_equal_if_all_bytes_are(a in "[ab]{0,4}", b in "[ab]{0,4}") {
            proptest::prop_assert_eq!(is_equal(&a, &b), a == b);
        }

        #[test]
        fn any_credentials_are_parsed_without_a_panic(text in ".*") {
            let _ = (Basic::parse(&text), Bearer::parse(&text));
        }
    }
}
