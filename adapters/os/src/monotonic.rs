//! Reading the monotonic clock.
//!
//! `std::time::Instant` gives only the time since another `Instant`, and that subtraction costs more than the reading.
#![allow(unsafe_code)]

/// Returns the monotonic clock in microseconds. Its epoch is the system's, usually the boot.
pub(crate) fn micros() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid for writes of a `timespec`, and the call writes nothing else.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    // Fails only for an unknown clock, and every Unix has this one.
    debug_assert_eq!(result, 0);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}
