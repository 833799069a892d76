//! The state that the connection's task and the handles of a WebSocket share: the machine, the queue, the waiting tasks.
//!
//! If the application waits for a message in the connection's own task, received messages go straight to it. Otherwise
//! they are queued, up to a limit, beyond which nothing more is read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use event_listener::Event as Notice;
use stelo_core::proto::Machine;
use stelo_core::ws::{CloseCode, Closed, Command, Connection, Event, Message};
use stelo_runtime::{Instant, Runtime};

use crate::thread::Thread;

/// The most bytes of queued messages. One message is accepted whatever its size.
const QUEUED: usize = 64 << 10;

/// A WebSocket, as its handles see it.
pub(super) struct SharedSocket<R: Runtime> {
    pub(super) thread: Arc<Thread<R>>,
    state: Mutex<State>,
    /// [`State::ending`] has an answer.
    pub(super) ended: Notice,
}

/// The state of a WebSocket.
pub(super) struct State {
    pub(super) machine: Connection,
    /// Messages that nothing waited for when they came.
    pub(super) queue: VecDeque<Message>,
    /// Their bytes.
    pub(super) queued: usize,
    /// The end of the WebSocket. Queued messages come first.
    pub(super) closed: Option<Closed>,
    /// The client has ended its side, and unread input is before the end.
    pub(super) left: bool,
    delivery: Delivery,
    /// The machine has no event before more bytes come.
    pub(super) needs_data: bool,
    /// The task that waits for a message.
    pub(super) receiver: Option<Waker>,
    /// The tasks that wait for room to send.
    pub(super) senders: Vec<Waker>,
    task: Task,
    now: Instant,
}

/// The destination of received messages.
///
/// | from | to | when |
/// |---|---|---|
/// | `Open` | `Closing` | the peer has closed |
/// | any | `Discarding` | the handler has returned |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Delivery {
    /// The application gets them.
    Open,
    /// As before; and what the application has yet to send goes before our close frame.
    Closing,
    /// They are dropped.
    Discarding,
}

/// The connection's task, and whether a change by a handle has to wake it.
///
/// | from | to | when |
/// |---|---|---|
/// | `Waiting` | `Woken` | a handle changes something: the task is woken |
/// | any | `Polling` | the task begins a poll, or looks at the machine |
/// | `Polling` | `Changed` | a handle changes something during the poll |
/// | `Polling` | `Waiting` | the poll ends |
/// | `Changed` | `Woken` | the poll ends: the task wakes itself |
enum Task {
    /// It is being polled, and has seen every change.
    Polling,
    /// It is being polled, and has not seen the last change.
    Changed,
    /// It will be polled soon.
    Woken,
    /// It waits to be woken.
    Waiting(Waker),
}

impl<R: Runtime> SharedSocket<R> {
    pub(super) fn new(thread: Arc<Thread<R>>, machine: Connection, now: Instant) -> Self {
        let state = State {
            machine,
            queue: VecDeque::new(),
            queued: 0,
            closed: None,
            left: false,
            delivery: Delivery::Open,
            needs_data: false,
            receiver: None,
            senders: Vec::new(),
            task: Task::Polling,
            now,
        };
        Self { thread, state: Mutex::new(state), ended: Notice::new() }
    }

    /// Locks the state. No code of the application runs under the lock, so it is consistent even if poisoned.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the time: during a poll of the connection's task, the time of that poll.
    pub(super) fn now(&self, state: &State) -> Instant {
        match state.task {
            Task::Polling | Task::Changed => state.now,
            Task::Woken | Task::Waiting(_) => self.thread.runtime.now(),
        }
    }
}

impl State {
    /// Begins a poll of the connection's task.
    pub(super) fn enter(&mut self, now: Instant) {
        self.task = Task::Polling;
        self.now = now;
    }

    /// Ends a poll of the connection's task.
    pub(super) fn leave(&mut self, cx: &mut Context<'_>) {
        // A sender may have begun to wait for room that has come meanwhile.
        let missed =
            matches!(self.task, Task::Changed) || self.waits_for_room() && self.machine.capacity() > 0;
        if missed {
            self.task = Task::Woken;
            return cx.waker().wake_by_ref();
        }
        self.task = Task::Waiting(cx.waker().clone());
    }

    /// Notes a change that the connection's task has to see. Returns its waker if it has to be woken.
    pub(super) fn changed(&mut self) -> Option<Waker> {
        match std::mem::replace(&mut self.task, Task::Changed) {
            Task::Polling | Task::Changed => None,
            Task::Woken => {
                self.task = Task::Woken;
                None
            }
            Task::Waiting(waker) => {
                self.task = Task::Woken;
                Some(waker)
            }
        }
    }

    /// Whether the connection's task will see changes without being woken.
    pub(super) fn is_attended(&self) -> bool {
        !matches!(self.task, Task::Waiting(_))
    }

    pub(super) fn waits_for_room(&self) -> bool {
        !self.senders.is_empty()
    }

    /// Gives bytes to the machine, which may have events again. Returns how many it took.
    pub(super) fn feed(&mut self, now: Instant, bytes: &[u8]) -> usize {
        self.needs_data = false;
        if bytes.is_empty() { 0 } else { self.machine.receive(now, bytes) }
    }

    /// Ends delivery: the handler has returned.
    pub(super) fn complete(&mut self, code: CloseCode) {
        self.delivery = Delivery::Discarding;
        (self.queue, self.queued) = (VecDeque::new(), 0);
        self.close(self.now, code, "");
    }

    /// Begins the closing handshake.
    pub(super) fn close(&mut self, now: Instant, code: CloseCode, reason: &str) {
        // Closing what is closed is no error.
        let _ = self.machine.send(now, Command::Close { code, reason });
        // The machine has the end to report.
        self.needs_data = false;
    }

    /// Returns the next message of the machine.
    pub(super) fn next(&mut self) -> Option<Message> {
        self.needs_data = false;
        loop {
            let behind = !self.queue.is_empty() || !self.senders.is_empty();
            if self.delivery == Delivery::Closing && behind && self.machine.is_open() {
                return None;
            }
            match self.machine.next_event() {
                Event::Text(text) => return Some(Message::Text(text.into_owned().into())),
                Event::Binary(bytes) => return Some(Message::Binary(bytes.into_owned().into())),
                // The machine answers pings, and parts come only if asked for.
                Event::Ping(_) | Event::Pong(_) | Event::Part { .. } => {}
                Event::Closing if self.delivery == Delivery::Open => self.delivery = Delivery::Closing,
                Event::Closing => {}
                Event::Closed(closed) => self.closed = Some(closed),
                Event::NeedData => {
                    self.needs_data = true;
                    return None;
                }
                Event::Ended => {
                    self.closed.get_or_insert(Closed::LOST);
                    return None;
                }
            }
        }
    }

    /// Queues messages as far as is allowed. Returns whether the task of `cx` can advance by that; other tasks that can
    /// are added to `others`, for the caller to wake.
    pub(super) fn read_ahead(&mut self, cx: &mut Context<'_>, most: usize, others: &mut Vec<Waker>) -> bool {
        self.task = Task::Polling;
        while !self.needs_data {
            let full = self.queue.len() >= most || self.queued >= QUEUED;
            if full && self.machine.is_open() {
                break;
            }
            match self.next() {
                Some(_) if self.delivery == Delivery::Discarding => {}
                Some(message) => {
                    self.queued += message.as_bytes().len();
                    self.queue.push_back(message);
                }
                None => break,
            }
        }
        let mut wake = Vec::new();
        if !self.queue.is_empty() || self.closed.is_some() {
            wake.extend(self.receiver.take());
        }
        if self.machine.capacity() > 0 || !self.machine.is_open() {
            wake.append(&mut self.senders);
        }
        let all = wake.len();
        wake.retain(|waker| !waker.will_wake(cx.waker()));
        let again = wake.len() < all;
        others.append(&mut wake);
        again
    }

    /// Returns the end of the WebSocket as soon as it is known: queued messages may come before it.
    pub(super) fn ending(&mut self) -> Option<Closed> {
        let over = !self.machine.is_open();
        if over && self.closed.is_none() {
            self.next();
        }
        let known = self.closed.as_ref().or(self.machine.closing()).cloned();
        known.or_else(|| (over || self.left).then_some(Closed::LOST))
    }

    /// Whether [`ending`](Self::ending) has an answer.
    pub(super) fn is_ending(&self) -> bool {
        self.left || self.closed.is_some() || self.machine.closing().is_some() || !self.machine.is_open()
    }

    /// Ends the WebSocket with its connection. Returns the tasks that wait.
    pub(super) fn end(&mut self, now: Instant) -> Vec<Waker> {
        self.machine.peer_gone(now);
        // Received messages are in the queue: this is the end.
        self.next();
        let mut wake = std::mem::take(&mut self.senders);
        wake.extend(self.receiver.take());
        wake
    }
}
