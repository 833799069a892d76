//! The authority of a URL: `user:password@host:port` (RFC 3986 section 3.2), and that of a request.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::Ipv6Addr;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use stelo_core::app::Address;

/// The parts of an authority, as they are written.
#[derive(Clone, Copy, Default)]
pub(super) struct Authority<'a> {
    pub(super) username: Option<&'a str>,
    pub(super) password: Option<&'a str>,
    /// An IPv6 address has its brackets.
    pub(super) host: &'a str,
    pub(super) port: Option<&'a str>,
}

impl<'a> Authority<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let (user, server) = match text.rsplit_once('@') {
            Some((user, server)) => (Some(user), server),
            None => (None, text),
        };
        let (username, password) = match user.map(|user| user.split_once(':').ok_or(user)) {
            Some(Ok((username, password))) => (Some(username), Some(password)),
            Some(Err(username)) => (Some(username), None),
            None => (None, None),
        };
        let (host, port) = split_port(server);
        Self { username, password, host, port }
    }

    pub(super) fn write(self) -> String {
        let mut text = String::new();
        let Self { username, password, host, port } = self;
        if username.is_some() || password.is_some() {
            text.push_str(username.unwrap_or_default());
            text.extend(password.into_iter().flat_map(|password| [":", password]));
            text.push('@');
        }
        text.push_str(host);
        text.extend(port.into_iter().flat_map(|port| [":", port]));
        text
    }
}

/// Returns a host as it is written in a URL: an IPv6 address gets brackets, and what could end the host is
/// percent-encoded.
pub(super) fn host(text: &str) -> Cow<'_, str> {
    if text.parse::<Ipv6Addr>().is_ok() {
        let mut bracketed = String::new();
        // Writing to a string does not fail.
        let _ = write!(bracketed, "[{text}]");
        return bracketed.into();
    }
    let literal = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match literal.is_some_and(|literal| literal.parse::<Ipv6Addr>().is_ok()) {
        true => text.into(),
        false => user(text),
    }
}

/// Returns a user name or a password as it is written in a URL.
pub(super) fn user(text: &str) -> Cow<'_, str> {
    const USER: &AsciiSet =
        &CONTROLS.add(b' ').add(b'/').add(b'?').add(b'#').add(b'@').add(b':').add(b'[').add(b']').add(b'\\');
    utf8_percent_encode(text, USER).into()
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
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
    };
    valid
        && !host.is_empty()
        && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

/// Splits host and port. A colon within the brackets of an IPv6 address does not begin a port.
pub(crate) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
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
        for bad in [
            "", "ev il", "u@h", "a/b", "a?b", "a#b", "a\\b", "a:b", "a:", ":80", "[::1", "::1", "foo/?x=",
            "foo/#",
        ] {
            assert_eq!(authority(Some(bad), Some(&server), "http"), "127.0.0.1:8000", "{bad}");
        }
        let default = Address::Ip(([127, 0, 0, 1], 80).into());
        assert_eq!(authority(None, Some(&default), "http"), "127.0.0.1");
        assert_eq!(authority(None, Some(&default), "https"), "127.0.0.1:80");
        let v6 = |port| Address::Ip((Ipv6Addr::LOCALHOST, port).into());
        assert_eq!(authority(None, Some(&v6(8000)), "http"), "[::1]:8000");
        assert_eq!(authority(None, Some(&v6(80)), "http"), "[::1]");
        assert_eq!(authority(None, Some(&Address::Unix("/run/s".into())), "http"), "localhost");
    }
}
