//! Parses a URL or a relative reference (RFC 3986 appendix B), and reads and writes URLs with serde.

use std::fmt;
use std::str::FromStr;

use serde_core::de::{self, Deserialize, Deserializer, Visitor};
use serde_core::{Serialize, Serializer};

use super::Url;
use super::authority::Authority;

/// The reason why a text is not a URL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum InvalidUrl {
    /// A control character or white space, which a URL has percent-encoded.
    Character,
    /// The port is not a number below 65,536.
    Port,
    /// A `[` without a `]`, or the reverse.
    Bracket,
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "white space and control characters must be percent-encoded in a URL",
            Self::Port => "the port of a URL is a number below 65536",
            Self::Bracket => "the brackets around the IPv6 address of a URL do not match",
        })
    }
}

impl std::error::Error for InvalidUrl {}

impl FromStr for Url {
    type Err = InvalidUrl;

    /// Parses an absolute URL of any scheme, or a relative reference such as `/path?a=1`.
    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(InvalidUrl::Character);
        }
        let (rest, fragment) = split(text, '#');
        let (rest, query) = split(rest, '?');
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
            _ => (String::new(), rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        if let Some(authority) = authority {
            check(Authority::parse(authority))?;
        }
        Ok(Self {
            scheme: scheme.into(),
            authority: authority.map(str::to_owned),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            fragment: fragment.map(str::to_owned),
        })
    }
}

fn split(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Whether a text is a scheme (RFC 3986 section 3.1).
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

fn check(authority: Authority<'_>) -> Result<(), InvalidUrl> {
    let is_literal = authority.host.starts_with('[') && authority.host.ends_with(']');
    let inside = if is_literal { &authority.host[1..authority.host.len() - 1] } else { authority.host };
    if inside.contains(['[', ']']) {
        return Err(InvalidUrl::Bracket);
    }
    let is_port = |port: &str| port.is_empty() || (!port.starts_with('+') && port.parse::<u16>().is_ok());
    if authority.port.is_none_or(is_port) { Ok(()) } else { Err(InvalidUrl::Port) }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Url;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Url, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

impl Serialize for Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
