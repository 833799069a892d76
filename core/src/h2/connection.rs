//! The machine: one HTTP/2 connection, seen from the server.
//!
//! | file | contents |
//! |---|---|
//! | `http.rs` | the verbs of HTTP |
//! | `receiving.rs` | from bytes to frames, and to events |
//! | `blocks.rs` | header blocks: requests and trailers |
//! | `bodies.rs` | DATA, and the windows of the peer |
//! | `control.rs` | SETTINGS, PING, RST_STREAM and other frames that are answered by the machine itself |
//! | `sending.rs` | from commands to frames |
//! | `ending.rs` | errors, timeouts, the end of the connection |

mod blocks;
mod bodies;
mod control;
mod ending;
mod http;
mod receiving;
mod sending;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Violation;
use super::config::Config;
use super::frame::{self, Header, Setting, Settings};
use super::guard::Guard;
use super::hpack::{Decoder, Encoder};
use super::priority::{Priority, Schedule};
use super::request::{HeadReader, TrailerReader};
use super::stream::Streams;
use crate::Instant;
use crate::fault::Fault;
use crate::http::RequestHead;
use crate::proto::{CloseState, Input, Machine, Output, Reason, StreamId, Transmit};
use blocks::Block;
use bodies::Payload;
use control::Control;
use ending::{Closing, Deadlines, Stopping};

/// The server's side of one HTTP/2 connection. The [module](super) shows how to drive it.
pub struct Connection {
    config: Arc<Config>,
    now: Instant,
    /// The peer has ended its direction of the connection.
    eof: bool,

    // Receiving
    phase: Phase,
    input: Input,
    decoder: Decoder,
    heads: HeadReader,
    trailers: TrailerReader,
    /// The header block that is incomplete.
    block: Option<Block>,
    /// The DATA frame that is incomplete.
    payload: Option<Payload>,
    /// The stream whose data was reported last.
    reported: Option<u32>,
    /// Parsing waits until output is written.
    held_up: bool,
    /// The bytes that the peer may still send on all streams.
    window: u32,
    /// The bytes of all bodies that were received and not reported.
    buffered: usize,
    /// Our settings are in force.
    acknowledged: bool,

    // Streams
    streams: Streams,
    opened: Opened,
    /// The priorities of streams that are not open yet.
    priorities: VecDeque<(u32, Priority)>,
    requests_left: u64,
    /// Streams with a part of a request body, or its end, to report.
    news: VecDeque<u32>,
    /// Streams whose response has capacity again.
    writable: VecDeque<u32>,
    /// Events that are due before all others.
    told: VecDeque<Told>,

    // Sending
    output: Output,
    encoder: Encoder,
    peer: Settings,
    /// The bytes that the peer accepts on all streams.
    send_window: i64,
    schedule: Schedule,
    control: Control,

    guard: Guard,
    deadlines: Deadlines,
    stopping: Stopping,
    closing: Closing,
    violation: Option<Violation>,
}

/// The beginning of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// The preface is due.
    Preface,
    /// The first SETTINGS frame is due.
    Settings,
    Open,
}

/// An event about a stream.
enum Told {
    Reset(u32, Fault),
    Fault(u32, Fault),
}

/// The identifiers that the peer has used.
#[derive(Default)]
struct Opened {
    /// The highest.
    last: u32,
    /// The highest whose request was not refused.
    accepted: u32,
    /// The last 64 below and including the highest, a bit each, with the highest first: whether they were opened, and not
    /// skipped.
    recent: u64,
    /// The streams that this side has reset, the oldest first.
    reset: VecDeque<u32>,
}

impl Opened {
    /// The number of streams that are remembered as reset.
    const RESET: usize = 256;

    /// Notes a new stream.
    fn open(&mut self, id: u32) {
        let passed = (id - self.last).div_ceil(2);
        self.recent = self.recent.checked_shl(passed).unwrap_or(0) | 1;
        self.last = id;
    }

    /// Returns whether a stream up to the highest was opened, as far as is known.
    fn was_open(&self, id: u32) -> bool {
        let back = self.last.saturating_sub(id) / 2;
        back < 64 && self.recent >> back & 1 == 1
    }

    /// Notes that this side has reset a stream.
    fn note_reset(&mut self, id: u32) {
        if self.reset.len() == Self::RESET {
            self.reset.pop_front();
        }
        self.reset.push_back(id);
    }

    fn is_reset(&self, id: u32) -> bool {
        self.reset.contains(&id)
    }
}

impl Connection {
    /// Creates a connection that was opened `now`. The settings of the server are its first output.
    pub fn new(config: Arc<Config>, now: Instant) -> Self {
        let mut connection = Self {
            now,
            eof: false,
            phase: Phase::Preface,
            input: Input::default(),
            decoder: Decoder::new(config.limits.table),
            heads: HeadReader::default(),
            trailers: TrailerReader::default(),
            block: None,
            payload: None,
            reported: None,
            held_up: false,
            window: Settings::INITIAL.initial_window_size,
            buffered: 0,
            acknowledged: false,
            streams: Streams::default(),
            opened: Opened::default(),
            priorities: VecDeque::new(),
            requests_left: config.limits.requests.unwrap_or(u64::MAX),
            news: VecDeque::new(),
            writable: VecDeque::new(),
            told: VecDeque::new(),
            output: Output::default(),
            encoder: Encoder::new(0),
            peer: Settings::INITIAL,
            send_window: i64::from(Settings::INITIAL.initial_window_size),
            schedule: Schedule::default(),
            control: Control::default(),
            guard: Guard::new(&config.limits, now),
            deadlines: Deadlines::new(&config.timeouts, now),
            stopping: Stopping::No,
            closing: Closing::Open,
            violation: None,
            config,
        };
        connection.greet();
        connection
    }

    /// Writes the settings, and opens the window of the connection.
    fn greet(&mut self) {
        let limits = &self.config.limits;
        let settings = [
            Setting::MaxConcurrentStreams(limits.streams),
            Setting::InitialWindowSize(limits.window.min(frame::MAX_31)),
            Setting::MaxHeaderListSize(u32::try_from(limits.head).unwrap_or(u32::MAX)),
            Setting::EnableConnectProtocol(self.config.extended_connect),
            Setting::NoRfc7540Priorities(true),
            Setting::HeaderTableSize(limits.table.into()),
            Setting::MaxFrameSize(self.max_frame()),
        ];
        // The last two have their initial values, most often.
        let initial = [
            self.max_frame() == Settings::INITIAL.max_frame_size,
            u32::from(limits.table) == Settings::INITIAL.header_table_size,
        ];
        let told = match initial {
            [true, true] => settings.get(..5),
            [true, false] => settings.get(..6),
            _ => settings.get(..),
        };
        let increment = limits.connection_window.min(frame::MAX_31).saturating_sub(self.window);
        let out = self.output.buf();
        frame::write::settings(out, told.unwrap_or_default());
        if increment > 0 {
            frame::write::window_update(out, 0, increment);
            self.window += increment;
        }
        if u32::from(limits.table) > Settings::INITIAL.header_table_size {
            // The peer keeps to the initial value until it knows ours, and a larger table does not hurt.
            self.decoder.set_table_limit(limits.table);
        }
    }

    /// Returns the largest frame that is accepted.
    fn max_frame(&self) -> u32 {
        self.config.limits.frame.clamp(Settings::INITIAL.max_frame_size, 0xff_ffff)
    }

    /// Returns the size of the input buffer, which must hold the largest frame, and what a connection that began as HTTP/1.1
    /// has received.
    fn input_size(&self) -> usize {
        let limits = &self.config.limits;
        Input::SIZE.max(self.max_frame() as usize).max(limits.target).max(limits.field_line) + Header::LEN
    }

    /// Returns the bytes held on the heap.
    pub fn held(&self) -> usize {
        self.input.held()
            + self.output.held()
            + self.decoder.held()
            + self.heads.held()
            + self.trailers.held()
            + self.streams.held()
            + self.streams.heads
            + self.schedule.held()
            + self.control.held()
            + self.told.capacity() * size_of::<Told>()
            + self.priorities.capacity() * size_of::<(u32, Priority)>()
            + (self.news.capacity() + self.writable.capacity() + self.opened.reset.capacity())
                * size_of::<u32>()
    }

    /// Returns the number of streams that are open.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Returns the rule that the peer has broken, if that has ended the connection.
    pub fn violation(&self) -> Option<Violation> {
        self.violation
    }

    /// Returns whether no stream is open, and nothing is incomplete.
    fn is_idle(&self) -> bool {
        self.phase == Phase::Open
            && self.streams.is_empty()
            && self.block.is_none()
            && self.payload.is_none()
            && self.closing == Closing::Open
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

    fn spare(&mut self) -> &mut [u8] {
        match self.closing {
            // Closing now would reset a peer that is still sending, and it could lose the last frames.
            Closing::HalfClosed { dropped, .. } if dropped >= self.config.limits.linger => &mut [],
            _ => {
                let size = self.input_size();
                self.input.spare(size)
            }
        }
    }

    fn received(&mut self, now: Instant, n: usize) {
        self.now = now;
        self.input.filled(n);
        self.deadlines.heard(now);
        if let Closing::HalfClosed { since, dropped } = self.closing {
            self.drop_input(since, dropped + n);
        }
    }

    fn receive_eof(&mut self, now: Instant) {
        self.now = now;
        self.eof = true;
    }

    fn peer_gone(&mut self, now: Instant) {
        self.now = now;
        self.give_up(crate::FaultKind::Gone);
    }

    fn poll_transmit<'a>(&'a mut self, slices: &mut [&'a [u8]]) -> Transmit<'a> {
        self.fill_output();
        self.output.transmit(slices)
    }

    fn transmitted(&mut self, now: Instant, n: usize) -> bool {
        self.now = now;
        self.output.advance(n);
        self.deadlines.wrote(n);
        let flushed = self.output.is_empty();
        self.fill_output();
        if flushed && self.is_idle() {
            self.deadlines.flushed(now, self.config.timeouts.keep_alive);
        }
        self.output.is_empty()
    }

    fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        self.deadlines.earliest()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.act_on_time();
    }

    fn close_state(&self) -> CloseState {
        match self.closing {
            _ if !self.output.is_empty() => CloseState::Open,
            Closing::Open => CloseState::Open,
            Closing::Over => CloseState::Close,
            _ if self.eof => CloseState::Close,
            Closing::Lingering => CloseState::HalfClose,
            Closing::HalfClosed { .. } => CloseState::Linger,
        }
    }

    fn half_closed(&mut self, now: Instant) {
        self.now = now;
        self.drop_input(now, 0);
    }

    fn shutdown(&mut self, now: Instant) {
        self.now = now;
        self.begin_shutdown();
    }

    fn release(&mut self) -> Option<Memory> {
        if !self.is_idle() || !self.input.is_empty() || !self.output.is_empty() || !self.control.is_empty() {
            return None;
        }
        self.streams.shrink();
        self.schedule.clear();
        Some(Memory {
            input: self.input.release(),
            output: self.output.release(),
            head: self.heads.release(),
        })
    }

    fn adopt(&mut self, memory: Memory) {
        let size = self.input_size();
        self.input.adopt(memory.input, size);
        self.output.adopt(memory.output);
        self.heads.adopt(memory.head);
    }

    fn is_bare(&self) -> bool {
        self.input.held() == 0
    }
}

impl core::fmt::Debug for Connection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Connection")
            .field("streams", &self.streams.len())
            .field("unread", &self.input.bytes().len())
            .field("unsent", &self.output.len())
            .field("timeout", &self.poll_timeout())
            .field("violation", &self.violation)
            .finish_non_exhaustive()
    }
}

/// Returns the identifier of a stream as events have it.
const fn stream_id(id: u32) -> StreamId {
    StreamId(id)
}
