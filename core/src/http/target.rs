//! The request target in its four forms (RFC 9112 section 3.2).

use super::Method;
use super::headers::Span;
use super::syntax::{is_host_byte, is_target_byte};

/// Which of the four forms a target has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum TargetForm {
    /// `/path?query`
    #[default]
    Origin,
    /// `http://host/path?query`, as proxies get it
    Absolute,
    /// `host:port`, with CONNECT only
    Authority,
    /// `*`, with OPTIONS only
    Asterisk,
}

/// A request target, taken apart. Nothing is percent-decoded here.
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
    /// The scheme of an absolute target: `http` or `https`, as it came.
    pub scheme: Option<&'a str>,
    /// Host and port of an absolute target or of CONNECT.
    pub authority: Option<&'a str>,
    /// The path, `/` where an absolute target has none, `*` in the asterisk form, empty for CONNECT.
    pub path: &'a str,
    /// What follows the first `?`.
    pub query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Takes `target` apart. `None` if it has none of the four forms, or one that does not go with `method`.
    pub fn parse(target: &'a [u8], method: &Method) -> Option<Self> {
        let parts = Parts::parse(target, method)?;
        let text = core::str::from_utf8(target).ok()?;
        Some(Target {
            form: parts.form,
            scheme: (parts.form == TargetForm::Absolute).then(|| text.split(':').next()).flatten(),
            authority: parts.authority.and_then(|span| span.str_of(target)),
            path: parts.path(target),
            query: parts.query.and_then(|span| span.str_of(target)),
        })
    }
}

/// Where the parts of a target stand in it.
#[derive(Clone, Copy, Default)]
pub(super) struct Parts {
    pub(super) form: TargetForm,
    pub(super) authority: Option<Span>,
    pub(super) query: Option<Span>,
    path: Span,
    /// Whether there is a `%` anywhere.
    pub(super) encoded: bool,
}

impl Parts {
    pub(super) fn parse(target: &[u8], method: &Method) -> Option<Self> {
        let (mut valid, mut encoded) = (true, false);
        for &byte in target {
            valid &= is_target_byte(byte);
            encoded |= byte == b'%';
        }
        if !valid {
            return None;
        }
        let parts = match target {
            _ if *method == Method::Connect => Self::connect(target)?,
            [b'/', ..] => Self::origin(target, 0),
            b"*" if *method == Method::Options => {
                Self { form: TargetForm::Asterisk, path: Span::new(0, 1), ..Self::default() }
            }
            _ => Self::absolute(target)?,
        };
        (!encoded || is_well_encoded(parts.path.of(target))).then_some(Self { encoded, ..parts })
    }

    fn connect(target: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(target).ok()?;
        let (_, port) = text.rsplit_once(':')?;
        port.parse::<u16>().ok()?;
        let authority = Some(Span::new(0, target.len()));
        is_authority(target).then_some(Self { form: TargetForm::Authority, authority, ..Self::default() })
    }

    /// Path and query from `start` on.
    fn origin(target: &[u8], start: usize) -> Self {
        let rest = target.get(start..).unwrap_or_default();
        let mark = rest.iter().position(|&b| b == b'?').map(|at| start + at);
        Self {
            path: Span::new(start, mark.unwrap_or(target.len())),
            query: mark.map(|at| Span::new(at + 1, target.len())),
            ..Self::default()
        }
    }

    fn absolute(target: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(target).ok()?;
        let (scheme, rest) = text.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return None;
        }
        let start = scheme.len() + 3;
        let authority = rest.split(['/', '?']).next()?;
        let end = start + authority.len();
        let span = Some(Span::new(start, end));
        is_authority(authority.as_bytes()).then_some(Self {
            form: TargetForm::Absolute,
            authority: span,
            ..Self::origin(target, end)
        })
    }

    /// The path: `/` where an absolute target has none, empty for CONNECT.
    pub(super) fn path<'a>(&self, target: &'a [u8]) -> &'a str {
        // Targets are ASCII, so nothing is lost here.
        core::str::from_utf8(self.path_bytes(target)).unwrap_or_default()
    }

    pub(super) fn path_bytes<'a>(&self, target: &'a [u8]) -> &'a [u8] {
        match self.path.of(target) {
            b"" if self.form == TargetForm::Absolute => b"/",
            path => path,
        }
    }
}

/// Whether `authority` is `host` or `host:port`: a name, an IPv4 address or `[IPv6]`, no user information
/// (RFC 3986 section 3.2; RFC 9110 section 4.2.4 lets us refuse user information).
pub(crate) fn is_authority(authority: &[u8]) -> bool {
    let (valid, rest) = match authority {
        [b'[', rest @ ..] => {
            let end = rest.iter().position(|&b| b == b']').unwrap_or(rest.len());
            let address = rest.get(..end).and_then(|bytes| core::str::from_utf8(bytes).ok());
            let valid = address.is_some_and(|text| text.parse::<core::net::Ipv6Addr>().is_ok());
            (valid, rest.get(end + 1..))
        }
        name => {
            let end = name.iter().position(|&b| !is_host_byte(b)).unwrap_or(name.len());
            (end > 0 && is_well_encoded(&name[..end]), name.get(end..))
        }
    };
    let port = match rest {
        Some([]) => true,
        Some([b':', port @ ..]) => is_port(port),
        _ => false,
    };
    valid && port
}

/// `*DIGIT`, of a port that there is; none stands for the default (RFC 3986 section 3.2.3).
fn is_port(digits: &[u8]) -> bool {
    // So few that their number cannot overflow.
    digits.len() <= 5
        && digits
            .iter()
            .try_fold(0u32, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
            .is_some_and(|n| n <= u32::from(u16::MAX))
}

/// Whether every `%` begins an encoded byte (RFC 3986 section 2.1), and none is NUL, CR or LF, which end things for
/// whoever decodes them. Queries are not held to it: browsers send what the user typed, and forms send line ends.
fn is_well_encoded(text: &[u8]) -> bool {
    text.split(|&b| b == b'%').skip(1).all(|part| match part {
        [b'0', b'0' | b'a' | b'd' | b'A' | b'D', ..] => false,
        [high, low, ..] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    })
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
