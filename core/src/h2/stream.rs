//! The streams of a connection.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::config::Config;
use super::priority::Priority;
use super::state::State;
use crate::body::Region;
use crate::h1::encoder::{Asked, ResponseFraming};
use crate::http::Headers;
use crate::proto::Pace;
use crate::{Bytes, Instant};

/// A stream that is open.
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) state: State,
    pub(super) request: Incoming,
    pub(super) response: Outgoing,
    /// The memory of its head, for the limit of all heads.
    pub(super) head_size: usize,
    pub(super) asked: Asked,
    /// A CONNECT was accepted: both bodies are bytes of another protocol.
    pub(super) tunnel: bool,
}

/// The request body.
pub(super) struct Incoming {
    /// The bytes that were received and not reported.
    pub(super) received: Vec<u8>,
    /// The bytes that the peer may still send.
    pub(super) window: u32,
    /// The size to which the window is opened again.
    pub(super) target: u32,
    /// The bytes that are still to come, if the length is known.
    pub(super) left: Option<u64>,
    /// The bytes that the limit of bodies still allows.
    pub(super) room: u64,
    pub(super) trailers: Option<Headers>,
    /// The end is not reported yet, or nothing more is.
    pub(super) stage: Stage,
    pub(super) wanted: bool,
    pub(super) expects_continue: bool,
    /// The stream is in the list of those with something to report.
    pub(super) listed: bool,
    /// The stream is in the list of those whose window is due.
    pub(super) owed: bool,
    /// When the next byte must have come.
    pub(super) due: Option<Instant>,
    /// The rate of the body.
    pub(super) pace: Pace,
}

/// The progress of a request body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// More may come.
    Open,
    /// All has come, and the end is not reported.
    Ended,
    /// Nothing more is reported: all was, or the caller has given the rest up.
    Done,
}

/// The response.
pub(super) struct Outgoing {
    /// The head was sent.
    pub(super) begun: bool,
    /// The caller has ended it.
    pub(super) end: Option<End>,
    pub(super) framing: ResponseFraming,
    /// The pieces of the body that are not written, and their bytes.
    pub(super) pieces: VecDeque<Piece>,
    pub(super) queued: usize,
    /// The bytes that the peer accepts. SETTINGS can make it negative.
    pub(super) window: i64,
    pub(super) priority: Priority,
    /// The stream is in the schedule.
    pub(super) scheduled: bool,
    /// There was no capacity for the caller.
    pub(super) full: bool,
    /// When the next KiB must have been written, and how much has.
    pub(super) due: Option<Instant>,
    pub(super) moved: usize,
}

/// The end of a response.
pub(super) enum End {
    Plain,
    Trailers(Headers),
}

/// A piece of a response body.
pub(super) enum Piece {
    Bytes(Bytes),
    Region(Region),
}

impl Stream {
    /// Waits for the next byte of the request body. Returns the deadline.
    pub(super) fn await_body(&mut self, now: Instant, config: &Config) -> Instant {
        let idle = config.timeouts.body;
        // Once a response has begun, both sides may stream as they please.
        let rate = config.limits.body_rate.filter(|_| !self.response.begun);
        let due = now + self.request.pace.wait(now, idle, rate);
        self.request.due = Some(due);
        due
    }

    pub(super) fn new(id: u32, state: State) -> Self {
        Self {
            id,
            state,
            request: Incoming {
                received: Vec::new(),
                window: 0,
                target: 0,
                left: None,
                room: u64::MAX,
                trailers: None,
                stage: Stage::Open,
                wanted: false,
                expects_continue: false,
                listed: false,
                owed: false,
                due: None,
                pace: Pace::default(),
            },
            response: Outgoing {
                begun: false,
                end: None,
                framing: ResponseFraming::Suppressed,
                pieces: VecDeque::new(),
                queued: 0,
                window: 0,
                priority: Priority::default(),
                scheduled: false,
                full: false,
                due: None,
                moved: 0,
            },
            head_size: 0,
            asked: Asked::default(),
            tunnel: false,
        }
    }

    /// Whether the peer has ended its side.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, State::HalfClosedRemote | State::Closed)
    }

    pub(super) fn held(&self) -> usize {
        let pieces = self.response.pieces.iter().map(|piece| match piece {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Region(_) => 0,
        });
        self.request.received.capacity()
            + self.response.pieces.capacity() * size_of::<Piece>()
            + pieces.sum::<usize>()
    }
}

impl Incoming {
    /// Whether there is something to report.
    pub(super) fn has_news(&self) -> bool {
        !self.received.is_empty() || self.stage == Stage::Ended
    }

    /// Returns the credit that is due to the peer, if it is worth a frame: half of the window, or as much as it has left.
    pub(super) fn credit(&self) -> Option<u32> {
        let used = self.window as usize + self.received.len();
        let credit = (self.target as usize).saturating_sub(used) as u32;
        worth(credit, self.window, self.target).then_some(credit)
    }
}

/// Returns whether credit is worth a frame.
pub(super) fn worth(credit: u32, window: u32, target: u32) -> bool {
    credit > 0 && (credit >= target / 2 || credit >= window && credit >= target / 8)
}

/// The streams that are open, by identifier.
#[derive(Default)]
pub(super) struct Streams {
    slots: Vec<Stream>,
    free: Vec<u32>,
    /// Identifiers and slots, in ascending order: a client opens streams in this order.
    order: VecDeque<(u32, u32)>,
    /// The heads of all streams, in bytes.
    pub(super) heads: usize,
}

impl Streams {
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn place(&self, id: u32) -> Option<usize> {
        match self.order.back()? {
            (last, _) if *last == id => Some(self.order.len() - 1),
            _ => self.order.binary_search_by_key(&id, |(id, _)| *id).ok(),
        }
    }

    fn slot(&self, id: u32) -> Option<usize> {
        self.place(id).and_then(|place| self.order.get(place)).map(|(_, slot)| *slot as usize)
    }

    pub(super) fn get(&self, id: u32) -> Option<&Stream> {
        self.slots.get(self.slot(id)?)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Stream> {
        let slot = self.slot(id)?;
        self.slots.get_mut(slot)
    }

    /// Adds a stream, whose identifier is above all others.
    pub(super) fn insert(&mut self, stream: Stream) {
        let id = stream.id;
        self.heads += stream.head_size;
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => self.slots.len() as u32,
        };
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = stream,
            None => self.slots.push(stream),
        }
        self.order.push_back((id, slot));
    }

    /// Removes a stream.
    pub(super) fn remove(&mut self, id: u32) -> Option<Stream> {
        let place = self.place(id)?;
        let (_, slot) = self.order.remove(place)?;
        let stream = core::mem::replace(self.slots.get_mut(slot as usize)?, Stream::new(0, State::Closed));
        self.free.push(slot);
        self.heads -= stream.head_size;
        Some(stream)
    }

    /// Returns the stream that was inserted last, which has not been removed.
    #[expect(clippy::indexing_slicing, reason = "slots in the order exist")]
    pub(super) fn last_mut(&mut self) -> &mut Stream {
        let slot = self.order.back().map_or(0, |(_, slot)| *slot);
        &mut self.slots[slot as usize]
    }

    /// Returns the identifiers of all streams.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        self.order.iter().map(|(id, _)| *id)
    }

    /// Calls `f` with each stream.
    pub(super) fn for_each(&mut self, mut f: impl FnMut(&mut Stream)) {
        for (_, slot) in &self.order {
            if let Some(stream) = self.slots.get_mut(*slot as usize) {
                f(stream);
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.order.iter().filter_map(|(_, slot)| self.slots.get(*slot as usize))
    }

    /// Frees the memory of an idle connection.
    pub(super) fn shrink(&mut self) {
        if self.order.is_empty() {
            *self = Self::default();
        }
    }

    pub(super) fn held(&self) -> usize {
        self.slots.capacity() * size_of::<Stream>()
            + self.free.capacity() * size_of::<u32>()
            + self.order.capacity() * size_of::<(u32, u32)>()
            + self.iter().map(Stream::held).sum::<usize>()
    }
}
