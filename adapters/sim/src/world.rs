//! The state of a simulation: clock, random choices, future events, tasks, sockets. One lock guards all of it. Code
//! under the lock calls no foreign code but wakers.

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

/// An event at a virtual time.
pub(crate) enum Event {
    /// A task is woken.
    Wake(Waker),
    /// The next segment in flight to this end of the connection arrives.
    Arrive { connection: u64, end: usize },
    /// An attempt to connect ends: it reaches its target, or fails.
    Open { connection: u64 },
    /// Blocking work runs.
    Work(Box<dyn FnOnce() + Send>),
}

/// The time of an event, and a number that orders events of the same time.
pub(crate) type When = (Instant, u64);

pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The state that the handles of a simulation share.
pub(crate) struct World {
    state: Mutex<State>,
    /// The tasks that were woken. Under a second lock, so that wakers can be called while the state is locked.
    ready: Arc<Ready>,
}

#[derive(Default)]
pub(crate) struct Ready(Mutex<Vec<u64>>);

impl Ready {
    /// Returns the tasks that can run, in the order of their wake-ups.
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
    /// The tasks. The one that is being polled is taken out.
    pub(crate) tasks: BTreeMap<u64, Option<Task>>,
    pub(crate) wakers: BTreeMap<u64, Arc<TaskWaker>>,
    pub(crate) sockets: Sockets,
    /// The name table.
    pub(crate) hosts: BTreeMap<String, Vec<IpAddr>>,
    /// The subscriptions to signals, with the signals that are pending.
    pub(crate) catchers: BTreeMap<u64, Catcher>,
    /// The time at which the last blocking work runs.
    work: Instant,
    /// The last number of a task, an event, a connection or a socket.
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
            // Never zero, as with the clock of the system.
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

    /// No foreign code runs while the state is locked, so a poisoned lock has an intact state.
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
    /// Returns a new number.
    pub(crate) fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    pub(crate) fn schedule(&mut self, at: Instant, event: Event) -> When {
        let when = (at, self.number());
        self.events.insert(when, event);
        when
    }

    /// Wakes a task after `delay`, if there is a waker.
    pub(crate) fn wake_after(&mut self, delay: Duration, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.schedule(self.now + delay, Event::Wake(waker));
        }
    }

    /// Runs blocking work after all earlier blocking work.
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

/// Adds a task to the list of those that can run, once.
pub(crate) struct TaskWaker {
    id: u64,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl TaskWaker {
    /// Notes that the task is polled: a wake-up from now on makes it run again.
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
