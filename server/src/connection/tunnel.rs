//! A connection that has left HTTP: bytes both ways for the application, and a timer for a tunnel without any.
//!
//! The application gets a handle, which it may move to another task. The task of the connection keeps the transport, so
//! it closes an idle tunnel wherever the handle is, and the tunnel counts as a connection for as long as it is open.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use stelo_core::app::{BoxError, BoxFuture, Duplex, OnTunnel, Tunnel};
use stelo_runtime::{Instant, Runtime, Stream};
use tracing::{debug, error};

use super::http::StreamIo;
use super::link::{GRAIN, Link};
use super::transport::Transport;
use crate::contain::{catch, discard};
use crate::log::SERVER;
use crate::thread::Thread;

/// Runs a tunnel over a stream of a multiplexed connection, in a task of its own.
pub(super) fn spawn<R: Runtime>(thread: &Arc<Thread<R>>, io: StreamIo, run: OnTunnel) {
    let mut link = Link::new(thread.clone(), Some(Transport::Stream(Box::new(io))));
    let mut session = Session::new(&mut link, Vec::new(), run);
    thread.runtime.spawn(poll_fn(move |cx| session.drive(&mut link, cx)));
}

/// A tunnel, from the response that opens it to the end of its bytes and of its application.
pub(super) struct Session<R: Runtime> {
    shared: Arc<Shared<R>>,
    /// `None` once it has completed.
    application: Option<BoxFuture<()>>,
}

impl<R: Runtime> Session<R> {
    /// Takes the transport of `link`, and begins a tunnel with `run` as its application. The peer has sent the bytes
    /// `ahead`.
    pub(super) fn new(link: &mut Link<R>, ahead: Vec<u8>, run: OnTunnel) -> Self {
        let thread = link.thread.clone();
        let state = State {
            io: link.take_transport(),
            ending: None,
            ahead,
            used: thread.runtime.now(),
            reader: None,
            writer: None,
            task: None,
        };
        let shared = Arc::new(Shared { thread, state: Mutex::new(state) });
        let tunnel = Tunnel::new(Handle(shared.clone()));
        let application = catch(|| run(tunnel)).inspect_err(|message| panicked(message)).ok();
        Self { shared, application }
    }

    /// Polls the application. Ready when both it and the tunnel have ended, and when either is overdue.
    pub(super) fn drive(&mut self, link: &mut Link<R>, cx: &mut Context<'_>) -> Poll<()> {
        if link.is_aborted(cx) {
            return Poll::Ready(());
        }
        self.poll_application(cx);
        let mut state = self.shared.state();
        if let Some(io) = &mut state.ending {
            if io.poll_finish(cx).is_pending() {
                drop(state);
                return link.poll_overdue(cx);
            }
            state.ending = None;
        }
        if state.io.is_none() {
            drop(state);
            return match &self.application {
                Some(_) => link.poll_overdue(cx),
                None => Poll::Ready(()),
            };
        }
        if !state.task.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.task = Some(cx.waker().clone());
        }
        // The handle sees a failure at its next read or write.
        let _ = state.io.as_mut().map(|io| io.poll_flush(cx));
        let Some(timeout) = link.thread.shared.tunnel_idle else { return Poll::Pending };
        let idle = state.used + timeout;
        drop(state);
        if self.shared.thread.runtime.now() + GRAIN < idle {
            link.wait_until(idle, cx);
            return Poll::Pending;
        }
        debug!(target: SERVER, "Tunnel closed: no bytes for {} s", timeout.as_secs_f64());
        Poll::Ready(())
    }

    /// Polls the application, if it has not completed.
    fn poll_application(&mut self, cx: &mut Context<'_>) {
        let Some(application) = &mut self.application else { return };
        match catch(|| application.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return,
            Ok(Poll::Ready(())) => {}
            Err(message) => panicked(&message),
        }
        discard(self.application.take());
    }
}

fn panicked(message: &str) {
    error!(target: SERVER, "Panic in the application, tunnel: {message}");
}

impl<R: Runtime> Drop for Session<R> {
    fn drop(&mut self) {
        discard(self.application.take());
        self.shared.close();
        // No task drives it any more.
        let ending = self.shared.state().ending.take();
        drop(ending);
    }
}

/// The state that the task of the connection and the handle share.
struct Shared<R: Runtime> {
    thread: Arc<Thread<R>>,
    state: Mutex<State<R::Stream>>,
}

struct State<S> {
    /// `None` once the tunnel is closed.
    io: Option<Transport<S>>,
    /// The transport of a closed tunnel, until the peer is told.
    ending: Option<Transport<S>>,
    /// Bytes that the peer has sent before it had the response.
    ahead: Vec<u8>,
    /// When bytes were last read or written.
    used: Instant,
    /// Waits to read.
    reader: Option<Waker>,
    /// Waits to write.
    writer: Option<Waker>,
    /// The task of the connection.
    task: Option<Waker>,
}

impl<R: Runtime> Shared<R> {
    /// Locks the state. No code of the application runs under the lock, so it is consistent even if poisoned.
    fn state(&self) -> MutexGuard<'_, State<R::Stream>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the transport, and wakes what waits for it.
    fn close(&self) {
        let mut state = self.state();
        let io = match state.io.take() {
            Some(io) if !io.is_finished() => {
                state.ending = Some(io);
                None
            }
            io => io,
        };
        state.ahead = Vec::new();
        let wakers = [state.reader.take(), state.writer.take(), state.task.take()];
        drop(state);
        drop(io);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Reads or writes. Notes the time if bytes have moved, and the waker that `waker` returns the place of otherwise.
    fn poll(
        &self,
        cx: &mut Context<'_>,
        waker: impl FnOnce(&mut State<R::Stream>) -> &mut Option<Waker>,
        work: impl FnOnce(&mut Transport<R::Stream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<Result<usize, BoxError>> {
        let mut state = self.state();
        let Some(io) = &mut state.io else {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()));
        };
        let done = work(io, cx);
        // The application may do something else before it writes again.
        if !io.is_flushed()
            && let Some(task) = &state.task
        {
            task.wake_by_ref();
        }
        match done {
            Poll::Ready(Ok(n)) => {
                if n > 0 {
                    state.used = self.thread.runtime.now();
                }
                Poll::Ready(Ok(n))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            Poll::Pending => {
                let place = waker(&mut state);
                if !place.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                    *place = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

/// The tunnel, as the application has it.
struct Handle<R: Runtime>(Arc<Shared<R>>);

impl<R: Runtime> Duplex for Handle<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize, BoxError>> {
        let mut state = self.0.state();
        if state.ahead.is_empty() {
            drop(state);
            return self.0.poll(cx, |state| &mut state.reader, |io, cx| io.poll_read(cx, buf));
        }
        let n = buf.len().min(state.ahead.len());
        for (slot, byte) in buf.iter_mut().zip(state.ahead.drain(..n)) {
            *slot = byte;
        }
        Poll::Ready(Ok(n))
    }

    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize, BoxError>> {
        self.0.poll(cx, |state| &mut state.writer, |io, cx| io.poll_write(cx, buf))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let closed = self.0.poll(cx, |state| &mut state.writer, |io, cx| io.poll_close(cx).map_ok(|()| 0));
        closed.map_ok(drop)
    }
}

impl<R: Runtime> Drop for Handle<R> {
    fn drop(&mut self) {
        self.0.close();
    }
}
