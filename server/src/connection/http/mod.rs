//! HTTP of any version: a connection, and the exchanges on it.
//!
//! | file | contents |
//! |---|---|
//! | `exchange.rs`, `exchange/` | one request and its response |
//! | `exchanges.rs`, `table.rs` | the exchanges of a connection: one, or a table with a waker for each |
//! | `gate.rs` | what is examined before the application gets a request: proxies, absolute targets, the limit |
//! | `handshake.rs` | the handshake of a WebSocket, and what follows HTTP |
//! | `stream_io.rs` | bytes over a stream of a multiplexed connection |
//!
//! [`HttpProtocol`] takes the events of the machine and passes each to its exchange. It knows streams, but nothing of
//! what an exchange does.

mod exchange;
mod exchanges;
mod gate;
mod handshake;
mod stream_io;
mod table;
#[cfg(test)]
mod tests;

use std::task::Context;

use stelo_core::app::BoxFuture;
use stelo_core::body::Frame;
use stelo_core::http::RequestHead;
use stelo_core::proto::Reason;
use stelo_core::proto::{Event, HttpMachine, StreamId};
use stelo_core::{Fault, FaultKind, h1};
use stelo_runtime::{Instant, Runtime};
use tracing::debug;

use super::link::{Interest, Link, Protocol, Read};
use super::pool::Pooled;
use crate::admin::Count;
use crate::contain::discard;
use crate::log::{FromClient, SERVER};
use crate::thread::Thread;
use exchange::Scene;
use exchanges::{Exchanges, Slot};
use gate::Gate;

pub(super) use exchanges::One;
pub(super) use handshake::{Accepted, Next};
pub(super) use stream_io::StreamIo;
pub(super) use table::Table;

/// The most steps of one poll: events of the machine, and pieces from applications.
const STEPS: usize = 32;

/// A connection that speaks HTTP.
pub(super) struct HttpProtocol<M, X> {
    machine: M,
    exchanges: X,
    gate: Gate,
    input: Input,
    deferred: Deferred,
}

/// Results of exchanges that concern the whole connection.
#[derive(Default)]
struct Deferred {
    /// Tasks to spawn once the responses that they belong to are written.
    background: Vec<Background>,
    /// The protocol that follows HTTP on the connection.
    next: Option<Next>,
}

/// The background task of a response.
struct Background {
    task: BoxFuture<()>,
    stream: StreamId,
    /// The number of the request.
    number: u32,
    /// The request, for the log.
    about: Box<str>,
}

impl Drop for Deferred {
    fn drop(&mut self) {
        self.background.drain(..).for_each(|background| discard(background.task));
        discard(self.next.take());
    }
}

/// The state of the input, as the machine last reported it.
///
/// | state | entered by | input |
/// |---|---|---|
/// | `Open` | any event, or a poll | can be parsed |
/// | `Empty` | `NeedData` | all parsed; more causes progress |
/// | `HeldUp` | `Paused`, while responses wait to be written | waits for a write |
/// | `Paused` | `Paused` | waits for an exchange |
/// | `Ended` | `Closed` | cannot be used |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Input {
    Open,
    Empty,
    HeldUp,
    Paused,
    Ended,
}

impl HttpProtocol<h1::Connection, One> {
    /// Takes the bytes of a connection that begins with the preface of HTTP/2.
    pub(super) fn take_preface(&mut self) -> Option<Vec<u8>> {
        self.machine.is_http2().then(|| self.machine.take_input(StreamId::ONLY))
    }
}

impl<M: HttpMachine, X: Exchanges> HttpProtocol<M, X> {
    pub(super) fn new(machine: M, surplus: bool) -> Self {
        let (gate, deferred) = (Gate::new(surplus), Deferred::default());
        Self { machine, exchanges: X::default(), gate, input: Input::Open, deferred }
    }

    /// Takes what follows HTTP on the connection, and the bytes that the client has sent ahead for it.
    pub(super) fn take_next(&mut self, stream: StreamId) -> Option<(Next, Vec<u8>)> {
        Some((self.deferred.next.take()?, self.machine.take_input(stream)))
    }

    /// Spawns the background tasks of all responses, also of those that are cut off.
    pub(super) fn run_background<R: Runtime>(&mut self, thread: &Thread<R>) {
        for Background { task, about, .. } in self.deferred.background.drain(..) {
            thread.spawn(task, about);
        }
    }

    /// Spawns the background tasks of the responses that are complete. A response that streams is not.
    fn run_completed<R: Runtime>(&mut self, thread: &Thread<R>) {
        let Self { exchanges, deferred, .. } = self;
        let is_complete = |background: &mut Background| {
            let slot = exchanges.get(background.stream);
            !slot.is_some_and(|slot| slot.exchange.is_streaming(background.number))
        };
        for Background { task, about, .. } in deferred.background.extract_if(.., is_complete) {
            thread.spawn(task, about);
        }
    }

    /// Takes the next event of the machine. Returns whether anything has moved.
    fn take_event<R: Runtime>(&mut self, link: &mut Link<R>, cx: &mut Context<'_>, now: Instant) -> bool {
        self.input = Input::Open;
        if !self.exchanges.want_events() {
            return false;
        }
        match self.machine.next_event() {
            Event::Request { stream, mut head, length } => {
                let notice = self.gate.pass(link, &mut head);
                let Slot { exchange, context, waker, .. } = self.exchanges.open(stream, || link.context());
                let (machine, deferred) = (&mut self.machine, &mut self.deferred);
                let scene = &mut Scene { machine, link, deferred, stream, context, waker, now };
                match waker {
                    None => exchange.start(scene, cx, head, length, notice),
                    Some(own) => {
                        exchange.start(scene, &mut Context::from_waker(own), head, length, notice);
                    }
                }
                match (exchange.is_busy(), exchange.is_sending()) {
                    (false, _) => self.exchanges.close(stream),
                    (true, true) => self.exchanges.wake(stream),
                    (true, false) => {}
                }
            }
            Event::Data { stream, data } => {
                let len = data.len();
                let frame = Frame::Data(self.machine.take_data(len));
                if let Some(Slot { exchange, context, waker, .. }) = self.exchanges.get(stream) {
                    exchange.receive(frame);
                    let (machine, deferred) = (&mut self.machine, &mut self.deferred);
                    exchange.follow_demand(&mut Scene {
                        machine,
                        link,
                        deferred,
                        stream,
                        context,
                        waker,
                        now,
                    });
                }
            }
            Event::Trailers { stream, trailers } => {
                if let Some(slot) = self.exchanges.get(stream) {
                    slot.exchange.receive(Frame::Trailers(trailers));
                }
            }
            Event::End { stream } => {
                if let Some(slot) = self.exchanges.get(stream) {
                    slot.exchange.end_of_request();
                }
                self.exchanges.wake(stream);
            }
            Event::Writable { stream } => self.exchanges.wake(stream),
            Event::Reset { stream, fault } => {
                debug!(target: SERVER, "Stream ended: {fault}");
                self.exchanges.reset(stream);
            }
            Event::Fault { stream, fault } => self.fault(link, stream, fault, now),
            Event::NeedData => {
                self.input = Input::Empty;
                return false;
            }
            Event::Paused => {
                self.input = if self.machine.is_held_up() { Input::HeldUp } else { Input::Paused };
                return false;
            }
            Event::Closed => {
                self.input = Input::Ended;
                self.exchanges.for_each(|slot| slot.exchange.drop_upload());
                return false;
            }
        }
        true
    }

    /// Answers a fault of the peer, or passes it to the reader of the request body.
    fn fault<R: Runtime>(&mut self, link: &mut Link<R>, stream: StreamId, fault: Fault, now: Instant) {
        if let Some(slot) = self.exchanges.get(stream)
            && (slot.exchange.fail_upload(fault) || slot.exchange.is_busy())
        {
            return debug!(target: SERVER, "Connection ended: {fault}");
        }
        if fault.status().is_none() {
            return debug!(target: SERVER, "Connection ended: {fault}");
        }
        link.thread.shared.count(Count::Invalid);
        let context = link.context().clone();
        let client = FromClient(context.client());
        let line = format_args!("Invalid HTTP request received{client}: {fault}");
        link.thread.shared.invalid.warn(now, line);
        let machine = &mut self.machine;
        // Cannot fail: no response has begun, and the fault has a status.
        let _ = link.thread.with_defaults(now, |defaults| machine.refuse(now, stream, fault, defaults));
    }

    /// Polls the exchanges that have something to do. Returns whether anything has moved.
    fn poll_exchanges<R: Runtime>(&mut self, link: &mut Link<R>, cx: &mut Context<'_>, now: Instant) -> bool {
        let Self { machine, exchanges, deferred, .. } = self;
        exchanges.poll(cx, |Slot { stream, exchange, context, waker }, cx| {
            let (machine, link, deferred) = (&mut *machine, &mut *link, &mut *deferred);
            exchange.poll(&mut Scene { machine, link, deferred, stream, context, waker, now }, cx)
        })
    }
}

impl<R: Runtime, M: HttpMachine<Memory: Pooled>, X: Exchanges> Protocol<R> for HttpProtocol<M, X> {
    type Machine = M;

    const MULTIPLEXED: bool = M::MULTIPLEXED;

    fn machine<T>(&mut self, work: impl FnOnce(&mut M) -> T) -> T {
        work(&mut self.machine)
    }

    fn enter(&mut self, _: Instant) {
        self.exchanges.enter();
    }

    fn advance(&mut self, link: &mut Link<R>, cx: &mut Context<'_>, now: Instant) -> bool {
        for _ in 0..STEPS {
            if !(self.take_event(link, cx, now) || self.poll_exchanges(link, cx, now)) {
                return false;
            }
        }
        true
    }

    fn interest(&self) -> Interest {
        let busy = self.exchanges.is_busy();
        let read = match self.input {
            Input::Open | Input::Empty if !busy => Read::First,
            Input::Empty => Read::Also,
            // A running handler learns when the client leaves.
            _ if busy => Read::Also,
            _ => Read::No,
        };
        Interest { read, written: self.input == Input::HeldUp || self.exchanges.can_unblock(&self.machine) }
    }

    fn is_waiting(&self) -> bool {
        self.exchanges.is_waiting()
    }

    fn head(&self) -> Option<&RequestHead> {
        self.exchanges.head().or_else(|| self.machine.answered())
    }

    fn is_cut_off(&self) -> bool {
        self.machine.is_cut_off()
    }

    fn written(&mut self, link: &Link<R>) {
        if !self.deferred.background.is_empty() {
            self.run_completed(&link.thread);
        }
    }

    fn shutdown(&mut self, link: &mut Link<R>, now: Instant) {
        self.machine.shutdown(now);
        let Self { machine, exchanges, deferred, .. } = self;
        exchanges.for_each(|Slot { stream, exchange, context, waker }| {
            let (machine, link, deferred) = (&mut *machine, &mut *link, &mut *deferred);
            exchange.refuse_websocket(&mut Scene { machine, link, deferred, stream, context, waker, now });
        });
    }

    fn leave(&mut self, cx: &mut Context<'_>) -> Option<(Instant, Reason)> {
        if self.exchanges.leave(cx) {
            cx.waker().wake_by_ref();
        }
        self.machine.poll_timeout()
    }
}

/// Whether a fault means that the rest of a message will not come.
fn is_cut_off(fault: Fault) -> bool {
    matches!(fault.kind, FaultKind::Incomplete | FaultKind::Gone)
}
