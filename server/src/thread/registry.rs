//! The connections and background tasks that run, so that a stopping server can tell them and wait for them.
//!
//! Each thread has its own registry. It is locked when a member comes or goes, not on the path of a request.

use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::sync::{AtomicU8, AtomicUsize, Mutex, MutexGuard, Ordering};

/// The phase of a server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Phase {
    /// It accepts and serves.
    Running = 0,
    /// It closes its listeners, and serves.
    Closing = 1,
    /// Nothing new begins; what has begun may complete.
    Draining = 2,
    /// Everything is dropped.
    Aborting = 3,
}

/// The kind of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Listener,
    Connection,
    Task,
    /// The application waits for the shutdown. The server does not wait for it.
    Observer,
}

/// The members of one thread.
pub(crate) struct Registry {
    phase: AtomicU8,
    listeners: AtomicUsize,
    connections: AtomicUsize,
    tasks: AtomicUsize,
    observers: AtomicUsize,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
    /// Tasks that wait for a phase, or for the last member to go.
    watchers: Vec<Waker>,
}

impl Slots {
    fn watch(&mut self, cx: &mut Context<'_>) {
        if !self.watchers.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.watchers.push(cx.waker().clone());
        }
    }
}

impl Registry {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            phase: AtomicU8::new(Phase::Running as u8),
            listeners: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            tasks: AtomicUsize::new(0),
            observers: AtomicUsize::new(0),
            slots: Mutex::default(),
        })
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Running,
            1 => Phase::Closing,
            2 => Phase::Draining,
            _ => Phase::Aborting,
        }
    }

    /// Enters a later phase and wakes every member.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        let mut slots = self.slots();
        let watchers = std::mem::take(&mut slots.watchers);
        let wakers: Vec<Waker> = slots.wakers.iter().flatten().cloned().chain(watchers).collect();
        drop(slots);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Returns the number of members of a kind.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.counter(kind).load(Ordering::Acquire)
    }

    pub(crate) fn join(self: &Arc<Self>, kind: Kind) -> Member {
        self.counter(kind).fetch_add(1, Ordering::AcqRel);
        let mut slots = self.slots();
        let key = slots.free.pop().unwrap_or_else(|| {
            slots.wakers.push(None);
            slots.wakers.len() - 1
        });
        Member { registry: self.clone(), kind, key, waker: None }
    }

    /// Completes when the server drains and has no member left, or when it aborts.
    pub(crate) fn poll_over(&self, cx: &mut Context<'_>) -> Poll<()> {
        let empty = self.poll_empty(cx);
        match self.phase() {
            Phase::Running | Phase::Closing => Poll::Pending,
            Phase::Draining => empty,
            Phase::Aborting => Poll::Ready(()),
        }
    }

    /// Completes when there is no member left.
    pub(crate) fn poll_empty(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_without(cx, &[Kind::Listener, Kind::Connection, Kind::Task])
    }

    /// Completes when there is no member of these kinds left.
    pub(crate) fn poll_without(&self, cx: &mut Context<'_>, kinds: &[Kind]) -> Poll<()> {
        self.slots().watch(cx);
        match kinds.iter().any(|kind| self.count(*kind) > 0) {
            false => Poll::Ready(()),
            true => Poll::Pending,
        }
    }

    fn counter(&self, kind: Kind) -> &AtomicUsize {
        match kind {
            Kind::Listener => &self.listeners,
            Kind::Connection => &self.connections,
            Kind::Task => &self.tasks,
            Kind::Observer => &self.observers,
        }
    }

    /// Locks the slots. Nothing can panic under the lock, so they are consistent even if poisoned.
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A member of a registry, until it is dropped.
pub(crate) struct Member {
    registry: Arc<Registry>,
    kind: Kind,
    key: usize,
    /// The waker that the registry has.
    waker: Option<Waker>,
}

impl Member {
    /// Returns the phase; a later one wakes the task of `cx`. Costs one load if that task has not changed.
    #[inline]
    pub(crate) fn phase(&mut self, cx: &mut Context<'_>) -> Phase {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.watch(cx);
        }
        self.registry.phase()
    }

    #[cold]
    fn watch(&mut self, cx: &mut Context<'_>) {
        self.waker = Some(cx.waker().clone());
        if let Some(slot) = self.registry.slots().wakers.get_mut(self.key) {
            slot.clone_from(&self.waker);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut slots = self.registry.slots();
        if let Some(slot) = slots.wakers.get_mut(self.key) {
            *slot = None;
        }
        slots.free.push(self.key);
        self.registry.counter(self.kind).fetch_sub(1, Ordering::AcqRel);
        // In the running phase nothing waits for members to go.
        let watchers = match self.registry.phase() {
            Phase::Running => Vec::new(),
            _ => std::mem::take(&mut slots.watchers),
        };
        drop(slots);
        watchers.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_of_members_that_have_gone_are_used_again() {
        let registry = Registry::new();
        let stays = registry.join(Kind::Task);
        for _ in 0..1000 {
            drop([registry.join(Kind::Connection), registry.join(Kind::Task)]);
        }
        let slots = |registry: &Registry| {
            let slots = registry.slots();
            (slots.wakers.len(), slots.free.len())
        };
        assert_eq!(slots(&registry), (3, 2));
        assert_eq!((registry.count(Kind::Connection), registry.count(Kind::Task)), (0, 1));
        drop(stays);
        assert_eq!(slots(&registry), (3, 3));
    }
}
