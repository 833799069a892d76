//! The handles of tasks: sockets, connections, timers, signals, and the output of other tasks.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use stelo_runtime::{Address, Hangup, Instant, Signal};

use crate::sim::Sim;
use crate::sockets::{CLIENT, SERVER};
use crate::world::{Event, When};

/// A bound socket.
#[derive(Debug)]
pub struct Socket {
    pub(crate) sim: Sim,
    pub(crate) id: u64,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.sim.state().unbind(self.id);
    }
}

/// A listening socket.
#[derive(Debug)]
pub struct Listener(pub(crate) Socket);

impl stelo_runtime::Listener for Listener {
    type Stream = Stream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        let Socket { sim, id } = &self.0;
        let accepted = sim.state().accept(cx, *id);
        accepted.map_ok(|connection| Stream::new(sim, connection, SERVER))
    }
}

/// One end of a simulated connection.
#[derive(Debug)]
pub struct Stream {
    sim: Sim,
    id: u64,
    end: usize,
    local: Option<Address>,
    peer: Option<Address>,
}

impl Stream {
    pub(crate) fn new(sim: &Sim, id: u64, end: usize) -> Self {
        let address = |end: usize| {
            let state = sim.state();
            state.sockets.connections.get(&id).and_then(|connection| connection.ends[end].address.clone())
        };
        Self { sim: sim.clone(), id, end, local: address(end), peer: address(1 - end) }
    }

    /// Resets the connection. Bytes in flight to this end are lost.
    pub fn reset(self) {
        self.sim.state().reset(self.id, self.end);
    }
}

impl stelo_runtime::Stream for Stream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.sim.state().read(cx, self.id, self.end, buf)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.sim.state().write(cx, self.id, self.end, std::iter::once(buf))
    }

    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.sim.state().write(cx, self.id, self.end, bufs.iter().map(|buf| &**buf))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.sim.state().finish(self.id, self.end))
    }

    fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<Hangup> {
        self.sim.state().hangup(cx, self.id, self.end)
    }

    fn peer_address(&self) -> Option<Address> {
        self.peer.clone()
    }

    fn local_address(&self) -> Option<Address> {
        self.local.clone()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.sim.state().close(self.id, self.end);
    }
}

/// An attempt to connect.
pub(crate) struct Connecting(pub(crate) Option<Stream>);

impl Future for Connecting {
    type Output = io::Result<Stream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        use crate::sockets::Opening::{Done, Failed, UnderWay};
        // A future that has completed must not be polled again.
        let Some(stream) = &self.0 else { return Poll::Ready(Err(io::ErrorKind::NotConnected.into())) };
        let opening = stream.sim.state().opening(cx, stream.id);
        match opening {
            UnderWay => Poll::Pending,
            Failed(kind) => Poll::Ready(Err(kind.into())),
            Done => Poll::Ready(self.0.take().ok_or_else(|| io::ErrorKind::NotConnected.into())),
        }
    }
}

impl Connecting {
    pub(crate) fn new(sim: &Sim, target: &Address) -> Self {
        let id = sim.state().open(target);
        Self(Some(Stream::new(sim, id, CLIENT)))
    }
}

/// A timer.
#[derive(Debug)]
pub struct Sleep {
    sim: Sim,
    deadline: Instant,
    event: Option<When>,
}

impl Sleep {
    pub(crate) fn new(sim: &Sim, deadline: Instant) -> Self {
        Self { sim: sim.clone(), deadline, event: None }
    }

    fn cancel(&mut self) {
        if let Some(when) = self.event.take() {
            self.sim.state().events.remove(&when);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.cancel();
        let deadline = self.deadline;
        let mut state = self.sim.state();
        if state.now >= deadline {
            return Poll::Ready(());
        }
        let when = state.schedule(deadline, Event::Wake(cx.waker().clone()));
        drop(state);
        self.event = Some(when);
        Poll::Pending
    }
}

impl stelo_runtime::Sleep for Sleep {
    fn reset(&mut self, deadline: Instant) {
        self.cancel();
        self.deadline = deadline;
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// A subscription to the signals that [`Sim::signal`] sends.
#[derive(Debug)]
pub struct Signals {
    pub(crate) sim: Sim,
    pub(crate) id: u64,
}

impl stelo_runtime::Signals for Signals {
    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        let mut state = self.sim.state();
        let Some(catcher) = state.catchers.get_mut(&self.id) else { return Poll::Pending };
        if catcher.pending.is_empty() {
            catcher.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(catcher.pending.remove(0))
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.sim.state().catchers.remove(&self.id);
    }
}

/// A task that [`Sim::start`] has spawned: a future of its output. Dropping the handle does not end the task.
#[derive(Debug)]
pub struct Handle<T>(Arc<Mutex<Outcome<T>>>);

#[derive(Debug)]
struct Outcome<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

impl<T> Handle<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Outcome { value: None, waker: None })))
    }

    /// Returns another handle of the same task.
    pub(crate) fn twin(&self) -> Self {
        Self(self.0.clone())
    }

    pub(crate) fn set(&self, value: T) {
        let mut outcome = self.outcome();
        outcome.value = Some(value);
        let waker = outcome.waker.take();
        drop(outcome);
        waker.map(Waker::wake).unwrap_or_default();
    }

    fn outcome(&self) -> MutexGuard<'_, Outcome<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Future for Handle<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut outcome = self.outcome();
        match outcome.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                outcome.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
