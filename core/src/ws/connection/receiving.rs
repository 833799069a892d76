//! Receives messages: from input to events.

use alloc::borrow::Cow;
use alloc::string::String;
use core::str::from_utf8;

use super::assembly::Assembly;
use super::{Connection, Report, step_to};
use crate::proto::Input;
use crate::proto::Reason;
use crate::ws::deflate::InflateError;
use crate::ws::event::{Event, Kind};
use crate::ws::frame::{Expected, Header, Opcode};
use crate::ws::mask::Mask;
use crate::ws::state::{Role, State, Step};
use crate::ws::utf8::Utf8;
use crate::ws::violation::Violation;
use crate::ws::{CloseCode, Closed};

/// The compressed bytes of one part. The output is at most some thousand times as large.
const INFLATED_AT_ONCE: usize = 256;

/// The payload of a data frame that is being received.
pub(super) struct Payload {
    mask: Option<Mask>,
    /// The number of remaining bytes.
    left: u64,
    fin: bool,
}

/// The message that is being received.
pub(super) struct Incoming {
    kind: Kind,
    compressed: bool,
    /// Whether `next_part` began it, and so returns its pieces as they arrive.
    in_parts: bool,
    /// The number of bytes that its frames have declared, or that were decompressed.
    size: u64,
    empty_fragments: u32,
    utf8: Utf8,
    assembly: Assembly,
}

impl Default for Incoming {
    fn default() -> Self {
        Self::new(Kind::Binary, false, false)
    }
}

impl Incoming {
    fn new(kind: Kind, compressed: bool, in_parts: bool) -> Self {
        let (utf8, assembly) = (Utf8::default(), Assembly::default());
        Self { kind, compressed, in_parts, size: 0, empty_fragments: 0, utf8, assembly }
    }

    pub(super) fn held(&self) -> usize {
        self.assembly.held()
    }
}

/// A result of the parser.
enum Read {
    /// A whole message: the bytes that were consumed last.
    Lent(usize),
    /// A whole message, assembled.
    Assembled,
    /// A piece of a message: the bytes that were consumed last.
    Part {
        len: usize,
        last: bool,
    },
    /// A piece of a message, decompressed.
    Inflated {
        last: bool,
    },
    Ping(usize),
    Pong(usize),
    Close(Closed),
    Nothing,
}

impl Connection {
    /// Returns room for bytes from the peer: in the receive buffer, or in a large message directly.
    pub(super) fn room(&mut self) -> &mut [u8] {
        match &self.payload {
            Some(payload) if self.is_direct(payload) => {
                self.incoming.assembly.room(payload.left - self.fresh())
            }
            _ => self.input.spare(Input::SIZE),
        }
    }

    /// Accepts `n` bytes that were read into the room.
    pub(super) fn fill(&mut self, n: usize) {
        self.unseen |= n > 0;
        match &self.payload {
            Some(payload) if self.is_direct(payload) => self.incoming.assembly.filled(n),
            _ => self.input.filled(n),
        }
        if !self.ending.can_listen() {
            self.input.clear();
        }
    }

    /// Returns whether the socket reads directly into the message.
    fn is_direct(&self, payload: &Payload) -> bool {
        let incoming = &self.incoming;
        self.input.is_empty()
            && payload.left - self.fresh() >= Assembly::DIRECT
            && !incoming.compressed
            && !incoming.in_parts
    }

    fn fresh(&self) -> u64 {
        self.incoming.assembly.fresh_len() as u64
    }

    /// Returns the number of received bytes that were not parsed.
    pub fn buffered(&self) -> usize {
        self.input.bytes().len() + self.incoming.assembly.fresh_len()
    }

    /// Returns the next event, with whole messages. Call it until it returns `NeedData` or `Ended`, but only while
    /// the application accepts messages: not calling it holds the peer back.
    pub fn next_event(&mut self) -> Event<'_> {
        self.next(false)
    }

    /// As [`next_event`](Self::next_event), but returns messages in pieces as they arrive, which needs no memory. The
    /// call that returns the beginning of a message determines whether it is returned whole or in pieces.
    pub fn next_part(&mut self) -> Event<'_> {
        self.next(true)
    }

    fn next(&mut self, in_parts: bool) -> Event<'_> {
        if let Report::Announced(_) = self.ending.report {
            self.answer();
        }
        if let Report::Due(closed) = &mut self.ending.report {
            let closed = core::mem::replace(closed, Closed::LOST);
            self.ending.report = Report::Told;
            return Event::Closed(closed);
        }
        if !self.ending.can_listen() {
            self.input.clear();
            return Event::Ended;
        }
        let read = match self.read(in_parts) {
            Ok(read) => read,
            Err(violation) => return self.fail(violation),
        };
        let kind = self.incoming.kind;
        match read {
            Read::Lent(len) if kind == Kind::Binary => Event::Binary(Cow::Borrowed(self.input.taken(len))),
            Read::Lent(len) => {
                let Self { input, ending, timers, config, now, .. } = self;
                match from_utf8(input.taken(len)) {
                    Ok(text) => Event::Text(Cow::Borrowed(text)),
                    Err(_) => {
                        ending.announce(Step::Fail, Violation::Utf8.into());
                        timers.expect(*now, config.timeouts.close, Reason::Close);
                        Event::Closing
                    }
                }
            }
            Read::Assembled => {
                let bytes = self.incoming.assembly.take();
                match kind {
                    Kind::Binary => Event::Binary(Cow::Owned(bytes)),
                    Kind::Text => match String::from_utf8(bytes) {
                        Ok(text) => Event::Text(Cow::Owned(text)),
                        Err(_) => self.fail(Violation::Utf8),
                    },
                }
            }
            Read::Part { len, last } => Event::Part { kind, data: self.input.taken(len), last },
            Read::Inflated { last } => Event::Part { kind, data: self.incoming.assembly.bytes(), last },
            Read::Ping(len) => Event::Ping(self.input.taken(len)),
            Read::Pong(len) => Event::Pong(self.input.taken(len)),
            Read::Close(closed) => self.announce(Step::Close, closed),
            Read::Nothing if self.eof => {
                step_to(&mut self.ending.theirs, Step::End);
                self.timers.relax();
                self.ending.settle(Closed::LOST);
                self.next(in_parts)
            }
            Read::Nothing => {
                let in_frame = self.payload.is_some() || !self.input.is_empty();
                // A peer cannot send a pong inside a frame (RFC 6455 section 5.5).
                if self.unseen && (in_frame || self.in_frame) {
                    self.extend_pong();
                }
                (self.unseen, self.in_frame) = (false, in_frame);
                Event::NeedData
            }
        }
    }

    /// Handles a broken rule of the peer.
    fn fail(&mut self, violation: Violation) -> Event<'_> {
        self.announce(Step::Fail, violation.into())
    }

    /// Ignores further input of the peer.
    fn announce(&mut self, step: Step, closed: Closed) -> Event<'_> {
        self.ending.announce(step, closed);
        self.forget();
        match self.ending.report {
            Report::Announced(_) => {
                self.timers.expect(self.now, self.close_timeout(), Reason::Close);
                Event::Closing
            }
            // This side had closed before.
            _ => Event::Ended,
        }
    }

    /// Continues until there is an event.
    fn read(&mut self, in_parts: bool) -> Result<Read, Violation> {
        if self.incoming.in_parts && self.ending.theirs == State::Open && self.payload.is_none() {
            self.incoming = Incoming::default();
        }
        loop {
            if self.payload.is_none() {
                let expected = Expected {
                    masked: self.ending.role == Role::Server,
                    compression: self.codec.is_some(),
                    continuation: self.ending.theirs == State::Message,
                };
                let Some((header, used)) = Header::read(self.input.bytes(), expected)? else {
                    return Ok(Read::Nothing);
                };
                if header.opcode.is_control() {
                    match self.control(header, used)? {
                        Some(read) => return Ok(read),
                        None => continue,
                    }
                }
                self.begin(header, in_parts)?;
                self.input.take(used);
            }
            let read = match self.ending.can_speak() {
                true if self.incoming.compressed => self.inflate()?,
                true if self.incoming.in_parts => self.part()?,
                true => self.whole()?,
                false => self.skip(),
            };
            match read {
                Some(read) => return Ok(read),
                None if self.payload.is_some() && self.input.is_empty() => return Ok(Read::Nothing),
                None => {}
            }
        }
    }

    /// Handles a control frame once it is complete.
    fn control(&mut self, header: Header, used: usize) -> Result<Option<Read>, Violation> {
        let len = header.len as usize;
        if self.input.bytes().len() < used + len {
            return Ok(Some(Read::Nothing));
        }
        self.input.take(used + len);
        let payload = self.input.taken_mut(len);
        if let Some(mut mask) = header.mask {
            mask.apply(payload);
        }
        Ok(match header.opcode {
            Opcode::Close => Some(Read::Close(close(payload)?)),
            // This side has closed, and only waits for the peer to close.
            _ if !self.ending.can_speak() => None,
            opcode => {
                step_to(&mut self.ending.theirs, Step::Control);
                if opcode == Opcode::Ping {
                    self.pong(len);
                    Some(Read::Ping(len))
                } else {
                    self.ponged(len);
                    Some(Read::Pong(len))
                }
            }
        })
    }

    /// Handles the beginning of a data frame.
    fn begin(&mut self, header: Header, in_parts: bool) -> Result<(), Violation> {
        let kind = match header.opcode {
            Opcode::Continuation => None,
            Opcode::Text => Some(Kind::Text),
            _ => Some(Kind::Binary),
        };
        if let Some(kind) = kind {
            self.incoming = Incoming::new(kind, header.compressed, in_parts);
        }
        let (limits, incoming) = (&self.config.limits, &mut self.incoming);
        if let Some(limit) = limits.frame.filter(|&limit| header.len > limit as u64) {
            return Err(Violation::FrameTooBig { limit });
        }
        if !incoming.compressed {
            incoming.size = incoming.size.saturating_add(header.len);
            if incoming.size > limits.message as u64 {
                return Err(Violation::MessageTooBig { limit: limits.message });
            }
        }
        if header.len == 0 && !header.fin {
            incoming.empty_fragments += 1;
            if incoming.empty_fragments > limits.empty_fragments {
                return Err(Violation::EmptyFragments);
            }
        }
        let step = match (kind, header.fin) {
            (Some(_), true) => Step::Whole,
            (Some(_), false) => Step::First,
            (None, false) => Step::More,
            (None, true) => Step::Last,
        };
        step_to(&mut self.ending.theirs, step);
        self.payload = Some(Payload { mask: header.mask, left: header.len, fin: header.fin });
        Ok(())
    }

    /// Consumes received payload, up to `most` bytes, and unmasks it in place. Returns its length, and whether it
    /// completes the message. At the end of the frame `payload` is cleared.
    fn unmask(&mut self, most: usize) -> Option<(usize, bool)> {
        let payload = self.payload.as_mut()?;
        let here = self.input.bytes().len().min(most);
        let len = usize::try_from(payload.left).map_or(here, |left| left.min(here));
        self.input.take(len);
        if let Some(mask) = &mut payload.mask {
            mask.apply(self.input.taken_mut(len));
        }
        payload.left -= len as u64;
        let ended = payload.left == 0;
        let last = ended && payload.fin;
        if ended {
            self.payload = None;
        }
        Some((len, last))
    }

    /// Handles payload of a message that is returned whole.
    fn whole(&mut self) -> Result<Option<Read>, Violation> {
        let Some(payload) = &mut self.payload else { return Ok(None) };
        let (incoming, here) = (&mut self.incoming, self.input.bytes().len() as u64);
        if payload.fin && payload.left <= here && incoming.assembly.held() == 0 {
            return Ok(self.unmask(usize::MAX).map(|(len, _)| Read::Lent(len)));
        }
        let assembly = &mut incoming.assembly;
        let missing = payload.left - assembly.fresh_len() as u64;
        let len = here.min(missing) as usize;
        assembly.adopt(&mut self.spent, missing);
        self.input.take(len);
        assembly.append(self.input.taken(len), missing - len as u64);
        let fresh = assembly.fresh();
        if let Some(mask) = &mut payload.mask {
            mask.apply(fresh);
        }
        payload.left -= fresh.len() as u64;
        let ended = payload.left == 0;
        let last = ended && payload.fin;
        // The whole message is validated at its end.
        if incoming.kind == Kind::Text && !last && !incoming.utf8.push(fresh) {
            return Err(Violation::Utf8);
        }
        assembly.looked_at();
        if ended {
            self.payload = None;
        }
        Ok(last.then_some(Read::Assembled))
    }

    /// Handles payload of a message that is returned in parts.
    fn part(&mut self) -> Result<Option<Read>, Violation> {
        let Some((len, last)) = self.unmask(usize::MAX) else { return Ok(None) };
        let incoming = &mut self.incoming;
        if incoming.kind == Kind::Text && !incoming.utf8.accept(self.input.taken(len), last) {
            return Err(Violation::Utf8);
        }
        Ok((len > 0 || last).then_some(Read::Part { len, last }))
    }

    /// Handles payload of a compressed message.
    fn inflate(&mut self) -> Result<Option<Read>, Violation> {
        let most = if self.incoming.in_parts { INFLATED_AT_ONCE } else { usize::MAX };
        let Some((len, last)) = self.unmask(most) else { return Ok(None) };
        let Some((_, decompressor)) = &mut self.codec else { return Err(Violation::Reserved) };
        let limit = self.config.limits.message;
        let incoming = &mut self.incoming;
        if incoming.in_parts {
            incoming.assembly.clear();
        }
        self.codec_used = true;
        let mut done = Ok(());
        let before = incoming.assembly.bytes().len();
        let room = usize::try_from(incoming.size).map_or(0, |size| limit.saturating_sub(size)) + before;
        incoming.assembly.write(|out| done = decompressor.inflate(self.input.taken(len), last, out, room));
        let fresh = incoming.assembly.fresh();
        let some = !fresh.is_empty();
        incoming.size += fresh.len() as u64;
        // Handles the output before the error first, so that the result does not depend on the pieces of the input.
        if incoming.kind == Kind::Text && !incoming.utf8.accept(fresh, last && done.is_ok()) {
            return Err(Violation::Utf8);
        }
        done.map_err(|error| match error {
            InflateError::TooLarge => Violation::MessageTooBig { limit },
            InflateError::Corrupt => Violation::Compression,
        })?;
        incoming.assembly.looked_at();
        Ok(match incoming.in_parts {
            true if last || some => Some(Read::Inflated { last }),
            false if last => Some(Read::Assembled),
            _ => None,
        })
    }

    /// Handles payload that arrives after the sent close frame.
    fn skip(&mut self) -> Option<Read> {
        let assembly = core::mem::take(&mut self.incoming.assembly);
        if let Some(payload) = &mut self.payload {
            payload.left -= assembly.fresh_len() as u64;
        }
        self.unmask(usize::MAX);
        None
    }
}

/// Parses a close frame (RFC 6455 section 5.5.1).
fn close(payload: &[u8]) -> Result<Closed, Violation> {
    match payload {
        [] => Ok(Closed { code: CloseCode::NO_STATUS_RCVD, reason: String::new() }),
        [_] => Err(Violation::CloseTooShort),
        [high, low, reason @ ..] => {
            let code = CloseCode(u16::from_be_bytes([*high, *low]));
            if !code.is_sendable() {
                return Err(Violation::CloseCode);
            }
            let reason = from_utf8(reason).map_err(|_| Violation::Utf8)?;
            Ok(Closed { code, reason: reason.into() })
        }
    }
}
