//! Two queues in memory, which take the place of the server between the application and the client of a WebSocket.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use stelo_core::app::{BoxFuture, Socket};
use stelo_core::ws::{CloseCode, Closed, Message};

/// The number of messages that the application can send before the client receives one.
const QUEUE: usize = 16;

/// The state between the two ends.
#[derive(Default)]
pub(super) struct Line(Mutex<State>);

#[derive(Default)]
struct State {
    to_app: VecDeque<Message>,
    to_client: VecDeque<Message>,
    end: Option<Closed>,
    /// Woken by every change.
    waiting: Vec<Waker>,
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes all waiters.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let waiting = {
            let mut state = self.state();
            change(&mut state);
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Takes something out of the state, and wakes all waiters. Waits for a change if there is nothing to take.
    fn poll<T>(&self, cx: &mut Context<'_>, take: impl FnOnce(&mut State) -> Option<T>) -> Poll<T> {
        let mut state = self.state();
        let Some(taken) = take(&mut state) else {
            state.waiting.push(cx.waker().clone());
            return Poll::Pending;
        };
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        Poll::Ready(taken)
    }

    /// Returns the number of copies of a waker that wait here.
    pub(super) fn wakes(&self, waker: &Waker) -> usize {
        self.state().waiting.iter().filter(|other| other.will_wake(waker)).count()
    }

    /// Takes the next message for the client.
    pub(super) fn poll_message(&self, cx: &mut Context<'_>) -> Poll<Result<Message, Closed>> {
        self.poll(cx, |state| next(&mut state.to_client, state.end.as_ref()))
    }

    /// Queues a message for the application. A message after the end is lost.
    pub(super) fn push(&self, message: Message) {
        self.change(|state| {
            if state.end.is_none() {
                state.to_app.push_back(message);
            }
        });
    }

    /// Closes the WebSocket from the side of the client. Messages that were not received are lost.
    pub(super) fn hang_up(&self, code: CloseCode, reason: &str) {
        self.end(code, reason, |state| state.to_client.clear());
    }

    /// Ends the WebSocket, if it has not ended.
    fn end(&self, code: CloseCode, reason: &str, change: impl FnOnce(&mut State)) {
        let closed = Closed { code, reason: reason.to_owned() };
        self.change(|state| {
            if state.end.is_none() {
                state.end = Some(closed);
                change(state);
            }
        });
    }
}

/// Takes the next message, or the end after the last one.
fn next(queue: &mut VecDeque<Message>, end: Option<&Closed>) -> Option<Result<Message, Closed>> {
    queue.pop_front().map(Ok).or_else(|| end.cloned().map(Err))
}

impl Socket for Line {
    fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<Message, Closed>> {
        self.poll(cx, |state| next(&mut state.to_app, state.end.as_ref()))
    }

    fn poll_send(&self, cx: &mut Context<'_>, message: &mut Option<Message>) -> Poll<Result<(), Closed>> {
        self.poll(cx, |state| match &state.end {
            Some(closed) => Some(Err(closed.clone())),
            None if state.to_client.len() < QUEUE => {
                state.to_client.extend(message.take());
                Some(Ok(()))
            }
            None => None,
        })
    }

    fn closed(self: Arc<Self>) -> BoxFuture<Closed> {
        Box::pin(poll_fn(move |cx| self.poll(cx, |state| state.end.clone())))
    }

    fn close(&self, code: CloseCode, reason: &str) {
        let (code, reason) = match code.is_sendable() || code == CloseCode::NO_STATUS_RCVD {
            true => (code, reason),
            false => (CloseCode::NORMAL_CLOSURE, reason),
        };
        let cut = (0..=reason.len().min(123)).rev().find_map(|end| reason.get(..end));
        self.end(code, cut.unwrap_or_default(), |_| {});
    }
}
