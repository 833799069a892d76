//! The socket of a connection, its timer, and the loop between them and a protocol machine.
//!
//! Every protocol decision is the machine's. A turn goes round a fixed order until nothing moves: the application gets on
//! as far as it can, what it has said is written, the socket is read. So an application that is ready at its first poll
//! costs one read and one write, and the answers to what came in one read leave in one write.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use stelo_core::app::{self, Address, Peer};
use stelo_core::proto::Reason;
use stelo_core::proto::{CloseState, Machine};
use stelo_runtime::{Instant, Runtime, Sleep, Stream};

use super::{file, pool};
use crate::thread::Thread;
use crate::thread::registry::{Kind, Member, Phase};

/// How often a connection goes round in one go. Socket and client may keep up for ever.
const ROUNDS: usize = 8;

/// How many slices a write takes at most.
const SLICES: usize = 4;

/// Timers of executors have a grain: one that rings a little early has rung.
const GRAIN: Duration = Duration::from_millis(1);

/// A protocol: its machine, and the application behind it.
pub(super) trait Side<R: Runtime> {
    type Machine: Machine;

    /// Does something with the machine.
    fn machine<T>(&mut self, work: impl FnOnce(&mut Self::Machine) -> T) -> T;

    /// Lets the application get on, as far as it can and others can wait. Says whether there is more to do.
    fn advance(&mut self, link: &mut Link<R>, cx: &mut Context<'_>, now: Instant) -> bool;

    /// Whether there is a reason to read.
    fn wants_bytes(&self) -> bool;

    /// Whether nothing is going on, and only bytes can change that.
    fn waits_for_bytes(&self) -> bool;

    /// Whether there is more to do once there is nothing left to write.
    fn waits_for_room(&self) -> bool;

    /// Everything that was said is written.
    fn written(&mut self, link: &Link<R>);

    /// The server is about to stop: end as soon as is decent.
    fn shutdown(&mut self, link: &mut Link<R>, now: Instant);

    /// A turn begins, with this work: what the application wants of us needs no waking.
    fn enter(&mut self, now: Instant, work: impl FnOnce(&mut Self::Machine));

    /// A turn has ended: has the task of `cx` woken when the application wants something of us. Says until when the
    /// machine waits.
    fn leave(&mut self, cx: &mut Context<'_>) -> Option<(Instant, Reason)>;
}

/// How a protocol has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The connection ends with it.
    Closed,
    /// Another protocol follows.
    Switched,
    /// The server ends at once.
    Aborted,
}

/// A socket and its timer.
pub(super) struct Link<R: Runtime> {
    pub(super) thread: Arc<Thread<R>>,
    member: Member,
    /// Taken out when the connection is handed over, or has ended.
    io: Option<R::Stream>,
    /// The connection as the application sees it, made at the first request.
    connection: Option<Arc<app::Connection>>,
    timer: Option<R::Sleep>,
    /// When the timer rings. Deadlines that move away leave it alone: it is set again when it has rung.
    rings: Option<Instant>,
    draining: bool,
    eof: bool,
}

impl<R: Runtime> Link<R> {
    pub(super) fn new(thread: Arc<Thread<R>>, io: R::Stream) -> Self {
        thread.shared.count_connection(true);
        Self {
            member: thread.registry.join(Kind::Connection),
            io: Some(io),
            connection: None,
            timer: None,
            rings: None,
            draining: false,
            eof: false,
            thread,
        }
    }

    /// The connection as the application sees it.
    pub(super) fn connection(&mut self) -> Arc<app::Connection> {
        let (thread, io) = (&self.thread, &self.io);
        let connection = self.connection.get_or_insert_with(|| {
            let client = io.as_ref().and_then(Stream::peer_address);
            let server = io.as_ref().and_then(Stream::local_address);
            let root_path = thread.shared.root_path.clone();
            Arc::new(app::Connection::new(client, server, "http", root_path, thread.executor.clone()))
        });
        connection.clone()
    }

    /// The address of the client, once there has been a request.
    pub(super) fn client(&self) -> Option<&Address> {
        self.connection.as_ref().and_then(|connection| connection.client.as_ref())
    }

    /// The socket, for somebody else.
    pub(super) fn take_io(&mut self) -> Option<R::Stream> {
        self.io.take()
    }

    /// Another protocol follows: what is known of the connection is told to it.
    pub(super) fn follow<S: Side<R>>(&mut self, side: &mut S) {
        let now = self.thread.runtime.now();
        if self.eof {
            side.machine(|machine| machine.receive_eof(now));
        }
        if self.draining {
            side.shutdown(self, now);
        }
    }

    /// The connection has ended, whatever its application still does.
    pub(super) fn close(&mut self) {
        self.io = None;
        self.tell(Peer::Gone);
    }

    /// Tells the application what has become of the client.
    fn tell(&self, peer: Peer) {
        if let Some(connection) = &self.connection {
            connection.set_peer(peer);
        }
    }

    /// Gets on with a protocol until there is something to wait for. Ready when the protocol has ended.
    pub(super) fn drive<S: Side<R>>(&mut self, side: &mut S, cx: &mut Context<'_>) -> Poll<End> {
        let now = self.thread.runtime.now();
        let stops = match self.member.phase(cx) {
            Phase::Running => false,
            Phase::Draining => !std::mem::replace(&mut self.draining, true),
            Phase::Aborting => return Poll::Ready(End::Aborted),
        };
        if self.rings.is_some_and(|rings| now + GRAIN >= rings) {
            self.rings = None;
        }
        side.enter(now, |machine| machine.handle_timeout(now));
        if stops {
            side.shutdown(self, now);
        }
        if let Poll::Ready(end) = self.turn(side, cx, now) {
            return Poll::Ready(end);
        }
        if let Some((deadline, _)) = side.leave(cx) {
            self.arm(deadline, cx);
        }
        Poll::Pending
    }

    /// Goes round until nothing moves.
    fn turn<S: Side<R>>(&mut self, side: &mut S, cx: &mut Context<'_>, mut now: Instant) -> Poll<End> {
        // Whoever waits for bytes, and for nothing else, was most likely woken by them.
        if side.waits_for_bytes()
            && let Poll::Ready(Err(_)) = self.read(side, cx, now)
        {
            return self.gone();
        }
        for _ in 0..ROUNDS {
            let more = side.advance(self, cx, now);
            // A handler that has held the thread does not count against the time that the client has.
            now = self.thread.runtime.now();
            match self.write(side, cx, now) {
                Poll::Ready(Ok(state)) => {
                    side.written(self);
                    match state {
                        CloseState::Open => {}
                        CloseState::Linger if self.eof => return Poll::Ready(End::Closed),
                        CloseState::Linger => {}
                        CloseState::Close => return Poll::Ready(End::Closed),
                        CloseState::Switched => return Poll::Ready(End::Switched),
                        CloseState::HalfClose => match ready!(self.half_close(cx)) {
                            Ok(()) => side.machine(|machine| machine.half_closed(now)),
                            Err(_) => return self.gone(),
                        },
                    }
                    if side.waits_for_room() {
                        continue;
                    }
                }
                Poll::Ready(Err(_)) => return self.gone(),
                Poll::Pending => {}
            }
            if more {
                break;
            }
            match self.read(side, cx, now) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Err(_)) => return self.gone(),
                Poll::Ready(Ok(false)) | Poll::Pending => return Poll::Pending,
            }
        }
        // Others have a right to the thread too, and `now` grows old.
        self.thread.runtime.yield_now(cx);
        Poll::Pending
    }

    /// Writes all there is. Ready when nothing is left, with what to do with the socket.
    fn write<S: Side<R>>(
        &mut self,
        side: &mut S,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<io::Result<CloseState>> {
        let Some(io) = &mut self.io else { return Poll::Ready(Ok(CloseState::Close)) };
        side.machine(|machine| {
            loop {
                let mut slices = [&[][..]; SLICES];
                let n = machine.poll_transmit(&mut slices);
                let region = machine.poll_transmit_file().filter(|_| n < SLICES);
                let written = match (n, region) {
                    (n, Some(region)) => file::poll_send(io, cx, &slices.map(IoSlice::new)[..n], region),
                    (0, None) => return Poll::Ready(Ok(machine.close_state())),
                    (1, None) => io.poll_write(cx, slices[0]),
                    (n, None) => io.poll_write_vectored(cx, &slices.map(IoSlice::new)[..n]),
                };
                match ready!(written)? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    n if machine.transmitted(now, n) => return Poll::Ready(Ok(machine.close_state())),
                    _ => {}
                }
            }
        })
    }

    /// Reads once, if there is a reason to. Ready with whether anything has changed.
    fn read<S: Side<R>>(
        &mut self,
        side: &mut S,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<io::Result<bool>> {
        let wanted = side.wants_bytes();
        let Some(io) = self.io.as_mut().filter(|_| !self.eof) else {
            return Poll::Ready(Ok(false));
        };
        let n = ready!(side.machine(|machine| {
            if !wanted && machine.close_state() != CloseState::Linger {
                return Poll::Ready(Ok(None));
            }
            pool::lend(machine);
            let room = machine.spare();
            if room.is_empty() {
                return Poll::Ready(Ok(None));
            }
            let Poll::Ready(read) = io.poll_read(cx, room) else {
                pool::reclaim(machine);
                return Poll::Pending;
            };
            let n = read?;
            match n {
                0 => machine.receive_eof(now),
                n => machine.received(now, n),
            }
            Poll::Ready(io::Result::Ok(Some(n)))
        }))?;
        if n == Some(0) {
            self.eof = true;
            self.tell(Peer::HalfClosed);
        }
        Poll::Ready(Ok(n.is_some()))
    }

    fn half_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Some(io) => io.poll_close(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// The client has left for good.
    fn gone(&mut self) -> Poll<End> {
        self.tell(Peer::Gone);
        Poll::Ready(End::Closed)
    }

    /// Has the timer ring no later than the machine needs it.
    fn arm(&mut self, deadline: Instant, cx: &mut Context<'_>) {
        if self.rings.is_some_and(|rings| rings <= deadline) {
            return;
        }
        self.rings = Some(deadline);
        let timer = match &mut self.timer {
            Some(timer) => {
                timer.reset(deadline);
                timer
            }
            none => none.insert(self.thread.runtime.sleep(deadline)),
        };
        if Pin::new(timer).poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}

impl<R: Runtime> Drop for Link<R> {
    fn drop(&mut self) {
        self.thread.shared.count_connection(false);
    }
}
