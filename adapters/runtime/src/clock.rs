//! The real clocks, for the adapters of real executors.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Instant;

/// The clocks of the operating system; the epoch is the first call in this process.
#[derive(Clone, Copy, Debug)]
pub struct Clock;

impl Clock {
    /// The monotonic time.
    pub fn now() -> Instant {
        // Never zero, so that an unset deadline cannot be mistaken for one.
        let since = Self::epoch().elapsed();
        Instant::from_micros(since.as_secs() * 1_000_000 + u64::from(since.subsec_micros()) + 1)
    }

    /// The same moment for the standard library's timers.
    pub fn to_std(deadline: Instant) -> std::time::Instant {
        Self::epoch() + Duration::from_micros(deadline.as_micros().saturating_sub(1))
    }

    /// The time since 1970; zero if the clock stands before that.
    pub fn unix_time() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn epoch() -> std::time::Instant {
        static EPOCH: OnceLock<std::time::Instant> = OnceLock::new();
        *EPOCH.get_or_init(std::time::Instant::now)
    }
}
