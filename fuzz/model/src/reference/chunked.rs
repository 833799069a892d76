//! Chunked bodies (RFC 9112 section 7.1).

use stelo_core::h1::Limits;

use super::{Fields, Halt, Read, field, is_text, is_token, line};

/// Fields that are dropped from trailers: those of framing, routing, authentication, content and conditions (RFC 9110
/// section 6.5.1).
const DROPPED: &str = "authorization cache-control connection content-encoding content-length content-range \
    content-type cookie expect host if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive \
    max-forwards proxy-authorization range set-cookie te trailer transfer-encoding upgrade";

/// Returns whether a trailer of this name is dropped.
pub(crate) fn is_dropped(name: &[u8]) -> bool {
    DROPPED.split(' ').any(|dropped| name.eq_ignore_ascii_case(dropped.as_bytes()))
}

/// Parses a body and appends it to `body`. Returns the trailers.
pub(crate) fn read<'a>(mut input: &'a [u8], limits: &Limits, body: &mut Vec<u8>) -> Read<'a, Fields> {
    let (mut total, mut extensions) = (0u128, 0);
    loop {
        let (first, rest) = line(input, limits.chunk_line)?;
        let (digits, extension) =
            first.split_at(first.iter().position(|&b| b == b';').unwrap_or(first.len()));
        let size = size(digits).ok_or(Halt::Refused)?;
        extensions += extension.len();
        total += u128::from(size);
        if !are_extensions(extension)
            || extensions > limits.chunk_extensions
            || limits.body.is_some_and(|most| total > u128::from(most))
        {
            return Err(Halt::Refused);
        }
        if size == 0 {
            return trailers(rest, limits);
        }
        let length = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
        let (data, rest) = rest.split_at(length);
        body.extend_from_slice(data);
        input = match rest {
            [b'\r', b'\n', rest @ ..] => rest,
            [] | [b'\r'] => return Err(Halt::Incomplete),
            _ => return Err(Halt::Refused),
        };
    }
}

fn size(digits: &[u8]) -> Option<u64> {
    // `from_str_radix` accepts a leading `+`, the grammar does not.
    let all = digits.len() <= 16 && digits.iter().all(u8::is_ascii_hexdigit);
    all.then(|| u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())?
}

/// Returns whether `text` is `*( ";" token [ "=" ( token / quoted-string ) ] )`. White space (BWS) is rejected.
fn are_extensions(text: &[u8]) -> bool {
    let Some((b';', text)) = text.split_first() else { return text.is_empty() };
    // Up to the next delimiter; a quoted string may contain delimiters.
    let part = |text: &[u8]| text.iter().position(|b| b";=".contains(b)).unwrap_or(text.len());
    let (name, rest) = text.split_at(part(text));
    let rest = match rest {
        [b'=', b'"', quoted @ ..] => match end_of_quoted(quoted) {
            Some(end) => &quoted[end..],
            None => return false,
        },
        [b'=', value @ ..] => match value.split_at(part(value)) {
            (value, rest) if is_token(value) => rest,
            _ => return false,
        },
        rest => rest,
    };
    is_token(name) && are_extensions(rest)
}

/// Returns the end of a quoted string. `text` begins after the opening quote.
fn end_of_quoted(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if !is_text(byte) => return None,
            b'"' if !escaped => return Some(at + 1),
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    None
}

fn trailers<'a>(mut input: &'a [u8], limits: &Limits) -> Read<'a, Fields> {
    let (mut fields, mut size, mut count) = (Fields::new(), 0, 0);
    loop {
        let (next, rest) = line(input, limits.field_line)?;
        input = rest;
        if next.is_empty() {
            return Ok((fields, rest));
        }
        size += next.len() + 2;
        count += 1;
        if size > limits.trailers || count > limits.trailer_fields {
            return Err(Halt::Refused);
        }
        let (name, value) = field(next)?;
        if !is_dropped(&name) {
            fields.push((name, value));
        }
    }
}
