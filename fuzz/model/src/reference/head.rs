//! Request heads (RFC 9112 sections 2 to 6 and 9).

use std::net::Ipv6Addr;

use stelo_core::body::Length;
use stelo_core::h1::Limits;
use stelo_core::http::{Method, RequestHead, Target, TargetForm, Version};

use super::{Fields, Halt, Read, field, get, is_token, line, list};

/// The parts of a head.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Whether the version is HTTP/1.0.
    pub(crate) old: bool,
    pub(crate) fields: Fields,
}

/// The meaning of a head for the body and the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Meaning {
    pub(crate) length: Length,
    pub(crate) keep_alive: bool,
    /// Whether the client waits for `100 Continue`.
    pub(crate) expects: bool,
    /// Whether the client requests an upgrade to another protocol.
    pub(crate) upgrade: bool,
}

impl From<&RequestHead> for Head {
    fn from(head: &RequestHead) -> Self {
        Self {
            method: head.method().to_string(),
            target: head.target().to_owned(),
            old: head.version() == Version::Http10,
            fields: head.headers().iter().map(|(name, value)| (name.into(), value.to_vec())).collect(),
        }
    }
}

/// Parses a head, and one optional empty line before it.
pub(crate) fn read<'a>(input: &'a [u8], limits: &Limits) -> Read<'a, (Head, Meaning)> {
    let input = input.strip_prefix(b"\r\n").unwrap_or(input);
    let (first, mut rest) = match line(input, limits.request_line) {
        Err(Halt::Incomplete) if is_hopeless(input, limits) => return Err(Halt::Refused),
        other => other?,
    };
    let mut head = request_line(first, limits).ok_or(Halt::Refused)?;
    let mut size = 0;
    loop {
        let (next, after) = line(rest, limits.field_line)?;
        rest = after;
        if next.is_empty() {
            let meaning = meaning(&head, limits).ok_or(Halt::Refused)?;
            return Ok(((head, meaning), rest));
        }
        let (name, value) = field(next)?;
        // Rejects names that a gateway may rewrite to those of framing fields.
        if ["content_length", "transfer_encoding"].iter().any(|known| is(&name, known)) {
            return Err(Halt::Refused);
        }
        head.fields.push((name, value));
        if !are_consistent(&head.fields) {
            return Err(Halt::Refused);
        }
        size += next.len() + 2;
        if size > limits.head || head.fields.len() > limits.fields {
            return Err(Halt::Refused);
        }
    }
}

/// Returns whether the beginning of a request line is already invalid: it does not begin with a method.
fn is_hopeless(start: &[u8], limits: &Limits) -> bool {
    let start = &start[..start.len().min(limits.method + 1)];
    let method = start.split(|&b| b == b' ').next().unwrap_or_default();
    !is_token(method) && !matches!(start, b"" | b"\r")
}

fn is(name: &[u8], known: &str) -> bool {
    name.eq_ignore_ascii_case(known.as_bytes())
}

fn request_line(line: &[u8], limits: &Limits) -> Option<Head> {
    let [method, target, version] = line.split(|&b| b == b' ').collect::<Vec<_>>()[..] else { return None };
    let known = Method::from_bytes(method).filter(|_| method.len() <= limits.method)?;
    // `target.rs` checks the parser of targets.
    Target::parse(target, &known)?;
    let old = match version {
        b"HTTP/1.0" => true,
        // Later minor versions count as the latest known one (RFC 9110 section 2.5).
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => false,
        _ => return None,
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Head { method: text(method), target: text(target), old, fields: Fields::new() })
}

/// Returns whether the fields that decide on framing and routing are unambiguous so far.
fn are_consistent(fields: &Fields) -> bool {
    const ONCE: [&str; 4] = ["host", "content-length", "transfer-encoding", "content-type"];
    const NEEDED: [&str; 3] = ["host", "content-length", "transfer-encoding"];
    let all = |name: &str| fields.iter().filter(|field| is(&field.0, name)).count();
    ONCE.iter().all(|name| all(name) < 2)
        && NEEDED.iter().all(|name| !has(fields, "connection", name))
        && get(fields, "content-length").is_none_or(|digits| number(digits).is_some())
        && (get(fields, "transfer-encoding").is_none()
            || members(fields, "transfer-encoding") == [b"chunked"])
}

/// The members of a list that are not empty (RFC 9110 section 5.6.1.2).
fn members(fields: &Fields, name: &str) -> Vec<Vec<u8>> {
    list(fields, name).into_iter().filter(|member| !member.is_empty()).collect()
}

fn has(fields: &Fields, name: &str, member: &str) -> bool {
    list(fields, name).iter().any(|other| other == member.as_bytes())
}

/// Returns the meaning of the fields, or `None` if they contradict each other or the request line.
fn meaning(head: &Head, limits: &Limits) -> Option<Meaning> {
    let fields = &head.fields;
    match get(fields, "host") {
        Some(host) => {
            let target = Target::parse(head.target.as_bytes(), &Method::from_bytes(head.method.as_bytes())?)?;
            let same = target.authority.is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(host));
            if !is_authority(host) || (target.form == TargetForm::Absolute && !same) {
                return None;
            }
        }
        None if head.old => {}
        None => return None,
    }
    let length = match (get(fields, "transfer-encoding"), get(fields, "content-length")) {
        (Some(_), None) if !head.old => Length::Unknown,
        (None, None) => Length::None,
        (None, Some(digits)) => match number(digits)? {
            0 => Length::None,
            n if limits.body.is_none_or(|most| n <= most) => Length::Known(n),
            _ => return None,
        },
        _ => return None,
    };
    let expectations = members(fields, "expect");
    if !head.old && expectations.iter().any(|expectation| expectation != b"100-continue") {
        return None;
    }
    if length != Length::None && ["CONNECT", "TRACE"].contains(&&*head.method) {
        return None;
    }
    let keep_alive =
        !has(fields, "connection", "close") && (!head.old || has(fields, "connection", "keep-alive"));
    let upgrade = get(fields, "upgrade").is_some() && has(fields, "connection", "upgrade") && !head.old;
    let expects = !expectations.is_empty() && !head.old && length != Length::None;
    Some(Meaning { length, keep_alive, expects, upgrade })
}

fn number(digits: &[u8]) -> Option<u64> {
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    // No sign, no leading zeros, and at most 19 digits.
    (number.to_string().as_bytes() == digits && digits.len() < 20).then_some(number)
}

/// Returns whether `bytes` is `host [ ":" port ]`, without user information (RFC 3986 section 3.2).
pub(crate) fn is_authority(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let (good, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((address, port)) => (address.parse::<Ipv6Addr>().is_ok(), port),
        None => {
            let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            let letter = |b: u8| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&b);
            (!name.is_empty() && name.bytes().all(letter) && is_encoded(name), port)
        }
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    good && (port.is_empty() || port.starts_with(':'))
        && digits.len() <= 5
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits.is_empty() || digits.parse::<u16>().is_ok())
}

/// Returns whether every `%` begins an encoded byte (RFC 3986 section 2.1), and none encodes NUL, CR or LF.
pub(crate) fn is_encoded(text: &str) -> bool {
    text.match_indices('%').all(|(at, _)| {
        let byte = text.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        byte.is_some_and(|digits| !["00", "0a", "0d"].contains(&&*digits.to_lowercase()))
    })
}
