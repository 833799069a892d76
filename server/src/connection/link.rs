//! The transport of a connection, its timer, and the loop between them and a protocol machine.
//!
//! Every protocol decision is the machine's. One poll goes round a fixed order until nothing moves: the application
//! advances as far as it can, its output is written, the transport is read. So an application that is ready at its first
//! poll costs one read and one write, and the responses to all requests of one read leave in one write.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use stelo_core::app::{self, Address, Peer};
use stelo_core::body::BodyError;
use stelo_core::http::RequestHead;
use stelo_core::proto::Reason;
use stelo_core::proto::{CloseState, Machine};
use stelo_core::proxy_protocol::Route;
use stelo_runtime::{Hangup, Instant, Runtime, Sleep, Stream};
use tracing::{debug, error};

use super::pool::Pooled;
use super::transport::Transport;
use super::{file, pool};
use crate::log::{About, FromClient, SERVER};
use crate::thread::Thread;
use crate::thread::registry::{Kind, Member, Phase};

/// The most rounds of one poll: socket and client may keep up without end.
const ROUNDS: usize = 8;

/// The number of turns of the executor that a connection waits for the listeners to close.
const TURNS: u8 = 8;

/// The most slices of one write.
const SLICES: usize = 4;

/// The most slices of one write of a multiplexed protocol: a header and a payload for each frame.
const MORE_SLICES: usize = 16;

/// The precision of executors' timers: one that fires a little early counts as fired.
pub(super) const GRAIN: Duration = Duration::from_millis(1);

/// A protocol: its machine, and the application behind it.
pub(super) trait Protocol<R: Runtime> {
    type Machine: Machine<Memory: Pooled>;

    /// Whether the connection carries several streams, so that output is in many small pieces.
    const MULTIPLEXED: bool = false;

    /// Calls `work` with the machine.
    fn machine<T>(&mut self, work: impl FnOnce(&mut Self::Machine) -> T) -> T;

    /// Begins a poll: until [`leave`](Self::leave), what the application does wakes nothing.
    fn enter(&mut self, now: Instant);

    /// Advances the application as far as it can, with regard to other tasks. Returns whether there is more to do.
    fn advance(&mut self, link: &mut Link<R>, cx: &mut Context<'_>, now: Instant) -> bool;

    /// Returns what can cause progress after [`advance`](Self::advance).
    fn interest(&self) -> Interest;

    /// Whether a response of the application is due and not ready, or more of a body of unknown length.
    fn is_waiting(&self) -> bool;

    /// Returns the head of the request that is being answered, or was answered last.
    fn head(&self) -> Option<&RequestHead> {
        None
    }

    /// Whether the connection ends inside a message.
    fn is_cut_off(&self) -> bool {
        false
    }

    /// Notes that all output is written.
    fn written(&mut self, link: &Link<R>);

    /// Begins the shutdown: the protocol ends after what has begun.
    fn shutdown(&mut self, link: &mut Link<R>, now: Instant);

    /// Ends a poll: the application wakes the task of `cx` from now on. Returns the deadline of the machine.
    fn leave(&mut self, cx: &mut Context<'_>) -> Option<(Instant, Reason)>;
}

/// The events that can cause progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Interest {
    /// Input from the peer.
    pub(super) read: Read,
    /// The end of a write.
    pub(super) written: bool,
}

/// The use of input from the peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Read {
    /// Only input causes progress: the connection is idle, and reading comes first.
    First,
    /// Input can cause progress; while a handler runs, it tells whether the client is still there.
    Also,
    /// Input cannot be used.
    No,
}

/// The end of a protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The connection ends with it.
    Closed,
    /// Another protocol follows.
    Switched,
    /// The server ends at once.
    Aborted,
}

/// A transport and its timer.
pub(super) struct Link<R: Runtime> {
    pub(super) thread: Arc<Thread<R>>,
    member: Member,
    /// Taken by a tunnel, and when the connection has ended.
    transport: Option<Transport<R::Stream>>,
    /// The ends of the connection between a client and its proxy, in place of the addresses of the transport.
    route: Option<Box<Route>>,
    /// The context that applications get, made at the first request.
    context: Option<Arc<app::Context>>,
    timer: Option<R::Sleep>,
    /// When the timer fires. It is not moved when the deadline does: it is set again once it has fired.
    fires: Option<Instant>,
    /// The shutdown has begun.
    draining: bool,
    /// It has begun, and the socket was empty when an idle connection looked.
    looked: bool,
    /// The turns of the executor that the connection has let pass while the server was closing its listeners.
    deferred: u8,
    /// The peer has ended its side, and all that it has sent is read.
    eof: bool,
    /// The peer has ended its side: when the response of the application must be ready.
    until: Option<Instant>,
}

impl<R: Runtime> Link<R> {
    pub(super) fn new(thread: Arc<Thread<R>>, transport: Option<Transport<R::Stream>>) -> Self {
        Self {
            member: thread.registry.join(Kind::Connection),
            transport,
            route: None,
            context: None,
            timer: None,
            fires: None,
            draining: false,
            looked: false,
            deferred: 0,
            eof: false,
            until: None,
            thread,
        }
    }

    /// Returns the context that the requests of the connection share.
    #[inline(always)]
    pub(super) fn context(&mut self) -> &Arc<app::Context> {
        let Self { thread, transport, route, context, .. } = self;
        context.get_or_insert_with(|| new_context(thread, transport.as_ref(), route.as_deref()))
    }

    /// Sets the ends of the connection that a proxy has told, before the context is made.
    pub(super) fn set_route(&mut self, route: Option<Route>) {
        self.route = route.map(Box::new);
    }

    /// Replaces the context, for the next request.
    pub(super) fn set_context(&mut self, context: Arc<app::Context>) {
        self.context = Some(context);
    }

    /// Returns the address of the client, once there has been a request.
    pub(super) fn client(&self) -> Option<&Address> {
        self.context.as_ref().and_then(|context| context.client())
    }

    /// Whether the connection is encrypted, once its handshake is complete.
    pub(super) fn is_encrypted(&self) -> bool {
        self.transport.as_ref().and_then(Transport::tls).is_some()
    }

    pub(super) fn transport_mut(&mut self) -> Option<&mut Transport<R::Stream>> {
        self.transport.as_mut()
    }

    /// Begins the encryption of the transport, if the server has a certificate.
    pub(super) fn secure(&mut self) {
        self.transport = self.transport.take().and_then(|transport| transport.secure(&self.thread.shared));
    }

    /// Takes the transport, for a tunnel.
    pub(super) fn take_transport(&mut self) -> Option<Transport<R::Stream>> {
        self.transport.take()
    }

    /// Tells a protocol that follows another what is known of the connection.
    pub(super) fn follow<P: Protocol<R>>(&mut self, protocol: &mut P) {
        let now = self.thread.runtime.now();
        if self.eof {
            protocol.machine(|machine| machine.receive_eof(now));
        }
        if self.draining {
            protocol.shutdown(self, now);
        }
    }

    /// Closes the transport, whatever the application still does.
    pub(super) fn close(&mut self) {
        self.transport = None;
        self.tell(Peer::Gone);
    }

    /// Tells the application what has become of the client.
    fn tell(&self, peer: Peer) {
        if let Some(context) = &self.context {
            context.set_peer(peer);
        }
    }

    /// Advances a protocol until there is something to wait for. Ready when the protocol has ended.
    pub(super) fn drive<P: Protocol<R>>(&mut self, protocol: &mut P, cx: &mut Context<'_>) -> Poll<End> {
        let now = self.thread.runtime.now();
        let stops = match self.member.phase(cx) {
            Phase::Running => false,
            Phase::Closing => {
                // A response after this moment says `close`, unless the listeners take longer to close.
                if self.deferred < TURNS {
                    self.deferred += 1;
                    self.thread.runtime.yield_now(cx);
                    return Poll::Pending;
                }
                false
            }
            Phase::Draining => !std::mem::replace(&mut self.draining, true),
            Phase::Aborting => return Poll::Ready(End::Aborted),
        };
        protocol.enter(now);
        if stops && self.shutdown(protocol, cx, now).is_err() {
            return self.gone();
        }
        // The timer fires no later than the deadline.
        let fired = self.fires.is_some_and(|fires| now + GRAIN >= fires);
        if let Poll::Ready(end) = self.go_round(protocol, cx, now) {
            return Poll::Ready(end);
        }
        if fired && let Poll::Ready(end) = self.time_out(protocol, cx, now) {
            return Poll::Ready(end);
        }
        if let Some(until) = self.until {
            if now + GRAIN < until {
                self.arm(until, cx);
            } else if protocol.is_waiting() {
                debug!(target: SERVER, "Connection ended: its client has left, and the application is not ready");
                return self.gone();
            }
        }
        if let Some((deadline, _)) = protocol.leave(cx) {
            self.arm(deadline, cx);
        }
        Poll::Pending
    }

    /// Begins the shutdown. A request that is already in the socket has come in time. An idle connection looks twice:
    /// the executor may not know of that request before it has asked the system again.
    #[cold]
    #[inline(never)]
    fn shutdown<P: Protocol<R>>(
        &mut self,
        protocol: &mut P,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> io::Result<()> {
        if protocol.interest().read == Read::First {
            match self.read(protocol, cx, now) {
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending if !self.looked => {
                    (self.draining, self.looked) = (false, true);
                    self.thread.runtime.yield_now(cx);
                    return Ok(());
                }
                Poll::Pending | Poll::Ready(Ok(_)) => {}
            }
        }
        protocol.shutdown(self, now);
        Ok(())
    }

    /// Acts on deadlines that had passed at `now`. By this time, what had come until then has been read.
    #[cold]
    #[inline(never)]
    fn time_out<P: Protocol<R>>(
        &mut self,
        protocol: &mut P,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<End> {
        self.fires = None;
        protocol.machine(|machine| machine.handle_timeout(now));
        self.go_round(protocol, cx, now)
    }

    /// Advances, writes and reads until nothing moves.
    #[inline(always)]
    fn go_round<P: Protocol<R>>(
        &mut self,
        protocol: &mut P,
        cx: &mut Context<'_>,
        mut now: Instant,
    ) -> Poll<End> {
        // A task that waits for input only was most likely woken by it.
        if protocol.interest().read == Read::First
            && let Poll::Ready(Err(_)) = self.read(protocol, cx, now)
        {
            return self.gone();
        }
        for _ in 0..ROUNDS {
            let more = protocol.advance(self, cx, now);
            // A handler that has blocked the thread does not use up the client's time.
            let later = self.thread.runtime.now();
            if later.as_micros().saturating_sub(now.as_micros()) >= self.thread.shared.blocking {
                self.blocked(protocol, now, later);
            }
            now = later;
            match self.write(protocol, cx, now) {
                Poll::Ready(Ok(state)) => {
                    protocol.written(self);
                    match state {
                        CloseState::Open => {}
                        CloseState::Linger if self.eof => return Poll::Ready(End::Closed),
                        CloseState::Linger => {}
                        CloseState::Close => return self.finish(protocol, cx),
                        CloseState::Switched => return Poll::Ready(End::Switched),
                        CloseState::HalfClose => match ready!(self.half_close(protocol, cx)) {
                            Ok(()) => protocol.machine(|machine| machine.half_closed(now)),
                            Err(_) => return self.gone(),
                        },
                    }
                    if protocol.interest().written {
                        continue;
                    }
                }
                Poll::Ready(Err(error)) => return self.cut_off(protocol, &error),
                Poll::Pending => {}
            }
            if more {
                break;
            }
            match self.read(protocol, cx, now) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Err(_)) => return self.gone(),
                Poll::Ready(Ok(false)) => return self.watch(cx),
                Poll::Pending => return Poll::Pending,
            }
        }
        // A poll that is cut short does not tell whether the application is ready.
        self.until = self.until.map(|until| until.max(now + 2 * GRAIN));
        // Other tasks of the thread get their share, and `now` is renewed.
        self.thread.runtime.yield_now(cx);
        Poll::Pending
    }

    /// Writes all output. Ready when nothing is left, with what to do with the transport.
    #[inline(always)]
    fn write<P: Protocol<R>>(
        &mut self,
        protocol: &mut P,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<io::Result<CloseState>> {
        match P::MULTIPLEXED {
            true => self.write_slices::<P, MORE_SLICES>(protocol, cx, now),
            false => self.write_slices::<P, SLICES>(protocol, cx, now),
        }
    }

    fn write_slices<P: Protocol<R>, const N: usize>(
        &mut self,
        protocol: &mut P,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<io::Result<CloseState>> {
        let Some(io) = &mut self.transport else { return Poll::Ready(Ok(CloseState::Close)) };
        protocol.machine(|machine| {
            loop {
                let mut slices = [&[][..]; N];
                let transmit = machine.poll_transmit(&mut slices);
                let written = match (transmit.slices, transmit.region) {
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

    /// Reads once, if the input can be used. Ready with whether anything has changed.
    fn read<P: Protocol<R>>(
        &mut self,
        protocol: &mut P,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<io::Result<bool>> {
        let wanted = protocol.interest().read != Read::No;
        let Some(io) = self.transport.as_mut().filter(|_| !self.eof) else {
            return Poll::Ready(Ok(false));
        };
        let n = ready!(protocol.machine(|machine| {
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
            self.half_closed();
        }
        Poll::Ready(Ok(n.is_some()))
    }

    /// Notices that the client leaves while nothing can be read.
    #[cold]
    #[inline(never)]
    fn watch(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        match self.transport.as_mut().map(|io| io.poll_hangup(cx)) {
            Some(Poll::Ready(Hangup::Gone)) => self.gone(),
            Some(Poll::Ready(Hangup::HalfClosed)) => {
                if !self.is_half_closed() {
                    self.half_closed();
                    // The protocol passes it on.
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
            Some(Poll::Pending) | None => Poll::Pending,
        }
    }

    /// Notes that the peer has ended its side.
    #[cold]
    #[inline(never)]
    fn half_closed(&mut self) {
        let until = self.thread.runtime.now() + self.thread.shared.half_closed;
        self.until.get_or_insert(until);
        self.tell(Peer::HalfClosed);
    }

    /// Whether the peer has ended its side.
    pub(super) fn is_half_closed(&self) -> bool {
        self.until.is_some()
    }

    /// Waits for as long as the application may outlive the connection. Ready then, or when the server ends at once.
    pub(super) fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.thread.runtime.now();
        let until = *self.until.get_or_insert(now + self.thread.shared.half_closed);
        if self.is_aborted(cx) || now + GRAIN >= until {
            return Poll::Ready(());
        }
        self.wait_until(until, cx);
        Poll::Pending
    }

    /// Whether the server is stopping, and its listeners are closed. The task of `cx` is woken when that begins.
    pub(super) fn is_stopping(&mut self, cx: &mut Context<'_>) -> bool {
        matches!(self.member.phase(cx), Phase::Draining | Phase::Aborting)
    }

    /// Whether the server ends at once. The task of `cx` is woken when it does.
    pub(super) fn is_aborted(&mut self, cx: &mut Context<'_>) -> bool {
        self.member.phase(cx) == Phase::Aborting
    }

    /// Wakes the task of `cx` no later than at `deadline`, for a task that is not driven by [`drive`](Self::drive).
    pub(super) fn wait_until(&mut self, deadline: Instant, cx: &mut Context<'_>) {
        let now = self.thread.runtime.now();
        self.fires = self.fires.filter(|fires| now + GRAIN < *fires);
        self.arm(deadline, cx);
    }

    /// Ends the transport, after all output.
    #[cold]
    #[inline(never)]
    fn finish<P: Protocol<R>>(&mut self, protocol: &P, cx: &mut Context<'_>) -> Poll<End> {
        if let Some(io) = &mut self.transport {
            if protocol.is_cut_off() {
                io.cut_off();
            }
            // The protocol has ended, whether the peer still takes it or not.
            let _ = ready!(io.poll_finish(cx));
        }
        Poll::Ready(End::Closed)
    }

    fn half_close<P: Protocol<R>>(&mut self, protocol: &P, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(io) = &mut self.transport else { return Poll::Ready(Ok(())) };
        if protocol.is_cut_off() {
            io.cut_off();
        }
        io.poll_close(cx)
    }

    /// Reports that a response cannot be completed, if the connection has not failed by itself.
    #[cold]
    #[inline(never)]
    fn cut_off<P: Protocol<R>>(&mut self, protocol: &P, error: &io::Error) -> Poll<End> {
        if let Some(cause) = error.get_ref().filter(|cause| cause.is::<BodyError>()) {
            match protocol.head() {
                Some(head) => {
                    let about = About { head, client: self.client() };
                    error!(target: SERVER, "Response cut off, {about}: {cause}");
                }
                None => error!(target: SERVER, "Response cut off{}: {cause}", FromClient(self.client())),
            }
        }
        self.gone()
    }

    /// Warns that the application has held the thread.
    #[cold]
    #[inline(never)]
    fn blocked<P: Protocol<R>>(&self, protocol: &P, since: Instant, now: Instant) {
        let time = now - since;
        let blocked = &self.thread.shared.blocked;
        let advice = "call blocking code with `run_blocking`";
        match protocol.head() {
            Some(head) => {
                let about = About { head, client: self.client() };
                blocked
                    .warn(now, format_args!("A handler held its thread for {time:.0?}, {about}: {advice}"));
            }
            None => {
                let client = FromClient(self.client());
                blocked.warn(now, format_args!("A handler held its thread for {time:.0?}{client}: {advice}"));
            }
        }
    }

    /// Notes that the client has left.
    fn gone(&mut self) -> Poll<End> {
        self.tell(Peer::Gone);
        Poll::Ready(End::Closed)
    }

    /// Sets the timer, if it would fire after `deadline`.
    fn arm(&mut self, deadline: Instant, cx: &mut Context<'_>) {
        if self.fires.is_some_and(|fires| fires <= deadline) {
            return;
        }
        self.fires = Some(deadline);
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

/// Makes the context of a connection. Out of line, as it happens once.
#[cold]
#[inline(never)]
fn new_context<R: Runtime>(
    thread: &Thread<R>,
    transport: Option<&Transport<R::Stream>>,
    route: Option<&Route>,
) -> Arc<app::Context> {
    let (peer, local) = match route {
        Some(Route { source, destination }) => (source.clone(), destination.clone()),
        None => (transport.and_then(Stream::peer_address), transport.and_then(Stream::local_address)),
    };
    let mut connection = app::Connection::new(peer, local, thread.executor.clone());
    connection.tls = transport.and_then(Transport::tls);
    let mut context = app::Context::new(connection);
    context.set_root_path(thread.shared.root_path.clone());
    Arc::new(context)
}
