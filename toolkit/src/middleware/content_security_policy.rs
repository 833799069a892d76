//! `ContentSecurityPolicy`: what the pages of a site may load and run, with a nonce for each response (CSP level 3).

use std::fmt;

use stelo_core::http::header::HeaderValue;

use crate::request::nonce::CspNonce;

/// A policy for [`SecurityHeaders`](super::SecurityHeaders): directives with their values.
///
/// The value [`NONCE`](Self::NONCE) becomes a new nonce in each response. Handlers and templates take it from the extensions
/// of the request, as [`CspNonce`].
///
/// ```
/// use stelo_toolkit::middleware::{ContentSecurityPolicy, CspNonce, SecurityHeaders};
/// use stelo_toolkit::{App, Extension, Html, TestClient, get};
///
/// async fn page(Extension(nonce): Extension<CspNonce>) -> Html<String> {
///     Html(format!("<script nonce=\"{nonce}\">alert(1)</script>"))
/// }
///
/// let policy = ContentSecurityPolicy::new()
///     .directive("default-src", ["'self'"])
///     .directive("script-src", ["'self'", ContentSecurityPolicy::NONCE]);
/// let headers = SecurityHeaders::new().content_security_policy(policy);
/// let response = TestClient::new(App::new().middleware(headers).route("/", get(page))).get("/").send();
/// let policy = response.header("content-security-policy").unwrap();
/// assert!(policy.starts_with("default-src 'self'; script-src 'self' 'nonce-"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContentSecurityPolicy {
    text: String,
}

impl ContentSecurityPolicy {
    /// The value that becomes a new nonce in each response.
    pub const NONCE: &str = "'nonce'";

    /// Creates a policy without directives.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a policy that runs only scripts with the nonce, and those that they load: the strict policy that the
    /// specification recommends (CSP level 3 section 8.2). Other sites cannot frame the page.
    pub fn strict() -> Self {
        Self::new()
            .directive("script-src", [Self::NONCE, "'strict-dynamic'"])
            .directive("object-src", ["'none'"])
            .directive("base-uri", ["'none'"])
            .directive("frame-ancestors", ["'self'"])
    }

    /// Adds a directive, such as `img-src`, with its values.
    ///
    /// # Panics
    /// If the name or a value is empty or has white space, `;`, `,` or a character outside ASCII.
    #[must_use]
    #[track_caller]
    pub fn directive(mut self, name: &str, values: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.push(name, if self.text.is_empty() { "" } else { "; " });
        for value in values {
            self.push(value.as_ref(), " ");
        }
        self
    }

    #[track_caller]
    fn push(&mut self, word: &str, separator: &str) {
        let is_valid = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b';' | b',');
        assert!(
            !word.is_empty() && word.bytes().all(is_valid),
            "`{word}`: a word of a content security policy is ASCII without white space, `;` and `,`"
        );
        self.text.push_str(separator);
        self.text.push_str(word);
    }

    pub(super) fn has_nonce(&self) -> bool {
        self.text.contains(Self::NONCE)
    }

    /// Returns the value of the field.
    pub(super) fn value(&self, nonce: Option<&CspNonce>) -> HeaderValue {
        let text = match nonce {
            Some(nonce) => self.text.replace(Self::NONCE, &format!("'nonce-{nonce}'")),
            None => self.text.clone(),
        };
        // Words of visible ASCII with spaces between them.
        HeaderValue::try_from(text).unwrap_or(const { HeaderValue::from_static("") })
    }
}

impl fmt::Display for ContentSecurityPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
