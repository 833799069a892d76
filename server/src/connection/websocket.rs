//! A WebSocket and its application, which is polled in the connection's task.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use stelo_core::app::{BoxFuture, OnWebSocket, WebSocket};
use stelo_core::proto::Reason;
use stelo_core::ws::{CloseCode, Connection};
use stelo_runtime::{Instant, Runtime};
use tracing::error;

use super::link::{Link, Side};
use super::socket::Shared;
use crate::executor::catch;
use crate::log::SERVER;
use crate::thread::Thread;

/// How often the application is polled in one go.
const STEPS: usize = 64;

/// A WebSocket from the handshake to its end.
pub(super) struct Session<R: Runtime> {
    socket: Arc<Shared<R>>,
    /// Until it has completed.
    application: Option<BoxFuture<()>>,
    /// What the application had asked for, for the log.
    target: Box<str>,
    /// What the client has sent before it had our answer.
    ahead: Vec<u8>,
    needs_data: bool,
    waits_for_room: bool,
}

impl<R: Runtime> Session<R> {
    /// A WebSocket that has been accepted, for `run`.
    pub(super) fn new(
        thread: Arc<Thread<R>>,
        machine: Connection,
        run: OnWebSocket,
        target: Box<str>,
        ahead: Vec<u8>,
    ) -> Self {
        let now = thread.runtime.now();
        let socket = Arc::new(Shared::new(thread, machine, now));
        let handle = WebSocket::new(socket.clone());
        let mut session =
            Self { socket, application: None, target, ahead, needs_data: false, waits_for_room: false };
        match catch(|| run(handle)) {
            Ok(application) => session.application = Some(application),
            Err(message) => session.panicked(&message),
        }
        session
    }

    /// Polls the application, if it has not completed.
    fn poll_application(&mut self, cx: &mut Context<'_>) {
        let Some(application) = &mut self.application else { return };
        match catch(|| application.as_mut().poll(cx)) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(())) => self.complete(CloseCode::NORMAL_CLOSURE),
            Err(message) => self.panicked(&message),
        }
    }

    fn panicked(&mut self, message: &str) {
        error!(target: SERVER, "Panic in the application, WebSocket {}: {message}", self.target);
        self.complete(CloseCode::INTERNAL_ERROR);
    }

    fn complete(&mut self, code: CloseCode) {
        self.application = None;
        self.socket.state().complete(code);
    }

    /// The connection has ended. An application that has not heard of it yet hears of it now, and goes on beside the
    /// connections if it has more to do.
    pub(super) fn end(&mut self, cx: &mut Context<'_>) {
        self.cut_off();
        self.poll_application(cx);
        if let Some(application) = self.application.take() {
            self.socket.thread.executor.spawn(application);
        }
    }

    fn cut_off(&self) {
        let now = self.socket.thread.runtime.now();
        let wakers = self.socket.state().end(now);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl<R: Runtime> Side<R> for Session<R> {
    type Machine = Connection;

    fn machine<T>(&mut self, work: impl FnOnce(&mut Connection) -> T) -> T {
        work(&mut self.socket.state().machine)
    }

    fn advance(&mut self, link: &mut Link<R>, cx: &mut Context<'_>, now: Instant) -> bool {
        for _ in 0..STEPS {
            let taken = self.socket.state().look_again(now, &self.ahead);
            self.ahead.drain(..taken);
            self.poll_application(cx);
            let mut others = Vec::new();
            let mut state = self.socket.state();
            let again = state.look_ahead(cx, link.thread.shared.ws_max_queue, &mut others);
            (self.needs_data, self.waits_for_room) = (state.needs_data(), state.waits_for_room());
            drop(state);
            others.into_iter().for_each(Waker::wake);
            if !again && (self.ahead.is_empty() || !self.needs_data) {
                return false;
            }
        }
        true
    }

    fn wants_bytes(&self) -> bool {
        self.needs_data
    }

    fn waits_for_bytes(&self) -> bool {
        self.needs_data
    }

    fn waits_for_room(&self) -> bool {
        self.waits_for_room
    }

    fn written(&mut self, _: &Link<R>) {}

    fn shutdown(&mut self, _: &mut Link<R>, now: Instant) {
        self.machine(|machine| machine.shutdown(now));
    }

    fn enter(&mut self, now: Instant, work: impl FnOnce(&mut Connection)) {
        let mut state = self.socket.state();
        state.enter(now);
        work(&mut state.machine);
    }

    fn leave(&mut self, cx: &mut Context<'_>) -> Option<(Instant, Reason)> {
        let mut state = self.socket.state();
        state.leave(cx);
        state.machine.poll_timeout()
    }
}

impl<R: Runtime> Drop for Session<R> {
    fn drop(&mut self) {
        self.cut_off();
    }
}
