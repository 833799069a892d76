//! The connection driver: one task that carries bytes, time and decisions between a socket, a protocol machine and the
//! application.
//!
//! Every protocol decision is the machine's ([`stelo_core::h1`]). A poll goes round a fixed order until nothing moves:
//! the application gets on as far as it can (`exchange.rs`), what it has said is written, the socket is read. So a
//! handler that is ready at its first poll costs one read and one write, and the responses to pipelined requests
//! leave in one write.

mod exchange;
mod pool;
mod tunnel;

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use stelo_core::app::{self, Peer, Tunnel, Upgrade};
use stelo_core::h1::{self, CloseState};
use stelo_runtime::{Instant, Runtime, Sleep, Stream};

use crate::registry::{Kind, Member, Phase};
use crate::worker::Worker;
use exchange::Exchange;
use tunnel::Upgraded;

/// How often a connection goes round in one go. Socket and client may keep up for ever.
const ROUNDS: usize = 8;

/// How many slices a write takes at most.
const SLICES: usize = 8;

/// Timers of executors have a grain: one that rings a little early has rung.
const GRAIN: Duration = Duration::from_millis(1);

/// One connection and its task.
pub(crate) struct Driver<R: Runtime> {
    worker: Arc<Worker<R>>,
    member: Member,
    machine: h1::Connection,
    exchange: Exchange,
    /// Taken out when the connection leaves HTTP.
    io: Option<R::Stream>,
    /// The connection as the application sees it, made at the first request.
    connection: Option<Arc<app::Connection>>,
    timer: Option<R::Sleep>,
    /// When the timer rings. Deadlines that move away leave it alone: it is set again when it has rung.
    rings: Option<Instant>,
    /// It was one too many when it was accepted.
    surplus: bool,
    draining: bool,
    eof: bool,
}

impl<R: Runtime> Driver<R> {
    pub(crate) fn new(worker: Arc<Worker<R>>, io: R::Stream) -> Self {
        worker.shared.count_connection(true);
        Self {
            member: worker.registry.join(Kind::Connection),
            machine: h1::Connection::new(worker.shared.machine.clone(), worker.runtime.now()),
            exchange: Exchange::default(),
            io: Some(io),
            connection: None,
            timer: None,
            rings: None,
            surplus: worker.shared.is_overloaded(),
            draining: false,
            eof: false,
            worker,
        }
    }

    /// Goes round until nothing moves. Ready when the connection has ended.
    fn turn(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        // Whoever waits for bytes, and for nothing else, was most likely woken by them.
        if self.exchange.waits_for_bytes()
            && let Poll::Ready(Err(_)) = self.read(cx, now)
        {
            return self.gone();
        }
        for _ in 0..ROUNDS {
            self.advance(cx, now);
            let written = match self.write(cx, now) {
                Poll::Ready(Ok(())) => true,
                Poll::Ready(Err(_)) => return self.gone(),
                Poll::Pending => false,
            };
            if written {
                self.exchange.run_background(&*self.worker.executor);
                match self.machine.close_state() {
                    CloseState::Open => {}
                    CloseState::Linger if self.eof => return Poll::Ready(()),
                    CloseState::Linger => {}
                    CloseState::Close => return Poll::Ready(()),
                    CloseState::Switched => return self.switch(),
                    CloseState::HalfClose => match self.half_close(cx) {
                        Poll::Ready(Ok(())) => self.machine.half_closed(now),
                        Poll::Ready(Err(_)) => return self.gone(),
                        Poll::Pending => return Poll::Pending,
                    },
                }
                if self.exchange.waits_for_room() {
                    continue;
                }
            }
            match self.read(cx, now) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Err(_)) => return self.gone(),
                Poll::Ready(Ok(false)) | Poll::Pending => return Poll::Pending,
            }
        }
        // Others have a right to the thread too, and `now` grows old.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes all there is. Ready when nothing is left.
    fn write(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<io::Result<()>> {
        let Some(io) = &mut self.io else { return Poll::Ready(Ok(())) };
        loop {
            let mut slices = [&[][..]; SLICES];
            let written = match self.machine.poll_transmit(&mut slices) {
                0 => return Poll::Ready(Ok(())),
                1 => io.poll_write(cx, slices[0]),
                n => io.poll_write_vectored(cx, &slices.map(IoSlice::new)[..n]),
            };
            match std::task::ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.machine.transmitted(now, n),
            }
        }
    }

    /// Reads once, if there is a reason to. Ready with whether anything has changed.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<io::Result<bool>> {
        let wanted = self.exchange.needs_data()
            // An application at work is told when the client leaves.
            || self.exchange.is_busy()
            || self.machine.close_state() == CloseState::Linger;
        let Some(io) = self.io.as_mut().filter(|_| wanted && !self.eof) else {
            return Poll::Ready(Ok(false));
        };
        pool::lend(&mut self.machine);
        let room = self.machine.spare();
        if room.is_empty() {
            return Poll::Ready(Ok(false));
        }
        let Poll::Ready(read) = io.poll_read(cx, room) else {
            pool::reclaim(&mut self.machine);
            return Poll::Pending;
        };
        match read? {
            0 => {
                self.eof = true;
                self.machine.receive_eof(now);
                self.tell(Peer::HalfClosed);
            }
            n => self.machine.received(now, n),
        }
        Poll::Ready(Ok(true))
    }

    fn half_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Some(io) => io.poll_close(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// The client has left for good: what the application was doing for it is dropped with the driver.
    fn gone(&mut self) -> Poll<()> {
        self.tell(Peer::Gone);
        Poll::Ready(())
    }

    fn tell(&self, peer: Peer) {
        if let Some(connection) = &self.connection {
            connection.set_peer(peer);
        }
    }

    /// Hands the connection over to what the application has set to follow HTTP.
    fn switch(&mut self) -> Poll<()> {
        if let (Some(io), Some(Upgrade::Tunnel(run))) = (self.io.take(), self.exchange.take_upgrade()) {
            let ahead = self.machine.take_input();
            self.worker.executor.spawn(run(Tunnel::new(Upgraded { io, ahead })));
        }
        Poll::Ready(())
    }

    /// Has the timer ring no later than the machine needs it.
    fn arm(&mut self, cx: &mut Context<'_>) {
        let Some((deadline, _)) = self.machine.poll_timeout() else { return };
        if self.rings.is_some_and(|rings| rings <= deadline) {
            return;
        }
        self.rings = Some(deadline);
        let timer = match &mut self.timer {
            Some(timer) => {
                timer.reset(deadline);
                timer
            }
            none => none.insert(self.worker.runtime.sleep(deadline)),
        };
        if Pin::new(timer).poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}

impl<R: Runtime> Future for Driver<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let now = this.worker.runtime.now();
        match this.member.phase(cx) {
            Phase::Running => {}
            Phase::Draining if this.draining => {}
            Phase::Draining => {
                this.draining = true;
                this.machine.shutdown(now);
            }
            Phase::Aborting => return Poll::Ready(()),
        }
        if this.rings.is_some_and(|rings| now + GRAIN >= rings) {
            this.rings = None;
        }
        this.machine.handle_timeout(now);
        // While we poll the application ourselves, what it wants of us needs no waking.
        this.exchange.unwatch();
        if this.turn(cx, now).is_ready() {
            return Poll::Ready(());
        }
        this.exchange.watch(cx);
        this.arm(cx);
        Poll::Pending
    }
}

impl<R: Runtime> Drop for Driver<R> {
    fn drop(&mut self) {
        self.exchange.run_background(&*self.worker.executor);
        self.worker.shared.count_connection(false);
    }
}
