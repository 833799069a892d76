//! `Url`: the URL of a request, URLs derived from it, and URLs in the configuration.

pub(crate) mod authority;
mod parse;

use std::borrow::Cow;
use std::fmt;

use form_urlencoded::{Serializer, parse as pairs};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode, utf8_percent_encode};

use self::authority::Authority;
pub use self::parse::InvalidUrl;

/// A URL, or a relative reference such as `/path?a=1`. Its parts are percent-encoded, as in a request.
///
/// `Display` writes the whole URL. `Debug` hides the password, so that no log shows it.
///
/// ```
/// use stelo_toolkit::request::Url;
///
/// let url = Url::new("https", "example.org:8000", "/search", Some("q=a&page=1"));
/// assert_eq!((url.host(), url.port()), ("example.org", Some(8000)));
/// let next = url.include_query_params([("page", "2")]);
/// assert_eq!(next.to_string(), "https://example.org:8000/search?q=a&page=2");
///
/// let database: Url = "postgres://ada:secret@db/app".parse()?;
/// assert_eq!((database.username(), database.password()), (Some("ada"), Some("secret")));
/// assert_eq!(format!("{database:?}"), "Url(postgres://ada:********@db/app)");
/// assert_eq!(database.with_port(5433).with_password(None), "postgres://ada@db:5433/app");
/// # Ok::<(), stelo_toolkit::request::InvalidUrl>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url {
    /// Empty for a relative reference.
    scheme: Cow<'static, str>,
    authority: Option<String>,
    path: String,
    query: Option<String>,
    fragment: Option<String>,
}

impl Url {
    /// Creates a URL. A path that does not begin with `/` gets one, so that it cannot change the host.
    pub fn new(
        scheme: impl Into<Cow<'static, str>>,
        authority: impl Into<String>,
        path: impl Into<String>,
        query: Option<&str>,
    ) -> Self {
        Self {
            scheme: scheme.into(),
            authority: Some(authority.into()),
            path: absolute(path.into()),
            query: query.map(Into::into),
            fragment: None,
        }
    }

    /// Returns the scheme, such as `https`. Empty for a relative reference.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether the scheme is `https` or `wss`.
    pub fn is_secure(&self) -> bool {
        matches!(&*self.scheme, "https" | "wss")
    }

    /// Returns user, password, host and port, as they are written in the URL. Empty for a relative reference.
    pub fn authority(&self) -> &str {
        self.authority.as_deref().unwrap_or_default()
    }

    fn parts(&self) -> Authority<'_> {
        Authority::parse(self.authority())
    }

    /// Returns the host as it is written; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        let host = self.parts().host;
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// Returns the port, if the URL has one.
    pub fn port(&self) -> Option<u16> {
        self.parts().port?.parse().ok()
    }

    /// Returns the name of the user, percent-encoded.
    pub fn username(&self) -> Option<&str> {
        self.parts().username
    }

    /// Returns the password, percent-encoded.
    pub fn password(&self) -> Option<&str> {
        self.parts().password
    }

    /// Returns the path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the query, without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Returns the fragment, without its `#`.
    pub fn fragment(&self) -> Option<&str> {
        self.fragment.as_deref()
    }

    /// Returns the URL with another scheme.
    #[must_use]
    pub fn with_scheme(self, scheme: impl Into<Cow<'static, str>>) -> Self {
        Self { scheme: scheme.into(), ..self }
    }

    /// Returns the URL with another host and port.
    pub(crate) fn with_authority(self, authority: impl Into<String>) -> Self {
        Self { authority: Some(authority.into()), ..self }
    }

    /// Returns the URL with another host. An IPv6 address gets its brackets.
    #[must_use]
    pub fn with_host(self, host: &str) -> Self {
        self.with_parts(|parts| Authority { host, ..parts }.write_with(authority::host(host)))
    }

    /// Returns the URL with another port; `None` removes it.
    #[must_use]
    pub fn with_port(self, port: impl Into<Option<u16>>) -> Self {
        let port = port.into().map(|port| port.to_string());
        self.with_parts(|parts| Authority { port: port.as_deref(), ..parts }.write())
    }

    /// Returns the URL with another name of the user; `None` removes it.
    #[must_use]
    pub fn with_username<'a>(self, username: impl Into<Option<&'a str>>) -> Self {
        let username = username.into().map(authority::user);
        self.with_parts(|parts| Authority { username: username.as_deref(), ..parts }.write())
    }

    /// Returns the URL with another password; `None` removes it.
    #[must_use]
    pub fn with_password<'a>(self, password: impl Into<Option<&'a str>>) -> Self {
        let password = password.into().map(authority::user);
        self.with_parts(|parts| Authority { password: password.as_deref(), ..parts }.write())
    }

    fn with_parts(self, edit: impl FnOnce(Authority<'_>) -> String) -> Self {
        let authority = Some(edit(self.parts()));
        let path = if self.path.is_empty() { self.path } else { absolute(self.path) };
        Self { authority, path, ..self }
    }

    /// Returns the URL with another path. It gets a `/` at its start if it has none. A character that would end the
    /// path is percent-encoded; `%` is not.
    #[must_use]
    pub fn with_path(self, path: impl AsRef<str>) -> Self {
        const END: &AsciiSet = &CONTROLS.add(b' ').add(b'?').add(b'#').add(b'\\');
        Self { path: absolute(utf8_percent_encode(path.as_ref(), END).to_string()), ..self }
    }

    /// Returns the URL with another query; `None` removes it.
    #[must_use]
    pub fn with_query<'a>(self, query: impl Into<Option<&'a str>>) -> Self {
        const END: &AsciiSet = &CONTROLS.add(b' ').add(b'#');
        let query = query.into().map(|query| utf8_percent_encode(query, END).to_string());
        Self { query, ..self }
    }

    /// Returns the URL with another fragment; `None` removes it.
    #[must_use]
    pub fn with_fragment<'a>(self, fragment: impl Into<Option<&'a str>>) -> Self {
        const END: &AsciiSet = &CONTROLS.add(b' ');
        let fragment = fragment.into().map(|fragment| utf8_percent_encode(fragment, END).to_string());
        Self { fragment, ..self }
    }

    /// Returns the URL with these query parameters in place of all others.
    #[must_use]
    pub fn replace_query_params<K: AsRef<str>, V: AsRef<str>>(
        &self,
        params: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.queried(Serializer::new(String::new()).extend_pairs(params).finish())
    }

    /// Returns the URL with these query parameters at the end, in place of those of the same names.
    #[must_use]
    pub fn include_query_params<K: AsRef<str>, V: AsRef<str>>(
        &self,
        params: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let params: Vec<_> = params.into_iter().collect();
        let kept = |name: &str| params.iter().all(|(other, _)| other.as_ref() != name);
        let mut query = self.filtered(kept);
        self.queried(query.extend_pairs(params.iter().map(|(k, v)| (k.as_ref(), v.as_ref()))).finish())
    }

    /// Returns the URL without the query parameters of these names.
    #[must_use]
    pub fn remove_query_params(&self, names: &[&str]) -> Self {
        self.queried(self.filtered(|name| !names.contains(&name)).finish())
    }

    fn filtered(&self, kept: impl Fn(&str) -> bool) -> Serializer<'static, String> {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(pairs(self.query().unwrap_or_default().as_bytes()).filter(|(name, _)| kept(name)));
        query
    }

    fn queried(&self, query: String) -> Self {
        Self { query: Some(query).filter(|query| !query.is_empty()), ..self.clone() }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, authority: &str) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}:", self.scheme)?;
        }
        if self.authority.is_some() {
            write!(f, "//{authority}")?;
        } else if self.path.starts_with("//") {
            // Without an authority, what follows two slashes would be a host.
            f.write_str("/.")?;
        }
        f.write_str(&self.path)?;
        self.query.iter().try_for_each(|query| write!(f, "?{query}"))?;
        self.fragment.iter().try_for_each(|fragment| write!(f, "#{fragment}"))
    }
}

impl Authority<'_> {
    /// Writes the authority with a host that is already encoded.
    fn write_with(self, host: Cow<'_, str>) -> String {
        Authority { host: &host, ..self }.write()
    }
}

fn absolute(mut path: String) -> String {
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    path
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, self.authority())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts();
        let hidden = Authority { password: parts.password.map(|_| "********"), ..parts };
        f.write_str("Url(")?;
        self.write(f, &hidden.write())?;
        f.write_str(")")
    }
}

impl PartialEq<str> for Url {
    /// Compares the text of the URL.
    fn eq(&self, other: &str) -> bool {
        self.to_string().as_str() == other
    }
}

impl PartialEq<&str> for Url {
    /// Compares the text of the URL.
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

/// The characters that are percent-encoded when a decoded path becomes part of a URL (RFC 3986 section 3.3).
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Percent-encodes a decoded path.
pub(crate) fn encode_path(path: impl AsRef<[u8]>) -> String {
    percent_encode(path.as_ref(), PATH).to_string()
}
