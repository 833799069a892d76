//! The reactor of a thread: it waits for sockets, timers and wake-ups, all in one system call.
//!
//! Sockets are registered once, for changes in both directions; nothing is told to the system per request. A timer is
//! but the time that the thread waits at most. The sharing part, [`Reactor`], may be used from any thread; the waiting
//! part, [`Driver`], stays on its own.

use std::io;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use slab::Slab;
use stelo_os::Clock;
use stelo_runtime::Instant;
use stelo_runtime::timers::{Key, Set, Timers};

use crate::parker::Parker;
use crate::source::{self, Source};

/// The token of wake-ups, which no socket gets.
const WAKE_UP: Token = Token(usize::MAX);
/// How many sockets the system tells of at once.
const EVENTS: usize = 256;

/// The sockets and timers that a thread looks after.
#[derive(Debug)]
pub(crate) struct Reactor {
    registry: Registry,
    state: Mutex<State>,
    pub(crate) parker: Arc<Parker>,
}

#[derive(Debug, Default)]
struct State {
    sources: Slab<Arc<Source>>,
    timers: Timers,
    /// Tasks that want their turn after the next look at the sockets.
    yielded: Vec<Waker>,
    /// The thread looks after nothing any more.
    ended: bool,
}

impl Reactor {
    /// Nothing of others runs while the state is locked, so a poisoned lock is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks after a socket from now on; returns it and its number.
    ///
    /// # Errors
    /// The system refuses, or the thread has ended.
    pub(crate) fn register(&self, fd: RawFd) -> io::Result<(Arc<Source>, usize)> {
        let source = Arc::new(Source::new());
        let mut state = self.state();
        if state.ended {
            return Err(source::orphaned());
        }
        let number = state.sources.insert(source.clone());
        drop(state);
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.registry.register(&mut SourceFd(&fd), Token(number), both) {
            self.state().sources.try_remove(number);
            return Err(error);
        }
        Ok((source, number))
    }

    /// Looks after it no more.
    pub(crate) fn deregister(&self, fd: RawFd, number: usize) {
        // It was registered, and is still open.
        let _ = self.registry.deregister(&mut SourceFd(&fd));
        // Dropped with its wakers after the lock.
        let _source = self.state().sources.try_remove(number);
    }

    /// Has a task woken at `deadline`: see [`Timers::set`]. Says whether there is still somebody to wake it.
    pub(crate) fn wake_at(&self, key: &mut Option<Key>, deadline: Instant, cx: &mut Context<'_>) -> bool {
        let mut state = self.state();
        if state.ended {
            return false;
        }
        // Dropped after the lock.
        let Set { first, replaced: _replaced } = state.timers.set(key, deadline, cx.waker());
        drop(state);
        if first {
            self.parker.disturb();
        }
        true
    }

    /// Takes a timer away.
    pub(crate) fn cancel(&self, key: Key) {
        // Dropped after the lock.
        let _waker = self.state().timers.remove(key);
    }

    /// Has a task polled again after the next look at the sockets.
    pub(crate) fn wake_later(&self, waker: Waker) {
        let mut state = self.state();
        if state.ended {
            drop(state);
            return waker.wake();
        }
        state.yielded.push(waker);
        drop(state);
        self.parker.unpark();
    }
}

/// What a thread waits with.
#[derive(Debug)]
pub(crate) struct Driver {
    poll: Poll,
    events: Events,
    pub(crate) reactor: Arc<Reactor>,
    /// Whom to wake; kept for its room.
    concerned: Vec<Waker>,
}

impl Driver {
    pub(crate) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let alarm = mio::Waker::new(poll.registry(), WAKE_UP)?;
        let registry = poll.registry().try_clone()?;
        let parker = Arc::new(Parker::new(alarm));
        let reactor = Arc::new(Reactor { registry, state: Mutex::default(), parker });
        Ok(Self { poll, events: Events::with_capacity(EVENTS), reactor, concerned: Vec::new() })
    }

    /// Waits until something happens, or only looks whether something has if the thread was called; then wakes
    /// whomever it concerns.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn turn(&mut self) -> io::Result<()> {
        let timeout = self.timeout();
        let result = self.poll.poll(&mut self.events, timeout);
        self.reactor.parker.awake();
        // A signal that interrupts it leaves no events.
        if let Err(error) = result
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error);
        }
        let mut state = self.reactor.state();
        for event in &self.events {
            if let Some(source) = state.sources.get(event.token().0) {
                source.tell(event, &mut self.concerned);
            }
        }
        self.concerned.append(&mut state.yielded);
        drop(state);
        self.concerned.drain(..).for_each(Waker::wake);
        Ok(())
    }

    /// How long to wait: not at all if the thread was called, or a timer has rung; else until one does.
    fn timeout(&mut self) -> Option<Duration> {
        // Before the timers are looked at: whoever adds one after that sees that the thread waits.
        let parked = self.reactor.parker.park();
        let mut state = self.reactor.state();
        let next = match state.timers.next() {
            Some(next) => {
                let now = Clock::now();
                if next <= now {
                    state.timers.ring(now, &mut self.concerned);
                }
                Some(next - now)
            }
            None => None,
        };
        drop(state);
        if !self.concerned.is_empty() {
            self.reactor.parker.awake();
            self.concerned.drain(..).for_each(Waker::wake);
            return Some(Duration::ZERO);
        }
        if parked { next } else { Some(Duration::ZERO) }
    }
}

impl Drop for Driver {
    /// Sockets that have been taken elsewhere are told that nobody looks after them; timers ring.
    fn drop(&mut self) {
        let mut state = self.reactor.state();
        state.ended = true;
        for (_, source) in &state.sources {
            source.orphan(&mut self.concerned);
        }
        state.timers.clear(&mut self.concerned);
        self.concerned.append(&mut state.yielded);
        drop(state);
        self.concerned.drain(..).for_each(Waker::wake);
    }
}
