//! The readiness of one socket, and the tasks that wait for it.
//!
//! The system reports changes, not states: a report is remembered until an operation finds nothing left. Another report
//! may come on another thread just then, so reports are counted, and forgetting one takes the count seen before the
//! operation.

use std::io;
use std::task::{Context, Poll, Waker};

use stelo_runtime::Hangup;

use crate::sync::{AtomicUsize, AtomicWaker, Event, Ordering};

/// The direction in which a task waits for a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Direction {
    /// There may be bytes to read, or room to write.
    fn open(self) -> usize {
        1 << self as usize
    }

    /// The direction is closed: from here on, operations return at once.
    fn closed(self) -> usize {
        4 << self as usize
    }
}

/// The reactor has ended.
const ORPHAN: usize = 16;
/// The peer has closed its side. Never forgotten, unlike `Direction::closed`.
const HALF_CLOSED: usize = 32;
/// Both sides are closed. Never forgotten.
const GONE: usize = 64;
/// The count of reports, one report each.
const REPORT: usize = 128;

/// Returns the error of operations on a socket whose reactor has ended.
pub(crate) fn orphaned() -> io::Error {
    io::Error::other(
        "the executor of this socket has ended: use sockets within the `block_on` that they come from",
    )
}

/// A state as it was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen(usize);

/// The state of a socket.
#[derive(Debug)]
pub(crate) struct Source {
    state: AtomicUsize,
    waiting: [AtomicWaker; 2],
}

impl Source {
    /// Creates the state of a socket without reports. Operations are tried at first.
    pub(crate) fn new() -> Self {
        let state = Direction::Read.open() | Direction::Write.open();
        Self { state: AtomicUsize::new(state), waiting: Default::default() }
    }

    /// Notes a report, and takes out the wakers of the tasks that wait for it.
    pub(crate) fn report(&self, event: &Event, wakers: &mut Vec<Waker>) {
        let (mut readable, mut writable) = (event.is_readable(), event.is_writable());
        let mut reported = 0;
        if event.is_read_closed() {
            reported |= HALF_CLOSED;
        }
        if event.is_write_closed() {
            reported |= GONE;
        }
        if event.is_read_closed() || event.is_error() {
            reported |= Direction::Read.closed();
            readable = true;
        }
        if event.is_write_closed() || event.is_error() {
            reported |= Direction::Write.closed();
            writable = true;
        }
        for (direction, ready) in [(Direction::Read, readable), (Direction::Write, writable)] {
            if ready {
                reported |= direction.open();
            }
        }
        self.change(reported);
        for (direction, ready) in [(Direction::Read, readable), (Direction::Write, writable)] {
            if ready {
                wakers.extend(self.waiting[direction as usize].take());
            }
        }
    }

    /// Notes that the reactor has ended.
    pub(crate) fn orphan(&self, wakers: &mut Vec<Waker>) {
        self.change(ORPHAN);
        wakers.extend(self.waiting.iter().filter_map(AtomicWaker::take));
    }

    fn change(&self, reported: usize) {
        let change = |state: usize| Some(state.wrapping_add(REPORT) | reported);
        // Never fails: the closure always returns a value.
        let _ = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, change);
    }

    /// Waits until an operation may succeed.
    pub(crate) fn poll_ready(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<Seen>> {
        let ready = self.ready(direction);
        if ready.is_ready() {
            return ready;
        }
        self.waiting[direction as usize].register(cx.waker());
        // A report may have come before the waker was registered.
        self.ready(direction)
    }

    fn ready(&self, direction: Direction) -> Poll<io::Result<Seen>> {
        let state = self.state.load(Ordering::Acquire);
        if state & (direction.open() | direction.closed()) != 0 {
            Poll::Ready(Ok(Seen(state)))
        } else if state & ORPHAN != 0 {
            Poll::Ready(Err(orphaned()))
        } else {
            Poll::Pending
        }
    }

    /// Returns the hang-up that has been reported. A socket without a reactor counts as gone.
    pub(crate) fn hangup(&self) -> Option<Hangup> {
        match self.state.load(Ordering::Acquire) {
            state if state & (GONE | ORPHAN) != 0 => Some(Hangup::Gone),
            state if state & HALF_CLOSED != 0 => Some(Hangup::HalfClosed),
            _ => None,
        }
    }

    /// Notes that an operation has left nothing: the next one waits, unless the direction is closed.
    pub(crate) fn drained(&self, direction: Direction, seen: Seen) {
        self.forget(direction.open(), seen);
    }

    /// Notes that an operation would block: the next one waits.
    pub(crate) fn would_block(&self, direction: Direction, seen: Seen) {
        self.forget(direction.open() | direction.closed(), seen);
    }

    fn forget(&self, what: usize, Seen(seen): Seen) {
        // Fails if there is a new report, which is then kept.
        let _ = self.state.compare_exchange(seen, seen & !what, Ordering::AcqRel, Ordering::Acquire);
    }
}
