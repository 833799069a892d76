//! What all handles of a WebSocket share: first the answer to its handshake, then what the server has given for it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use stelo_core::app::{Response, WebSocket as Socket};
use stelo_core::http::{Headers, Status};
use stelo_core::ws::{CloseCode, Closed, Message};

use super::WebSocketError;

/// It was never opened, and will not be.
const LOST: WebSocketError = WebSocketError::Disconnected(Closed::LOST);

/// A WebSocket from its handshake to its end.
#[derive(Default)]
pub(super) struct Line {
    /// From the moment on at which it is open.
    socket: OnceLock<Socket>,
    /// Whether this side has closed or denied it.
    closed: AtomicBool,
    handshake: Mutex<Handshake>,
}

#[derive(Default)]
struct Handshake {
    phase: Phase,
    /// Who waits for the answer.
    reply: Option<Waker>,
    /// Who waits for the WebSocket to be open.
    accept: Option<Waker>,
}

#[derive(Default)]
enum Phase {
    #[default]
    Undecided,
    Decided(Answer),
    /// The answer is on its way.
    Answered,
    /// Nobody is left who could open it.
    Over,
}

/// The answer to a handshake.
pub(super) enum Answer {
    /// A WebSocket, with these header fields.
    Accept(Headers),
    /// No WebSocket.
    Deny(Response),
}

impl Line {
    fn handshake(&self) -> MutexGuard<'_, Handshake> {
        self.handshake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides on the answer, once.
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

    /// The answer, to be given.
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

    /// The answer if there is one, to be given by who has nothing else to wait for.
    pub(super) fn take_answer(&self) -> Option<Answer> {
        match self.poll_answer(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    /// The server has opened it.
    pub(super) fn open(&self, socket: Socket) {
        if self.closed.load(Ordering::Relaxed) {
            socket.close(CloseCode::NORMAL_CLOSURE, "");
        }
        // There is one handshake, so nobody has opened it before.
        let _ = self.socket.set(socket);
        let waker = self.handshake().accept.take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// The handler has ended: what is not open now will never be.
    pub(super) fn end(&self) {
        let mut handshake = self.handshake();
        handshake.phase = Phase::Over;
        let waker = handshake.accept.take();
        drop(handshake);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Waits for the server to open it.
    pub(super) fn poll_open(&self, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        let mut handshake = self.handshake();
        if self.socket.get().is_some() {
            return Poll::Ready(Ok(()));
        }
        if let Phase::Over = handshake.phase {
            return Poll::Ready(Err(LOST));
        }
        handshake.accept = Some(cx.waker().clone());
        Poll::Pending
    }

    /// What messages go through.
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

    /// Closes it, or denies it where it is not open yet.
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
            // Accepted and not yet open: it is closed as it opens.
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
