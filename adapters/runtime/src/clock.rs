//! The real clocks, for the adapters of real executors.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{Instant, system};

/// The clocks of the operating system. The epoch of the monotonic one is the system's, most often its start.
#[derive(Clone, Copy, Debug)]
pub struct Clock;

impl Clock {
    /// The monotonic time.
    pub fn now() -> Instant {
        let (seconds, nanos) = system::monotonic();
        // Never zero, so that an unset deadline cannot be mistaken for one.
        Instant::from_micros(seconds * 1_000_000 + u64::from(nanos) / 1000 + 1)
    }

    /// The same moment for the standard library's timers.
    pub fn to_std(deadline: Instant) -> std::time::Instant {
        static EPOCH: OnceLock<(Instant, std::time::Instant)> = OnceLock::new();
        let &(ours, theirs) = EPOCH.get_or_init(|| (Self::now(), std::time::Instant::now()));
        match deadline >= ours {
            true => theirs + (deadline - ours),
            false => theirs.checked_sub(ours - deadline).unwrap_or(theirs),
        }
    }

    /// The time since 1970; zero if the clock stands before that.
    pub fn unix_time() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_go_alike() {
        let before = std::time::Instant::now();
        let now = Clock::to_std(Clock::now());
        let after = std::time::Instant::now();
        // A moment is rounded to a microsecond, and the two clocks are tied together within some.
        let slack = Duration::from_millis(10);
        assert!(before - slack <= now && now <= after + slack, "{before:?} {now:?} {after:?}");
    }
}
