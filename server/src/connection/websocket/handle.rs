//! The handles of a WebSocket, which the application may use in any task.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use stelo_core::app::{BoxFuture, Socket};
use stelo_core::ws::{CloseCode, Closed, Message};
use stelo_runtime::Runtime;

use super::state::SharedSocket;

impl<R: Runtime> Socket for SharedSocket<R> {
    fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<Message, Closed>> {
        let mut state = self.state();
        let idle = state.needs_data;
        if let Some(message) = state.queue.pop_front() {
            state.queued -= message.as_bytes().len();
            // There may be room to read again.
            let task = if idle { None } else { state.changed() };
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
        // Another task is ahead of the connection's: there may be something to write, or room to read.
        let unchanged = idle && state.needs_data || state.is_attended();
        let task = if unchanged { None } else { state.changed() };
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
        // Cannot fail: it is open, and handles send whole messages only.
        let _ = state.machine.send(now, message.into());
        let task = state.changed();
        drop(state);
        wake(task);
        Poll::Ready(Ok(()))
    }

    fn closed(self: Arc<Self>) -> BoxFuture<Closed> {
        Box::pin(async move {
            loop {
                let ended = self.ended.listen();
                let closed = self.state().ending();
                match closed {
                    Some(closed) => return closed,
                    None => ended.await,
                }
            }
        })
    }

    fn close(&self, code: CloseCode, reason: &str) {
        let mut state = self.state();
        let now = self.now(&state);
        state.close(now, code, reason);
        let task = state.changed();
        drop(state);
        wake(task);
    }
}

fn wake(task: Option<Waker>) {
    if let Some(task) = task {
        task.wake();
    }
}
