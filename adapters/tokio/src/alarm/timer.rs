//! A bell that is a timer of tokio's, where the system has no descriptors that ring.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Waker;

use stelo_os::Clock;
use stelo_runtime::Instant;
use tokio::time::{self, Sleep};

/// Rings once, when it was last set to.
#[derive(Debug)]
pub(super) struct Bell(Mutex<State>);

#[derive(Debug)]
struct State {
    timer: Option<Pin<Box<Sleep>>>,
    waiting: Option<Waker>,
    deadline: Option<Instant>,
}

impl Bell {
    /// A bell that is not set.
    #[expect(clippy::unnecessary_wraps, reason = "the other kind may fail")]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Mutex::new(State { timer: None, waiting: None, deadline: None })))
    }

    /// Has it ring at `deadline`, and not at what it was set to before.
    pub(super) fn set(&self, deadline: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.deadline = Some(deadline);
        let waiting = state.waiting.take();
        drop(state);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Completes when it has rung.
    pub(super) async fn rung(&self) -> io::Result<()> {
        poll_fn(|cx| {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.waiting = Some(cx.waker().clone());
            if let Some(deadline) = state.deadline.take() {
                state.timer = Some(Box::pin(time::sleep_until(Clock::to_std(deadline).into())));
            }
            match &mut state.timer {
                Some(timer) => timer.as_mut().poll(cx).map(|()| state.timer = None),
                None => std::task::Poll::Pending,
            }
        })
        .await;
        Ok(())
    }
}
