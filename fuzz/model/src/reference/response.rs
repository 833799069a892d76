//! Responses, parsed by a client that knows its requests (RFC 9112 sections 4, 6 and 7).

use stelo_core::h1::Limits;

use super::{Fields, Halt, chunked, field, get, line};

/// A response, and the received part of its body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) fields: Fields,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Fields,
    pub(crate) end: End,
}

/// The end of a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// The body is complete by its framing.
    Complete,
    /// The body is incomplete.
    CutOff,
    /// The end of the connection ends the body.
    Close,
    /// The response switches protocols; the bytes after it are not HTTP.
    Switch,
}

/// Parses one response to a request with this method. Returns it with the rest of the input, or `None` at the end of
/// the input. Panics if the input is not a response.
pub(crate) fn read<'a>(input: &'a [u8], method: &str) -> Option<(Response, &'a [u8])> {
    if input.is_empty() {
        return None;
    }
    let limits = Limits::DEFAULT.chunk_line(usize::MAX).field_line(usize::MAX);
    let lines = |input: &'a [u8]| line(input, usize::MAX).expect("a line");
    let (status, mut rest) = lines(input);
    let code = status.strip_prefix(b"HTTP/1.1 ").and_then(|text| text.get(..4)).expect("a status line");
    let code = std::str::from_utf8(code).ok().and_then(|text| text.strip_suffix(' '));
    let status: u16 = code.and_then(|code| code.parse().ok()).expect("a status code and a space");
    let mut fields = Fields::new();
    loop {
        let (next, after) = lines(rest);
        rest = after;
        if next.is_empty() {
            break;
        }
        fields.push(field(next).expect("a field"));
    }
    let mut response =
        Response { status, fields, body: Vec::new(), trailers: Fields::new(), end: End::Complete };
    let length = get(&response.fields, "content-length")
        .map(|digits| String::from_utf8_lossy(digits).parse::<usize>().expect("a length"));
    match (length, get(&response.fields, "transfer-encoding")) {
        _ if status == 101 || (method == "CONNECT" && (200..300).contains(&status)) => {
            assert_eq!(
                (length, get(&response.fields, "transfer-encoding")),
                (None, None),
                "nothing to frame"
            );
            response.end = End::Switch;
        }
        (length, None) if status < 200 || status == 204 => {
            assert_eq!(length, None, "forbidden (RFC 9110 section 8.6)");
        }
        _ if method == "HEAD" || status == 304 => {}
        (None, Some(coding)) => {
            assert_eq!(coding, b"chunked");
            match chunked::read(rest, &limits, &mut response.body) {
                Ok((trailers, after)) => (response.trailers, rest) = (trailers, after),
                Err(Halt::Incomplete) => (response.end, rest) = (End::CutOff, &[]),
                Err(Halt::Refused) => panic!("not chunks: {}", rest.escape_ascii()),
            }
        }
        (Some(length), None) => {
            response.body = rest[..length.min(rest.len())].to_vec();
            rest = &rest[response.body.len()..];
            if response.body.len() < length {
                response.end = End::CutOff;
            }
        }
        (None, None) => {
            response.body = rest.to_vec();
            (response.end, rest) = (End::Close, &[]);
        }
        (Some(_), Some(_)) => panic!("two framings"),
    }
    Some((response, rest))
}
