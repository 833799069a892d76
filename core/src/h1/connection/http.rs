//! The verbs of the machine as an [`HttpMachine`]. They name a stream, of which HTTP/1.1 has one.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Connection;
use crate::body::Length;
use crate::fault::{Fault, FaultKind};
use crate::h1::encoder::{self, ResponseFraming};
use crate::h1::state::State;
use crate::http::{Headers, RequestHead, Status};
use crate::proto::{Command, Defaults, Event, HttpMachine, Reason, StreamId};
use crate::{Bytes, Instant};

impl HttpMachine for Connection {
    const MULTIPLEXED: bool = false;

    #[inline(always)]
    fn next_event(&mut self) -> Event<'_> {
        let idle = self.is_idle();
        match self.fault {
            None if idle && self.input.is_empty() && !self.eof => Event::NeedData,
            None if idle && !self.is_held_up() => self.next_head(),
            _ => self.other_event(),
        }
    }

    #[inline(always)]
    fn send(&mut self, now: Instant, _: StreamId, command: Command<'_>) -> Result<(), Fault> {
        self.now = now;
        self.encode(command).map_err(Fault::caller)?;
        if !self.timers.is_writing() && !self.output.is_empty() {
            self.timers.writing(now, self.write_time);
        }
        Ok(())
    }

    fn want_body(&mut self, now: Instant, _: StreamId, wanted: bool) {
        self.now = now;
        self.wants_body = wanted;
        if !wanted {
            // The peer is held back, not late.
            if self.timers.expecting() == Some(Reason::Body) {
                self.timers.relax();
                self.pace.pause(now);
            }
        } else if self.expects_continue && self.exchange.server == State::SendResponse {
            encoder::informational(self.output.buf(), Status::CONTINUE, &Headers::new());
            self.expects_continue = false;
            if !self.timers.is_writing() {
                self.timers.writing(now, self.write_time);
            }
        }
    }

    // Each request ends with it: 4 instructions less than a call.
    #[inline(always)]
    fn discard_body(&mut self, now: Instant, _: StreamId) {
        self.now = now;
        if self.exchange.client == State::SendBody && !self.is_rest_certain() {
            self.exchange.keep_alive = false;
        }
    }

    /// The connection closes after the response.
    fn refuse(
        &mut self,
        now: Instant,
        stream: StreamId,
        fault: Fault,
        defaults: &Defaults,
    ) -> Result<(), Fault> {
        const TEXT: Headers =
            Headers::constant("content-type: text/plain; charset=utf-8").expect("a header field");
        let status = fault.status().ok_or(Fault::caller(FaultKind::State))?;
        let text = alloc::format!("{}\n", fault.kind);
        let length = Length::Known(text.len() as u64);
        self.exchange.keep_alive = false;
        self.send(now, stream, Command::Response { status, headers: &TEXT, length, defaults })?;
        self.send(now, stream, Command::Data(text.into()))?;
        self.send(now, stream, Command::End)
    }

    fn capacity(&self, stream: StreamId) -> usize {
        match self.wants_data(stream) {
            true => self.config.limits.write_buffer.saturating_sub(self.output.len()),
            false => 0,
        }
    }

    fn wants_data(&self, _: StreamId) -> bool {
        self.exchange.server == State::SendBody && self.framing != ResponseFraming::Suppressed
    }

    fn has_responded(&self, _: StreamId) -> bool {
        !matches!(self.exchange.server, State::Idle | State::SendResponse)
    }

    /// 101 for `Upgrade` (RFC 9110 section 7.8), 200 for CONNECT (section 9.3.6).
    fn acceptance(&self, _: StreamId) -> Option<Status> {
        match (self.asked.switch, self.asked.connect) {
            (false, _) => None,
            (true, false) => Some(Status::SWITCHING_PROTOCOLS),
            (true, true) => Some(Status::OK),
        }
    }

    fn take_body(&mut self, _: StreamId) -> Option<Bytes> {
        let left = self.decoder.remaining().filter(|_| self.exchange.client == State::SendBody)?;
        if left > self.input.bytes().len() as u64 {
            return None;
        }
        self.whole_body()
    }

    fn take_data(&mut self, len: usize) -> Bytes {
        self.input.hand_over(len)
    }

    fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    fn is_held_up(&self) -> bool {
        self.is_idle() && !self.input.is_empty() && self.output.len() >= self.config.limits.write_buffer
    }

    fn take_input(&mut self, _: StreamId) -> Vec<u8> {
        let bytes = self.input.bytes().to_vec();
        self.input.clear();
        bytes
    }

    fn reuse(&mut self, head: Arc<RequestHead>) {
        self.reader.adopt(Some(head));
    }

    fn answered(&self) -> Option<&RequestHead> {
        self.reader.answered()
    }
}
