//! WebSocket frames (RFC 6455 section 5), with all bytes in memory.

use stelo_core::ws::deflate::{InflateError, Parameters};
use stelo_core::ws::{CloseCode, Kind, Limits};

use super::inflate::{Context, Outcome, message, piece};

/// An event of a WebSocket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// The peer has closed or broken a rule: the code and reason of the close frame, received or sent.
    Closed(u16, String),
}

/// The settings that the rules depend on.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Whether the frames are those of a client.
    pub(crate) masked: bool,
    pub(crate) deflate: Option<Parameters>,
    pub(crate) limits: Limits,
}

/// Parses the input. Returns the events, and the received part of an incomplete message.
pub(crate) fn read(bytes: &[u8], rules: Rules) -> (Vec<Heard>, Vec<u8>) {
    let mut reader = Reader { rest: bytes, rules, heard: Vec::new(), begun: None, before: Vec::new() };
    loop {
        match reader.frame() {
            Ok(()) => {}
            Err(Stop::Short) => break,
            Err(Stop::Closed(code, reason)) => {
                reader.heard.push(Heard::Closed(code, reason));
                break;
            }
        }
    }
    (reader.heard, reader.begun.map(|message| message.out).unwrap_or_default())
}

/// The reason why the reader stops.
enum Stop {
    /// The input is incomplete.
    Short,
    Closed(u16, String),
}

fn broken(reason: &str) -> Stop {
    Stop::Closed(1002, reason.into())
}

/// A message that is being received.
struct Message {
    kind: Kind,
    compressed: bool,
    /// The received payload of all its frames.
    payload: Vec<u8>,
    /// The payload, decompressed if necessary.
    out: Vec<u8>,
    declared: u64,
    empty_fragments: u32,
}

struct Reader<'a> {
    rest: &'a [u8],
    rules: Rules,
    heard: Vec<Heard>,
    begun: Option<Message>,
    /// The output of compressed messages so far.
    before: Vec<u8>,
}

impl Reader<'_> {
    fn take(&mut self, n: usize) -> Result<&[u8], Stop> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(Stop::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Reads a number of `n` bytes.
    fn number(&mut self, n: usize) -> Result<u64, Stop> {
        Ok(self.take(n)?.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn frame(&mut self) -> Result<(), Stop> {
        let first = self.number(1)?;
        let (fin, reserved, opcode) = (first & 0x80 != 0, first >> 4 & 7, first & 0xf);
        let begins = matches!(opcode, 1 | 2);
        let compressed = reserved == 4 && begins && self.rules.deflate.is_some();
        if reserved != 0 && !compressed {
            return Err(broken("reserved bits must be 0"));
        }
        match opcode {
            0 if self.begun.is_none() => return Err(broken("unexpected continuation frame")),
            1 | 2 if self.begun.is_some() => return Err(broken("expected a continuation frame")),
            0..=2 => {}
            8..=10 if !fin => return Err(broken("fragmented control frame")),
            8..=10 => {}
            _ => return Err(broken("invalid opcode")),
        }
        let second = self.number(1)?;
        if (second & 0x80 != 0) != self.rules.masked {
            return Err(broken("incorrect masking"));
        }
        let short = second & 0x7f;
        if opcode >= 8 && short > 125 {
            return Err(broken("control frame too long"));
        }
        let (length, least) = match short {
            126 => (self.number(2)?, 126),
            127 => (self.number(8)?, 1 << 16),
            length => (length, 0),
        };
        if length < least || length >= 1 << 63 {
            return Err(broken("invalid payload length"));
        }
        let mask = if self.rules.masked { self.take(4)?.to_vec() } else { vec![0; 4] };
        if opcode < 8 {
            return self.data(opcode, fin, compressed, length, &mask);
        }
        let payload = unmask(self.take(length as usize)?, &mask);
        match opcode {
            8 => return Err(close(&payload)),
            9 => self.heard.push(Heard::Ping(payload)),
            _ => self.heard.push(Heard::Pong(payload)),
        }
        Ok(())
    }

    fn data(
        &mut self,
        opcode: u64,
        fin: bool,
        compressed: bool,
        length: u64,
        mask: &[u8],
    ) -> Result<(), Stop> {
        let Rules { limits, .. } = self.rules;
        let begun = self.begun.get_or_insert_with(|| Message {
            kind: if opcode == 1 { Kind::Text } else { Kind::Binary },
            compressed,
            payload: Vec::new(),
            out: Vec::new(),
            declared: 0,
            empty_fragments: 0,
        });
        if let Some(limit) = limits.frame.filter(|&limit| length > limit as u64) {
            return Err(Stop::Closed(1009, format!("frame exceeds the limit of {limit} bytes")));
        }
        let too_big = || Stop::Closed(1009, format!("message exceeds the limit of {} bytes", limits.message));
        begun.declared = begun.declared.saturating_add(length);
        if !begun.compressed && begun.declared > limits.message as u64 {
            return Err(too_big());
        }
        begun.empty_fragments += u32::from(length == 0 && !fin);
        if begun.empty_fragments > limits.empty_fragments {
            return Err(Stop::Closed(1008, "too many empty fragments".into()));
        }
        let here = self.rest.len().min(usize::try_from(length).unwrap_or(usize::MAX));
        let (payload, rest) = self.rest.split_at(here);
        self.rest = rest;
        begun.payload.extend(unmask(payload, mask));
        let complete = fin && here as u64 == length;

        let mut outcome = Outcome::Whole;
        begun.out.clone_from(&begun.payload);
        if let (true, Some(parameters)) = (begun.compressed, self.rules.deflate) {
            let afresh = match self.rules.masked {
                true => parameters.client_no_context_takeover,
                false => parameters.server_no_context_takeover,
            };
            let before = if afresh { &[] } else { &*self.before };
            let context = Context { before, limit: limits.message };
            (begun.out, outcome) =
                if complete { message(&begun.payload, &context) } else { piece(&begun.payload, &context) };
        }
        if begun.kind == Kind::Text {
            // An incomplete character may be completed later.
            let good = match std::str::from_utf8(&begun.out) {
                Ok(_) => true,
                Err(error) => error.error_len().is_none() && (!complete || outcome != Outcome::Whole),
            };
            if !good {
                return Err(Stop::Closed(1007, "invalid UTF-8".into()));
            }
        }
        match outcome {
            Outcome::Failed(InflateError::Corrupt) => return Err(broken("decompression failed")),
            Outcome::Failed(InflateError::TooLarge) => return Err(too_big()),
            Outcome::Whole | Outcome::Short => {}
        }
        if (here as u64) < length {
            return Err(Stop::Short);
        }
        if let Some(message) = self.begun.take_if(|_| complete) {
            if message.compressed {
                self.before.extend_from_slice(&message.out);
            }
            self.heard.push(match (message.kind, String::from_utf8(message.out)) {
                (Kind::Text, Ok(text)) => Heard::Text(text),
                (_, text) => Heard::Binary(text.map_or_else(|error| error.into_bytes(), String::into_bytes)),
            });
        }
        Ok(())
    }
}

fn unmask(payload: &[u8], mask: &[u8]) -> Vec<u8> {
    payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}

/// Reads a close frame (section 5.5.1).
fn close(payload: &[u8]) -> Stop {
    match payload {
        [] => Stop::Closed(1005, String::new()),
        [_] => broken("close frame too short"),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !CloseCode(code).is_sendable() {
                return broken("invalid status code");
            }
            match std::str::from_utf8(reason) {
                Ok(reason) => Stop::Closed(code, reason.into()),
                Err(_) => Stop::Closed(1007, "invalid UTF-8".into()),
            }
        }
    }
}
