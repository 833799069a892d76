//! Reference parsers of HTTP/1.1, HTTP/2, WebSocket and multipart forms, to compare the machines with. They have all
//! bytes in memory, one check for each rule, and ignore speed and memory.

pub(crate) mod chunked;
pub(crate) mod frames;
pub(crate) mod h2_frames;
pub(crate) mod head;
pub(crate) mod hpack;
pub(crate) mod inflate;
pub(crate) mod multipart;
pub(crate) mod response;

use stelo_core::body::Length;

pub(crate) use head::Head;

/// Names and values, in order.
pub(crate) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// The reason why a parser stopped before the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Halt {
    /// The input is incomplete.
    Incomplete,
    /// The input is invalid or exceeds the limits, whatever bytes follow.
    Refused,
}

/// A parsed value, and the rest of the input.
pub(crate) type Read<'a, T> = Result<(T, &'a [u8]), Halt>;

/// A request, and the received part of its body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Exchange {
    pub(crate) head: Head,
    pub(crate) length: Length,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Fields,
    pub(crate) ended: bool,
}

impl Exchange {
    pub(crate) fn new(head: Head, length: Length) -> Self {
        Self { head, length, body: Vec::new(), trailers: Fields::new(), ended: length == Length::None }
    }

    /// Returns whether `self` is a prefix of `other`, which a connection that ended early may report.
    pub(crate) fn is_part_of(&self, other: &Self) -> bool {
        match self.ended {
            true => self == other,
            false => {
                self.head == other.head && self.length == other.length && other.body.starts_with(&self.body)
            }
        }
    }
}

/// Parses a line of at most `limit` bytes, including its end. Returns it without the end.
pub(crate) fn line(input: &[u8], limit: usize) -> Read<'_, &[u8]> {
    match input.iter().position(|&b| b == b'\n') {
        None if input.len() < limit => Err(Halt::Incomplete),
        Some(end) if end < limit => match input[..end].strip_suffix(b"\r") {
            Some(line) => Ok((line, &input[end + 1..])),
            None => Err(Halt::Refused),
        },
        _ => Err(Halt::Refused),
    }
}

/// Parses a field line. Returns the name, and the value without white space around it (RFC 9112 section 5).
pub(crate) fn field(line: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Halt> {
    let colon = line.iter().position(|&b| b == b':').ok_or(Halt::Refused)?;
    let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
    let good = is_token(name) && value.iter().all(|&b| is_text(b));
    if good { Ok((name.to_vec(), value.to_vec())) } else { Err(Halt::Refused) }
}

pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let kept = |b: &u8| !matches!(b, b' ' | b'\t');
    let start = bytes.iter().position(kept).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(kept).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// Returns whether `bytes` is `1*tchar` (RFC 9110 section 5.6.2).
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    let tchar = |&b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !bytes.is_empty() && bytes.iter().all(tchar)
}

/// Returns whether a field value may contain this byte (RFC 9110 section 5.5).
pub(crate) fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 127)
}

/// Returns the first value of this name.
pub(crate) fn get<'a>(fields: &'a Fields, name: &str) -> Option<&'a [u8]> {
    fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| &**value)
}

/// Returns the members of all comma-separated lists of this name, in lower case.
pub(crate) fn list(fields: &Fields, name: &str) -> Vec<Vec<u8>> {
    let same = fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
    same.flat_map(|(_, value)| value.split(|&b| b == b','))
        .map(|member| trim(member).to_ascii_lowercase())
        .collect()
}
