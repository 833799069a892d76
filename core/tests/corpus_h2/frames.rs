//! Frames in the notation of a case, which `tests/corpus/h2/README.md` explains.

use stelo_core::h2::ErrorCode;
use stelo_core::h2::frame::{Frame, Header};
use stelo_core::h2::hpack::{BlockLimits, Decoder, FieldLines, Indexing, literal};

use crate::escape::{escape, unescape};

const KINDS: [(&str, u8); 11] = [
    ("DATA", 0x0),
    ("HEADERS", 0x1),
    ("PRIORITY", 0x2),
    ("RST_STREAM", 0x3),
    ("SETTINGS", 0x4),
    ("PUSH_PROMISE", 0x5),
    ("PING", 0x6),
    ("GOAWAY", 0x7),
    ("WINDOW_UPDATE", 0x8),
    ("CONTINUATION", 0x9),
    ("PRIORITY_UPDATE", 0x10),
];

const FLAGS: [(&str, u8); 5] =
    [("END_STREAM", 0x1), ("ACK", 0x1), ("END_HEADERS", 0x4), ("PADDED", 0x8), ("PRIORITY", 0x20)];

/// A frame of the client: a line, and the fields in the lines below it.
pub(crate) struct Sent {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
    length: Option<u32>,
}

impl Sent {
    /// Parses `KIND stream FLAG ... : payload`.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let (front, payload) = match line.split_once(" : ") {
            Some((front, payload)) => (front, Some(payload)),
            None => (line, None),
        };
        let mut words = front.split(' ');
        let octet =
            |word: &str| word.strip_prefix("0x").and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let named = |table: &[(&str, u8)], word: &str| {
            let found = table.iter().find(|(name, _)| *name == word).map(|(_, octet)| *octet);
            found.or_else(|| octet(word)).ok_or(format!("there is no {word}"))
        };
        let kind = named(&KINDS, words.next().unwrap_or_default())?;
        let stream = words.next().and_then(|id| id.parse().ok()).ok_or("a frame has a stream")?;
        let (mut flags, mut length) = (0, None);
        for word in words {
            match word.strip_prefix("length=") {
                Some(number) => length = Some(number.parse().map_err(|_| "a length is a number")?),
                None => flags |= named(&FLAGS, word)?,
            }
        }
        let payload = match (kind, payload) {
            (_, None) => Vec::new(),
            (0x4, Some(pairs)) if !pairs.starts_with('\\') => settings(pairs)?,
            (0x3 | 0x8, Some(number)) if !number.starts_with('\\') => {
                number.parse::<u32>().map_err(|error| error.to_string())?.to_be_bytes().to_vec()
            }
            (_, Some(text)) => match text.split_once(" * ") {
                Some((text, times)) => unescape(text)?.repeat(times.parse().map_err(|_| "a number")?),
                None => unescape(text)?,
            },
        };
        Ok(Self { kind, flags, stream, payload, length })
    }

    /// Adds a line of fields: `name: value`, or `GET /path` for the pseudo-header fields of a request.
    pub(crate) fn field(&mut self, line: &str) -> Result<(), String> {
        if let Some(("GET" | "HEAD" | "POST" | "PUT" | "OPTIONS" | "TRACE", _)) = line.split_once(' ') {
            let (method, path) = line.split_once(' ').unwrap_or_default();
            for (name, value) in
                [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a")]
            {
                self.literal(name.as_bytes(), &unescape(value)?);
            }
            return Ok(());
        }
        let (line, times) = match line.split_once(" * ") {
            Some((line, times)) => (line, times.parse().map_err(|_| "a number")?),
            None => (line, 1),
        };
        let bytes = unescape(line)?;
        // The colon of a pseudo-header field is part of its name.
        let at = bytes.windows(2).skip(1).position(|pair| pair == b": ").map(|at| at + 1);
        let at = if bytes.starts_with(b": ") { Some(0) } else { at };
        let (name, value) = bytes.split_at(at.ok_or("a field is `name: value`")?);
        for _ in 0..times {
            self.raw(name, value.get(2..).unwrap_or_default());
        }
        Ok(())
    }

    fn literal(&mut self, name: &[u8], value: &[u8]) {
        literal(&mut self.payload, Indexing::Without, name, value);
    }

    /// Writes a field as it is: the encoder would write names in lower case.
    fn raw(&mut self, name: &[u8], value: &[u8]) {
        self.payload.push(0);
        for text in [name, value] {
            let mut rest = text.len();
            if rest < 127 {
                self.payload.push(rest as u8);
            } else {
                self.payload.push(127);
                rest -= 127;
                while rest >= 128 {
                    self.payload.push((rest % 128) as u8 | 128);
                    rest /= 128;
                }
                self.payload.push(rest as u8);
            }
            self.payload.extend_from_slice(text);
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let length = self.length.unwrap_or(self.payload.len() as u32);
        let mut bytes = length.to_be_bytes()[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }
}

/// Parses `id=value ...`.
fn settings(pairs: &str) -> Result<Vec<u8>, String> {
    let mut payload = Vec::new();
    for pair in pairs.split(' ') {
        let (id, value) = pair.split_once('=').ok_or("a setting is `id=value`")?;
        let (id, value): (Result<u16, _>, Result<u32, _>) = (id.parse(), value.parse());
        payload.extend(id.map_err(|_| "an id is a number")?.to_be_bytes());
        payload.extend(value.map_err(|_| "a value is a number")?.to_be_bytes());
    }
    Ok(payload)
}

/// Parses what the server has written into lines, with the stream of each.
#[derive(Default)]
pub(crate) struct Written {
    bytes: Vec<u8>,
    decoder: Option<Decoder>,
    /// The greeting is complete: SETTINGS, WINDOW_UPDATE and the acknowledgement of those of the client.
    acknowledged: bool,
}

impl Written {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the lines of all frames.
    pub(crate) fn lines(&mut self) -> Vec<(u32, String)> {
        let mut lines = Vec::new();
        while let Some(header) = Header::read(&self.bytes) {
            let len = Header::LEN + header.len as usize;
            if self.bytes.len() < len {
                break;
            }
            let frame: Vec<u8> = self.bytes.drain(..len).collect();
            let payload = &frame[Header::LEN..];
            header.check(16_384).expect("a valid frame");
            if let Some(line) = self.line(&header, payload) {
                lines.push((header.stream, line));
            }
        }
        lines
    }

    fn line(&mut self, header: &Header, payload: &[u8]) -> Option<String> {
        Some(match header.frame(payload).expect("a valid frame") {
            Frame::Settings(_) | Frame::WindowUpdate { .. } => return None,
            Frame::SettingsAck if !std::mem::replace(&mut self.acknowledged, true) => return None,
            Frame::SettingsAck => "< SETTINGS 0 ACK".into(),
            Frame::Data { stream, data, end_stream, .. } => {
                format!("< DATA {stream}{} : {}", end(end_stream), escape(data))
            }
            Frame::Headers { stream, fragment, end_stream, end_headers } => {
                assert!(end_headers, "answers have short heads");
                let decoder = self.decoder.get_or_insert_with(|| Decoder::new(4_096));
                let mut fields = FieldLines::default();
                decoder.begin(BlockLimits::default());
                decoder.decode(fragment, &mut fields).expect("a valid block");
                decoder.finish().expect("a valid block");
                let first = fields.iter().next();
                let text = match first {
                    Some((b":status", status)) => escape(status),
                    Some((name, value)) => format!("{}: {}", escape(name), escape(value)),
                    None => String::new(),
                };
                format!("< HEADERS {stream}{} : {text}", end(end_stream))
            }
            Frame::Reset { stream, code } => format!("< RST_STREAM {stream} {code}"),
            Frame::Ping { payload, ack } => {
                format!("< PING 0{} : {}", if ack { " ACK" } else { "" }, escape(&payload))
            }
            Frame::GoAway { code: ErrorCode::NO_ERROR, last_stream, .. } => {
                format!("< GOAWAY 0 NO_ERROR {last_stream}")
            }
            Frame::GoAway { code, .. } => format!("< GOAWAY 0 {code}"),
            other => panic!("a server does not send {other:?}"),
        })
    }
}

fn end(end_stream: bool) -> &'static str {
    if end_stream { " END_STREAM" } else { "" }
}
