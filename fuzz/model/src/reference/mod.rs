//! Plain readers of HTTP/1.1 and WebSocket, to compare the machines with: all bytes in memory, one check for each rule,
//! without regard to speed or memory.

pub(crate) mod chunked;
pub(crate) mod frames;
pub(crate) mod head;
pub(crate) mod inflate;
pub(crate) mod response;

use stelo_core::body::Length;

pub(crate) use head::Head;

/// Names and values, in order.
pub(crate) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// The reason why a reader stopped before the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Halt {
    /// It may go on, or not, once more bytes have come.
    Incomplete,
    /// The input is not HTTP, or exceeds the limits, whichever bytes follow.
    Refused,
}

/// A value that was read, and the rest of the input.
pub(crate) type Read<'a, T> = Result<(T, &'a [u8]), Halt>;

/// A request and as much of its body as has been read.
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

    /// Whether `self` is a prefix of `other`, for a reader that stopped early.
    pub(crate) fn is_part_of(&self, other: &Self) -> bool {
        match self.ended {
            true => self == other,
            false => {
                self.head == other.head && self.length == other.length && other.body.starts_with(&self.body)
            }
        }
    }
}

/// A line, its end left out; together they are at most `limit` bytes.
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

/// A field line: name and value, without the white space around it (RFC 9112 section 5).
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

/// `1*tchar` (RFC 9110 section 5.6.2).
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    let tchar = |&b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !bytes.is_empty() && bytes.iter().all(tchar)
}

/// The bytes that a field value may contain (RFC 9110 section 5.5).
pub(crate) fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 127)
}

/// The first value of that name.
pub(crate) fn get<'a>(fields: &'a Fields, name: &str) -> Option<&'a [u8]> {
    fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| &**value)
}

/// The members of all comma-separated lists of that name, in lower case.
pub(crate) fn list(fields: &Fields, name: &str) -> Vec<Vec<u8>> {
    let same = fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
    same.flat_map(|(_, value)| value.split(|&b| b == b','))
        .map(|member| trim(member).to_ascii_lowercase())
        .collect()
}
