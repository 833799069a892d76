//! A timer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use stelo_os::Clock;
use stelo_runtime::Instant;
use stelo_runtime::timers::Key;

use crate::alarm::Alarm;

/// A timer.
#[derive(Debug)]
pub struct Sleep {
    alarm: Arc<Alarm>,
    deadline: Instant,
    /// What is set for it, most often for an earlier deadline.
    key: Option<Key>,
}

impl Sleep {
    /// A timer that completes at `deadline`.
    pub(crate) fn until(deadline: Instant, alarm: Arc<Alarm>) -> Self {
        Self { alarm, deadline, key: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.deadline <= Clock::now() {
            return Poll::Ready(());
        }
        this.alarm.wake_at(&mut this.key, this.deadline, cx);
        Poll::Pending
    }
}

impl stelo_runtime::Sleep for Sleep {
    fn reset(&mut self, deadline: Instant) {
        // What is set is left alone until the next poll: it may do.
        self.deadline = deadline;
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.alarm.cancel(key);
        }
    }
}
