//! The registry of a thread: members come and go while the server shuts down.

use std::future::poll_fn;
use std::task::Poll;

use loom::future::block_on;
use loom::thread;

use crate::explore;
use registry::{Kind, Member, Phase, Registry};

#[path = "../../../server/src/thread/registry.rs"]
mod registry;

/// Runs as a connection does: until the server drains.
fn serve(mut member: Member) {
    block_on(poll_fn(|cx| match member.phase(cx) >= Phase::Draining {
        true => Poll::Ready(()),
        false => Poll::Pending,
    }));
}

/// The shutdown ends when the last member has gone.
pub fn the_last_member_ends_the_wait() {
    explore(|| {
        let registry = Registry::new();
        let member = registry.join(Kind::Connection);
        let thread = thread::spawn(move || drop(member));
        registry.enter(Phase::Draining);
        block_on(poll_fn(|cx| registry.poll_empty(cx)));
        assert_eq!(registry.count(Kind::Connection), 0);
        thread.join().expect("it ends");
    });
}

/// Members that wait learn of the shutdown, and the shutdown learns of their end.
pub fn every_member_learns_of_the_shutdown() {
    explore(|| {
        let registry = Registry::new();
        let threads = [Kind::Connection, Kind::Task].map(|kind| {
            let member = registry.join(kind);
            thread::spawn(move || serve(member))
        });
        registry.enter(Phase::Draining);
        block_on(poll_fn(|cx| registry.poll_empty(cx)));
        for thread in threads {
            thread.join().expect("it ends");
        }
    });
}

/// A member in the slot of an earlier one learns of the shutdown.
pub fn a_slot_serves_one_member_at_a_time() {
    explore(|| {
        let registry = Registry::new();
        let (first, second) = (registry.join(Kind::Task), registry.join(Kind::Observer));
        let waits = thread::spawn(move || serve(second));
        let follows = {
            let registry = registry.clone();
            thread::spawn(move || {
                drop(first);
                serve(registry.join(Kind::Connection));
            })
        };
        registry.enter(Phase::Draining);
        waits.join().expect("it ends");
        follows.join().expect("it ends");
        assert_eq!(registry.count(Kind::Connection) + registry.count(Kind::Task), 0);
    });
}

/// A thread of the server ends when the server drains and its last member has gone, in this order or the other.
pub fn a_thread_ends_with_its_last_member() {
    explore(|| {
        let registry = Registry::new();
        let member = registry.join(Kind::Connection);
        let thread = thread::spawn(move || drop(member));
        let over = {
            let registry = registry.clone();
            thread::spawn(move || block_on(poll_fn(|cx| registry.poll_over(cx))))
        };
        registry.enter(Phase::Draining);
        over.join().expect("it ends");
        thread.join().expect("it ends");
    });
}
