//! The clocks of the system, in the units of the contract.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stelo_runtime::Instant;

use crate::monotonic;

/// The clocks of the operating system.
///
/// ```
/// use stelo_os::Clock;
///
/// let start = Clock::now();
/// assert!(Clock::now() >= start);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Clock;

impl Clock {
    /// Returns the monotonic time. The epoch is the system's, usually the boot.
    pub fn now() -> Instant {
        // Never zero, so that an unset deadline is distinct from every time.
        Instant::from_micros(monotonic::micros() + 1)
    }

    /// Converts a time for the timers of the standard library.
    pub fn to_std(deadline: Instant) -> std::time::Instant {
        static EPOCH: OnceLock<(Instant, std::time::Instant)> = OnceLock::new();
        let &(here, there) = EPOCH.get_or_init(|| (Self::now(), std::time::Instant::now()));
        match deadline >= here {
            true => there + (deadline - here),
            false => there.checked_sub(here - deadline).unwrap_or(there),
        }
    }

    /// Returns the time since 1970-01-01 UTC; zero if the clock is set to an earlier time.
    pub fn unix_time() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_run_alike() {
        let before = std::time::Instant::now();
        let now = Clock::to_std(Clock::now());
        let after = std::time::Instant::now();
        // `Instant` is rounded to a microsecond, and `to_std` reads the two clocks one after the other.
        let slack = Duration::from_millis(10);
        assert!(before - slack <= now && now <= after + slack, "{before:?} {now:?} {after:?}");
    }
}
