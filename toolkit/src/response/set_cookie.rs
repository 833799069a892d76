//! `SetCookie`: the cookies that a response sets (RFC 6265 section 4.1), quoted as Python's `http.cookies` quotes them.
//! `Cookies` in `request` reads those of a request.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stelo_core::http::date;

/// Whether a browser sends a cookie with requests from other sites.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SameSite {
    /// Never.
    Strict,
    /// When the user follows a link.
    Lax,
    /// Always. Browsers require [`SetCookie::secure`] with it.
    None,
}

/// A cookie to set: the content of a `set-cookie` field.
///
/// ```
/// use std::time::Duration;
/// use stelo_toolkit::response::SetCookie;
///
/// let cookie = SetCookie::new("session", "abc").max_age(Duration::from_secs(3600)).http_only().secure();
/// assert_eq!(cookie.to_field().unwrap(), "session=abc; HttpOnly; Max-Age=3600; Path=/; SameSite=lax; Secure");
/// ```
#[derive(Clone, Debug)]
pub struct SetCookie {
    name: Cow<'static, str>,
    value: Cow<'static, str>,
    domain: Option<Cow<'static, str>>,
    expires: Option<SystemTime>,
    http_only: bool,
    max_age: Option<u64>,
    partitioned: bool,
    path: Option<Cow<'static, str>>,
    same_site: Option<SameSite>,
    secure: bool,
}

impl SetCookie {
    /// Creates a cookie for the whole site (`Path=/`), with `SameSite=lax`, until the browser is closed.
    pub fn new(name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            domain: None,
            expires: None,
            http_only: false,
            max_age: None,
            partitioned: false,
            path: Some("/".into()),
            same_site: Some(SameSite::Lax),
            secure: false,
        }
    }

    /// Creates a cookie that deletes the one of this name. Path and domain must be those with which it was set.
    pub fn removal(name: impl Into<Cow<'static, str>>) -> Self {
        Self { expires: Some(UNIX_EPOCH), max_age: Some(0), ..Self::new(name, "") }
    }

    /// Sets the domain, which includes subdomains. Without it, only the host of the request gets the cookie.
    #[must_use]
    pub fn domain(self, domain: impl Into<Cow<'static, str>>) -> Self {
        Self { domain: Some(domain.into()).filter(|domain| !domain.is_empty()), ..self }
    }

    /// Sets the time at which the cookie expires, in whole seconds.
    #[must_use]
    pub fn expires(self, expires: SystemTime) -> Self {
        Self { expires: Some(expires), ..self }
    }

    /// Sets the lifetime, in whole seconds. Browsers prefer it to [`expires`](Self::expires).
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        Self { max_age: Some(age.as_secs()), ..self }
    }

    /// Hides the cookie from scripts.
    #[must_use]
    pub fn http_only(self) -> Self {
        Self { http_only: true, ..self }
    }

    /// Partitions the cookie by top-level site (CHIPS). Browsers require [`secure`](Self::secure) with it.
    #[must_use]
    pub fn partitioned(self) -> Self {
        Self { partitioned: true, ..self }
    }

    /// Sets the path below which the cookie is sent; empty for the path of the request.
    #[must_use]
    pub fn path(self, path: impl Into<Cow<'static, str>>) -> Self {
        Self { path: Some(path.into()).filter(|path| !path.is_empty()), ..self }
    }

    /// Sets which cross-site requests carry the cookie; `None` leaves it to the browser.
    #[must_use]
    pub fn same_site(self, same_site: impl Into<Option<SameSite>>) -> Self {
        Self { same_site: same_site.into(), ..self }
    }

    /// Restricts the cookie to `https`.
    #[must_use]
    pub fn secure(self) -> Self {
        Self { secure: true, ..self }
    }

    /// Returns the value of the `set-cookie` field. A value with characters that a cookie cannot have is quoted.
    /// Characters outside ASCII become octal escapes of their UTF-8 bytes.
    ///
    /// # Errors
    /// Name, domain or path has a character that the field cannot have, or an attribute is missing that the prefix
    /// `__Host-` or `__Secure-` of the name requires.
    pub fn to_field(&self) -> Result<String, InvalidCookie> {
        self.check()?;
        let mut field = format!("{}={}", self.name, quote(&self.value));
        let mut attribute = |name: &str, value: Option<&dyn fmt::Display>| {
            field.push_str("; ");
            field.push_str(name);
            if let Some(value) = value {
                field.push('=');
                field.push_str(&value.to_string());
            }
        };
        if let Some(domain) = &self.domain {
            attribute("Domain", Some(domain));
        }
        if let Some(expires) = self.expires {
            let seconds = expires.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            attribute("expires", Some(&String::from_utf8_lossy(&date::format(seconds))));
        }
        if self.http_only {
            attribute("HttpOnly", None);
        }
        if let Some(age) = &self.max_age {
            attribute("Max-Age", Some(age));
        }
        if self.partitioned {
            attribute("Partitioned", None);
        }
        if let Some(path) = &self.path {
            attribute("Path", Some(path));
        }
        if let Some(same_site) = self.same_site {
            attribute(
                "SameSite",
                Some(match same_site {
                    SameSite::Strict => &"strict",
                    SameSite::Lax => &"lax",
                    SameSite::None => &"none",
                }),
            );
        }
        if self.secure {
            attribute("Secure", None);
        }
        Ok(field)
    }

    fn check(&self) -> Result<(), InvalidCookie> {
        const RESERVED: [&str; 9] =
            ["expires", "path", "comment", "domain", "max-age", "secure", "httponly", "version", "samesite"];
        let reserved =
            RESERVED.iter().chain(&["partitioned"]).any(|word| self.name.eq_ignore_ascii_case(word));
        let plain = |text: &Option<Cow<'_, str>>| {
            text.iter().all(|text| {
                text.trim_ascii() == &**text && text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b';')
            })
        };
        if self.name.is_empty() || !self.name.bytes().all(is_legal) {
            Err(InvalidCookie::Name)
        } else if reserved {
            Err(InvalidCookie::ReservedName)
        } else if !plain(&self.domain) || !plain(&self.path) {
            Err(InvalidCookie::Attribute)
        } else {
            self.check_prefix()
        }
    }

    /// Checks the attributes that a prefix of the name requires. Browsers ignore a cookie without them, and compare the
    /// prefix without regard to case (RFC 6265bis section 4.1.3).
    fn check_prefix(&self) -> Result<(), InvalidCookie> {
        let has = |prefix: &str| {
            self.name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let host_only = self.domain.is_none() && self.path.as_deref() == Some("/");
        match (has("__Host-"), has("__Secure-")) {
            (true, _) if !self.secure || !host_only => Err(InvalidCookie::HostPrefix),
            (_, true) if !self.secure => Err(InvalidCookie::SecurePrefix),
            _ => Ok(()),
        }
    }
}

/// Whether the byte is valid in a name, and in a value without quotes.
fn is_legal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:".contains(&byte)
}

fn quote(value: &str) -> Cow<'_, str> {
    if !value.is_empty() && value.bytes().all(is_legal) {
        return Cow::Borrowed(value);
    }
    let mut quoted = String::from('"');
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b',' | b';' | 0..=31 | 127.. => quoted.push_str(&format!("\\{byte:03o}")),
            _ => quoted.push(char::from(byte)),
        }
    }
    quoted.push('"');
    Cow::Owned(quoted)
}

/// An error of a cookie that cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum InvalidCookie {
    /// The name is empty or has a character that a name must not have.
    Name,
    /// The name is that of an attribute.
    ReservedName,
    /// Domain or path has a `;`, a control character, a space at an end, or is not ASCII.
    Attribute,
    /// The name begins with `__Host-`, and the cookie is not secure, has a domain, or has another path than `/`.
    HostPrefix,
    /// The name begins with `__Secure-`, and the cookie is not secure.
    SecurePrefix,
}

impl fmt::Display for InvalidCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "invalid cookie name: use letters, digits and !#$%&'*+-.^_`|~: only",
            Self::ReservedName => {
                "a cookie must not have the name of an attribute, such as `path` or `expires`"
            }
            Self::Attribute => "domain and path of a cookie must be printable ASCII without `;`",
            Self::HostPrefix => {
                "a cookie named `__Host-` must be secure, for the path `/`, and without a domain"
            }
            Self::SecurePrefix => "a cookie named `__Secure-` must be secure",
        })
    }
}

impl std::error::Error for InvalidCookie {}
