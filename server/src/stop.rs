//! Stopping a server from outside, and learning where it listens.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use stelo_core::app::Address;
use stelo_runtime::Signal;

/// Why a server has stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// By a signal.
    Signal(Signal),
    /// By its [`ServerHandle`], or at a limit: of requests, age or memory.
    Request,
}

/// The state that a server shares with its handles.
#[derive(Default)]
pub(crate) struct Stop {
    state: Mutex<State>,
    /// Asks the supervisor for a replacement, if this process is a worker. Returns whether the supervisor runs.
    replace: OnceLock<Box<dyn Fn() -> bool + Send + Sync>>,
}

#[derive(Default)]
struct State {
    requested: bool,
    bound: Option<Vec<Address>>,
    ended: bool,
    wakers: Vec<Waker>,
}

impl Stop {
    pub(crate) fn request(&self) {
        self.change(|state| state.requested = true);
    }

    /// Sets how to ask the supervisor for a replacement.
    pub(crate) fn set_replace(&self, replace: impl Fn() -> bool + Send + Sync + 'static) {
        // There is one link, and so one call.
        let _ = self.replace.set(Box::new(replace));
    }

    /// Ends the process at a limit: asks the supervisor for a replacement, which stops this process once it is ready;
    /// without a supervisor, stops at once.
    pub(crate) fn retire(&self) {
        if !self.replace.get().is_some_and(|replace| replace()) {
            self.request();
        }
    }

    pub(crate) fn set_bound(&self, addresses: Vec<Address>) {
        self.change(|state| state.bound = Some(addresses));
    }

    pub(crate) fn set_ended(&self) {
        self.change(|state| state.ended = true);
    }

    /// Completes when a stop has been requested.
    pub(crate) fn poll_requested(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll(cx, |state| state.requested.then_some(()))
    }

    fn poll<T>(&self, cx: &mut Context<'_>, ready: impl FnOnce(&State) -> Option<T>) -> Poll<T> {
        let mut state = self.state();
        if let Some(value) = ready(&state) {
            return Poll::Ready(value);
        }
        if !state.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Locks the state. Nothing can panic under the lock, so it is consistent even if poisoned.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle of a server, which knows where it listens and stops it.
#[derive(Clone)]
pub struct ServerHandle(pub(crate) Arc<Stop>);

impl ServerHandle {
    /// Stops the server gracefully, as a signal does.
    pub fn stop(&self) {
        self.0.request();
    }

    /// Waits until the server listens, and returns its addresses with the ports that the system has chosen; `None` if it
    /// has ended without listening.
    pub async fn listening(&self) -> Option<Vec<Address>> {
        poll_fn(|cx| {
            self.0.poll(cx, |state| match &state.bound {
                Some(addresses) => Some(Some(addresses.clone())),
                None => state.ended.then_some(None),
            })
        })
        .await
    }
}

impl std::fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerHandle")
    }
}
