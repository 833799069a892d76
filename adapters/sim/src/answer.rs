//! A parser of responses that is as strict as RFC 9112 allows: it accepts only unambiguous framing.
//!
//! It shares no code with the server, so that the two do not share mistakes.

use serde_core::de::DeserializeOwned;

/// A complete response.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// The interim responses before this one, such as 103 Early Hints, with their header fields. Without 100 Continue.
    pub interim: Vec<(u16, Fields)>,
    /// The status code.
    pub status: u16,
    /// The header fields in order, with names in lower case.
    pub fields: Fields,
    /// The body, without its framing.
    pub body: Vec<u8>,
    /// The trailer fields.
    pub trailers: Fields,
}

/// Names and values of fields.
pub(crate) type Fields = Vec<(String, String)>;

impl Answer {
    /// Returns the value of the first field with this name, which must be in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether this is the last response of the connection.
    pub fn closes(&self) -> bool {
        self.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Returns the body as text. Replaces invalid UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as a value of JSON.
    ///
    /// # Errors
    /// The body is not JSON of such a value.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// The state of a response that is being read.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    answer: Answer,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Stage {
    #[default]
    Head,
    Length(usize),
    ChunkSize,
    Chunk(usize),
    ChunkEnd,
    Trailers,
    UntilEnd,
    Done,
}

/// The rule that a response breaks.
pub(crate) type Rule = &'static str;

/// The method of the request, as far as it decides whether the response has a body (RFC 9112, section 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    Head,
    Connect,
    Other,
}

impl Reader {
    /// Whether no byte of a response has been read.
    pub(crate) fn is_new(&self) -> bool {
        self.stage == Stage::Head
    }

    /// Removes a `100 Continue` from `input`. False if another response begins there; `None` if its head is not complete.
    pub(crate) fn is_asked(&self, input: &mut Vec<u8>) -> Option<bool> {
        let end = find(input, b"\r\n\r\n")?;
        let asked = self.is_new() && input.starts_with(b"HTTP/1.1 100 ");
        if asked {
            input.drain(..end + 4);
        }
        Some(asked)
    }

    /// Whether the head of a final response has been read.
    pub(crate) fn has_head(&self) -> bool {
        self.stage != Stage::Head
    }

    /// Whether a response is complete.
    pub(crate) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Returns the response as far as it has been read.
    pub(crate) fn answer(&mut self) -> &mut Answer {
        &mut self.answer
    }

    /// Takes the response, and begins with the next one.
    pub(crate) fn take_answer(&mut self) -> Answer {
        std::mem::take(self).answer
    }

    /// Reads the bytes of `input` that belong to the response, and removes them.
    pub(crate) fn read(&mut self, input: &mut Vec<u8>, ended: bool, asked: Asked) -> Result<(), Rule> {
        let mut at = 0;
        let outcome = self.step(input, &mut at, ended, asked);
        input.drain(..at);
        outcome
    }

    fn step(&mut self, input: &[u8], at: &mut usize, ended: bool, asked: Asked) -> Result<(), Rule> {
        loop {
            let rest = &input[*at..];
            self.stage = match self.stage {
                Stage::Head => {
                    let Some(end) = find(rest, b"\r\n\r\n") else { return Ok(()) };
                    *at += end + 4;
                    let stage = self.head(&rest[..end], asked)?;
                    match self.answer.status {
                        status @ (100 | 102..=199) => {
                            let fields = std::mem::take(&mut self.answer.fields);
                            if status != 100 {
                                self.answer.interim.push((status, fields));
                            }
                            Stage::Head
                        }
                        _ => stage,
                    }
                }
                Stage::Length(0) => Stage::Done,
                Stage::Length(left) => match self.take(rest, left, at) {
                    0 => return Ok(()),
                    n => Stage::Length(left - n),
                },
                Stage::ChunkSize => {
                    let Some(end) = find(rest, b"\r\n") else { return Ok(()) };
                    *at += end + 2;
                    match number(&rest[..end], 16).ok_or("a chunk size is no number")? {
                        0 => Stage::Trailers,
                        size => Stage::Chunk(size),
                    }
                }
                Stage::Chunk(left) => match self.take(rest, left, at) {
                    0 => return Ok(()),
                    n if n == left => Stage::ChunkEnd,
                    n => Stage::Chunk(left - n),
                },
                Stage::ChunkEnd => {
                    let Some(end) = rest.get(..2) else { return Ok(()) };
                    *at += 2;
                    if end != b"\r\n" {
                        return Err("a chunk does not end where it said");
                    }
                    Stage::ChunkSize
                }
                Stage::Trailers => {
                    let Some(end) = find(rest, b"\r\n") else { return Ok(()) };
                    *at += end + 2;
                    if end == 0 {
                        Stage::Done
                    } else {
                        self.answer.trailers.push(field(&rest[..end])?);
                        Stage::Trailers
                    }
                }
                Stage::UntilEnd => {
                    self.take(rest, usize::MAX, at);
                    if !ended {
                        return Ok(());
                    }
                    Stage::Done
                }
                Stage::Done => return Ok(()),
            };
        }
    }

    fn take(&mut self, rest: &[u8], most: usize, at: &mut usize) -> usize {
        let n = rest.len().min(most);
        self.answer.body.extend_from_slice(&rest[..n]);
        *at += n;
        n
    }

    fn head(&mut self, head: &[u8], asked: Asked) -> Result<Stage, Rule> {
        if head.iter().any(|&b| b < b' ' && !matches!(b, b'\r' | b'\n' | b'\t') || b == 0x7f) {
            return Err("a control character in the head");
        }
        let mut lines = split(head);
        let line = lines.next().unwrap_or_default();
        let rest = line.strip_prefix(b"HTTP/1.1 ").ok_or("the status line does not begin with HTTP/1.1")?;
        let (status, rest) = rest.split_at_checked(3).ok_or("the status is cut off")?;
        if !rest.starts_with(b" ") || !(b'1'..=b'5').contains(&status[0]) {
            return Err("no status of three digits");
        }
        self.answer.status =
            number(status, 10).and_then(|n| n.try_into().ok()).ok_or("the status is no number")?;
        self.answer.fields = lines.map(field).collect::<Result<_, Rule>>()?;
        self.framing(asked)
    }

    fn framing(&self, asked: Asked) -> Result<Stage, Rule> {
        let all = |name| self.answer.fields.iter().filter(move |(n, _)| n == name).map(|(_, value)| value);
        let (mut lengths, mut codings) = (all("content-length"), all("transfer-encoding"));
        let (length, coding) = (lengths.next(), codings.next());
        if lengths.next().is_some() || codings.next().is_some() || length.is_some() && coding.is_some() {
            return Err("framed twice");
        }
        let tunnel = asked == Asked::Connect && matches!(self.answer.status, 200..=299);
        let bodiless = tunnel || matches!(self.answer.status, 100..=199 | 204);
        if bodiless && (length.is_some() || coding.is_some()) {
            return Err("a length where there can be no body");
        }
        Ok(match (length, coding) {
            _ if asked == Asked::Head || bodiless || self.answer.status == 304 => Stage::Length(0),
            (Some(length), _) => {
                Stage::Length(number(length.as_bytes(), 10).ok_or("a length that is no number")?)
            }
            (_, Some(coding)) if coding == "chunked" => Stage::ChunkSize,
            (_, Some(_)) => return Err("a transfer coding that was not requested"),
            (None, None) if self.answer.closes() => Stage::UntilEnd,
            (None, None) => return Err("no length, and the connection goes on"),
        })
    }
}

fn field(line: &[u8]) -> Result<(String, String), Rule> {
    let line = std::str::from_utf8(line).map_err(|_| "a field that is not UTF-8")?;
    if line.contains(['\r', '\n']) {
        return Err("a bare CR or LF");
    }
    let (name, value) = line.split_once(':').ok_or("a field without a colon")?;
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err("a field name that is no token");
    }
    Ok((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()))
}

/// Parses a number of digits only.
fn number(digits: &[u8], radix: u32) -> Option<usize> {
    let digits = std::str::from_utf8(digits).ok().filter(|d| d.chars().all(|c| c.is_digit(radix)))?;
    usize::from_str_radix(digits, radix).ok()
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Returns the lines of a head, without their ends.
fn split(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(head);
    std::iter::from_fn(move || {
        let all = rest?;
        let end = find(all, b"\r\n");
        rest = end.map(|end| &all[end + 2..]);
        Some(&all[..end.unwrap_or(all.len())])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Answer>, Rule> {
        let mut reader = Reader::default();
        let mut input = Vec::new();
        for byte in text.bytes() {
            input.push(byte);
            reader.read(&mut input, false, Asked::Other)?;
        }
        reader.read(&mut input, true, Asked::Other)?;
        Ok(reader.is_done().then(|| reader.take_answer()))
    }

    #[test]
    fn every_framing_is_read() {
        for (text, body) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "hi"),
            ("HTTP/1.1 204 No Content\r\n\r\n", ""),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nB\r\n-----------\r\n0\r\na: b\r\n\r\n",
                "abc-----------",
            ),
            ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nto the end", "to the end"),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 \r\ncontent-length: 1\r\n\r\nx", "x"),
        ] {
            assert_eq!(read(text).unwrap().unwrap().text(), body, "{text}");
        }
    }

    #[test]
    fn ambiguous_framing_is_rejected() {
        for text in [
            "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\na : b\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\na: b\nc: d\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_method_of_the_request_decides_the_framing() {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n";
        let tunnel = b"HTTP/1.1 200 OK\r\n\r\nnot HTTP";
        for (asked, response) in [(Asked::Head, &head[..]), (Asked::Connect, tunnel)] {
            let mut reader = Reader::default();
            reader.read(&mut response.to_vec(), false, asked).expect("it is valid");
            assert_eq!((reader.is_done(), &*reader.take_answer().body), (true, &b""[..]), "{asked:?}");
        }
        assert!(Reader::default().read(&mut head.to_vec(), false, Asked::Connect).is_err());
    }

    #[test]
    fn interim_responses_come_with_the_final_one() {
        let text = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n\
                    HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1";
        let answer = read(text).expect("it is valid").expect("it is complete");
        assert_eq!(answer.interim, [(103, vec![("link".to_owned(), "</a>".to_owned())])]);
        assert_eq!((answer.status, answer.json::<u8>().ok()), (200, Some(1)));
    }

    #[test]
    fn an_answer_that_is_cut_off_is_not_complete() {
        assert_eq!(read("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhi"), Ok(None));
        assert_eq!(read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n"), Ok(None));
    }
}
