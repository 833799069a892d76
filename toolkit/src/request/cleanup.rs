//! Work that runs after a response: what [`Parts::after_response`](super::Parts::after_response) registers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stelo_core::app::BoxFuture;

use super::Executor;
use crate::response::panics::{contained, message};

/// The work of one request. A request holds it in its extensions, and [`Guard`] runs it.
#[derive(Clone)]
pub(crate) struct Cleanups(Arc<Shared>);

struct Shared {
    executor: Executor,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    work: Vec<BoxFuture<()>>,
    /// The work has been run: what comes later runs at once.
    is_over: bool,
}

impl Cleanups {
    pub(crate) fn new(executor: Executor) -> Self {
        Self(Arc::new(Shared { executor, state: Mutex::default() }))
    }

    /// Locks the state. Nothing can panic under the lock, so it is consistent even if poisoned.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, work: BoxFuture<()>) {
        let mut state = self.lock();
        if state.is_over {
            drop(state);
            self.0.executor.spawn(run(vec![work]));
        } else {
            state.work.push(work);
        }
    }

    fn take(&self) -> Vec<BoxFuture<()>> {
        let mut state = self.lock();
        state.is_over = true;
        std::mem::take(&mut state.work)
    }
}

/// Runs work in the reverse order. A panic does not keep the rest from running.
async fn run(work: Vec<BoxFuture<()>>) {
    for work in work.into_iter().rev() {
        if let Err(panic) = contained(work).await {
            tracing::error!("work after a response panicked: {}", message(&*panic));
        }
    }
}

/// Runs the work of a request when the response has been sent, or in a task of its own when the guard is dropped before.
pub(crate) struct Guard(Cleanups);

impl Guard {
    pub(crate) fn new(cleanups: Cleanups) -> Self {
        Self(cleanups)
    }

    pub(crate) async fn run(self) {
        // If this future is dropped, the work that has begun is dropped with it.
        run(self.0.take()).await;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let work = self.0.take();
        if !work.is_empty() {
            self.0.0.executor.spawn(run(work));
        }
    }
}
