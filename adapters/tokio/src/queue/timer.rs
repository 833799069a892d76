//! An alarm that is a timer of tokio, for systems without `timerfd`.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Waker;

use stelo_os::Clock;
use stelo_runtime::Instant;
use tokio::time::{self, Sleep};

/// Fires once, at the time that was set last.
#[derive(Debug)]
pub(super) struct Alarm(Mutex<State>);

#[derive(Debug)]
struct State {
    timer: Option<Pin<Box<Sleep>>>,
    waiting: Option<Waker>,
    deadline: Option<Instant>,
}

impl Alarm {
    /// Creates an alarm that is not set.
    #[expect(clippy::unnecessary_wraps, reason = "the one with a descriptor may fail")]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Mutex::new(State { timer: None, waiting: None, deadline: None })))
    }

    /// Sets the alarm to `deadline`, and no longer to the time that was set before.
    pub(super) fn set(&self, deadline: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.deadline = Some(deadline);
        let waiting = state.waiting.take();
        drop(state);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Waits until the alarm has fired.
    pub(super) async fn fired(&self) -> io::Result<()> {
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
