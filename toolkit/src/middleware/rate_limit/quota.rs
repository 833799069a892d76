//! `Quota`: how many requests are allowed in which time, and the generic cell rate algorithm (GCRA) that counts them.
//!
//! GCRA is a leaky bucket whose whole state is a point in time: the time at which the bucket is empty again.

use std::time::Duration;

/// A number of requests in a time. They may come all at once; after that, each gets its share of the time.
///
/// ```
/// use std::time::Duration;
/// use stelo_toolkit::middleware::Quota;
///
/// let quota = Quota::per_second(10);
/// // No request yet: ten are allowed now, and the next one a tenth of a second later.
/// let (mut state, now) = (Duration::ZERO, Duration::from_secs(1));
/// for _ in 0..10 {
///     let verdict = quota.take(&mut state, now);
///     assert!(verdict.is_allowed);
/// }
/// let verdict = quota.take(&mut state, now);
/// assert!(!verdict.is_allowed);
/// assert_eq!(verdict.retry_after, Duration::from_millis(100));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    requests: u32,
    window: Duration,
    burst: u32,
}

/// Whether a request is within its quota.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whether the request is allowed.
    pub is_allowed: bool,
    /// The number of further requests that are allowed now.
    pub remaining: u32,
    /// The time until the next request is allowed. Zero if this one is.
    pub retry_after: Duration,
    /// The time until the whole quota is available again.
    pub reset: Duration,
}

impl Quota {
    /// Allows a number of requests in a time.
    ///
    /// # Panics
    /// If the number or the time is zero.
    #[track_caller]
    pub const fn new(requests: u32, window: Duration) -> Self {
        assert!(requests > 0, "a quota allows at least one request");
        assert!(!window.is_zero(), "the time of a quota is longer than zero");
        Self { requests, window, burst: requests }
    }

    /// Allows a number of requests in a second.
    ///
    /// # Panics
    /// If the number is zero.
    #[track_caller]
    pub const fn per_second(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(1))
    }

    /// Allows a number of requests in a minute.
    ///
    /// # Panics
    /// If the number is zero.
    #[track_caller]
    pub const fn per_minute(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(60))
    }

    /// Allows a number of requests in an hour.
    ///
    /// # Panics
    /// If the number is zero.
    #[track_caller]
    pub const fn per_hour(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(3600))
    }

    /// Sets how many requests may come at once. All of the quota by default.
    ///
    /// # Panics
    /// If the number is zero.
    #[must_use]
    #[track_caller]
    pub const fn burst(self, requests: u32) -> Self {
        assert!(requests > 0, "a quota allows at least one request at once");
        Self { burst: requests, ..self }
    }

    /// Returns the number of requests.
    pub const fn requests(&self) -> u32 {
        self.requests
    }

    /// Returns the time for which they are allowed.
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Takes one request out of the quota.
    ///
    /// `state` is what a store keeps for a key: a point in time, zero at first. `now` is the time of any clock that does not
    /// go back. A key can be forgotten once `now` has passed its state.
    pub fn take(&self, state: &mut Duration, now: Duration) -> Verdict {
        let interval = (self.window / self.requests).max(Duration::from_nanos(1));
        let capacity = interval.saturating_mul(self.burst);
        let used = state.saturating_sub(now);
        let filled = used.saturating_add(interval);
        if filled > capacity {
            let retry_after = filled.saturating_sub(capacity);
            return Verdict { is_allowed: false, remaining: 0, retry_after, reset: used };
        }
        *state = now.saturating_add(filled);
        let left = capacity.saturating_sub(filled).as_nanos() / interval.as_nanos();
        let remaining = u32::try_from(left).unwrap_or(u32::MAX);
        Verdict { is_allowed: true, remaining, retry_after: Duration::ZERO, reset: filled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Takes `count` requests at once. Returns how many are allowed.
    fn allowed(quota: Quota, state: &mut Duration, now: Duration, count: usize) -> usize {
        (0..count).filter(|_| quota.take(state, now).is_allowed).count()
    }

    #[test]
    fn the_quota_comes_back_in_equal_steps() {
        let quota = Quota::per_minute(60);
        let (mut state, now) = (Duration::ZERO, 1000 * SECOND);
        assert_eq!(allowed(quota, &mut state, now, 100), 60);
        assert_eq!(allowed(quota, &mut state, now + SECOND - Duration::from_nanos(1), 9), 0);
        assert_eq!(allowed(quota, &mut state, now + SECOND, 9), 1);
        assert_eq!(allowed(quota, &mut state, now + 11 * SECOND, 99), 10);
        assert_eq!(allowed(quota, &mut state, now + 3600 * SECOND, 100), 60);
    }

    #[test]
    fn the_verdict_says_what_is_left_and_when_it_comes_back() {
        let quota = Quota::per_second(4).burst(2);
        let (mut state, quarter) = (Duration::ZERO, SECOND / 4);
        let verdict =
            |is_allowed, remaining, retry_after, reset| Verdict { is_allowed, remaining, retry_after, reset };
        assert_eq!(quota.take(&mut state, SECOND), verdict(true, 1, Duration::ZERO, quarter));
        assert_eq!(quota.take(&mut state, SECOND), verdict(true, 0, Duration::ZERO, 2 * quarter));
        assert_eq!(quota.take(&mut state, SECOND), verdict(false, 0, quarter, 2 * quarter));
        assert_eq!(quota.take(&mut state, SECOND + quarter), verdict(true, 0, Duration::ZERO, 2 * quarter));
    }

    #[test]
    fn extreme_quotas_do_not_overflow() {
        for quota in [
            Quota::new(u32::MAX, Duration::from_nanos(1)).burst(u32::MAX),
            Quota::new(1, Duration::MAX).burst(u32::MAX),
            Quota::new(1, Duration::MAX),
        ] {
            let mut state = Duration::ZERO;
            assert!(quota.take(&mut state, Duration::MAX).is_allowed, "{quota:?}");
            let mut state = Duration::MAX;
            quota.take(&mut state, Duration::ZERO);
        }
    }
}
