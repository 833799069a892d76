//! A timer of tokio.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use stelo_runtime::{Clock, Instant};
use tokio::time;

/// A timer.
#[derive(Debug)]
pub struct Sleep(Pin<Box<time::Sleep>>);

impl Sleep {
    /// A timer that completes at `deadline`, of the runtime that is entered.
    pub(crate) fn until(deadline: Instant) -> Self {
        Self(Box::pin(time::sleep_until(Clock::to_std(deadline).into())))
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl stelo_runtime::Sleep for Sleep {
    fn reset(&mut self, deadline: Instant) {
        self.0.as_mut().reset(Clock::to_std(deadline).into());
    }
}
