//! The least rate of a request body.

use core::time::Duration;

use crate::Instant;

/// The time that the peer may take beyond what the rate allows, in microseconds: 10 s, as a connection may be slow to begin.
const GRACE: u64 = 10_000_000;

/// Measures the time in which the application waits for a body, and what has come in it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Pace {
    /// In microseconds, without the wait that goes on.
    waited: u64,
    received: u64,
    since: Option<Instant>,
}

impl Pace {
    /// Begins to wait for the peer, or goes on. Returns the time that is left: `idle` at most, and less if the peer has sent
    /// fewer than `rate` bytes a second.
    pub(crate) fn wait(&mut self, now: Instant, idle: Duration, rate: Option<u64>) -> Duration {
        let since = *self.since.get_or_insert(now);
        let Some(rate) = rate.filter(|rate| *rate > 0) else { return idle };
        let allowed = GRACE.saturating_add(self.received.saturating_mul(1_000_000) / rate);
        let waited = self.waited + now.as_micros().saturating_sub(since.as_micros());
        idle.min(Duration::from_micros(allowed.saturating_sub(waited)))
    }

    /// Stops waiting: something has come, or the peer is held back.
    pub(crate) fn pause(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.waited += now.as_micros().saturating_sub(since.as_micros());
        }
    }

    /// Counts bytes of the body.
    pub(crate) fn received(&mut self, n: usize) {
        self.received += n as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_depends_on_what_has_come() {
        let (idle, rate) = (Duration::from_secs(30), Some(500));
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let mut pace = Pace::default();
        assert_eq!(pace.wait(at(0), idle, rate), Duration::from_secs(10));
        assert_eq!(pace.wait(at(4), idle, rate), Duration::from_secs(6));
        assert_eq!(pace.wait(at(4), idle, None), idle);
        assert_eq!(pace.wait(at(4), idle, Some(0)), idle);
        pace.pause(at(4));
        pace.received(2_500);
        // Held back for a while, which does not count.
        assert_eq!(pace.wait(at(90), idle, rate), Duration::from_secs(11));
        assert_eq!(pace.wait(at(120), idle, rate), Duration::ZERO);
        pace.received(1 << 30);
        assert_eq!(pace.wait(at(120), idle, rate), idle);
    }
}
