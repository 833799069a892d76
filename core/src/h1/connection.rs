//! The machine: one HTTP/1.1 connection, seen from the server.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::decoder::{Decoder, Part};
use super::encoder::{self, Asked, Framing};
use super::head::{HeadReader, Progress};
use super::input::Input;
use super::output::Output;
use super::state::{Exchange, Role, State, Step};
use super::timers::Timers;
use crate::event::{Defaults, Event, Length, Send, StreamId};
use crate::fault::{Fault, FaultKind};
use crate::http::{Headers, Method, RequestHead, Status, Version};
use crate::limits::{Limits, Reason, Timeouts};
use crate::{Bytes, Instant};

/// What connections are limited by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Config {
    /// What a connection holds and tolerates at most.
    pub limits: Limits,
    /// How long it waits.
    pub timeouts: Timeouts,
}

/// One HTTP/1.1 connection as a value; see the [module](super) for how to drive it.
///
/// Each method that changes something says what has to be looked at again.
pub struct Connection {
    config: Arc<Config>,
    exchange: Exchange,
    input: Input,
    /// The peer has ended its side.
    eof: bool,
    reader: HeadReader,
    decoder: Decoder,
    asked: Asked,
    /// The client waits for `100 Continue`, and has not got it.
    expects_continue: bool,
    /// How the body of the response is framed.
    framing: Framing,
    output: Output,
    timers: Timers,
    /// What `now` was when it was last told.
    now: Instant,
    /// Requests whose head was complete.
    requests: u64,
    /// A fault that has not been reported yet.
    fault: Option<Fault>,
    /// Body bytes of this request that were read and dropped.
    drained: usize,
    closing: Closing,
}

/// How far the end of the connection has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Closing {
    /// Nothing that the peer must be let to read is on its way.
    Quiet,
    /// A response is: our side ends first, and the peer gets time to read.
    Lingering,
    /// Our side has ended; so many bytes have been dropped since.
    HalfClosed(usize),
    /// That was long enough.
    Over,
}

/// What to do with the socket, once nothing is left to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseState {
    /// Nothing: the connection goes on.
    Open,
    /// End our side, then say so with [`Connection::half_closed`].
    HalfClose,
    /// Go on reading (the bytes are dropped), until the peer ends its side or the timer says that it was long enough.
    Linger,
    /// Close.
    Close,
    /// The connection has left HTTP: take what the peer has sent ahead with [`Connection::take_input`].
    Switched,
}

/// The memory of an idle connection, which another one can use meanwhile.
#[derive(Default)]
pub struct Buffers {
    input: Vec<u8>,
    output: Vec<u8>,
    head: Option<Arc<RequestHead>>,
}

impl Connection {
    /// A connection that was opened `now`.
    pub fn new(config: Arc<Config>, now: Instant) -> Self {
        let mut timers = Timers::default();
        timers.expect(now, config.timeouts.head, Reason::Head);
        Self {
            config,
            exchange: Exchange::new(),
            input: Input::default(),
            eof: false,
            reader: HeadReader::default(),
            decoder: Decoder::default(),
            asked: Asked::default(),
            expects_continue: false,
            framing: Framing::default(),
            output: Output::default(),
            timers,
            now,
            requests: 0,
            fault: None,
            drained: 0,
            closing: Closing::Quiet,
        }
    }

    // Bytes from the peer

    /// Room for bytes from the peer; empty while the machine has enough to do. Read into it, then call
    /// [`received`](Self::received).
    pub fn spare(&mut self) -> &mut [u8] {
        self.input.spare(self.input_size())
    }

    /// The peer has sent `n` bytes, which stand at the beginning of [`spare`](Self::spare) now. Look at
    /// [`next_event`](Self::next_event) again.
    pub fn received(&mut self, now: Instant, n: usize) {
        self.now = now;
        self.input.filled(n);
        match self.closing {
            Closing::HalfClosed(before) => {
                let dropped = before + n;
                self.input.clear();
                let enough = dropped > self.config.limits.drain;
                self.closing = if enough { Closing::Over } else { Closing::HalfClosed(dropped) };
            }
            _ if n == 0 => {}
            _ => match self.timers.expecting() {
                Some(Reason::KeepAlive) => self.timers.expect(now, self.config.timeouts.head, Reason::Head),
                Some(Reason::Body) => self.timers.relax(),
                _ => {}
            },
        }
    }

    /// The peer has sent `bytes`: as many as there is room for are copied. Says how many. Look at
    /// [`next_event`](Self::next_event) again.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let spare = self.spare();
        let n = spare.len().min(bytes.len());
        spare[..n].copy_from_slice(&bytes[..n]);
        self.received(now, n);
        n
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

    // Events

    /// What has happened. Call it until it says `NeedData`, `Paused` or `Closed`; but while a body comes, as long as
    /// the application wants it: not to ask is how the peer is pushed back.
    pub fn next_event(&mut self) -> Event<'_> {
        let stream = StreamId::ONLY;
        if let Some(fault) = self.fault.take() {
            if fault.status().is_none() && self.exchange.server == State::Idle {
                self.close_quietly();
            }
            return Event::Fault { stream, fault };
        }
        match (self.exchange.client, self.exchange.server) {
            (State::Idle, State::Idle) => self.next_head(),
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

    fn next_head(&mut self) -> Event<'_> {
        if self.input.is_empty() && !self.eof {
            return Event::NeedData;
        }
        match self.reader.read(self.input.bytes(), &self.config.limits) {
            Ok(Progress::Complete(used, head, framing)) => {
                self.input.take(used);
                self.requests += 1;
                self.timers.relax();
                self.drained = 0;
                self.expects_continue = framing.expects_continue;
                self.asked = Asked {
                    head: *head.method() == Method::Head,
                    connect: *head.method() == Method::Connect,
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

    // The application's decisions

    /// Takes what the application has decided. Look at [`poll_transmit`](Self::poll_transmit) again, and after the
    /// end of a response at [`next_event`](Self::next_event).
    ///
    /// # Errors
    /// What was asked breaks a rule; nothing has been written. If a response has begun, all that is left is
    /// [`Send::Reset`].
    pub fn send(&mut self, now: Instant, _stream: StreamId, what: Send<'_>) -> Result<(), Fault> {
        self.now = now;
        self.encode(what).map_err(Fault::caller)?;
        if !self.output.is_empty() && !self.timers.is_writing() {
            self.timers.writing(now, self.config.timeouts.write);
        }
        Ok(())
    }

    fn encode(&mut self, what: Send<'_>) -> Result<(), FaultKind> {
        match what {
            Send::Continue => {
                if self.expects_continue && self.exchange.server == State::SendResponse {
                    encoder::informational(self.output.buf(), Status::CONTINUE, &Headers::new());
                    self.expects_continue = false;
                }
                Ok(())
            }
            Send::Informational { status, headers } => {
                if !status.is_informational() || matches!(status.code(), 100 | 101) {
                    return Err(FaultKind::Status);
                }
                self.exchange.step(Role::Server, Step::Informational)?;
                // HTTP/1.0 knows no informational responses (RFC 9110 section 15.2).
                if !self.asked.old {
                    encoder::informational(self.output.buf(), status, headers);
                }
                Ok(())
            }
            Send::Response { status, headers, length, defaults } => {
                self.response(status, headers, length, defaults)
            }
            Send::Data(bytes) => self.data(bytes),
            Send::Trailers(trailers) => self.end(Some(trailers)),
            Send::End => self.end(None),
            Send::Reset => {
                // What has been said is still sent; what is missing shows that it was cut off.
                let _ = self.exchange.step(Role::Server, Step::Fail);
                self.exchange.keep_alive = false;
                self.timers.relax();
                Ok(())
            }
        }
    }

    fn response(
        &mut self,
        status: Status,
        headers: &Headers,
        length: Length,
        defaults: &Defaults,
    ) -> Result<(), FaultKind> {
        if !matches!(self.exchange.server, State::SendResponse | State::Idle) {
            return Err(FaultKind::State);
        }
        let mut keep_alive = self.exchange.keep_alive && self.is_reusable();
        let out = self.output.buf();
        let framing = encoder::head(out, status, headers, length, defaults, self.asked, &mut keep_alive)?;
        self.framing = framing;
        if framing == Framing::Switch {
            self.exchange.step(Role::Client, Step::Switch)?;
            return self.exchange.step(Role::Server, Step::Switch);
        }
        self.exchange.keep_alive = keep_alive;
        self.exchange.step(Role::Server, Step::Response)
    }

    /// Whether another request can follow, as far as is known before the end of this one.
    fn is_reusable(&self) -> bool {
        // A client that has not been asked for its body may send it or not: what follows could be either.
        !self.eof && !self.expects_continue && matches!(self.exchange.client, State::Done | State::SendBody)
    }

    /// The application will not read the rest of the request body. If that is known to be more than is worth
    /// reading and dropping, the response will say that the connection closes.
    pub fn discard_body(&mut self, now: Instant) {
        self.now = now;
        let drain = self.config.limits.drain as u64;
        if self.exchange.client == State::SendBody && self.decoder.remaining().is_some_and(|n| n > drain) {
            self.exchange.keep_alive = false;
        }
    }

    fn data(&mut self, bytes: Bytes) -> Result<(), FaultKind> {
        if self.exchange.server != State::SendBody {
            return Err(FaultKind::State);
        }
        match &mut self.framing {
            Framing::Known(left) => {
                let Some(after) = left.checked_sub(bytes.len() as u64) else {
                    return Err(FaultKind::BodyTooLong);
                };
                *left = after;
                self.output.push(bytes);
            }
            // An empty chunk would end the body.
            Framing::Chunked if bytes.is_empty() => {}
            Framing::Chunked => {
                encoder::chunk_size(self.output.buf(), bytes.len());
                self.output.push(bytes);
                self.output.buf().extend_from_slice(b"\r\n");
            }
            Framing::Close => self.output.push(bytes),
            Framing::Suppressed | Framing::Switch => {}
        }
        Ok(())
    }

    fn end(&mut self, trailers: Option<&Headers>) -> Result<(), FaultKind> {
        if let (State::SendBody, Framing::Known(1..)) = (self.exchange.server, self.framing) {
            return Err(FaultKind::BodyTooShort);
        }
        self.exchange.step(Role::Server, Step::End)?;
        if self.framing == Framing::Chunked {
            encoder::last_chunk(self.output.buf(), trailers);
        }
        self.settle();
        Ok(())
    }

    /// Answers a fault of the peer: its status, and a line of text that says what was wrong. The connection closes.
    /// Look at [`poll_transmit`](Self::poll_transmit) again.
    ///
    /// # Errors
    /// The fault has no status, or a response has begun.
    pub fn refuse(&mut self, now: Instant, fault: Fault, defaults: &Defaults) -> Result<(), Fault> {
        let status = fault.status().ok_or(Fault::caller(FaultKind::State))?;
        let text = alloc::format!("{}\n", fault.kind);
        let mut headers = Headers::new();
        // A constant that is a valid field.
        let _ = headers.append("content-type", "text/plain; charset=utf-8");
        let length = Length::Known(text.len() as u64);
        self.exchange.keep_alive = false;
        self.send(now, StreamId::ONLY, Send::Response { status, headers: &headers, length, defaults })?;
        self.send(now, StreamId::ONLY, Send::Data(text.into()))?;
        self.send(now, StreamId::ONLY, Send::End)
    }

    /// How many bytes of the response body the machine takes gladly: zero while the peer is slow to read, and when no
    /// body is due. Grows by [`transmitted`](Self::transmitted).
    pub fn capacity(&self, stream: StreamId) -> usize {
        match self.wants_body(stream) {
            true => self.config.limits.write_buffer.saturating_sub(self.output.len()),
            false => 0,
        }
    }

    /// Whether any of the response body will be sent: not for HEAD, 204, 304 and the like.
    pub fn wants_body(&self, _stream: StreamId) -> bool {
        self.exchange.server == State::SendBody && self.framing != Framing::Suppressed
    }

    /// Whether the head of the response has been said.
    pub fn has_responded(&self, _stream: StreamId) -> bool {
        !matches!(self.exchange.server, State::Idle | State::SendResponse)
    }

    /// No further request is taken: an idle connection closes, a busy one after its response. Look at
    /// [`close_state`](Self::close_state) again.
    pub fn shutdown(&mut self, now: Instant) {
        self.now = now;
        self.exchange.keep_alive = false;
        let idle = (self.exchange.client, self.exchange.server) == (State::Idle, State::Idle);
        if idle && self.input.is_empty() && !self.reader.is_partial() {
            self.close_quietly();
        }
    }

    // Bytes for the peer

    /// Fills `slices` with what is to be written next, in order; says how many it filled, zero if nothing is.
    pub fn poll_transmit<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        self.output.slices(slices)
    }

    /// The first `n` bytes of [`poll_transmit`](Self::poll_transmit) have been written. Look at it again, at
    /// [`capacity`](Self::capacity), and once nothing is left at [`close_state`](Self::close_state).
    pub fn transmitted(&mut self, now: Instant, n: usize) {
        self.now = now;
        self.output.advance(n);
        if self.output.is_empty() {
            self.timers.written();
        } else if n > 0 {
            self.timers.writing(now, self.config.timeouts.write);
        }
    }

    /// What to do with the socket, once nothing is left to write.
    pub fn close_state(&self) -> CloseState {
        match (self.exchange.client, self.exchange.server) {
            _ if !self.output.is_empty() => CloseState::Open,
            (_, State::Switched) => CloseState::Switched,
            (_, State::Error | State::Closed) => CloseState::Close,
            (_, State::MustClose) => match self.closing {
                _ if self.eof || self.config.timeouts.linger.is_zero() => CloseState::Close,
                Closing::Quiet | Closing::Over => CloseState::Close,
                Closing::Lingering => CloseState::HalfClose,
                Closing::HalfClosed(_) => CloseState::Linger,
            },
            _ => CloseState::Open,
        }
    }

    /// Our side has been ended, as [`CloseState::HalfClose`] asked.
    pub fn half_closed(&mut self, now: Instant) {
        self.now = now;
        self.input.clear();
        self.closing = Closing::HalfClosed(0);
        self.timers.expect(now, self.config.timeouts.linger, Reason::Linger);
    }

    /// Takes out the bytes that the peer has sent and that the machine has not looked at: those that follow a
    /// switch of protocols.
    pub fn take_input(&mut self) -> Vec<u8> {
        let bytes = self.input.bytes().to_vec();
        self.input.clear();
        bytes
    }

    // Time

    /// When [`handle_timeout`](Self::handle_timeout) has to be called, and why. Changes with every other call.
    pub fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        self.timers.earliest()
    }

    /// Time has passed. Calls that come too early do nothing. Look at [`next_event`](Self::next_event) and
    /// [`close_state`](Self::close_state) again.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        match self.timers.expired(now) {
            Some(Reason::Head) if self.reader.is_partial() || !self.input.is_empty() => {
                self.asked = Asked::default();
                self.fail(FaultKind::HeadTimeout, 0);
            }
            Some(Reason::Head | Reason::KeepAlive) => self.close_quietly(),
            Some(Reason::Body) => self.fail(FaultKind::BodyTimeout, 0),
            Some(Reason::Write) => self.give_up(FaultKind::WriteTimeout),
            Some(Reason::Linger) => match self.closing {
                Closing::HalfClosed(_) => self.closing = Closing::Over,
                _ => {
                    self.exchange.forbid_keep_alive();
                    self.settle();
                }
            },
            None => {}
        }
    }

    // Memory

    /// Takes away the memory of a connection on which nothing is going on; `None` if something is.
    pub fn release(&mut self) -> Option<Buffers> {
        let idle = (self.exchange.client, self.exchange.server) == (State::Idle, State::Idle);
        if !idle || !self.input.is_empty() || !self.output.is_empty() || self.reader.is_partial() {
            return None;
        }
        Some(Buffers {
            input: self.input.release(),
            output: self.output.release(),
            head: self.reader.release(),
        })
    }

    /// Gives memory to a connection that has none. Not to do so is no error: it then makes its own.
    pub fn adopt(&mut self, buffers: Buffers) {
        let size = self.input_size();
        self.input.adopt(buffers.input, size);
        self.output.adopt(buffers.output);
        self.reader.adopt(buffers.head);
    }

    /// Whether the connection has no buffer to read into, and would make one.
    pub fn is_bare(&self) -> bool {
        self.input.held() == 0
    }

    /// How many bytes the connection holds, its own size left out.
    pub fn held(&self) -> usize {
        self.input.held() + self.output.held() + self.reader.held() + self.decoder.held()
    }

    /// One line, whatever its kind, has to fit.
    fn input_size(&self) -> usize {
        let limits = &self.config.limits;
        Input::SIZE.max(limits.request_line).max(limits.field_line).max(limits.chunk_line)
    }

    // Ends

    /// What becomes of timers and closing when a message has ended.
    fn settle(&mut self) {
        match (self.exchange.client, self.exchange.server) {
            (State::Idle, State::Idle) => {
                let timeouts = &self.config.timeouts;
                match self.input.is_empty() {
                    true => self.timers.expect(self.now, timeouts.keep_alive, Reason::KeepAlive),
                    false => self.timers.expect(self.now, timeouts.head, Reason::Head),
                }
            }
            (_, State::MustClose) => {
                self.timers.relax();
                self.closing = Closing::Lingering;
            }
            _ => {}
        }
    }

    /// The peer has broken a rule, `at` bytes into the input.
    fn fail(&mut self, kind: FaultKind, at: usize) {
        let _ = self.exchange.step(Role::Client, Step::Fail);
        self.exchange.keep_alive = false;
        self.timers.relax();
        self.fault = Some(Fault { kind, at: self.input.offset() + at as u64 });
        if self.exchange.server == State::MustClose {
            self.closing = Closing::Lingering;
        }
    }

    /// There is no point in going on.
    fn give_up(&mut self, kind: FaultKind) {
        let busy = matches!(self.exchange.server, State::SendResponse | State::SendBody);
        if busy && self.exchange.client != State::Error {
            self.fault = Some(Fault { kind, at: self.input.offset() });
        }
        let _ = self.exchange.step(Role::Client, Step::Fail);
        let _ = self.exchange.step(Role::Server, Step::Fail);
        self.output.clear();
        self.timers = Timers::default();
    }

    /// The end of a connection on which nothing is owed.
    fn close_quietly(&mut self) {
        let _ = self.exchange.step(Role::Client, Step::Close);
        let _ = self.exchange.step(Role::Server, Step::Close);
        self.timers.relax();
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

impl core::fmt::Debug for Buffers {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Buffers")
    }
}
