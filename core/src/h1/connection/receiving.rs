//! What comes from the peer: bytes in, events out.

use super::{Closing, Connection};
use crate::Instant;
use crate::fault::FaultKind;
use crate::h1::decoder::Part;
use crate::h1::encoder::Asked;
use crate::h1::head::Progress;
use crate::h1::state::{Role, State, Step};
use crate::http::{Method, Version};
use crate::proto::Machine;
use crate::proto::Reason;
use crate::proto::{Event, Length, StreamId};

impl Connection {
    /// Room for bytes from the peer; empty while the machine has enough to do. Read into it, then call
    /// [`received`](Self::received).
    pub fn spare(&mut self) -> &mut [u8] {
        match self.closing {
            // To close now would reset a peer that is still sending, and it could lose the answer.
            Closing::HalfClosed(dropped) if dropped > self.config.limits.drain => &mut [],
            _ => self.input.spare(self.input_size),
        }
    }

    /// The peer has sent `n` bytes, which stand at the beginning of [`spare`](Self::spare) now. Look at
    /// [`next_event`](Self::next_event) again.
    pub fn received(&mut self, now: Instant, n: usize) {
        self.now = now;
        self.input.filled(n);
        match self.closing {
            Closing::HalfClosed(before) => {
                self.input.clear();
                self.closing = Closing::HalfClosed(before + n);
            }
            _ if n == 0 => {}
            // The time for a head begins when it turns out that it is not there yet.
            _ if matches!(self.timers.expecting(), Some(Reason::KeepAlive | Reason::Body)) => {
                self.timers.relax()
            }
            _ => {}
        }
    }

    /// The peer has sent `bytes`: as many as there is room for are copied. Says how many. Look at
    /// [`next_event`](Self::next_event) again.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        Machine::receive(self, now, bytes)
    }

    /// How many bytes from the peer have not been looked at yet.
    pub fn buffered(&self) -> usize {
        self.input.bytes().len()
    }

    /// The peer has ended its side: no bytes will come any more, but it may still be reading. Look at
    /// [`next_event`](Self::next_event) and [`close_state`](Self::close_state) again.
    pub fn receive_eof(&mut self, now: Instant) {
        self.now = now;
        self.eof = true;
    }

    /// The peer has left: nothing can be read from it or written to it. What was to be written is dropped. Look at
    /// [`next_event`](Self::next_event) again.
    pub fn peer_gone(&mut self, now: Instant) {
        self.now = now;
        self.give_up(FaultKind::Gone);
    }

    /// What has happened. Call it until it says `NeedData`, `Paused` or `Closed`; but while a body comes, as long as
    /// the application wants it: not to ask is how the peer is pushed back.
    pub fn next_event(&mut self) -> Event<'_> {
        let idle = (self.exchange.client, self.exchange.server) == (State::Idle, State::Idle);
        match self.fault {
            None if idle && self.input.is_empty() && !self.eof => Event::NeedData,
            None if idle && !self.is_held_up() => self.next_head(),
            _ => self.other_event(),
        }
    }

    /// What has happened, other than a request.
    #[inline(never)]
    fn other_event(&mut self) -> Event<'_> {
        let stream = StreamId::ONLY;
        if let Some(fault) = self.fault.take() {
            if fault.status().is_none() && self.exchange.server == State::Idle {
                self.close_quietly();
            }
            return Event::Fault { stream, fault };
        }
        match (self.exchange.client, self.exchange.server) {
            (State::Idle, State::Idle) => {
                // The next request is held up; its time begins when we can look at it.
                self.timers.relax();
                Event::Paused
            }
            (State::SendBody, State::SendResponse | State::SendBody) => match self.next_part() {
                Some(Read::Data(taken)) => Event::Data { stream, data: self.input.taken(taken) },
                Some(Read::End) => self.body_end(),
                Some(Read::Fault) => self.next_event(),
                None => Event::NeedData,
            },
            (State::SendBody, State::Done) => self.drain(),
            (_, State::SendResponse | State::SendBody) => Event::Paused,
            (State::Error, State::Idle) => Event::Paused,
            (State::Done, State::Done) => Event::Paused,
            _ => Event::Closed,
        }
    }

    /// Whether a request that the peer has sent ahead waits until the peer has read more of the earlier answers.
    /// [`transmitted`](Self::transmitted) ends that: look at [`next_event`](Self::next_event) again.
    pub fn is_held_up(&self) -> bool {
        let idle = (self.exchange.client, self.exchange.server) == (State::Idle, State::Idle);
        idle && !self.input.is_empty() && self.output.len() >= self.config.limits.write_buffer
    }

    fn next_head(&mut self) -> Event<'_> {
        match self.reader.read(self.input.bytes(), &self.config.limits) {
            Ok(Progress::Complete(used, head, framing)) => {
                self.input.take(used);
                self.requests += 1;
                self.timers.relax();
                self.drained = 0;
                self.expects_continue = framing.expects_continue;
                self.asked = Asked {
                    head: matches!(head.method(), Method::Head),
                    connect: matches!(head.method(), Method::Connect),
                    old: head.version() == Version::Http10,
                    switch: framing.switch,
                };
                let last = self.config.limits.requests.is_some_and(|most| self.requests >= most);
                self.exchange.keep_alive &= framing.keep_alive && !last;
                // Both are allowed in this state.
                let _ = self.exchange.step(Role::Client, Step::Request);
                let _ = self.exchange.step(Role::Server, Step::Request);
                self.decoder.start(framing.length);
                if framing.length == Length::None {
                    let _ = self.exchange.step(Role::Client, Step::End);
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
            Err((kind, at)) => {
                self.asked = Asked::default();
                self.fail(kind, at);
                self.next_event()
            }
        }
    }

    /// The next piece of the body, if there is one.
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
                let (wait, reason) = match self.exchange.server {
                    State::Done => (self.config.timeouts.linger, Reason::Linger),
                    _ => (self.config.timeouts.body, Reason::Body),
                };
                if self.timers.expecting() != Some(reason) {
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
        // A body that comes unasked needs no invitation.
        self.expects_continue = false;
        Some(if end { Read::End } else { Read::Data(len) })
    }

    fn body_end(&mut self) -> Event<'_> {
        let stream = StreamId::ONLY;
        let trailers = self.decoder.take_trailers();
        if !trailers.is_empty() {
            return Event::Trailers { stream, trailers };
        }
        self.timers.relax();
        let _ = self.exchange.step(Role::Client, Step::End);
        self.settle();
        Event::End { stream }
    }

    /// Reads and drops what the application has left of the body, so that another request can follow.
    fn drain(&mut self) -> Event<'_> {
        loop {
            match self.next_part() {
                Some(Read::Data(taken)) => {
                    self.drained += taken;
                    if self.drained > self.config.limits.drain {
                        self.exchange.forbid_keep_alive();
                        self.settle();
                        return Event::Closed;
                    }
                }
                Some(Read::End) => {
                    self.decoder.take_trailers();
                    let _ = self.exchange.step(Role::Client, Step::End);
                    self.settle();
                    return self.next_event();
                }
                Some(Read::Fault) => {
                    // The response is out: there is nobody left to tell.
                    self.fault = None;
                    return Event::Closed;
                }
                None => return Event::NeedData,
            }
        }
    }
}

/// What the decoder has come to.
enum Read {
    /// So many bytes of the body, taken out of the input last.
    Data(usize),
    End,
    /// The fault is kept, to be reported.
    Fault,
}
