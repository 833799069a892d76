//! Request lines and header fields that stand whole at the beginning of the input and have no fault: read in one pass,
//! every byte looked at once (RFC 9112 sections 3 and 5).
//!
//! What is wrong with others, or missing from them, is for [`head`](super::head) to find out.

use core::ops::Range;

use crate::http::{Headers, Method, Parts, RequestHead, Span, Version, token_len, value_len};
use crate::limits::Limits;

/// Reads `method SP request-target SP HTTP-version CRLF` into `head`, in whose block the line is to stand at `start`.
/// Says how long it is; `None` if it cannot be read, or breaks a limit.
pub(super) fn request_line(
    input: &[u8],
    start: usize,
    limits: &Limits,
    head: &mut RequestHead,
) -> Option<usize> {
    let (method, rest) = method(input, limits)?;
    let before = input.len() - rest.len();
    let (parts, target) = Parts::read(rest, &method)?;
    let version = match rest.get(target..)? {
        rest if rest.starts_with(b" HTTP/1.1\r\n") => Version::Http11,
        rest if rest.starts_with(b" HTTP/1.0\r\n") => Version::Http10,
        // A later minor version is read as the latest that we know (RFC 9110 section 2.5).
        [b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9', b'\r', b'\n', ..] => Version::Http11,
        _ => return None,
    };
    head.set_line(method, Span::new(start + before, start + before + target), parts, version);
    let len = before + target + b" HTTP/1.1\r\n".len();
    (len <= limits.request_line).then_some(len)
}

/// The method and the space behind it, taken off the beginning.
fn method<'a>(input: &'a [u8], limits: &Limits) -> Option<(Method, &'a [u8])> {
    if let Some(rest) = input.strip_prefix(b"GET ") {
        return Some((Method::Get, rest));
    }
    let (method, rest) = input.split_at_checked(token_len(input))?;
    let method = Method::from_bytes(method).filter(|_| method.len() <= limits.method)?;
    Some((method, rest.strip_prefix(b" ")?))
}

/// `field-name ":" OWS field-value OWS CRLF`
pub(super) struct FieldLine {
    /// The length of the name.
    pub(super) name: usize,
    /// Where the value stands, without the white space around it.
    pub(super) value: Range<usize>,
    /// The length, line end included.
    pub(super) len: usize,
}

impl FieldLine {
    pub(super) fn read(input: &[u8]) -> Option<Self> {
        let name = token_len(input);
        let [b':', raw @ ..] = input.get(name..)? else { return None };
        let (raw, rest) = raw.split_at_checked(value_len(raw))?;
        if name == 0 || !rest.starts_with(b"\r\n") {
            return None;
        }
        let start = name + 1 + raw.iter().position(|b| !is_blank(*b)).unwrap_or(raw.len());
        let end = name + 1 + raw.iter().rposition(|b| !is_blank(*b)).map_or(raw.len(), |last| last + 1);
        Some(Self { name, value: start..end, len: name + 1 + raw.len() + 2 })
    }

    pub(super) fn name<'a>(&self, input: &'a [u8]) -> &'a [u8] {
        input.get(..self.name).unwrap_or_default()
    }

    pub(super) fn value<'a>(&self, input: &'a [u8]) -> &'a [u8] {
        input.get(self.value.clone()).unwrap_or_default()
    }

    /// Whether there is no more white space than the single space that RFC 9110 section 5.6.3 asks for.
    pub(super) fn is_plain(&self, input: &[u8]) -> bool {
        let before = input.get(self.name + 1..self.value.start);
        matches!(before, Some([] | [b' '])) && self.value.end + 2 == self.len
    }

    /// Adds the field to `headers`, in whose block the line stands (or is about to stand) at `start`.
    pub(super) fn put_into(&self, headers: &mut Headers, start: usize) {
        headers.push_spans(Span::new(start, start + self.name), self.value_span(start));
    }

    /// Where the value stands in a block in which the line stands at `start`.
    pub(super) fn value_span(&self, start: usize) -> Span {
        Span::new(start + self.value.start, start + self.value.end)
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
