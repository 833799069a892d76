//! Calls of the system that the standard library does not have, or has with more around them.
#![allow(unsafe_code)]

#[cfg(any(target_os = "linux", target_os = "android"))]
mod timer_fd;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub use timer_fd::TimerFd;

/// The monotonic clock: whole seconds, and nanoseconds beyond them.
///
/// The standard library only tells how much time has passed since another moment, and subtracting costs more than the
/// reading.
pub(crate) fn monotonic() -> (u64, u32) {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is that of a `timespec` which is ours alone, and the call writes nowhere else.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    // It fails for clocks that do not exist, and every Unix has this one.
    debug_assert_eq!(result, 0);
    (now.tv_sec as u64, now.tv_nsec as u32)
}
