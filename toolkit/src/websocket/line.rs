//! The state that all handles of a WebSocket share: first the answer to the handshake, then the socket of the server.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use stelo_core::app::{Response, WebSocket as Socket};
use stelo_core::http::{Headers, Status};
use stelo_core::ws::{CloseCode, Closed, Message};

use super::WebSocketError;

/// The error of a WebSocket that was never opened and never will be.
const LOST: WebSocketError = WebSocketError::Disconnected(Closed::LOST);

/// The shared state of a WebSocket, from its handshake to its end.
#[derive(Default)]
pub(super) struct Line {
    /// Set when the WebSocket is open.
    socket: OnceLock<Socket>,
    /// Whether this side has closed or denied the WebSocket.
    closed: AtomicBool,
    handshake: Mutex<Handshake>,
}

#[derive(Default)]
struct Handshake {
    phase: Phase,
    /// Waits for the answer.
    reply: Option<Waker>,
    /// Wait until the WebSocket is open.
    accept: Vec<Waker>,
}

#[derive(Default)]
enum Phase {
    #[default]
    Undecided,
    Decided(Answer),
    /// The answer has been given to the server.
    Answered,
    /// The handler has ended before the WebSocket was opened.
    Over,
}

/// The answer to a handshake.
pub(super) enum Answer {
    /// Accepts, with these header fields.
    Accept(Headers),
    /// Denies, with this response.
    Deny(Response),
}

impl Line {
    fn handshake(&self) -> MutexGuard<'_, Handshake> {
        self.handshake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the answer, once.
    pub(super) fn decide(&self, answer: Answer) -> Result<(), WebSocketError> {
        let mut handshake = self.handshake();
        match handshake.phase {
            Phase::Undecided => {}
            Phase::Over => return Err(LOST),
            Phase::Decided(_) | Phase::Answered => return Err(WebSocketError::AlreadyAnswered),
        }
        if let Answer::Deny(_) = answer {
            self.closed.store(true, Ordering::Relaxed);
        }
        handshake.phase = Phase::Decided(answer);
        let waker = handshake.reply.take();
        drop(handshake);
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Takes the answer when it is set.
    pub(super) fn poll_answer(&self, cx: &mut Context<'_>) -> Poll<Answer> {
        let mut handshake = self.handshake();
        match std::mem::take(&mut handshake.phase) {
            Phase::Decided(answer) => {
                handshake.phase = Phase::Answered;
                Poll::Ready(answer)
            }
            phase => {
                handshake.phase = phase;
                handshake.reply = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Takes the answer if it is set.
    pub(super) fn take_answer(&self) -> Option<Answer> {
        match self.poll_answer(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    /// Called when the server has opened the WebSocket.
    pub(super) fn open(&self, socket: Socket) {
        if self.closed.load(Ordering::Relaxed) {
            socket.close(CloseCode::NORMAL_CLOSURE, "");
        }
        // The server opens a WebSocket once.
        let _ = self.socket.set(socket);
        let waiting = std::mem::take(&mut self.handshake().accept);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Called when the handler has ended. A WebSocket that is not open by now never will be.
    pub(super) fn end(&self) {
        let mut handshake = self.handshake();
        handshake.phase = Phase::Over;
        let waiting = std::mem::take(&mut handshake.accept);
        drop(handshake);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until the server has opened the WebSocket.
    pub(super) fn poll_open(&self, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        let mut handshake = self.handshake();
        if self.socket.get().is_some() {
            return Poll::Ready(Ok(()));
        }
        if let Phase::Over = handshake.phase {
            return Poll::Ready(Err(LOST));
        }
        if !handshake.accept.iter().any(|waker| waker.will_wake(cx.waker())) {
            handshake.accept.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// The socket of the server.
    pub(super) fn socket(&self) -> Result<&Socket, WebSocketError> {
        self.socket.get().ok_or_else(|| match self.handshake().phase {
            Phase::Over => LOST,
            _ if self.closed.load(Ordering::Relaxed) => LOST,
            _ => WebSocketError::NotAccepted,
        })
    }

    pub(super) fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<Message, WebSocketError>> {
        self.socket()?.poll_receive(cx).map_err(WebSocketError::Disconnected)
    }

    pub(super) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        message: &mut Option<Message>,
    ) -> Poll<Result<(), WebSocketError>> {
        if self.closed.load(Ordering::Relaxed) {
            return Poll::Ready(Err(WebSocketError::AlreadyClosed));
        }
        self.socket()?.poll_send(cx, message).map_err(WebSocketError::Disconnected)
    }

    /// Waits until the WebSocket has ended, or will never be open.
    pub(super) async fn closed(&self) -> Closed {
        match (poll_fn(|cx| self.poll_open(cx)).await, self.socket.get()) {
            (Ok(()), Some(socket)) => socket.closed().await,
            _ => Closed::LOST,
        }
    }

    /// Closes the WebSocket, or denies it if it has not been accepted.
    pub(super) fn close(&self, code: CloseCode, reason: &str) -> Result<(), WebSocketError> {
        if let Some(socket) = self.socket.get() {
            if self.closed.swap(true, Ordering::Relaxed) {
                return Err(WebSocketError::AlreadyClosed);
            }
            socket.close(code, reason);
            return Ok(());
        }
        match self.decide(Answer::Deny(Response::empty(Status::FORBIDDEN))) {
            Err(WebSocketError::AlreadyAnswered) if self.closed.swap(true, Ordering::Relaxed) => {
                Err(WebSocketError::AlreadyClosed)
            }
            // Accepted and not yet open: `open` closes it.
            Err(WebSocketError::AlreadyAnswered) => Ok(()),
            outcome => outcome,
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}
