//! What is known of one socket, and who waits for it.
//!
//! The system tells changes, not states: what it has told is remembered until an operation finds it used up. While one
//! thread finds that, another may be told anew, so every telling is counted, and forgetting takes the count that was
//! seen before the operation.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use atomic_waker::AtomicWaker;
use mio::event::Event;

/// What a socket is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Direction {
    /// There may be something to read, or room to write.
    fn open(self) -> usize {
        1 << self as usize
    }

    /// There will be no more than there is: operations end at once from here on.
    fn closed(self) -> usize {
        4 << self as usize
    }
}

/// Nobody looks after the socket any more.
const ORPHAN: usize = 16;
/// One telling.
const TOLD: usize = 32;

/// The error of operations that nobody would wake.
pub(crate) fn orphaned() -> io::Error {
    io::Error::other(
        "the executor of this socket has ended: use sockets within the `block_on` that they come from",
    )
}

/// A state as it was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen(usize);

/// A socket.
#[derive(Debug)]
pub(crate) struct Source {
    state: AtomicUsize,
    waiting: [AtomicWaker; 2],
}

impl Source {
    /// A socket of which nothing is known, so that everything is tried.
    pub(crate) fn new() -> Self {
        let state = Direction::Read.open() | Direction::Write.open();
        Self { state: AtomicUsize::new(state), waiting: Default::default() }
    }

    /// Takes in what the system tells, and hands out whom that concerns.
    pub(crate) fn tell(&self, event: &Event, concerned: &mut Vec<Waker>) {
        let (mut readable, mut writable) = (event.is_readable(), event.is_writable());
        let mut told = 0;
        if event.is_read_closed() || event.is_error() {
            told |= Direction::Read.closed();
            readable = true;
        }
        if event.is_write_closed() || event.is_error() {
            told |= Direction::Write.closed();
            writable = true;
        }
        for (direction, ready) in [(Direction::Read, readable), (Direction::Write, writable)] {
            if ready {
                told |= direction.open();
            }
        }
        self.change(told);
        for (direction, ready) in [(Direction::Read, readable), (Direction::Write, writable)] {
            if ready {
                concerned.extend(self.waiting[direction as usize].take());
            }
        }
    }

    /// The reactor ends.
    pub(crate) fn orphan(&self, concerned: &mut Vec<Waker>) {
        self.change(ORPHAN);
        concerned.extend(self.waiting.iter().filter_map(AtomicWaker::take));
    }

    fn change(&self, told: usize) {
        let change = |state: usize| Some(state.wrapping_add(TOLD) | told);
        // It always changes.
        let _ = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, change);
    }

    /// Waits until an operation is worth trying.
    pub(crate) fn poll_ready(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<Seen>> {
        let ready = self.ready(direction);
        if ready.is_ready() {
            return ready;
        }
        self.waiting[direction as usize].register(cx.waker());
        // It may have become ready just before.
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

    /// An operation has taken all that there was: the next waits, unless the end has been seen.
    pub(crate) fn drained(&self, direction: Direction, seen: Seen) {
        self.forget(direction.open(), seen);
    }

    /// An operation found nothing: the next waits.
    pub(crate) fn would_block(&self, direction: Direction, seen: Seen) {
        self.forget(direction.open() | direction.closed(), seen);
    }

    fn forget(&self, what: usize, Seen(seen): Seen) {
        // If it fails, there is something new.
        let _ = self.state.compare_exchange(seen, seen & !what, Ordering::AcqRel, Ordering::Acquire);
    }
}
