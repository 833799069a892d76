//! Timers that are descriptors (`timerfd_create`, Linux).
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use stelo_runtime::Instant;

/// A descriptor that becomes readable at a time of the [`Clock`](crate::Clock).
#[derive(Debug)]
pub struct TimerFd(OwnedFd);

impl TimerFd {
    /// Creates a timer that is not set.
    ///
    /// # Errors
    /// Returns an error if the process has no free descriptors.
    pub fn new() -> io::Result<Self> {
        let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
        // SAFETY: the call takes no pointers.
        let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and open, and this is its only owner.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Sets the time at which the descriptor becomes readable; replaces the time set before. A time in the past counts
    /// as now.
    pub fn set(&self, deadline: Instant) {
        // Zero would disarm the timer.
        let micros = deadline.as_micros().max(1);
        let mut value = libc::timespec { tv_sec: libc::time_t::MAX, tv_nsec: 0 };
        if let Ok(seconds) = libc::time_t::try_from(micros / 1_000_000) {
            // Below 1,000,000,000, so it fits every type that a system uses here.
            value = libc::timespec { tv_sec: seconds, tv_nsec: (micros % 1_000_000 * 1000) as _ };
        }
        let once =
            libc::itimerspec { it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        // SAFETY: the descriptor is open because it is owned. The call reads one `itimerspec`, which lives until the
        // call returns, and writes nothing because the last pointer is null.
        let result = unsafe {
            libc::timerfd_settime(
                self.0.as_raw_fd(),
                libc::TFD_TIMER_ABSTIME,
                &raw const once,
                std::ptr::null_mut(),
            )
        };
        // Fails only for a descriptor of another kind or an invalid time.
        debug_assert_eq!(result, 0, "{}", io::Error::last_os_error());
    }
}

impl AsFd for TimerFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for TimerFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
