//! The request target in its four forms (RFC 9112 section 3.2).

use super::Method;
use super::headers::Span;
use super::syntax::{host_len, plain_path_len, plain_query_len};

/// The form of a target.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum TargetForm {
    /// `/path?query`
    #[default]
    Origin,
    /// `http://host/path?query`, sent to proxies
    Absolute,
    /// `host:port`, with CONNECT only
    Authority,
    /// `*`, with OPTIONS only
    Asterisk,
}

/// A request target, split into its parts. Nothing is percent-decoded.
///
/// ```
/// use stelo_core::http::{Method, Target, TargetForm};
///
/// let target = Target::parse(b"/search?q=1", &Method::Get).unwrap();
/// assert_eq!((target.path, target.query), ("/search", Some("q=1")));
///
/// let target = Target::parse(b"http://example.org", &Method::Get).unwrap();
/// assert_eq!((target.form, target.authority, target.path), (TargetForm::Absolute, Some("example.org"), "/"));
/// assert!(Target::parse(b"*", &Method::Get).is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target<'a> {
    /// The form.
    pub form: TargetForm,
    /// The scheme of an absolute target, as received: `http` or `https`.
    pub scheme: Option<&'a str>,
    /// Host and port, of an absolute target or of CONNECT.
    pub authority: Option<&'a str>,
    /// The path: `/` if an absolute target has none, `*` in the asterisk form, empty for CONNECT.
    pub path: &'a str,
    /// The part after the first `?`.
    pub query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Parses a target. Returns `None` if it has none of the four forms, or one that is not valid for `method`.
    pub fn parse(target: &'a [u8], method: &Method) -> Option<Self> {
        let parts = Parts::parse(target, method)?;
        let text = core::str::from_utf8(target).ok()?;
        Some(Target {
            form: parts.form,
            scheme: (parts.form == TargetForm::Absolute).then(|| text.split(':').next()).flatten(),
            authority: parts.authority(target),
            path: parts.path(target),
            query: parts.query(target),
        })
    }
}

/// The parts of a target, as ranges of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Parts {
    pub(super) form: TargetForm,
    /// Whether the target contains a `%`.
    pub(super) encoded: bool,
    path: Span,
    /// Present in the absolute and the authority form.
    authority: Span,
    /// The offset of the first `?`, which begins the query; zero if there is none.
    mark: u32,
}

impl Parts {
    pub(crate) fn parse(target: &[u8], method: &Method) -> Option<Self> {
        let (parts, end) = Self::read(target, method)?;
        (end == target.len()).then_some(parts)
    }

    /// Parses the target at the beginning of `input`, which ends at the first byte that no target contains. Returns
    /// its length too.
    #[inline(always)]
    pub(crate) fn read(input: &[u8], method: &Method) -> Option<(Self, usize)> {
        let (mut end, mut encoded) = span(input, 0, plain_path_len)?;
        let mut mark = 0;
        if input.get(end) == Some(&b'?') {
            mark = end;
            let query_encoded;
            (end, query_encoded) = span(input, end + 1, plain_query_len)?;
            encoded |= query_encoded;
        }
        let target = input.get(..end)?;
        // No form begins with a `?`, so zero means none.
        let (mark, length) = (mark as u32, u32::try_from(end).ok()?);
        let parts = match target {
            [b'/', ..] if !matches!(method, Method::Connect) => Self::origin(0, mark, length),
            _ => Self::other(target, mark, length, method)?,
        };
        let valid = !encoded || is_well_encoded(parts.path.of(target));
        valid.then_some((Self { encoded, ..parts }, end))
    }

    /// Parses a target that is not in origin form.
    #[inline(never)]
    fn other(target: &[u8], mark: u32, length: u32, method: &Method) -> Option<Self> {
        match target {
            _ if matches!(method, Method::Connect) => Self::connect(target),
            b"*" if matches!(method, Method::Options) => {
                Some(Self { form: TargetForm::Asterisk, path: Span::new(0, 1), ..Self::default() })
            }
            _ => Self::absolute(target, mark, length),
        }
    }

    fn connect(target: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(target).ok()?;
        let (_, port) = text.rsplit_once(':')?;
        port.parse::<u16>().ok()?;
        let authority = Span::new(0, target.len());
        is_authority(target).then_some(Self { form: TargetForm::Authority, authority, ..Self::default() })
    }

    /// Parses path and query, from `start` to `end`.
    fn origin(start: u32, mark: u32, end: u32) -> Self {
        let path = Span { start, end: if mark == 0 { end } else { mark } };
        Self { path, mark, ..Self::default() }
    }

    fn absolute(target: &[u8], mark: u32, length: u32) -> Option<Self> {
        let text = core::str::from_utf8(target).ok()?;
        let (scheme, rest) = text.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return None;
        }
        let start = scheme.len() + 3;
        let authority = rest.split(['/', '?']).next()?;
        let span = Span::new(start, start + authority.len());
        is_authority(authority.as_bytes()).then_some(Self {
            form: TargetForm::Absolute,
            authority: span,
            ..Self::origin(span.end, mark, length)
        })
    }

    pub(super) fn authority<'a>(&self, target: &'a [u8]) -> Option<&'a str> {
        match self.form {
            TargetForm::Absolute | TargetForm::Authority => self.authority.str_of(target),
            TargetForm::Origin | TargetForm::Asterisk => None,
        }
    }

    pub(super) fn query<'a>(&self, target: &'a [u8]) -> Option<&'a str> {
        match self.mark {
            0 => None,
            mark => core::str::from_utf8(target.get(mark as usize + 1..)?).ok(),
        }
    }

    /// Returns the path: `/` if an absolute target has none, empty for CONNECT.
    pub(super) fn path<'a>(&self, target: &'a [u8]) -> &'a str {
        // Targets are ASCII, so the conversion never fails.
        core::str::from_utf8(self.path_bytes(target)).unwrap_or_default()
    }

    pub(super) fn path_bytes<'a>(&self, target: &'a [u8]) -> &'a [u8] {
        match self.path.of(target) {
            b"" if self.form == TargetForm::Absolute => b"/",
            path => path,
        }
    }
}

/// Returns the end of the longest range of `input` from `start` whose bytes are `%` or plain, and whether it has a `%`.
#[inline(always)]
fn span(input: &[u8], start: usize, plain_len: impl Fn(&[u8]) -> usize) -> Option<(usize, bool)> {
    let (mut end, mut encoded) = (start, false);
    loop {
        end += plain_len(input.get(end..)?);
        if input.get(end) != Some(&b'%') {
            return Some((end, encoded));
        }
        encoded = true;
        end += 1;
    }
}

/// Returns whether `authority` is `host` or `host:port`.
pub(crate) fn is_authority(authority: &[u8]) -> bool {
    !authority.is_empty() && authority_len(authority) == authority.len()
}

/// Returns the length of `host` or `host:port` at the beginning: a name, an IPv4 address or `[IPv6]` (RFC 3986
/// section 3.2). Zero if the host or the port is invalid.
///
/// User information is refused, as RFC 9110 section 4.2.4 allows.
pub(crate) fn authority_len(bytes: &[u8]) -> usize {
    let host = match bytes {
        [b'[', ..] => address_len(bytes),
        _ => name_len(bytes),
    };
    let port = match bytes.get(host..) {
        Some([b':', port @ ..]) if host > 0 => port,
        _ => return host,
    };
    match port.iter().take_while(|b| b.is_ascii_digit()).count() {
        // An empty port means the default (RFC 3986 section 3.2.3).
        digits @ 0..5 => host + 1 + digits,
        5 if port.get(..5).is_some_and(|port| port <= b"65535".as_slice()) => host + 6,
        _ => 0,
    }
}

/// Returns the length of the name or IPv4 address at the beginning; zero if there is none.
#[inline(always)]
fn name_len(authority: &[u8]) -> usize {
    let end = host_len(authority);
    if authority.get(end) == Some(&b'%') { encoded_name_len(authority, end) } else { end }
}

/// As [`name_len`], for a name with percent-encoded bytes. The caller has checked it up to `end`.
#[cold]
fn encoded_name_len(authority: &[u8], mut end: usize) -> usize {
    while let Some([b'%', high, low, rest @ ..]) = authority.get(end..)
        && is_encoded(*high, *low)
    {
        end += 3 + host_len(rest);
    }
    end
}

/// Returns the length of the IPv6 address at the beginning, with its brackets; zero if there is none.
#[cold]
fn address_len(authority: &[u8]) -> usize {
    // The longest has 45 characters, with an embedded IPv4 address.
    let end = authority.iter().take(47).position(|&b| b == b']').unwrap_or_default();
    let address = authority.get(1..end).and_then(|address| core::str::from_utf8(address).ok());
    let is_valid = address.is_some_and(|address| address.parse::<core::net::Ipv6Addr>().is_ok());
    if is_valid { end + 1 } else { 0 }
}

/// Returns whether every `%` begins an encoded byte. This does not apply to queries: browsers send what the user
/// typed, and forms send line ends.
#[inline(never)]
fn is_well_encoded(text: &[u8]) -> bool {
    text.split(|&b| b == b'%').skip(1).all(|part| matches!(part, [high, low, ..] if is_encoded(*high, *low)))
}

/// Returns whether these are the digits of an encoded byte (RFC 3986 section 2.1). NUL, CR and LF are refused,
/// because they end a string or a line for code that decodes them.
fn is_encoded(high: u8, low: u8) -> bool {
    let ends = high == b'0' && matches!(low, b'0' | b'a' | b'd' | b'A' | b'D');
    high.is_ascii_hexdigit() && low.is_ascii_hexdigit() && !ends
}

#[cfg(test)]
mod tests {
    use super::super::Method;
    use super::*;

    #[test]
    fn the_forms_and_their_methods() {
        let parse = |t: &'static str, m: Method| Target::parse(t.as_bytes(), &m);
        assert_eq!(parse("/", Method::Get).unwrap().form, TargetForm::Origin);
        assert_eq!(parse("*", Method::Options).unwrap().form, TargetForm::Asterisk);
        let t = parse("a.org:443", Method::Connect).unwrap();
        assert_eq!((t.form, t.authority, t.path), (TargetForm::Authority, Some("a.org:443"), ""));
        let t = parse("HTTP://[::1]:80?x", Method::Get).unwrap();
        assert_eq!((t.authority, t.path, t.query), (Some("[::1]:80"), "/", Some("x")));
        for bad in [
            "",
            "a",
            "a/b",
            "*a",
            "ftp://a/",
            "http:///a",
            "http://u@a/",
            "/a#b",
            "/a\\b",
            "/é",
            "/a b",
            "/%",
            "/%4",
            "/%4x",
            "/%0A",
        ] {
            assert_eq!(parse(bad, Method::Get), None, "{bad}");
        }
        for bad in ["/", "a.org", "a.org:", ":80", "a.org:70000", "*"] {
            assert_eq!(parse(bad, Method::Connect), None, "{bad}");
        }
    }

    #[test]
    fn authorities() {
        for good in ["a", "a.org", "a_b.c:8000", "127.0.0.1:1", "[::1]", "[fe80::1]:80", "a:"] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            ":80",
            "a b",
            "a:b",
            "u@a",
            "[::1",
            "[::1]x",
            "[x]",
            "a/b",
            "a:123456",
            "a:65536",
            "a:4342342777",
            "a:1:2",
            "a%",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }
}
