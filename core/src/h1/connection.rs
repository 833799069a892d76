//! The machine: one HTTP/1.1 connection, seen from the server.
//!
//! This file has its parts, its end, and its verbs as a [`Machine`]. The verbs of HTTP are in `http.rs`; parsing what
//! the peer sends in `receiving.rs`, and writing responses in `sending.rs`.

mod http;
mod receiving;
mod sending;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::config::{Config, Limits};
use super::decoder::Decoder;
use super::encoder::{Asked, ResponseFraming};
use super::head::HeadReader;
use super::state::{Exchange, Role, State, Step};
use crate::Instant;
use crate::fault::{Fault, FaultKind};
use crate::http::RequestHead;
use crate::proto::{CloseState, Input, Machine, Output, Pace, Reason, Timers, Transmit, Wait};

/// The server's side of one HTTP/1.1 connection. The [module](super) shows how to drive it.
pub struct Connection {
    config: Arc<Config>,
    exchange: Exchange,
    input: Input,
    /// The size of the input buffer, which must hold the longest line of any kind.
    input_size: usize,
    /// The peer has ended its direction of the connection.
    eof: bool,
    reader: HeadReader,
    decoder: Decoder,
    asked: Asked,
    /// The client has asked for `keep-alive`.
    asks_keep_alive: bool,
    /// The client waits for `100 Continue`, which has not been sent.
    expects_continue: bool,
    /// The caller wants the body of the request.
    wants_body: bool,
    /// Progress of back-pressure on the response body.
    pressure: Pressure,
    /// The framing of the response body.
    framing: ResponseFraming,
    output: Output,
    timers: Timers,
    /// The rate of the request body.
    pace: Pace,
    /// The time that an idle connection waits for the next request: less in a shutdown.
    idle_time: Wait,
    /// The time that the connection waits for a write to make progress.
    write_time: Wait,
    /// The time of the last call.
    now: Instant,
    /// The number of requests that may follow.
    requests_left: u64,
    /// A fault that has not been reported yet.
    fault: Option<Fault>,
    /// The peer was too slow with a request.
    late: bool,
    /// The shutdown has begun: the next response is the last.
    stopping: bool,
    /// A response was cut off.
    cut_off: bool,
    closing: Closing,
}

/// Back-pressure on a response body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pressure {
    /// There is capacity.
    None,
    /// The output buffer is full.
    Full,
    /// The peer has read: [`Writable`](crate::proto::Event::Writable) is due.
    Relieved,
}

/// The progress of closing the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Closing {
    /// No response is in flight that the peer must be able to read.
    Quiet,
    /// A last response is in flight: the sending side ends first, and the peer gets time to read.
    Lingering,
    /// The sending side has ended.
    HalfClosed {
        /// When it has ended.
        since: Instant,
        /// The number of bytes that were dropped since.
        dropped: usize,
    },
    /// The lingering close is over.
    Over,
}

impl Connection {
    /// Creates a connection that was opened `now`.
    pub fn new(config: Arc<Config>, now: Instant) -> Self {
        let mut timers = Timers::default();
        timers.expect(now, config.timeouts.head, Reason::Head);
        let Limits { request_line, field_line, chunk_line, requests, .. } = config.limits;
        Self {
            idle_time: config.timeouts.keep_alive.into(),
            write_time: config.timeouts.write.into(),
            config,
            exchange: Exchange::new(),
            input: Input::default(),
            input_size: Input::SIZE.max(request_line).max(field_line).max(chunk_line),
            eof: false,
            reader: HeadReader::default(),
            decoder: Decoder::default(),
            asked: Asked::default(),
            asks_keep_alive: false,
            expects_continue: false,
            wants_body: false,
            pressure: Pressure::None,
            framing: ResponseFraming::default(),
            output: Output::default(),
            timers,
            pace: Pace::default(),
            now,
            requests_left: requests.unwrap_or(u64::MAX),
            fault: None,
            late: false,
            stopping: false,
            cut_off: false,
            closing: Closing::Quiet,
        }
    }

    /// Returns the number of bytes that were received and not parsed.
    pub fn buffered(&self) -> usize {
        self.input.bytes().len()
    }

    /// Returns whether the connection has [switched](CloseState::Switched) because it begins with the preface of HTTP/2.
    pub fn is_http2(&self) -> bool {
        self.exchange.server == State::Switched && self.input.offset() == 0
    }

    /// Returns the bytes held on the heap.
    pub fn held(&self) -> usize {
        self.input.held() + self.output.held() + self.reader.held() + self.decoder.held()
    }

    /// Whether no request has begun, as far as parsed.
    fn is_idle(&self) -> bool {
        (self.exchange.client, self.exchange.server) == (State::Idle, State::Idle)
    }

    /// Updates timers and closing at the end of a message.
    fn settle(&mut self) {
        match (self.exchange.client, self.exchange.server) {
            (State::Idle, State::Idle) => match self.input.is_empty() {
                true => self.timers.expect(self.now, self.idle_time, Reason::KeepAlive),
                false => self.timers.relax(),
            },
            (_, State::MustClose) => {
                self.timers.relax();
                self.closing = Closing::Lingering;
            }
            _ => {}
        }
    }

    /// Records that the peer has broken a rule, `at` bytes into the input.
    fn fail(&mut self, kind: FaultKind, at: usize) {
        let _ = self.exchange.step(Role::Client, Step::Fail);
        self.exchange.keep_alive = false;
        self.timers.relax();
        self.fault = Some(Fault { kind, at: self.input.offset() + at as u64 });
        if self.exchange.server == State::MustClose {
            self.closing = Closing::Lingering;
        }
    }

    /// Gives the response up, whether it has begun or not.
    fn fail_response(&mut self) {
        self.cut_off |= self.exchange.server == State::SendBody;
        // Allowed in any state.
        let _ = self.exchange.step(Role::Server, Step::Fail);
    }

    /// Ends the connection at once.
    fn give_up(&mut self, kind: FaultKind) {
        let busy = matches!(self.exchange.server, State::SendResponse | State::SendBody);
        if busy && self.exchange.client != State::Error {
            self.fault = Some(Fault { kind, at: self.input.offset() });
        }
        let _ = self.exchange.step(Role::Client, Step::Fail);
        self.fail_response();
        self.closing = Closing::Over;
        self.output.clear();
        self.timers = Timers::default();
    }

    /// Returns how much of `idle_time`, the time of an idle connection, is left.
    fn idle_left(&self, idle_time: Duration) -> Option<Duration> {
        let (deadline, reason) = self.timers.reading()?;
        let timeouts = &self.config.timeouts;
        let whole = if reason == Reason::KeepAlive { timeouts.keep_alive } else { timeouts.head };
        let passed = whole.saturating_sub(deadline - self.now);
        Some(idle_time.saturating_sub(passed))
    }

    /// Drops the input in a lingering close, and sets its deadline: each piece of an incomplete request extends it.
    fn drop_input(&mut self, since: Instant, dropped: usize) {
        self.input.clear();
        self.closing = Closing::HalfClosed { since, dropped };
        if self.timers.expecting().is_none() || self.is_in_request() {
            let left = self.config.timeouts.linger_total.saturating_sub(self.now - since);
            self.timers.expect(self.now, left.min(self.linger_wait()), Reason::Linger);
        }
    }

    /// Returns how long a lingering close waits for the peer.
    fn linger_wait(&self) -> Duration {
        match self.is_in_request() {
            true => self.config.timeouts.linger_read,
            false => self.config.timeouts.linger,
        }
    }

    /// Whether the peer has begun a request, or broken a rule inside it, and may be sending the rest.
    fn is_in_request(&self) -> bool {
        matches!(self.exchange.client, State::SendBody | State::Error) && !self.late
    }

    /// Ends a connection on which no response is due.
    fn close_quietly(&mut self) {
        let _ = self.exchange.step(Role::Client, Step::Close);
        let _ = self.exchange.step(Role::Server, Step::Close);
        self.timers.relax();
    }
}

/// The buffers of an idle connection.
#[derive(Default)]
pub struct Memory {
    input: Vec<u8>,
    output: Vec<u8>,
    head: Option<Arc<RequestHead>>,
}

impl core::fmt::Debug for Memory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Memory")
    }
}

impl Machine for Connection {
    type Memory = Memory;

    #[inline(always)]
    fn spare(&mut self) -> &mut [u8] {
        match self.closing {
            // Closing now would reset a peer that is still sending, and it could lose the response.
            Closing::HalfClosed { dropped, .. } if dropped >= self.config.limits.linger => &mut [],
            _ => self.input.spare(self.input_size),
        }
    }

    #[inline(always)]
    fn received(&mut self, now: Instant, n: usize) {
        self.now = now;
        self.input.filled(n);
        match self.closing {
            Closing::HalfClosed { since, dropped } => self.drop_input(since, dropped + n),
            _ if n == 0 => {}
            // The timeout for a head starts when the parser finds it incomplete.
            _ if matches!(self.timers.expecting(), Some(Reason::KeepAlive | Reason::Body)) => {
                self.timers.relax();
                self.pace.pause(now);
            }
            _ => {}
        }
    }

    fn receive_eof(&mut self, now: Instant) {
        self.now = now;
        self.eof = true;
    }

    fn peer_gone(&mut self, now: Instant) {
        self.now = now;
        self.give_up(FaultKind::Gone);
    }

    #[inline(always)]
    fn poll_transmit<'a>(&'a mut self, slices: &mut [&'a [u8]]) -> Transmit<'a> {
        self.output.transmit(slices)
    }

    #[inline(always)]
    fn transmitted(&mut self, now: Instant, n: usize) -> bool {
        self.now = now;
        self.output.advance(n);
        if self.pressure == Pressure::Full && self.output.len() < self.config.limits.write_buffer {
            self.pressure = Pressure::Relieved;
        }
        if !self.output.is_empty() {
            if n > 0 {
                self.timers.writing(now, self.write_time);
            }
            return false;
        }
        self.timers.written();
        // A client that has read slowly has as much time for its next request as any other.
        if self.timers.expecting() == Some(Reason::KeepAlive) {
            self.timers.expect(now, self.idle_time, Reason::KeepAlive);
        }
        true
    }

    #[inline(always)]
    fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        self.timers.earliest()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        match self.timers.expired(now) {
            Some(Reason::Head) if self.reader.is_partial() || !self.input.is_empty() => {
                self.late = true;
                self.fail_head(FaultKind::HeadTimeout, 0);
            }
            // The rest of a body does not come. The peer may still have to read the response.
            Some(Reason::KeepAlive) if self.exchange.client == State::SendBody => {
                self.late = true;
                self.exchange.forbid_keep_alive();
                self.settle();
            }
            Some(Reason::Head | Reason::KeepAlive) => self.close_quietly(),
            Some(Reason::Body) => {
                self.late = true;
                self.fail(FaultKind::BodyTimeout, 0);
            }
            Some(Reason::Write) => self.give_up(FaultKind::WriteTimeout),
            Some(Reason::Linger) => self.closing = Closing::Over,
            Some(_) | None => {}
        }
    }

    #[inline(always)]
    fn close_state(&self) -> CloseState {
        match (self.exchange.client, self.exchange.server) {
            _ if !self.output.is_empty() => CloseState::Open,
            (_, State::Switched) => CloseState::Switched,
            (_, State::Closed) => CloseState::Close,
            (_, State::MustClose | State::Error) => match self.closing {
                _ if self.eof || self.linger_wait().is_zero() => CloseState::Close,
                Closing::Quiet | Closing::Over => CloseState::Close,
                Closing::Lingering => CloseState::HalfClose,
                Closing::HalfClosed { .. } => CloseState::Linger,
            },
            _ => CloseState::Open,
        }
    }

    fn half_closed(&mut self, now: Instant) {
        self.now = now;
        self.timers.relax();
        self.drop_input(now, 0);
    }

    /// The next response is the last, and says so. The last one has not: an idle connection waits for a request until
    /// it has been idle for `keep_alive_min`.
    fn shutdown(&mut self, now: Instant) {
        self.now = now;
        if core::mem::replace(&mut self.stopping, true) {
            return;
        }
        let timeouts = &self.config.timeouts;
        let idle_time = timeouts.keep_alive.min(timeouts.keep_alive_min);
        self.idle_time = idle_time.into();
        match self.exchange.server {
            State::SendResponse => self.exchange.keep_alive = false,
            State::Idle if self.is_idle() && self.input.is_empty() && !self.reader.is_partial() => {
                match self.idle_left(idle_time).filter(|left| !left.is_zero()) {
                    Some(left) => self.timers.expect(now, left, Reason::KeepAlive),
                    None => self.close_quietly(),
                }
            }
            _ => {}
        }
    }

    #[inline(always)]
    fn release(&mut self) -> Option<Memory> {
        if !self.is_idle() || !self.input.is_empty() || !self.output.is_empty() || self.reader.is_partial() {
            return None;
        }
        Some(Memory {
            input: self.input.release(),
            output: self.output.release(),
            head: self.reader.release(),
        })
    }

    #[inline(always)]
    fn adopt(&mut self, memory: Memory) {
        self.input.adopt(memory.input, self.input_size);
        self.output.adopt(memory.output);
        self.reader.adopt(memory.head);
    }

    #[inline(always)]
    fn is_bare(&self) -> bool {
        self.input.held() == 0
    }
}

impl core::fmt::Debug for Connection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Connection")
            .field("exchange", &self.exchange)
            .field("unread", &self.input.bytes().len())
            .field("unsent", &self.output.len())
            .field("timeout", &self.poll_timeout())
            .finish_non_exhaustive()
    }
}
