//! Receives requests: from input to events.

use core::time::Duration;

use super::{Connection, Pressure};
use crate::Bytes;
use crate::body::Length;
use crate::fault::FaultKind;
use crate::h1::decoder::Part;
use crate::h1::encoder::Asked;
use crate::h1::head::Progress;
use crate::h1::state::{Role, State, Step};
use crate::proto::{Event, HttpMachine, Input, Pace, Reason, StreamId};

impl Connection {
    /// Returns an event other than the request of an idle connection.
    #[inline(never)]
    pub(super) fn other_event(&mut self) -> Event<'_> {
        let stream = StreamId::ONLY;
        if let Some(fault) = self.fault.take() {
            if fault.status().is_none() && self.exchange.server == State::Idle {
                self.close_quietly();
            }
            return Event::Fault { stream, fault };
        }
        if self.pressure == Pressure::Relieved {
            self.pressure = Pressure::None;
            if self.exchange.server == State::SendBody {
                return Event::Writable { stream };
            }
        }
        match (self.exchange.client, self.exchange.server) {
            (State::Idle, State::Idle) => {
                // The next request is held up. Its timeout starts when it can be parsed.
                self.timers.relax();
                Event::Paused
            }
            (State::SendBody, State::SendResponse | State::SendBody) if !self.wants_body => Event::Paused,
            (State::SendBody, State::SendResponse | State::SendBody) => match self.next_part() {
                Some(Read::Data(taken)) => Event::Data { stream, data: self.input.taken(taken) },
                Some(Read::End) => self.body_end(),
                Some(Read::Fault) => self.next_event(),
                None => Event::NeedData,
            },
            (State::SendBody, State::Done) => self.drain(),
            (_, State::SendResponse | State::SendBody) => Event::Paused,
            (State::Error, State::Idle) => Event::Paused,
            _ => Event::Closed,
        }
    }

    pub(super) fn next_head(&mut self) -> Event<'_> {
        match self.reader.read(self.input.bytes(), &self.config.limits) {
            Ok(Progress::Complete(used, head, framing)) => {
                self.input.take(used);
                self.requests_left = self.requests_left.saturating_sub(1);
                self.timers.relax();
                self.expects_continue = framing.expects_continue;
                self.asked = framing.asked;
                self.asks_keep_alive = framing.asks_keep_alive;
                self.exchange.keep_alive &= framing.keep_alive && self.requests_left > 0 && !self.stopping;
                // Both steps are allowed in this state.
                let _ = self.exchange.step(Role::Client, Step::Request);
                let _ = self.exchange.step(Role::Server, Step::Request);
                self.decoder.start(framing.length);
                match framing.length {
                    Length::None => {
                        let _ = self.exchange.step(Role::Client, Step::End);
                    }
                    _ => (self.wants_body, self.pace) = (false, Pace::default()),
                }
                Event::Request { stream: StreamId::ONLY, head, length: framing.length }
            }
            Ok(Progress::Partial(used)) => {
                self.input.take(used);
                if !self.eof {
                    if self.timers.expecting().is_none() {
                        self.timers.expect(self.now, self.config.timeouts.head, Reason::Head);
                    }
                    return Event::NeedData;
                }
                match self.reader.is_partial() || !self.input.is_empty() {
                    true => self.fail(FaultKind::Incomplete, 0),
                    false => self.close_quietly(),
                }
                self.next_event()
            }
            Err(_) if self.begins_http2() => {
                // Both steps are allowed in this state.
                let _ = self.exchange.step(Role::Client, Step::Switch);
                let _ = self.exchange.step(Role::Server, Step::Switch);
                self.timers.relax();
                self.next_event()
            }
            Err((kind, at)) => {
                self.fail_head(kind, at);
                self.next_event()
            }
        }
    }

    /// Returns whether the connection begins with the request line of the preface of HTTP/2, and may.
    fn begins_http2(&self) -> bool {
        self.config.http2 && self.input.offset() == 0 && self.input.bytes().starts_with(b"PRI * HTTP/2.0\r\n")
    }

    /// Records a fault in a head. The refusal of a HEAD request has no content (RFC 9110 section 9.3.2).
    pub(super) fn fail_head(&mut self, kind: FaultKind, at: usize) {
        self.asked = Asked { head: self.reader.is_head(), ..Asked::default() };
        self.fail(kind, at);
    }

    /// Returns the next piece of the body, if there is one.
    fn next_part(&mut self) -> Option<Read> {
        let (skip, len, end) = match self.decoder.read(self.input.bytes(), &self.config.limits) {
            Ok(Part::Data { skip, len }) => (skip, len, false),
            Ok(Part::End { skip }) => (skip, 0, true),
            Ok(Part::Nothing { skip }) => {
                self.input.take(skip);
                if self.eof {
                    self.fail(FaultKind::Incomplete, 0);
                    return Some(Read::Fault);
                }
                if self.decoder.remaining().is_none_or(|left| left >= Input::LARGE as u64) {
                    self.input.enlarge();
                }
                let reason = match self.exchange.server {
                    State::Done => Reason::KeepAlive,
                    _ => Reason::Body,
                };
                if self.timers.expecting() != Some(reason) {
                    let wait = self.wait_for_body();
                    self.timers.expect(self.now, wait, reason);
                }
                return None;
            }
            Err((kind, at)) => {
                self.fail(kind, at);
                return Some(Read::Fault);
            }
        };
        self.input.take(skip + len);
        // A body that arrives without `100 Continue` needs none.
        self.expects_continue = false;
        self.pace.received(len);
        Some(if end { Read::End } else { Read::Data(len) })
    }

    /// Returns how long the peer has for the next byte of a body.
    fn wait_for_body(&mut self) -> Duration {
        let (limits, timeouts) = (&self.config.limits, &self.config.timeouts);
        match self.exchange.server {
            State::Done => timeouts.keep_alive,
            State::SendBody => timeouts.body,
            _ => self.pace.wait(self.now, timeouts.body, limits.body_rate),
        }
    }

    /// Takes a body that is complete in the input; `None` if it has a fault.
    pub(super) fn whole_body(&mut self) -> Option<Bytes> {
        let mut body = Bytes::new();
        loop {
            match self.next_part()? {
                Read::Data(taken) => body = self.input.taken(taken).to_vec().into(),
                Read::End => {
                    self.body_end();
                    return Some(body);
                }
                Read::Fault => return None,
            }
        }
    }

    fn body_end(&mut self) -> Event<'_> {
        let stream = StreamId::ONLY;
        self.input.shrink(self.input_size);
        let trailers = self.decoder.take_trailers();
        if !trailers.is_empty() {
            return Event::Trailers { stream, trailers };
        }
        self.timers.relax();
        let _ = self.exchange.step(Role::Client, Step::End);
        self.settle();
        Event::End { stream }
    }

    /// Drops what is here of a body that is not read. Returns whether another request can follow: the rest is here, or
    /// is known to be within the limit for bytes that are dropped.
    pub(super) fn is_rest_certain(&mut self) -> bool {
        // A client that got no `100 Continue` may send its body or not, so the next bytes are ambiguous.
        if self.expects_continue {
            return false;
        }
        loop {
            match self.decoder.read(self.input.bytes(), &self.config.limits) {
                Ok(Part::Data { skip, len }) => self.input.take(skip + len),
                Ok(Part::End { skip }) => {
                    self.input.take(skip);
                    self.input.shrink(self.input_size);
                    self.decoder.take_trailers();
                    // Allowed: the client is sending its body.
                    let _ = self.exchange.step(Role::Client, Step::End);
                    return true;
                }
                Ok(Part::Nothing { skip }) => {
                    self.input.take(skip);
                    let most = self.config.limits.drain as u64;
                    return self.decoder.remaining().is_some_and(|left| left <= most);
                }
                // The fault cannot be answered any more: the application has a response.
                Err(_) => return false,
            }
        }
    }

    /// Reads and drops the rest of the body: the response has said that another request can follow.
    fn drain(&mut self) -> Event<'_> {
        loop {
            match self.next_part() {
                Some(Read::Data(_)) => {}
                Some(Read::End) => {
                    self.input.shrink(self.input_size);
                    self.decoder.take_trailers();
                    let _ = self.exchange.step(Role::Client, Step::End);
                    self.settle();
                    return self.next_event();
                }
                Some(Read::Fault) => {
                    // The response was sent, so the fault cannot be answered.
                    self.fault = None;
                    return Event::Closed;
                }
                None => return Event::NeedData,
            }
        }
    }
}

/// A result of the decoder.
enum Read {
    /// Bytes of the body, consumed from the input last.
    Data(usize),
    End,
    /// A fault, which was recorded.
    Fault,
}
