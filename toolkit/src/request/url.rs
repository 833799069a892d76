//! `Url`: the URL of a request, and URLs derived from it.

use std::borrow::Cow;
use std::fmt;

use form_urlencoded::{Serializer, parse};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use stelo_core::app::Address;

/// An absolute URL: `http`, `https`, `ws` or `wss`. Path and query are percent-encoded, as in a request.
///
/// ```
/// use stelo_toolkit::request::Url;
///
/// let url = Url::new("https", "example.org:8000", "/search", Some("q=a&page=1"));
/// assert_eq!((url.host(), url.port()), ("example.org", Some(8000)));
/// let next = url.include_query_params([("page", "2")]);
/// assert_eq!(next.to_string(), "https://example.org:8000/search?q=a&page=2");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Url {
    scheme: Cow<'static, str>,
    authority: String,
    path: String,
    query: Option<String>,
}

impl Url {
    /// Creates a URL. A path that does not begin with `/` gets one, so that it cannot change the host.
    pub fn new(
        scheme: impl Into<Cow<'static, str>>,
        authority: impl Into<String>,
        path: impl Into<String>,
        query: Option<&str>,
    ) -> Self {
        let mut path = path.into();
        if !path.starts_with('/') {
            path.insert(0, '/');
        }
        Self { scheme: scheme.into(), authority: authority.into(), path, query: query.map(Into::into) }
    }

    /// Returns the scheme: `http`, `https`, `ws` or `wss`.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether the scheme is `https` or `wss`.
    pub fn is_secure(&self) -> bool {
        matches!(&*self.scheme, "https" | "wss")
    }

    /// Returns host and port, as they are written in the URL.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the host; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        let host = split_port(&self.authority).0;
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// Returns the port, if the URL has one.
    pub fn port(&self) -> Option<u16> {
        split_port(&self.authority).1?.parse().ok()
    }

    /// Returns the path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the query, without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Returns the URL with another scheme.
    #[must_use]
    pub fn with_scheme(self, scheme: impl Into<Cow<'static, str>>) -> Self {
        Self { scheme: scheme.into(), ..self }
    }

    /// Returns the URL with another host and port.
    pub(crate) fn with_authority(self, authority: impl Into<String>) -> Self {
        Self { authority: authority.into(), ..self }
    }

    /// Returns the URL with another path.
    #[must_use]
    pub fn with_path(self, path: impl Into<String>) -> Self {
        let Self { scheme, authority, query, .. } = self;
        Self::new(scheme, authority, path, query.as_deref())
    }

    /// Returns the URL with these query parameters in place of all others.
    #[must_use]
    pub fn replace_query_params<K: AsRef<str>, V: AsRef<str>>(
        &self,
        params: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.with_query(Serializer::new(String::new()).extend_pairs(params).finish())
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
        self.with_query(query.extend_pairs(params.iter().map(|(k, v)| (k.as_ref(), v.as_ref()))).finish())
    }

    /// Returns the URL without the query parameters of these names.
    #[must_use]
    pub fn remove_query_params(&self, names: &[&str]) -> Self {
        self.with_query(self.filtered(|name| !names.contains(&name)).finish())
    }

    fn filtered(&self, kept: impl Fn(&str) -> bool) -> Serializer<'static, String> {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(parse(self.query().unwrap_or_default().as_bytes()).filter(|(name, _)| kept(name)));
        query
    }

    fn with_query(&self, query: String) -> Self {
        Self { query: Some(query).filter(|query| !query.is_empty()), ..self.clone() }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)?;
        self.query.iter().try_for_each(|query| write!(f, "?{query}"))
    }
}

/// Returns the authority of a request: its `Host`, or the address of the server if the host is invalid in a URL. User
/// information, `/` or `@` would let a client change the meaning of the URL.
pub(crate) fn authority(host: Option<&str>, server: Option<&Address>, scheme: &str) -> String {
    match (host.filter(|host| is_host(host)), server) {
        (Some(host), _) => host.to_owned(),
        (None, Some(Address::Ip(address))) => match (scheme, address.port()) {
            ("http", 80) | ("https", 443) if address.is_ipv6() => format!("[{}]", address.ip()),
            ("http", 80) | ("https", 443) => address.ip().to_string(),
            _ => address.to_string(),
        },
        (None, _) => "localhost".to_owned(),
    }
}

fn is_host(text: &str) -> bool {
    let (host, port) = split_port(text);
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let valid = match literal {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
    };
    valid
        && !host.is_empty()
        && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

/// Splits an authority into host and port. A colon within the brackets of an IPv6 address does not begin a port.
pub(crate) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_could_change_the_url_is_replaced_by_the_server() {
        let server = Address::Ip(([127, 0, 0, 1], 8000).into());
        for good in ["example.org", "x:443", "a_b", "[::1]:80", "127.0.0.1"] {
            assert_eq!(authority(Some(good), Some(&server), "http"), good);
        }
        for bad in ["", "ev il", "u@h", "a/b", "a?b", "a#b", "a\\b", "a:b", "a:", ":80", "[::1", "::1"] {
            assert_eq!(authority(Some(bad), Some(&server), "http"), "127.0.0.1:8000", "{bad}");
        }
        let default = Address::Ip(([127, 0, 0, 1], 80).into());
        assert_eq!(authority(None, Some(&default), "http"), "127.0.0.1");
        assert_eq!(authority(None, Some(&default), "https"), "127.0.0.1:80");
        let v6 = |port| Address::Ip((std::net::Ipv6Addr::LOCALHOST, port).into());
        assert_eq!(authority(None, Some(&v6(8000)), "http"), "[::1]:8000");
        assert_eq!(authority(None, Some(&v6(80)), "http"), "[::1]");
        assert_eq!(authority(None, Some(&Address::Unix("/run/s".into())), "http"), "localhost");
    }

    #[test]
    fn query_parameters_are_replaced_at_the_end() {
        let url = Url::new("http", "h", "/x", Some("a=1&a=2&b=3"));
        assert_eq!(url.include_query_params([("a", "9")]).to_string(), "http://h/x?b=3&a=9");
        assert_eq!(url.replace_query_params([("q", "a b")]).to_string(), "http://h/x?q=a+b");
        assert_eq!(url.remove_query_params(&["a", "b"]).to_string(), "http://h/x");
    }

    #[test]
    fn a_path_cannot_become_part_of_the_host() {
        assert_eq!(Url::new("http", "host", "@google.com", None).to_string(), "http://host/@google.com");
        let url = Url::new("http", "[fe::2]:12345", "/", None);
        assert_eq!((url.host(), url.port()), ("fe::2", Some(12345)));
    }
}
