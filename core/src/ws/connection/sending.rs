//! Sends messages: from commands to output.

use alloc::vec::Vec;

use super::{Connection, Ping, Report, step_to};
use crate::proto::Reason;
use crate::ws::event::{Command, Kind, SendError};
use crate::ws::frame::{CONTROL, Header, Opcode};
use crate::ws::mask::{Keys, Mask};
use crate::ws::state::{State, Step};
use crate::ws::utf8::Utf8;
use crate::ws::{CloseCode, Closed, Message};
use crate::{Bytes, Instant};

impl Connection {
    /// Carries out a command of the application. Drain the machine afterwards, as after any
    /// [input](crate::proto::Machine).
    ///
    /// # Errors
    /// The command breaks a rule, and nothing was written. Closing again is no error.
    pub fn send(&mut self, now: Instant, what: Command<'_>) -> Result<(), SendError> {
        self.now = now;
        match what {
            Command::Close { code, reason } => self.close(now, code, reason),
            _ if !self.ending.can_speak() => return Err(SendError::Closed),
            Command::Message(_) if self.outgoing.is_some() => return Err(SendError::Incomplete),
            Command::Message(message) => self.message(message),
            Command::Part { kind, data, last } => self.part_out(kind, data, last)?,
            Command::Ping(payload) | Command::Pong(payload) if payload.len() > CONTROL => {
                return Err(SendError::TooLong);
            }
            Command::Ping(payload) => self.control_frame(Opcode::Ping, payload),
            Command::Pong(payload) => self.control_frame(Opcode::Pong, payload),
        }
        Ok(())
    }

    /// Returns whether messages can still be sent: this side has not closed, and the connection is not lost.
    pub fn is_open(&self) -> bool {
        self.ending.can_speak()
    }

    /// Notes that `n` bytes were written. Returns whether nothing is left to write.
    pub(super) fn sent(&mut self, n: usize) -> bool {
        let now = self.now;
        if let Some(message) = self.output.advance(n).and_then(Bytes::into_owner) {
            self.spend(message);
        }
        if self.output.len() < self.config.limits.write_buffer
            && let Some(payload) = self.unanswered.take()
        {
            self.control_frame(Opcode::Pong, &payload);
        }
        self.ping_written(n);
        if !self.output.is_empty() {
            if n > 0 {
                self.timers.writing(now, self.config.timeouts.write);
            }
            self.blocked = Some(now);
            return false;
        }
        self.blocked = None;
        self.timers.written();
        // The close frame was sent: the peer has to close next.
        if self.ending.ours == State::Closed {
            self.timers.expect(now, self.close_timeout(), Reason::Close);
        }
        true
    }

    /// Notes that `n` bytes were written, for the wait for a pong. It starts when the ping has left the output. A write
    /// that had to wait shows that the peer reads, and what it reads is before its pong.
    fn ping_written(&mut self, n: usize) {
        let Some(ping) = &mut self.ping else { return };
        let has_waited = n > 0 && self.blocked.is_some_and(|since| since < self.now);
        let leaves = ping.unwritten > 0 && ping.unwritten <= n;
        ping.unwritten = ping.unwritten.saturating_sub(n);
        if leaves || has_waited {
            self.extend_pong();
        }
    }

    /// Returns how many more bytes of messages to send: 0 while the peer is slow to read, and once it has ended.
    /// [`transmitted`](crate::proto::Machine::transmitted) raises it.
    pub fn capacity(&self) -> usize {
        match self.ending.can_speak() {
            true => self.config.limits.write_buffer.saturating_sub(self.output.len()),
            false => 0,
        }
    }

    fn message(&mut self, message: Message) {
        step_to(&mut self.ending.ours, Step::Whole);
        let (kind, payload) = match message {
            Message::Text(text) => (Kind::Text, text.into()),
            Message::Binary(bytes) => (Kind::Binary, bytes),
        };
        let deflate = self.config.deflate.filter(|deflate| payload.len() >= deflate.threshold);
        match (&mut self.codec, deflate) {
            (Some((compressor, _)), Some(_)) if compressor.is_able() => {
                let mut compressed = Vec::new();
                compressor.compress(&payload, &mut compressed);
                self.codec_used = true;
                self.frame(opcode(kind), true, true, compressed.into());
            }
            _ => self.frame(opcode(kind), true, false, payload),
        }
    }

    fn part_out(&mut self, kind: Kind, data: Bytes, last: bool) -> Result<(), SendError> {
        let (first, mut utf8) = match self.outgoing {
            None => (true, Utf8::default()),
            Some((begun, utf8)) if begun == kind => (false, utf8),
            Some(_) => return Err(SendError::Kind),
        };
        if kind == Kind::Text && !utf8.accept(&data, last) {
            return Err(SendError::Utf8);
        }
        self.outgoing = (!last).then_some((kind, utf8));
        let step = match (first, last) {
            (true, true) => Step::Whole,
            (true, false) => Step::First,
            (false, false) => Step::More,
            (false, true) => Step::Last,
        };
        step_to(&mut self.ending.ours, step);
        self.frame(if first { opcode(kind) } else { Opcode::Continuation }, last, false, data);
        Ok(())
    }

    /// Writes a data frame.
    fn frame(&mut self, opcode: Opcode, fin: bool, compressed: bool, payload: Bytes) {
        match self.header(opcode, fin, compressed, payload.len()) {
            None => self.output.push(payload),
            Some(mask) => self.masked(mask, &payload),
        }
    }

    /// Writes a control frame.
    fn control_frame(&mut self, opcode: Opcode, payload: &[u8]) {
        step_to(&mut self.ending.ours, if opcode == Opcode::Close { Step::Close } else { Step::Control });
        match self.header(opcode, true, false, payload.len()) {
            None => self.output.buf().extend_from_slice(payload),
            Some(mask) => self.masked(mask, payload),
        }
    }

    /// Writes the header of a frame. Returns the mask of its payload on a client.
    fn header(&mut self, opcode: Opcode, fin: bool, compressed: bool, len: usize) -> Option<Mask> {
        let mask = self.keys.as_mut().map(Keys::draw);
        Header { opcode, fin, compressed, mask, len: len as u64 }.write(self.output.buf());
        if !self.timers.is_writing() {
            self.timers.writing(self.now, self.config.timeouts.write);
        }
        mask
    }

    fn masked(&mut self, mut mask: Mask, payload: &[u8]) {
        let out = self.output.buf();
        let start = out.len();
        out.extend_from_slice(payload);
        mask.apply(out.get_mut(start..).unwrap_or_default());
    }

    // Pings and pongs

    /// Answers the ping whose payload was consumed last. While the peer does not read, only the latest ping is kept
    /// (RFC 6455 section 5.5.3).
    pub(super) fn pong(&mut self, len: usize) {
        let taken = self.input.taken(len);
        if self.output.len() >= self.config.limits.write_buffer {
            self.unanswered = Some(taken.to_vec());
            return;
        }
        let mut payload = [0; CONTROL];
        let payload = &mut payload[..len.min(CONTROL)];
        payload.copy_from_slice(taken);
        self.control_frame(Opcode::Pong, payload);
    }

    /// Handles a pong whose payload was consumed last.
    pub(super) fn ponged(&mut self, len: usize) {
        let matches = |ping: &mut Ping| ping.payload == self.input.taken(len);
        if let (Some(ping), Some(interval)) = (self.ping.take_if(matches), self.config.timeouts.ping_interval)
        {
            self.timers.expect(ping.sent, interval, Reason::Ping);
        }
    }

    /// Sends a ping.
    pub(super) fn say_ping(&mut self) {
        self.pings = self.pings.wrapping_add(1);
        // A peer does not send this payload by accident. The payload is not secret: a peer that guesses it harms only
        // itself.
        let payload = (self.now.as_micros() as u32 ^ self.pings.wrapping_mul(0x9e37_79b1)).to_be_bytes();
        self.control_frame(Opcode::Ping, &payload);
        self.ping = Some(Ping { payload, sent: self.now, unwritten: self.output.len() });
        self.expect_pong();
    }

    // Close frames

    /// Begins the closing handshake, or completes it.
    pub(super) fn close(&mut self, now: Instant, code: CloseCode, reason: &str) {
        self.now = now;
        if let Report::Announced(_) = self.ending.report {
            self.answer();
        } else if self.ending.can_speak() {
            let code = match code {
                CloseCode::NO_STATUS_RCVD => code,
                code if code.is_sendable() => code,
                _ => CloseCode::NORMAL_CLOSURE,
            };
            self.say_close(Closed { code, reason: cut(reason).into() });
        }
    }

    /// Sends the close frame that the peer waits for.
    pub(super) fn answer(&mut self) {
        if let Report::Announced(closed) = core::mem::replace(&mut self.ending.report, Report::Nothing) {
            self.say_close(closed);
        }
    }

    fn say_close(&mut self, closed: Closed) {
        let mut payload = Vec::new();
        if closed.code != CloseCode::NO_STATUS_RCVD {
            payload.extend_from_slice(&closed.code.0.to_be_bytes());
            payload.extend_from_slice(closed.reason.as_bytes());
        }
        self.unanswered = None;
        self.ping = None;
        self.timers.relax();
        self.control_frame(Opcode::Close, &payload);
        self.ending.report = Report::Due(closed);
    }
}

fn opcode(kind: Kind) -> Opcode {
    match kind {
        Kind::Text => Opcode::Text,
        Kind::Binary => Opcode::Binary,
    }
}

/// Truncates a reason to the room in a close frame.
fn cut(reason: &str) -> &str {
    let mut end = reason.len().min(CONTROL - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.get(..end).unwrap_or_default()
}
