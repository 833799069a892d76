//! The machine: one WebSocket of either side, after the handshake.
//!
//! This file has the fields, the end, the timers and the memory of a connection. `receiving.rs` parses input,
//! `sending.rs` writes output.

mod assembly;
mod receiving;
mod sending;

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::config::Config;
use super::deflate::{Compressor, Decompressor};
use super::event::Kind;
use super::handshake::Agreed;
use super::mask::Keys;
use super::state::{self, Role, State, Step};
use super::utf8::Utf8;
use super::violation::Violation;
use super::{CloseCode, Closed};
use crate::Instant;
use crate::proto::Reason;
use crate::proto::{CloseState, Input, Machine, Output, Timers, Transmit};
use receiving::{Incoming, Payload};

/// One WebSocket, in either role. The [module](super) shows how to drive it.
pub struct Connection {
    config: Arc<Config>,
    ending: Ending,
    input: Input,
    /// The peer has ended its direction of the connection.
    eof: bool,
    /// Whether bytes were received since the last `NeedData`.
    unseen: bool,
    /// Whether the input ended inside a frame at the last `NeedData`.
    in_frame: bool,
    /// The data frame that is being received.
    payload: Option<Payload>,
    /// The message of that frame.
    incoming: Incoming,
    output: Output,
    /// The memory of a sent message. The next large message is read into it, which saves zeroing new memory.
    spent: Vec<u8>,
    /// The message that is being sent in parts.
    outgoing: Option<(Kind, Utf8)>,
    /// The masking keys of a client.
    keys: Option<Keys>,
    codec: Option<(Compressor, Decompressor)>,
    /// Whether the codec was used since the last ping.
    codec_used: bool,
    ping: Option<Ping>,
    /// The number of pings that were sent.
    pings: u32,
    /// The payload of the latest ping, if the answer waits because the peer does not read.
    unanswered: Option<Vec<u8>>,
    timers: Timers,
    /// The time of the last write that has left output behind.
    blocked: Option<Instant>,
    /// The time of the last call.
    now: Instant,
}

/// A ping that waits for its pong.
struct Ping {
    payload: [u8; 4],
    sent: Instant,
    /// The bytes of output up to its end that were not written yet.
    unwritten: usize,
}

/// The progress of the closing handshake.
struct Ending {
    role: Role,
    ours: State,
    theirs: State,
    report: Report,
}

/// The state of the report of the end to the application.
enum Report {
    /// The WebSocket has not ended.
    Nothing,
    /// The end was announced. The close frame is sent with the next call of `next_event`.
    Announced(Closed),
    /// The end is the next event.
    Due(Closed),
    /// The end was reported.
    Told,
}

impl Ending {
    fn new(role: Role) -> Self {
        Self { role, ours: State::Open, theirs: State::Open, report: Report::Nothing }
    }

    /// Returns whether this side may still send, and the peer can receive.
    fn can_speak(&self) -> bool {
        matches!(self.ours, State::Open | State::Message)
            && matches!(self.report, Report::Nothing | Report::Announced(_))
    }

    /// Returns whether input of the peer is still processed.
    fn can_listen(&self) -> bool {
        matches!(self.theirs, State::Open | State::Message)
    }

    /// Handles a close or a broken rule of the peer.
    fn announce(&mut self, step: Step, closed: Closed) {
        step_to(&mut self.theirs, step);
        if self.can_speak() {
            self.report = Report::Announced(closed);
        }
    }

    /// Ends the connection without a close frame: the peer is gone or does not expect one.
    fn settle(&mut self, closed: Closed) {
        self.report = match core::mem::replace(&mut self.report, Report::Told) {
            Report::Nothing => Report::Due(closed),
            Report::Announced(closed) | Report::Due(closed) => Report::Due(closed),
            Report::Told => Report::Told,
        };
    }
}

/// Takes a step. The caller has checked that it is allowed.
fn step_to(state: &mut State, step: Step) {
    *state = state::next(*state, step).unwrap_or(*state);
}

impl From<Violation> for Closed {
    fn from(violation: Violation) -> Self {
        Self { code: violation.code(), reason: violation.to_string() }
    }
}

impl Connection {
    /// The maximum size of a message whose memory is kept for the next one.
    const KEEP: usize = 64 << 10;

    /// Creates the server's side of a WebSocket that was accepted `now`.
    pub fn server(config: Arc<Config>, agreed: Agreed, now: Instant) -> Self {
        Self::new(config, agreed, Role::Server, None, now)
    }

    /// Creates the client's side of a WebSocket that was accepted `now`. `seed` must be random: the masking keys are
    /// derived from it (RFC 6455 section 10.3).
    pub fn client(config: Arc<Config>, agreed: Agreed, seed: [u8; 20], now: Instant) -> Self {
        Self::new(config, agreed, Role::Client, Some(Keys::new(seed)), now)
    }

    fn new(config: Arc<Config>, agreed: Agreed, role: Role, keys: Option<Keys>, now: Instant) -> Self {
        let mut timers = Timers::default();
        if let Some(interval) = config.timeouts.ping_interval {
            timers.expect(now, interval, Reason::Ping);
        }
        Self {
            codec: agreed.codec(&config, role),
            codec_used: false,
            config,
            ending: Ending::new(role),
            input: Input::default(),
            eof: false,
            unseen: false,
            in_frame: false,
            payload: None,
            incoming: Incoming::default(),
            output: Output::default(),
            spent: Vec::new(),
            outgoing: None,
            keys,
            ping: None,
            pings: 0,
            unanswered: None,
            timers,
            blocked: None,
            now,
        }
    }

    /// Ends the connection at once.
    fn give_up(&mut self) {
        step_to(&mut self.ending.ours, Step::Fail);
        step_to(&mut self.ending.theirs, Step::Fail);
        self.ending.settle(Closed::LOST);
        self.forget();
        self.output.clear();
        self.unanswered = None;
        self.timers = Timers::default();
        if let Some((compressor, decompressor)) = &mut self.codec {
            compressor.release();
            decompressor.release();
        }
    }

    /// Discards received input.
    fn forget(&mut self) {
        self.input.clear();
        self.payload = None;
        self.incoming = Incoming::default();
    }

    /// Starts the wait for a pong.
    fn expect_pong(&mut self) {
        match self.config.timeouts.ping_timeout {
            Some(timeout) => self.timers.expect(self.now, timeout, Reason::Pong),
            None => self.timers.relax(),
        }
    }

    /// Restarts the wait for a pong, if there is one: the peer could not have sent it yet.
    fn extend_pong(&mut self) {
        if self.timers.expecting() == Some(Reason::Pong) {
            self.expect_pong();
        }
    }

    /// Frees the codec if it was not used for a whole ping interval. A shorter idle time does not free it, because the
    /// next message could then not refer to earlier ones.
    fn rest_codec(&mut self) {
        if let (Some((compressor, decompressor)), false) = (&mut self.codec, self.codec_used) {
            compressor.release();
            decompressor.release();
        }
        self.codec_used = false;
    }

    /// Keeps the memory of a message for the next one, unless it is too large or the kept one is larger.
    fn spend(&mut self, message: Vec<u8>) {
        if message.len() > self.spent.len() && message.capacity() <= Self::KEEP {
            self.spent = message;
        }
    }

    /// Returns the code and reason of the peer between [`Event::Closing`](super::Event::Closing) and the close frame that
    /// answers it. Messages can still be sent.
    pub fn closing(&self) -> Option<&Closed> {
        match &self.ending.report {
            Report::Announced(closed) => Some(closed),
            Report::Nothing | Report::Due(_) | Report::Told => None,
        }
    }

    /// Returns the bytes held on the heap.
    pub fn held(&self) -> usize {
        let codec = self.codec.as_ref().map_or(0, |(out, into)| out.held() + into.held());
        let unanswered = self.unanswered.as_ref().map_or(0, Vec::capacity);
        self.input.held()
            + self.incoming.held()
            + self.output.held()
            + self.spent.capacity()
            + unanswered
            + codec
    }

    fn close_timeout(&self) -> Duration {
        self.config.timeouts.close
    }
}

/// The buffers of an idle WebSocket.
#[derive(Default)]
pub struct Memory {
    input: Vec<u8>,
    output: Vec<u8>,
    message: Vec<u8>,
}

impl core::fmt::Debug for Memory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Memory")
    }
}

impl Machine for Connection {
    type Memory = Memory;

    fn spare(&mut self) -> &mut [u8] {
        self.room()
    }

    fn received(&mut self, now: Instant, n: usize) {
        self.now = now;
        self.fill(n);
    }

    fn receive_eof(&mut self, now: Instant) {
        self.now = now;
        self.eof = true;
    }

    /// Received messages that were not reported are dropped too.
    fn peer_gone(&mut self, now: Instant) {
        self.now = now;
        self.give_up();
    }

    fn poll_transmit<'a>(&'a mut self, slices: &mut [&'a [u8]]) -> Transmit<'a> {
        self.output.transmit(slices)
    }

    fn transmitted(&mut self, now: Instant, n: usize) -> bool {
        self.now = now;
        self.sent(n)
    }

    fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        self.timers.earliest()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        match self.timers.expired(now) {
            Some(Reason::Ping) => {
                self.say_ping();
                self.rest_codec();
            }
            // The pong may be in unparsed input.
            Some(Reason::Pong) if self.unseen => self.expect_pong(),
            Some(Reason::Pong) => {
                let closed = Closed::from(Violation::PingTimeout);
                self.close(now, closed.code, &closed.reason);
            }
            Some(Reason::Close) if self.ending.can_speak() => self.answer(),
            Some(_) => self.give_up(),
            None => {}
        }
    }

    fn close_state(&self) -> CloseState {
        let Ending { role, ours, theirs, report } = &self.ending;
        match report {
            Report::Announced(_) | Report::Due(_) => CloseState::Open,
            _ if !self.output.is_empty() => CloseState::Open,
            _ if self.eof && !self.ending.can_listen() => CloseState::Close,
            _ => state::close_state(*role, *ours, *theirs),
        }
    }

    fn half_closed(&mut self, now: Instant) {
        self.now = now;
        step_to(&mut self.ending.ours, Step::End);
    }

    /// Closes with 1012 (service restart).
    fn shutdown(&mut self, now: Instant) {
        self.close(now, CloseCode::SERVICE_RESTART, "");
    }

    /// An incomplete message is kept.
    fn release(&mut self) -> Option<Memory> {
        let idle = self.input.is_empty() && self.output.is_empty();
        idle.then(|| Memory {
            input: self.input.release(),
            output: self.output.release(),
            message: core::mem::take(&mut self.spent),
        })
    }

    fn adopt(&mut self, memory: Memory) {
        self.input.adopt(memory.input, Input::SIZE);
        self.output.adopt(memory.output);
        self.spend(memory.message);
    }

    fn is_bare(&self) -> bool {
        self.input.held() == 0
    }
}

impl core::fmt::Debug for Connection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Connection")
            .field("role", &self.ending.role)
            .field("ours", &self.ending.ours)
            .field("theirs", &self.ending.theirs)
            .field("unread", &self.input.bytes().len())
            .field("unsent", &self.output.len())
            .field("timeout", &self.poll_timeout())
            .finish_non_exhaustive()
    }
}
