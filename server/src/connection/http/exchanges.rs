//! The exchanges of a connection, and [`One`] of them for HTTP/1.1. `table.rs` has those of multiplexed protocols.

use std::sync::Arc;
use std::task::{Context, Waker};

use stelo_core::app;
use stelo_core::body::Demand;
use stelo_core::http::RequestHead;
use stelo_core::proto::{HttpMachine, StreamId};

use super::exchange::Exchange;

/// The exchanges that a connection is in.
pub(in crate::connection) trait Exchanges: Default {
    /// Begins an exchange. `connection` returns the context of the connection.
    fn open<'a>(&mut self, stream: StreamId, connection: impl FnOnce() -> &'a Arc<app::Context>) -> Slot<'_>;

    /// Returns an exchange that has begun and not ended.
    fn get(&mut self, stream: StreamId) -> Option<Slot<'_>>;

    /// Ends an exchange whose response is complete, or was cut off by the application.
    fn close(&mut self, stream: StreamId);

    /// Ends an exchange that the client has given up: its handler is dropped, and told before.
    fn reset(&mut self, stream: StreamId);

    /// Lets the exchange of a stream be polled, if it waits for an event of the machine.
    fn wake(&mut self, stream: StreamId);

    /// Whether an event of the machine could be used.
    fn want_events(&self) -> bool;

    /// Whether there is an exchange.
    fn is_busy(&self) -> bool;

    /// Whether every exchange waits for the application, and there is one.
    fn is_waiting(&self) -> bool;

    /// Whether a response waited for the client to read, and the machine has capacity again.
    fn can_unblock(&self, machine: &impl HttpMachine) -> bool;

    /// Returns the head of the request of an exchange.
    fn head(&self) -> Option<&RequestHead> {
        None
    }

    /// Calls `poll` with each exchange that may have something to do, and with a context that wakes it again. Returns
    /// whether any has moved.
    fn poll(&mut self, cx: &mut Context<'_>, poll: impl FnMut(Slot<'_>, &mut Context<'_>) -> bool) -> bool;

    /// Calls `f` with each exchange.
    fn for_each(&mut self, f: impl FnMut(Slot<'_>));

    /// Begins a poll of the connection: wake-ups do not reach its task from now on.
    fn enter(&mut self);

    /// Ends a poll of the connection: wake-ups reach the task of `cx` from now on. Returns whether one has been missed.
    fn leave(&mut self, cx: &mut Context<'_>) -> bool;
}

/// An exchange and what belongs to it.
pub(in crate::connection) struct Slot<'a> {
    pub(super) stream: StreamId,
    pub(super) exchange: &'a mut Exchange,
    /// The context of the request; `None` if that of the connection serves.
    pub(super) context: Option<&'a Arc<app::Context>>,
    /// The waker of the exchange; `None` if that of the connection's task serves.
    pub(super) waker: Option<&'a Waker>,
}

/// One exchange at a time, polled with the connection's own waker.
#[derive(Default)]
pub(in crate::connection) struct One(Exchange);

impl Exchanges for One {
    fn open<'a>(&mut self, stream: StreamId, _: impl FnOnce() -> &'a Arc<app::Context>) -> Slot<'_> {
        Slot { stream, exchange: &mut self.0, context: None, waker: None }
    }

    fn get(&mut self, stream: StreamId) -> Option<Slot<'_>> {
        Some(Slot { stream, exchange: &mut self.0, context: None, waker: None })
    }

    fn head(&self) -> Option<&RequestHead> {
        self.0.head()
    }

    fn close(&mut self, _: StreamId) {}

    fn reset(&mut self, _: StreamId) {
        self.0.abandon();
    }

    fn wake(&mut self, _: StreamId) {}

    /// The machine reports nothing during an exchange but its request body.
    fn want_events(&self) -> bool {
        self.0.wants_body() || !self.0.is_busy()
    }

    fn is_busy(&self) -> bool {
        self.0.is_busy()
    }

    fn is_waiting(&self) -> bool {
        self.0.is_waiting()
    }

    fn can_unblock(&self, machine: &impl HttpMachine) -> bool {
        self.0.is_blocked() && machine.capacity(StreamId::ONLY) > 0
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(Slot<'_>, &mut Context<'_>) -> bool,
    ) -> bool {
        let slot = Slot { stream: StreamId::ONLY, exchange: &mut self.0, context: None, waker: None };
        slot.exchange.is_busy() && poll(slot, cx)
    }

    fn for_each(&mut self, mut f: impl FnMut(Slot<'_>)) {
        f(Slot { stream: StreamId::ONLY, exchange: &mut self.0, context: None, waker: None });
    }

    fn enter(&mut self) {
        self.0.enter();
    }

    fn leave(&mut self, cx: &mut Context<'_>) -> bool {
        match self.0.poll_demand(cx) {
            // The next poll follows the demand.
            Some(Demand::Wanted) => !self.0.wants_body(),
            Some(Demand::Abandoned) => true,
            Some(Demand::Unasked | Demand::Full) | None => false,
        }
    }
}
