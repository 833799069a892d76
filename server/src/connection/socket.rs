//! What the connection's task and the application's handles of a WebSocket share: the machine, and what waits on it.
//!
//! Where the application waits for a message in the connection's own task, what has been read leads straight to it.
//! Otherwise messages are queued, up to a limit, beyond which nothing more is read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use stelo_core::app::Socket;
use stelo_core::ws::{CloseCode, Closed, Command, Connection, Event, Message};
use stelo_runtime::{Instant, Runtime};

use crate::thread::Thread;

/// How many bytes of messages are queued. One message is taken whatever its size.
const QUEUED: usize = 64 << 10;

/// A WebSocket, as its handles see it.
pub(super) struct Shared<R: Runtime> {
    pub(super) thread: Arc<Thread<R>>,
    state: Mutex<State>,
}

/// The state of a WebSocket.
pub(super) struct State {
    pub(super) machine: Connection,
    /// Messages that came while nobody was waiting for them.
    queue: VecDeque<Message>,
    /// Their bytes.
    queued: usize,
    /// How it has ended. Messages in the queue come first.
    closed: Option<Closed>,
    /// The peer has closed; what the application still has to say goes before our answer.
    closing: bool,
    /// The application has completed: what comes is dropped.
    deaf: bool,
    /// The machine can say nothing before more bytes come.
    needs_data: bool,
    /// Who waits for a message.
    receiver: Option<Waker>,
    /// Who waits for room.
    senders: Vec<Waker>,
    /// The connection's task, while it waits.
    task: Option<Waker>,
    /// The connection's task is at work, or about to be.
    at_work: bool,
    /// Something was done that it has not seen.
    unseen: bool,
    now: Instant,
}

impl<R: Runtime> Shared<R> {
    pub(super) fn new(thread: Arc<Thread<R>>, machine: Connection, now: Instant) -> Self {
        let state = State {
            machine,
            queue: VecDeque::new(),
            queued: 0,
            closed: None,
            closing: false,
            deaf: false,
            needs_data: false,
            receiver: None,
            senders: Vec::new(),
            task: None,
            at_work: true,
            unseen: false,
            now,
        };
        Self { thread, state: Mutex::new(state) }
    }

    /// Nothing of the application can panic while it is locked, so a poisoned lock is as good as any.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time: that of the turn, while one is made.
    fn now(&self, state: &State) -> Instant {
        if state.at_work { state.now } else { self.thread.runtime.now() }
    }
}

impl State {
    /// The connection's task has begun a turn.
    pub(super) fn enter(&mut self, now: Instant) {
        self.at_work = true;
        self.unseen = false;
        self.now = now;
    }

    /// The connection's task has done what it could.
    pub(super) fn leave(&mut self, cx: &mut Context<'_>) {
        // Somebody may have begun to wait for room that has come meanwhile.
        if self.unseen || self.waits_for_room() && self.machine.capacity() > 0 {
            return cx.waker().wake_by_ref();
        }
        self.at_work = false;
        if !self.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            self.task = Some(cx.waker().clone());
        }
    }

    /// Something was done that the connection's task has to see.
    fn call(&mut self) -> Option<Waker> {
        self.unseen = true;
        match std::mem::replace(&mut self.at_work, true) {
            true => None,
            false => self.task.take(),
        }
    }

    pub(super) fn needs_data(&self) -> bool {
        self.needs_data
    }

    pub(super) fn waits_for_room(&self) -> bool {
        !self.senders.is_empty()
    }

    /// There may be more to look at, in the machine or in these bytes. Says how many of them have been taken.
    pub(super) fn look_again(&mut self, now: Instant, ahead: &[u8]) -> usize {
        self.needs_data = false;
        if ahead.is_empty() { 0 } else { self.machine.receive(now, ahead) }
    }

    /// The application has completed.
    pub(super) fn complete(&mut self, code: CloseCode) {
        self.deaf = true;
        (self.queue, self.queued) = (VecDeque::new(), 0);
        self.close(self.now, code, "");
    }

    fn close(&mut self, now: Instant, code: CloseCode, reason: &str) {
        // To close what is closed is no error.
        let _ = self.machine.send(now, Command::Close { code, reason });
        // How it has ended.
        self.needs_data = false;
    }

    /// The next message that the machine has.
    fn next(&mut self) -> Option<Message> {
        self.needs_data = false;
        loop {
            let behind = !self.queue.is_empty() || !self.senders.is_empty();
            if self.closing && behind && self.machine.is_open() {
                return None;
            }
            match self.machine.next_event() {
                Event::Text(text) => return Some(Message::Text(text.into_owned().into())),
                Event::Binary(bytes) => return Some(Message::Binary(bytes.into_owned().into())),
                // Answered by the machine. Of a message nobody has asked for parts.
                Event::Ping(_) | Event::Pong(_) | Event::Part { .. } => {}
                Event::Closing => self.closing = true,
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

    /// Looks ahead as far as is allowed, and finds out who can get on by that. Says whether it is the task of `cx`
    /// itself; `others` are to be woken.
    pub(super) fn look_ahead(&mut self, cx: &mut Context<'_>, most: usize, others: &mut Vec<Waker>) -> bool {
        self.unseen = false;
        while !self.needs_data {
            let full = self.queue.len() >= most || self.queued >= QUEUED;
            if full && self.machine.is_open() {
                break;
            }
            match self.next() {
                Some(_) if self.deaf => {}
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

    /// The connection has ended: everyone who waits is to be woken.
    pub(super) fn end(&mut self, now: Instant) -> Vec<Waker> {
        self.machine.peer_gone(now);
        // What has come is in the queue; this is the end.
        self.next();
        let mut wake = std::mem::take(&mut self.senders);
        wake.extend(self.receiver.take());
        wake
    }
}

impl<R: Runtime> Socket for Shared<R> {
    fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<Message, Closed>> {
        let mut state = self.state();
        let idle = state.needs_data;
        if let Some(message) = state.queue.pop_front() {
            state.queued -= message.as_bytes().len();
            // There may be room again.
            let task = if idle { None } else { state.call() };
            drop(state);
            wake(task);
            return Poll::Ready(Ok(message));
        }
        if let Some(closed) = &state.closed {
            return Poll::Ready(Err(closed.clone()));
        }
        let next = state.next();
        let poll = match (next, &state.closed) {
            (Some(message), _) => Poll::Ready(Ok(message)),
            (None, Some(closed)) => Poll::Ready(Err(closed.clone())),
            (None, None) => {
                if !state.receiver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                    state.receiver = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        };
        // Another task has got ahead of the connection's: there may be something to write, or room to read.
        let task = if idle && state.needs_data || state.at_work { None } else { state.call() };
        drop(state);
        wake(task);
        poll
    }

    fn poll_send(&self, cx: &mut Context<'_>, message: &mut Option<Message>) -> Poll<Result<(), Closed>> {
        let mut state = self.state();
        if !state.machine.is_open() {
            if state.closed.is_none() {
                state.next();
            }
            return Poll::Ready(Err(state.closed.clone().unwrap_or(Closed::LOST)));
        }
        if state.machine.capacity() == 0 {
            if !state.senders.iter().any(|waker| waker.will_wake(cx.waker())) {
                state.senders.push(cx.waker().clone());
            }
            return Poll::Pending;
        }
        let Some(message) = message.take() else { return Poll::Ready(Ok(())) };
        let now = self.now(&state);
        // It is open, and nothing was begun in parts.
        let _ = state.machine.send(now, message.into());
        let task = state.call();
        drop(state);
        wake(task);
        Poll::Ready(Ok(()))
    }

    fn close(&self, code: CloseCode, reason: &str) {
        let mut state = self.state();
        let now = self.now(&state);
        state.close(now, code, reason);
        let task = state.call();
        drop(state);
        wake(task);
    }
}

fn wake(task: Option<Waker>) {
    if let Some(task) = task {
        task.wake();
    }
}
