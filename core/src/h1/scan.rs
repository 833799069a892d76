//! Fast path: parses a request head that is complete and valid in one pass (RFC 9112 sections 3 and 5).
//!
//! [`head`](super::head) handles heads that are incomplete or invalid.

use super::framing::{Facts, Framing};
use crate::h1::Limits;
use crate::http::{Method, Parts, RequestHead, Span, Version, authority_len, is_name, token_len, value_len};

/// Parses a complete head, from its request line to the empty line after its fields. Returns its length, or `None` if
/// it is incomplete, invalid or exceeds a limit.
pub(super) fn head(input: &[u8], limits: &Limits, head: &mut RequestHead) -> Option<(usize, Framing)> {
    head.clear();
    let mut facts = Facts::default();
    let fields = request_line(input, 0, limits, head)?;
    let mut at = fields;
    let mut rest = input.get(at..)?;
    while !rest.starts_with(b"\r\n") {
        let line = FieldLine::read(rest)?;
        if line.len > limits.field_line {
            return None;
        }
        let (name, value) = line.spans(at)?;
        facts.note(line.name, line.value, value, line.is_authority).ok()?;
        head.headers_mut().push_spans(name, value);
        at += line.len;
        rest = input.get(at..)?;
    }
    if at - fields > limits.head || head.headers().len() > limits.fields {
        return None;
    }
    at += 2;
    head.block_mut().extend_from_slice(input.get(..at)?);
    Some((at, facts.framing(head, limits).ok()?))
}

/// Parses `method SP request-target SP HTTP-version CRLF` into `head`. The caller writes the line to its block at
/// `start`. Returns its length, or `None` if it is incomplete, invalid or exceeds a limit.
#[inline(always)]
pub(super) fn request_line(
    input: &[u8],
    start: usize,
    limits: &Limits,
    head: &mut RequestHead,
) -> Option<usize> {
    let (method, before) = match input.starts_with(b"GET ") {
        true => (Method::Get, 4),
        false => method(input, limits)?,
    };
    let rest = input.get(before..)?;
    let (parts, target) = Parts::read(rest, &method)?;
    let version = match rest.get(target..)? {
        rest if rest.starts_with(b" HTTP/1.1\r\n") => Version::Http11,
        rest if rest.starts_with(b" HTTP/1.0\r\n") => Version::Http10,
        // A later minor version is treated as 1.1 (RFC 9110 section 2.5).
        [b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9', b'\r', b'\n', ..] => Version::Http11,
        _ => return None,
    };
    head.set_line(method, Span::new(start + before, start + before + target), parts, version);
    let len = before + target + b" HTTP/1.1\r\n".len();
    (len <= limits.request_line).then_some(len)
}

/// Parses the method. Returns its length with the space after it, too.
#[inline(never)]
fn method(input: &[u8], limits: &Limits) -> Option<(Method, usize)> {
    let (method, rest) = input.split_at_checked(token_len(input))?;
    if method.len() > limits.method || !rest.starts_with(b" ") {
        return None;
    }
    Some((Method::from_bytes(method)?, method.len() + 1))
}

/// `field-name ":" OWS field-value OWS CRLF`
pub(super) struct FieldLine<'a> {
    pub(super) name: &'a [u8],
    /// The value without the white space around it.
    pub(super) value: &'a [u8],
    /// The offset of the value in the line.
    start: usize,
    /// The length of the line with its end.
    pub(super) len: usize,
    /// The field is `host`, and its value an authority. `false` tells nothing.
    pub(super) is_authority: bool,
}

impl<'a> FieldLine<'a> {
    #[inline(always)]
    pub(super) fn read(input: &'a [u8]) -> Option<Self> {
        let (name, rest) = input.split_at_checked(token_len(input))?;
        let text = match rest {
            [b':', b' ', text @ ..] | [b':', text @ ..] if !name.is_empty() => text,
            _ => return None,
        };
        let start = input.len() - text.len();
        // An authority is a valid value without white space, so that its bytes are looked at once.
        if is_name(name, b"host")
            && let (value, [b'\r', b'\n', ..]) = text.split_at_checked(authority_len(text))?
            && !value.is_empty()
        {
            return Some(Self { name, value, start, len: start + value.len() + 2, is_authority: true });
        }
        let (value, rest) = text.split_at_checked(value_len(text))?;
        if !rest.starts_with(b"\r\n") {
            return None;
        }
        let line = Self { name, value, start, len: input.len() - rest.len() + 2, is_authority: false };
        Some(match value {
            // Only space and tab: `value` has no other byte up to the space.
            [..=b' ', ..] | [.., ..=b' '] => {
                let (blank, value) = trim(value);
                Self { value, start: start + blank, ..line }
            }
            _ => line,
        })
    }

    /// Returns the ranges of name and value in a block that has the line at `at`, or `None` beyond 4 GiB.
    #[inline]
    pub(super) fn spans(&self, at: usize) -> Option<(Span, Span)> {
        u32::try_from(at + self.len).ok()?;
        let span = |start: usize, len: usize| Span { start: start as u32, end: (start + len) as u32 };
        Some((span(at, self.name.len()), span(at + self.start, self.value.len())))
    }
}

/// Removes the white space around a value. Returns the number of bytes removed in front, too.
#[cold]
fn trim(value: &[u8]) -> (usize, &[u8]) {
    let rest = value.trim_ascii_start();
    (value.len() - rest.len(), rest.trim_ascii_end())
}
