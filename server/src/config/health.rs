//! When a process counts as failed, and when it is replaced though it works.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::NonZeroU64;
use std::time::Duration;

use super::Config;
use super::codec::{BytesOrOff, Codec, Number, Seconds, SecondsOrOff};
use super::table::{Group, Setting, setting};

/// Checks of a process, and the limits of its age and its memory.
///
/// Only a supervisor ends and replaces processes. A process without one logs that a thread is blocked, and stops
/// gracefully at a limit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// The time for which a handler may block a thread. Then the supervisor ends the worker with `SIGABRT`. Default 30 s;
    /// `None` allows any time. It applies to the threads that the server has made.
    pub blocked: Option<Duration>,
    /// The time without a sign of life after which the supervisor ends a worker, such as one that `SIGSTOP` has stopped.
    /// Default 5 s; `None` waits for ever.
    pub healthcheck: Option<Duration>,
    /// The time from the start of a worker until it accepts connections. Then the supervisor ends it. Default 60 s.
    pub startup: Duration,
    /// The largest number that is added to [`Limits::max_requests`](super::Limits::max_requests), at random for each
    /// process, so that workers are not replaced at the same time. Default 0.
    pub max_requests_jitter: u64,
    /// The age at which a process is replaced. Default: no limit.
    pub max_lifetime: Option<Duration>,
    /// The longest time that is added to [`max_lifetime`](Self::max_lifetime), at random for each process. Default 0.
    pub max_lifetime_jitter: Duration,
    /// The resident memory, in bytes, above which a process is replaced. Checked once a second, on Linux. Default: no limit.
    pub max_memory: Option<NonZeroU64>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            blocked: Some(Duration::from_secs(30)),
            healthcheck: Some(Duration::from_secs(5)),
            startup: Duration::from_secs(60),
            max_requests_jitter: 0,
            max_lifetime: None,
            max_lifetime_jitter: Duration::ZERO,
            max_memory: None,
        }
    }
}

impl Health {
    /// Returns the number of requests after which this process is replaced, given the limit of all processes.
    pub(crate) fn max_requests(&self, limit: u64) -> u64 {
        limit.saturating_add(jitter(self.max_requests_jitter))
    }

    /// Returns the age at which this process is replaced.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        let jitter = jitter(u64::try_from(self.max_lifetime_jitter.as_micros()).unwrap_or(u64::MAX));
        self.max_lifetime?.checked_add(Duration::from_micros(jitter))
    }
}

/// Returns a random number from 0 to `max`.
fn jitter(max: u64) -> u64 {
    // The keys are random. The rest of the division favours small numbers, by no amount that matters here.
    let random = RandomState::new().build_hasher().finish();
    max.checked_add(1).map_or(random, |count| random % count)
}

impl Config {
    /// Sets [`Health::blocked`].
    #[must_use]
    pub fn timeout_blocked(mut self, timeout: Option<Duration>) -> Self {
        self.health.blocked = timeout;
        self
    }

    /// Sets [`Health::max_lifetime`].
    #[must_use]
    pub fn limit_max_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.health.max_lifetime = lifetime;
        self
    }

    /// Sets [`Health::max_memory`]; 0 means no limit.
    #[must_use]
    pub fn limit_max_memory(mut self, bytes: u64) -> Self {
        self.health.max_memory = NonZeroU64::new(bytes);
        self
    }
}

pub(super) const GROUP: Group = Group {
    title: "Health of processes",
    settings: &[
        setting!(
            "timeout",
            SecondsOrOff,
            health.blocked,
            "End a worker one of whose threads is blocked for this time, or off"
        ),
        setting!(
            "timeout-worker-healthcheck",
            SecondsOrOff,
            health.healthcheck,
            "End a worker that gives no sign of life for this time, or off"
        ),
        setting!(
            "timeout-worker-startup",
            Seconds,
            health.startup,
            "End a worker that does not accept connections within this time"
        ),
        setting!(
            "limit-max-requests-jitter",
            Number,
            health.max_requests_jitter,
            "Add up to this many requests to --limit-max-requests, at random for each process"
        ),
        setting!(
            "limit-max-lifetime",
            SecondsOrOff,
            health.max_lifetime,
            "Replace a worker at this age, or off; without workers, stop gracefully"
        ),
        setting!(
            "limit-max-lifetime-jitter",
            Seconds,
            health.max_lifetime_jitter,
            "Add up to this time to --limit-max-lifetime, at random for each process"
        ),
        setting!(
            "limit-max-memory",
            BytesOrOff,
            health.max_memory,
            "Replace a worker that has more resident memory, or off; without workers, stop gracefully"
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_takes_every_value_up_to_its_maximum() {
        assert_eq!(jitter(0), 0);
        let mut seen = [false; 4];
        while seen.contains(&false) {
            seen[usize::try_from(jitter(3)).unwrap()] = true;
        }
        jitter(u64::MAX);
    }

    #[test]
    fn jitter_is_added_to_a_limit() {
        let second = Duration::from_secs(1);
        let health = Health {
            max_requests_jitter: 5,
            max_lifetime: Some(60 * second),
            max_lifetime_jitter: second,
            ..Health::default()
        };
        for _ in 0..100 {
            assert!((10..=15).contains(&health.max_requests(10)));
            assert!((60 * second..=61 * second).contains(&health.lifetime().unwrap()));
        }
        assert_eq!(Health::default().max_requests(u64::MAX), u64::MAX);
        assert_eq!(Health::default().lifetime(), None);
        // Beyond what a duration can represent.
        let health = Health { max_lifetime: Some(Duration::MAX), max_lifetime_jitter: second, ..health };
        assert!(health.lifetime().is_none_or(|lifetime| lifetime == Duration::MAX));
    }
}
