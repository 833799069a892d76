//! The machine: one HTTP/1.1 connection, seen from the server.
//!
//! Here is what it consists of, how it ends, and what it does with time and memory. What comes from the peer is in
//! `receiving.rs`, what the application says in `sending.rs`.

mod receiving;
mod sending;

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::config::{Config, Limits};
use super::decoder::Decoder;
use super::encoder::{Asked, Framing};
use super::head::HeadReader;
use super::state::{Exchange, Role, State, Step};
use crate::Instant;
use crate::body::Region;
use crate::fault::{Fault, FaultKind};
use crate::http::RequestHead;
use crate::proto::{Buffers, CloseState, Input, Output, Reason, Timers, drive};

/// One HTTP/1.1 connection as a value; see the [module](super) for how to drive it.
///
/// Each method that changes something says what has to be looked at again.
pub struct Connection {
    config: Arc<Config>,
    exchange: Exchange,
    input: Input,
    /// The size of its buffer: one line, whatever its kind, has to fit.
    input_size: usize,
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

impl Connection {
    /// A connection that was opened `now`.
    pub fn new(config: Arc<Config>, now: Instant) -> Self {
        let mut timers = Timers::default();
        timers.expect(now, config.timeouts.head, Reason::Head);
        let Limits { request_line, field_line, chunk_line, .. } = config.limits;
        Self {
            config,
            exchange: Exchange::new(),
            input: Input::default(),
            input_size: Input::SIZE.max(request_line).max(field_line).max(chunk_line),
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

    // The end of the connection

    /// What to do with the socket, once nothing is left to write.
    pub fn close_state(&self) -> CloseState {
        match (self.exchange.client, self.exchange.server) {
            _ if !self.output.is_empty() => CloseState::Open,
            (_, State::Switched) => CloseState::Switched,
            (_, State::Closed) => CloseState::Close,
            (_, State::MustClose | State::Error) => match self.closing {
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

    /// Whether the request asks to leave HTTP: by `Upgrade`, or by CONNECT.
    pub fn asks_to_switch(&self) -> bool {
        self.asked.switch
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
            Some(Reason::Ping | Reason::Pong | Reason::Close) | None => {}
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
            message: Vec::new(),
        })
    }

    /// Gives memory to a connection that has none. Not to do so is no error: it then makes its own.
    pub fn adopt(&mut self, buffers: Buffers) {
        self.input.adopt(buffers.input, self.input_size);
        self.output.adopt(buffers.output);
        self.reader.adopt(buffers.head);
    }

    /// Gives back the head of a request that has been answered: its memory serves the next one, if nobody else holds it. Not
    /// to do so is no error.
    pub fn reuse(&mut self, head: Arc<RequestHead>) {
        self.reader.adopt(Some(head));
    }

    /// Whether the connection has no buffer to read into, and would make one.
    pub fn is_bare(&self) -> bool {
        self.input.held() == 0
    }

    /// How many bytes the connection holds, its own size left out.
    pub fn held(&self) -> usize {
        self.input.held() + self.output.held() + self.reader.held() + self.decoder.held()
    }

    // Ends

    /// What becomes of timers and closing when a message has ended.
    fn settle(&mut self) {
        match (self.exchange.client, self.exchange.server) {
            (State::Idle, State::Idle) => {
                let timeouts = &self.config.timeouts;
                match self.input.is_empty() {
                    true => self.timers.expect(self.now, timeouts.keep_alive, Reason::KeepAlive),
                    false => self.timers.relax(),
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
        self.closing = Closing::Over;
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

drive!(
    Connection,
    fn poll_transmit_file(&self) -> Option<&Region> {
        Self::poll_transmit_file(self)
    }
);

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
