//! The reactor of a thread: it waits for sockets, timers and wake-ups with one system call.
//!
//! Sockets are registered once, for changes in both directions, so a request needs no further call. The first timer
//! limits how long the thread waits. [`Reactor`] is shared between threads; [`Driver`], which waits, stays on its own.

use std::collections::HashMap;
use std::io;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{self, Context, Waker};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use slab::Slab;
use stelo_os::Clock;
use stelo_runtime::timers::{Key, Set, Timers};
use stelo_runtime::{Hangup, Instant};

use crate::parker::Parker;
use crate::source::{self, Source};

/// The token of wake-ups. No socket has it.
const WAKE_UP: Token = Token(usize::MAX);
/// The most events that one wait returns.
const EVENTS: usize = 256;

/// The sockets and timers of a thread.
#[derive(Debug)]
pub(crate) struct Reactor {
    registry: Registry,
    state: Mutex<State>,
    pub(crate) parker: Arc<Parker>,
}

#[derive(Debug, Default)]
struct State {
    sources: Slab<Arc<Source>>,
    /// The tasks that wait for a hang-up, by the numbers of their sockets. Not in [`Source`], because most sockets
    /// never have one.
    hangups: HashMap<usize, Waker>,
    timers: Timers,
    /// Tasks that have yielded until the next check of the sockets.
    yielded: Vec<Waker>,
    /// The thread has ended.
    ended: bool,
}

impl Reactor {
    /// No foreign code runs while the state is locked, so a poisoned lock has an intact state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a socket; returns its state and its number.
    fn register(&self, fd: RawFd) -> io::Result<(Arc<Source>, usize)> {
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

    fn deregister(&self, fd: RawFd, number: usize) {
        // The socket is registered, and still open.
        let _ = self.registry.deregister(&mut SourceFd(&fd));
        let mut state = self.state();
        // Dropped with their wakers after the lock.
        let _source = state.sources.try_remove(number);
        let _waker = state.hangups.remove(&number);
        drop(state);
    }

    /// Wakes the task of `cx` at `deadline`: see [`Timers::set`]. Returns false if the thread has ended.
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

    /// Removes a timer.
    pub(crate) fn cancel(&self, key: Key) {
        // Dropped after the lock.
        let _waker = self.state().timers.remove(key);
    }

    /// Wakes a task after the next check of the sockets.
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

/// The registration of a socket with a reactor. Drop it before the socket is closed: afterwards its number may belong to
/// another socket.
#[derive(Debug)]
pub(crate) struct Registration {
    source: Arc<Source>,
    reactor: Arc<Reactor>,
    number: u32,
    fd: RawFd,
}

impl Registration {
    /// Registers a socket.
    ///
    /// # Errors
    /// Returns an error if the system refuses, or the thread has ended.
    pub(crate) fn new(reactor: Arc<Reactor>, fd: RawFd) -> io::Result<Self> {
        let (source, number) = reactor.register(fd)?;
        // A process has fewer descriptors than `i32::MAX`, and each has at most one registration here.
        Ok(Self { source, reactor, number: number as u32, fd })
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    pub(crate) fn reactor(&self) -> &Arc<Reactor> {
        &self.reactor
    }

    /// Waits for the peer to hang up.
    pub(crate) fn poll_hangup(&self, cx: &mut Context<'_>) -> task::Poll<Hangup> {
        if let Some(hangup) = self.source.hangup() {
            return task::Poll::Ready(hangup);
        }
        let mut state = self.reactor.state();
        // Reports are noted under the lock, so none is missed between this and the insertion.
        if let Some(hangup) = self.source.hangup() {
            return task::Poll::Ready(hangup);
        }
        // Dropped after the lock.
        let _replaced = state.hangups.insert(self.number as usize, cx.waker().clone());
        drop(state);
        task::Poll::Pending
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.reactor.deregister(self.fd, self.number as usize);
    }
}

/// The waiting part of a reactor.
#[derive(Debug)]
pub(crate) struct Driver {
    poll: Poll,
    events: Events,
    pub(crate) reactor: Arc<Reactor>,
    /// The tasks to wake; kept for its capacity.
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

    /// Waits for an event, or only checks for one if the thread was unparked; then wakes the tasks concerned.
    ///
    /// # Errors
    /// Returns the errors of the system.
    pub(crate) fn turn(&mut self) -> io::Result<()> {
        let timeout = self.timeout();
        let result = self.poll.poll(&mut self.events, timeout);
        self.reactor.parker.awake();
        // A wait that a signal has interrupted has no events.
        if let Err(error) = result
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error);
        }
        let mut state = self.reactor.state();
        for event in &self.events {
            if let Some(source) = state.sources.get(event.token().0) {
                source.report(event, &mut self.concerned);
                if source.hangup().is_some() {
                    self.concerned.extend(state.hangups.remove(&event.token().0));
                }
            }
        }
        self.concerned.append(&mut state.yielded);
        drop(state);
        self.concerned.drain(..).for_each(Waker::wake);
        Ok(())
    }

    /// Returns how long to wait: zero if the thread was unparked or a timer has expired, else until the first timer.
    fn timeout(&mut self) -> Option<Duration> {
        // Before the timers are read: a thread that adds one later sees the parked state.
        let parked = self.reactor.parker.park();
        let mut state = self.reactor.state();
        let next = match state.timers.next() {
            Some(next) => {
                let now = Clock::now();
                if next <= now {
                    state.timers.expire(now, &mut self.concerned);
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
    /// Tells sockets that have outlived the thread, and wakes the tasks of all timers.
    fn drop(&mut self) {
        let mut state = self.reactor.state();
        state.ended = true;
        for (_, source) in &state.sources {
            source.orphan(&mut self.concerned);
        }
        self.concerned.extend(state.hangups.drain().map(|(_, waker)| waker));
        state.timers.clear(&mut self.concerned);
        self.concerned.append(&mut state.yielded);
        drop(state);
        self.concerned.drain(..).for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_socket_leaves_nothing_behind() {
        let driver = Driver::new().expect("the system has descriptors");
        for _ in 0..10 {
            let (socket, _peer) = UnixStream::pair().expect("the system has descriptors");
            let registration =
                Registration::new(driver.reactor.clone(), socket.as_raw_fd()).expect("the reactor runs");
            assert!(registration.poll_hangup(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        let state = driver.reactor.state();
        assert_eq!((state.sources.len(), state.hangups.len()), (0, 0));
    }
}
