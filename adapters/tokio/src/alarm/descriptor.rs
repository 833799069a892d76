//! A bell that is a descriptor (`timerfd`): the runtime waits for it as for any socket.
#![allow(unsafe_code)]

use std::io;

use stelo_os::TimerFd;
use stelo_runtime::Instant;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Rings once, when it was last set to.
#[derive(Debug)]
pub(super) struct Bell(AsyncFd<TimerFd>);

impl Bell {
    /// A bell that is not set.
    pub(super) fn new() -> io::Result<Self> {
        let timer = TimerFd::new()?;
        // SAFETY: a `TimerFd` owns its descriptor: it is open as long as the value lives, and always the same one.
        let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) };
        Ok(Self(timer?))
    }

    /// Has it ring at `deadline`, and not at what it was set to before.
    pub(super) fn set(&self, deadline: Instant) {
        self.0.get_ref().set(deadline);
    }

    /// Completes when it has rung.
    pub(super) async fn rung(&self) -> io::Result<()> {
        // Nothing is read: to set it again makes it quiet.
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}
