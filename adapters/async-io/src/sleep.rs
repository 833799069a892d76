//! A timer of async-io.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_io::Timer;
use stelo_runtime::{Clock, Instant};

/// A timer.
#[derive(Debug)]
pub struct Sleep(Timer);

impl Sleep {
    /// A timer that completes at `deadline`.
    pub fn until(deadline: Instant) -> Self {
        Self(Timer::at(Clock::to_std(deadline)))
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(())
    }
}

impl stelo_runtime::Sleep for Sleep {
    fn reset(&mut self, deadline: Instant) {
        self.0.set_at(Clock::to_std(deadline));
    }
}
