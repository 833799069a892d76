//! The readiness of a socket: a reactor reports on one thread, a task reads and writes on another.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker, ready};

use loom::future::block_on;
use loom::thread;
use stelo_runtime::Hangup;

use crate::explore;
use crate::sync::{AtomicUsize, Event, Ordering};
use source::{Direction, Source};

#[path = "../../../adapters/async-io/src/source.rs"]
mod source;

/// A socket: what can be read, or how much room there is to write.
#[derive(Default)]
struct Socket {
    amounts: [AtomicUsize; 2],
}

const READABLE: Event = Event { readable: true, writable: false, read_closed: false };

/// Reports as the reactor does.
fn report(source: &Source, event: Event) {
    let mut wakers = Vec::new();
    source.report(&event, &mut wakers);
    wakers.into_iter().for_each(Waker::wake);
}

/// Uses up `all` of a direction, as it comes. With `drained`, an operation can tell that it has left nothing.
fn use_up(source: &Source, socket: &Socket, direction: Direction, all: usize, drained: bool) {
    let mut used = 0;
    block_on(poll_fn(|cx| {
        while used < all {
            let seen = ready!(source.poll_ready(direction, cx)).expect("the reactor runs");
            match socket.amounts[direction as usize].swap(0, Ordering::AcqRel) {
                0 => source.would_block(direction, seen),
                amount => {
                    used += amount;
                    if drained {
                        source.drained(direction, seen);
                    }
                }
            }
        }
        Poll::Ready(())
    }));
}

/// A report that comes while a task tries, or begins to wait, is not lost.
pub fn no_report_is_lost() {
    for drained in [false, true] {
        explore(move || {
            let shared = Arc::new((Source::new(), Socket::default()));
            let reactor = shared.clone();
            let thread = thread::spawn(move || {
                let (source, socket) = &*reactor;
                for _ in 0..2 {
                    socket.amounts[0].fetch_add(1, Ordering::AcqRel);
                    report(source, READABLE);
                }
            });
            let (source, socket) = &*shared;
            use_up(source, socket, Direction::Read, 2, drained);
            thread.join().expect("it ends");
        });
    }
}

/// Two tasks use the directions of one socket.
pub fn a_report_reaches_both_directions() {
    explore(|| {
        let shared = Arc::new((Source::new(), Socket::default()));
        let threads = [Direction::Read, Direction::Write].map(|direction| {
            let shared = shared.clone();
            thread::spawn(move || use_up(&shared.0, &shared.1, direction, 1, false))
        });
        let (source, socket) = &*shared;
        for amount in &socket.amounts {
            amount.fetch_add(1, Ordering::AcqRel);
        }
        report(source, Event { writable: true, ..READABLE });
        for thread in threads {
            thread.join().expect("it ends");
        }
    });
}

/// A peer that ends its side wakes the reader, and the hang-up is not forgotten with the readiness.
pub fn a_hang_up_is_kept() {
    explore(|| {
        let shared = Arc::new((Source::new(), Socket::default()));
        let reactor = shared.clone();
        let thread = thread::spawn(move || {
            let (source, socket) = &*reactor;
            socket.amounts[0].fetch_add(1, Ordering::AcqRel);
            report(source, Event { read_closed: true, ..READABLE });
        });
        let (source, socket) = &*shared;
        use_up(source, socket, Direction::Read, 1, true);
        thread.join().expect("it ends");
        assert_eq!(source.hangup(), Some(Hangup::HalfClosed));
    });
}

/// A reactor that ends wakes the tasks that wait for its sockets.
pub fn the_end_of_the_reactor_is_an_error() {
    explore(|| {
        let source = Arc::new(Source::new());
        let reactor = source.clone();
        let thread = thread::spawn(move || {
            let mut wakers = Vec::new();
            reactor.orphan(&mut wakers);
            wakers.into_iter().for_each(Waker::wake);
        });
        let ended = block_on(poll_fn(|cx| {
            loop {
                match ready!(source.poll_ready(Direction::Read, cx)) {
                    Ok(seen) => source.would_block(Direction::Read, seen),
                    Err(error) => return Poll::Ready(error),
                }
            }
        }));
        assert_eq!(ended.kind(), std::io::ErrorKind::Other);
        thread.join().expect("it ends");
    });
}
