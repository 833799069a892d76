//! An alarm that is a descriptor (`timerfd`). The runtime waits for it as for a socket.
#![allow(unsafe_code)]

use std::io;

use stelo_os::TimerFd;
use stelo_runtime::Instant;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Fires once, at the time that was set last.
#[derive(Debug)]
pub(super) struct Alarm(AsyncFd<TimerFd>);

impl Alarm {
    /// Creates an alarm that is not set.
    pub(super) fn new() -> io::Result<Self> {
        let timer = TimerFd::new()?;
        // SAFETY: a `TimerFd` owns its descriptor: it stays open, and is the same one, as long as the value lives.
        let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) };
        Ok(Self(timer?))
    }

    /// Sets the alarm to `deadline`, and no longer to the time that was set before.
    pub(super) fn set(&self, deadline: Instant) {
        self.0.get_ref().set(deadline);
    }

    /// Waits until the alarm has fired.
    pub(super) async fn fired(&self) -> io::Result<()> {
        // The descriptor is not read: setting the alarm again makes it unreadable.
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}
