//! Timers that are descriptors (`timerfd_create`, Linux).

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use crate::Instant;

/// A descriptor that becomes readable at a moment of the [`Clock`](crate::Clock).
#[derive(Debug)]
pub struct TimerFd(OwnedFd);

impl TimerFd {
    /// One that is not set.
    ///
    /// # Errors
    /// The system refuses: out of descriptors, most likely.
    pub fn new() -> io::Result<Self> {
        let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
        // SAFETY: the call takes no pointers.
        let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor has just been made, and nobody else knows of it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Has it become readable at `deadline` (at once, if that has passed), and not before.
    pub fn set(&self, deadline: Instant) {
        // A value of zero would unset it.
        let micros = deadline.as_micros().max(1);
        let mut value = libc::timespec { tv_sec: libc::time_t::MAX, tv_nsec: 0 };
        if let Ok(seconds) = libc::time_t::try_from(micros / 1_000_000) {
            // Less than a thousand million.
            value = libc::timespec { tv_sec: seconds, tv_nsec: (micros % 1_000_000 * 1000) as _ };
        }
        let once =
            libc::itimerspec { it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        // SAFETY: the descriptor is open, being owned; the call reads the `itimerspec`, which outlives it, and writes
        // nothing where the last pointer is null.
        let result = unsafe {
            libc::timerfd_settime(
                self.0.as_raw_fd(),
                libc::TFD_TIMER_ABSTIME,
                &raw const once,
                std::ptr::null_mut(),
            )
        };
        // It fails for what is no such descriptor, or no such moment.
        debug_assert_eq!(result, 0, "{}", io::Error::last_os_error());
    }
}

impl AsRawFd for TimerFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
