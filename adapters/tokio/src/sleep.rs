//! A timer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use stelo_os::Clock;
use stelo_runtime::Instant;
use stelo_runtime::timers::Key;

use crate::queue::Queue;

/// A timer.
#[derive(Debug)]
pub struct Sleep {
    queue: Arc<Queue>,
    deadline: Instant,
    /// The entry in the queue, usually for an earlier deadline.
    key: Option<Key>,
}

impl Sleep {
    /// Creates a timer that completes at `deadline`.
    pub(crate) fn until(deadline: Instant, queue: Arc<Queue>) -> Self {
        Self { queue, deadline, key: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.deadline <= Clock::now() {
            return Poll::Ready(());
        }
        this.queue.wake_at(&mut this.key, this.deadline, cx);
        Poll::Pending
    }
}

impl stelo_runtime::Sleep for Sleep {
    fn reset(&mut self, deadline: Instant) {
        // The entry is kept until the next poll: an earlier one is good enough.
        self.deadline = deadline;
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.queue.cancel(key);
        }
    }
}
