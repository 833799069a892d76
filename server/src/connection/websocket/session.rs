//! A WebSocket as the link drives it, and its application, which is polled in the same task.

use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use stelo_core::app::{BoxFuture, OnWebSocket, WebSocket};
use stelo_core::proto::Machine;
use stelo_core::proto::Reason;
use stelo_core::ws::{CloseCode, Connection};
use stelo_runtime::{Instant, Runtime};
use tracing::{debug, error};

use super::state::SharedSocket;
use crate::connection::link::{End, Interest, Link, Protocol, Read};
use crate::connection::pool;
use crate::contain::{catch, discard};
use crate::log::SERVER;
use crate::thread::Thread;

/// The most polls of the application in one poll of the connection.
const STEPS: usize = 64;

/// A WebSocket from the handshake to its end.
pub(in crate::connection) struct Session<R: Runtime> {
    socket: Arc<SharedSocket<R>>,
    /// `None` once it has completed.
    application: Option<BoxFuture<()>>,
    /// The target of the request, for the log.
    target: Box<str>,
    /// Bytes that the client has sent before it had the response.
    ahead: Vec<u8>,
    interest: Interest,
    /// The handles were told that the end has come, or is near.
    told: bool,
    /// The connection has ended; the application has not.
    over: bool,
}

impl<R: Runtime> Session<R> {
    /// Begins a WebSocket that was accepted, with `run` as its application.
    pub(in crate::connection) fn new(
        thread: Arc<Thread<R>>,
        machine: Connection,
        run: OnWebSocket,
        target: Box<str>,
        ahead: Vec<u8>,
    ) -> Self {
        let now = thread.runtime.now();
        let socket = Arc::new(SharedSocket::new(thread, machine, now));
        let handle = WebSocket::new(socket.clone());
        let interest = Interest { read: Read::No, written: false };
        let mut session =
            Self { socket, application: None, target, ahead, interest, told: false, over: false };
        match catch(|| run(handle)) {
            Ok(application) => session.application = Some(application),
            Err(message) => session.panicked(&message),
        }
        session
    }

    /// Drives the WebSocket to its end, and the application to its own or to the time it has after that.
    pub(in crate::connection) fn drive(&mut self, link: &mut Link<R>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.over {
            match ready!(link.drive(self, cx)) {
                End::Closed | End::Switched => {
                    link.close();
                    self.disconnect();
                    self.ahead = Vec::new();
                    self.over = true;
                }
                End::Aborted => return Poll::Ready(()),
            }
        }
        self.poll_application(cx);
        if self.application.is_none() {
            return Poll::Ready(());
        }
        ready!(link.poll_overdue(cx));
        debug!(target: SERVER, "WebSocket {}: its client has left, and its handler is dropped", self.target);
        Poll::Ready(())
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
        discard(self.application.take());
        self.socket.state().complete(code);
    }

    /// Tells the handles that the connection has ended, and gives the buffers back.
    fn disconnect(&self) {
        let now = self.socket.thread.runtime.now();
        let mut state = self.socket.state();
        let wakers = state.end(now);
        pool::reclaim(&mut state.machine);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        self.socket.ended.notify(usize::MAX);
    }
}

impl<R: Runtime> Protocol<R> for Session<R> {
    type Machine = Connection;

    fn machine<T>(&mut self, work: impl FnOnce(&mut Connection) -> T) -> T {
        work(&mut self.socket.state().machine)
    }

    fn enter(&mut self, now: Instant) {
        self.socket.state().enter(now);
    }

    fn advance(&mut self, link: &mut Link<R>, cx: &mut Context<'_>, now: Instant) -> bool {
        for _ in 0..STEPS {
            let taken = self.socket.state().feed(now, &self.ahead);
            self.ahead.drain(..taken);
            self.poll_application(cx);
            let mut others = Vec::new();
            let mut state = self.socket.state();
            let again = state.read_ahead(cx, link.thread.shared.ws_max_queue, &mut others);
            let read = if state.needs_data { Read::First } else { Read::No };
            self.interest = Interest { read, written: state.waits_for_room() };
            state.left |= link.is_half_closed();
            let ending = state.is_ending();
            drop(state);
            others.into_iter().for_each(Waker::wake);
            if ending && !std::mem::replace(&mut self.told, true) {
                self.socket.ended.notify(usize::MAX);
            }
            if !again && (self.ahead.is_empty() || read == Read::No) {
                return false;
            }
        }
        true
    }

    fn interest(&self) -> Interest {
        self.interest
    }

    fn is_waiting(&self) -> bool {
        self.application.is_some()
    }

    fn written(&mut self, _: &Link<R>) {}

    fn shutdown(&mut self, _: &mut Link<R>, now: Instant) {
        self.machine(|machine| machine.shutdown(now));
    }

    fn leave(&mut self, cx: &mut Context<'_>) -> Option<(Instant, Reason)> {
        let mut state = self.socket.state();
        state.leave(cx);
        state.machine.poll_timeout()
    }
}

impl<R: Runtime> Drop for Session<R> {
    fn drop(&mut self) {
        discard(self.application.take());
        self.disconnect();
    }
}
