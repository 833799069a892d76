//! The machine: one WebSocket, seen from either side, from the moment at which the handshake is complete.
//!
//! Here is what it consists of, how it ends, and what it does with time and memory. What comes from the peer is in
//! `receiving.rs`, what the application says in `sending.rs`.

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
    /// The peer has ended its side.
    eof: bool,
    /// Bytes have come since the machine last said that it needs some.
    unseen: bool,
    /// The data frame whose payload is coming.
    payload: Option<Payload>,
    /// The message to which it belongs.
    incoming: Incoming,
    output: Output,
    /// The memory of a message that was sent: the next large one is read into it, and nothing has to be zeroed.
    spent: Vec<u8>,
    /// The message that is being sent in parts.
    outgoing: Option<(Kind, Utf8)>,
    /// A client's.
    keys: Option<Keys>,
    codec: Option<(Compressor, Decompressor)>,
    /// The codec has been at work since the last ping.
    codec_used: bool,
    ping: Option<Ping>,
    /// How many pings were sent.
    pings: u32,
    /// The payload of the latest ping, which has not been answered because the peer does not read.
    unanswered: Option<Vec<u8>>,
    timers: Timers,
    /// What `now` was when it was last told.
    now: Instant,
}

/// A ping of ours that waits for its pong.
struct Ping {
    payload: [u8; 4],
    sent: Instant,
}

/// How far the end has come.
struct Ending {
    role: Role,
    ours: State,
    theirs: State,
    report: Report,
}

/// What the application knows of the end.
enum Report {
    /// There is nothing to know.
    Nothing,
    /// That it comes; our close frame waits until the next event is asked for.
    Announced(Closed),
    /// Nothing yet, but it is to be told next.
    Due(Closed),
    /// All.
    Told,
}

impl Ending {
    fn new(role: Role) -> Self {
        Self { role, ours: State::Open, theirs: State::Open, report: Report::Nothing }
    }

    /// Whether we may still say something, and there is somebody to hear it.
    fn can_speak(&self) -> bool {
        matches!(self.ours, State::Open | State::Message)
            && matches!(self.report, Report::Nothing | Report::Announced(_))
    }

    /// Whether the peer may still say something that counts.
    fn can_listen(&self) -> bool {
        matches!(self.theirs, State::Open | State::Message)
    }

    /// The peer has closed, or broken a rule.
    fn announce(&mut self, step: Step, closed: Closed) {
        step_to(&mut self.theirs, step);
        if self.can_speak() {
            self.report = Report::Announced(closed);
        }
    }

    /// There is nobody left to talk to, or nobody who waits for our close frame.
    fn settle(&mut self, closed: Closed) {
        self.report = match core::mem::replace(&mut self.report, Report::Told) {
            Report::Nothing => Report::Due(closed),
            Report::Announced(closed) | Report::Due(closed) => Report::Due(closed),
            Report::Told => Report::Told,
        };
    }
}

/// Takes a step that is known to be allowed.
fn step_to(state: &mut State, step: Step) {
    *state = state::next(*state, step).unwrap_or(*state);
}

impl From<Violation> for Closed {
    fn from(violation: Violation) -> Self {
        Self { code: violation.code(), reason: violation.to_string() }
    }
}

impl Connection {
    /// The memory of a message larger than this is not kept for another one.
    const KEEP: usize = 64 << 10;

    /// The server's side of a WebSocket that was accepted `now`.
    pub fn server(config: Arc<Config>, agreed: Agreed, now: Instant) -> Self {
        Self::new(config, agreed, Role::Server, None, now)
    }

    /// The client's side of a WebSocket that was accepted `now`. `seed` has to be random: the keys by which frames are
    /// masked come from it (RFC 6455 section 10.3).
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
            now,
        }
    }

    /// There is no point in going on.
    fn give_up(&mut self) {
        step_to(&mut self.ending.ours, Step::Fail);
        step_to(&mut self.ending.theirs, Step::Fail);
        self.ending.settle(Closed::LOST);
        self.forget();
        self.output.clear();
        self.timers = Timers::default();
    }

    /// Drops what has come.
    fn forget(&mut self) {
        self.input.clear();
        self.payload = None;
        self.incoming = Incoming::default();
    }

    fn expect_pong(&mut self, since: Instant) {
        match self.config.timeouts.ping_timeout {
            Some(timeout) => self.timers.expect(since, timeout, Reason::Pong),
            None => self.timers.relax(),
        }
    }

    /// Frees what was made for compression, if nothing was compressed for as long as a ping takes to come round. Not
    /// whenever the connection is idle: the next message would have to be compressed without those before it.
    fn rest_codec(&mut self) {
        if let (Some((compressor, decompressor)), false) = (&mut self.codec, self.codec_used) {
            compressor.release();
            decompressor.release();
        }
        self.codec_used = false;
    }

    /// Keeps the memory of a message for the next one, unless it is too large for that, or there is more already.
    fn spend(&mut self, message: Vec<u8>) {
        if message.len() > self.spent.len() && message.capacity() <= Self::KEEP {
            self.spent = message;
        }
    }

    /// How many bytes the connection holds, its own size left out.
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

    /// Messages that were received and not reported are dropped, too.
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
            // The pong may be among what has not been looked at.
            Some(Reason::Pong) if self.unseen => self.expect_pong(now),
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

    /// A message that is being put together stays.
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
