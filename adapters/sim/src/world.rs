//! The state of a simulation: clock, choices, events to come, tasks, sockets. One lock guards all of it; what runs
//! while it is held calls nothing but wakers.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use std::time::Duration;

use stelo_runtime::{Instant, Signal};

use crate::network::Network;
use crate::rng::Random;
use crate::sockets::Sockets;
use crate::trace::Trace;

/// What will happen at a time.
pub(crate) enum Event {
    /// Someone is woken.
    Wake(Waker),
    /// The next piece on its way to this end of this connection arrives.
    Arrive { connection: u64, end: usize },
    /// A connection reaches the address that it was opened to.
    Open { connection: u64 },
    /// Blocking work runs.
    Work(Box<dyn FnOnce() + Send>),
}

/// When an event happens; the number tells apart those of one moment, first come first served.
pub(crate) type When = (Instant, u64);

pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the handles of a simulation share.
pub(crate) struct World {
    state: Mutex<State>,
    /// Tasks that have been woken. A lock of its own, so that wakers can be called while the state is locked.
    ready: Arc<Ready>,
}

#[derive(Default)]
pub(crate) struct Ready(Mutex<Vec<u64>>);

impl Ready {
    /// The tasks that can run, in the order in which they were woken.
    pub(crate) fn list(&self) -> MutexGuard<'_, Vec<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct State {
    pub(crate) now: Instant,
    pub(crate) random: Random,
    pub(crate) network: Network,
    pub(crate) trace: Trace,
    pub(crate) events: BTreeMap<When, Event>,
    /// The tasks; the one that is being polled is taken out meanwhile.
    pub(crate) tasks: BTreeMap<u64, Option<Task>>,
    pub(crate) wakers: BTreeMap<u64, Arc<TaskWaker>>,
    pub(crate) sockets: Sockets,
    /// The name table.
    pub(crate) hosts: BTreeMap<String, Vec<IpAddr>>,
    /// Those who catch signals, with what they have not taken yet.
    pub(crate) catchers: BTreeMap<u64, Catcher>,
    /// When the last blocking work runs.
    work: Instant,
    /// The last number given to a task, an event, a connection, a socket.
    last_number: u64,
}

#[derive(Default)]
pub(crate) struct Catcher {
    pub(crate) set: Vec<Signal>,
    pub(crate) pending: Vec<Signal>,
    pub(crate) waker: Option<Waker>,
}

impl World {
    pub(crate) fn new(seed: u64, network: Network, print: bool) -> Self {
        let state = State {
            // Never zero, as on a real clock.
            now: Instant::from_micros(1),
            random: Random::new(seed),
            network,
            trace: Trace::new(print),
            events: BTreeMap::new(),
            tasks: BTreeMap::new(),
            wakers: BTreeMap::new(),
            sockets: Sockets::default(),
            hosts: BTreeMap::from([("localhost".into(), vec![Ipv4Addr::LOCALHOST.into()])]),
            catchers: BTreeMap::new(),
            work: Instant::ZERO,
            last_number: 0,
        };
        Self { state: Mutex::new(state), ready: Arc::default() }
    }

    /// A task that panics while it has the lock leaves the state as it was: nothing in here panics.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Adds a task, ready to run.
    pub(crate) fn spawn(&self, task: Option<Task>) -> u64 {
        let mut state = self.state();
        let id = state.number();
        let waker = TaskWaker { id, queued: AtomicBool::new(false), ready: self.ready.clone() };
        let waker = Arc::new(waker);
        state.tasks.insert(id, task);
        state.wakers.insert(id, waker.clone());
        let now = state.now;
        state.trace.note(now, "spawn task", id);
        drop(state);
        waker.wake();
        id
    }
}

impl State {
    /// A number that has not been given before.
    pub(crate) fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    pub(crate) fn schedule(&mut self, at: Instant, event: Event) -> When {
        let when = (at, self.number());
        self.events.insert(when, event);
        when
    }

    /// Wakes a task after the time given; no waker, nobody to wake.
    pub(crate) fn wake_after(&mut self, delay: Duration, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.schedule(self.now + delay, Event::Wake(waker));
        }
    }

    /// Has blocking work run after all that was there before.
    pub(crate) fn work(&mut self, work: Box<dyn FnOnce() + Send>) {
        const LONGEST: Duration = Duration::from_millis(20);
        let took = self.random.duration(Duration::ZERO..LONGEST);
        self.work = self.work.max(self.now) + took;
        self.schedule(self.work, Event::Work(work));
    }

    pub(crate) fn note(&mut self, what: &str, whom: u64) {
        self.trace.note(self.now, what, whom);
    }
}

/// Puts a task on the list of those that can run, once.
pub(crate) struct TaskWaker {
    id: u64,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl TaskWaker {
    /// The task runs: whoever wakes it from now on wants it to run again.
    pub(crate) fn taken(&self) {
        self.queued.store(false, Ordering::Relaxed);
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.ready.list().push(self.id);
        }
    }
}
