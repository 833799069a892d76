//! Budgets for what costs the server work and the peer little. Each is a bucket that fills with time.

use super::config::Limits;
use super::{ErrorCode, Violation};
use crate::Instant;

/// The budgets of a connection.
pub(super) struct Guard {
    resets: Bucket,
    glitches: Bucket,
    /// The payload that has not given a glitch back yet.
    payload: usize,
}

/// A payload of this size gives a glitch back.
const USEFUL: usize = 4 << 10;

impl Guard {
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            resets: Bucket::new(limits.resets, limits.resets_per_second, now),
            glitches: Bucket::new(limits.glitches, limits.glitches_per_second, now),
            payload: 0,
        }
    }

    /// Counts a stream that ends by a fault.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn reset(&mut self, now: Instant) -> Result<(), Violation> {
        self.resets.take(now, 1).ok_or(calm("too many streams are reset"))
    }

    /// Counts frames that do nothing useful.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn glitch(&mut self, now: Instant, cost: u32) -> Result<(), Violation> {
        self.glitches.take(now, cost).ok_or(calm("too many frames without use"))
    }

    /// Gives glitches back for `bytes` of a body.
    pub(super) fn useful(&mut self, bytes: usize) {
        self.payload += bytes;
        if self.payload >= USEFUL {
            self.glitches.give((self.payload / USEFUL) as u32);
            self.payload %= USEFUL;
        }
    }

    /// Gives a glitch back for a request.
    pub(super) fn request(&mut self) {
        self.glitches.give(1);
    }
}

const fn calm(rule: &'static str) -> Violation {
    Violation::connection(ErrorCode::ENHANCE_YOUR_CALM, rule)
}

/// Points that are taken, and come back with time. It counts in millionths, as instants do.
struct Bucket {
    level: u64,
    most: u64,
    per_second: u64,
    updated: Instant,
}

impl Bucket {
    const POINT: u64 = 1_000_000;

    fn new(burst: u32, per_second: u32, now: Instant) -> Self {
        let most = u64::from(burst) * Self::POINT;
        Self { level: most, most, per_second: per_second.into(), updated: now }
    }

    /// Takes points; `None` if there are not enough.
    fn take(&mut self, now: Instant, points: u32) -> Option<()> {
        let passed = now.as_micros().saturating_sub(self.updated.as_micros());
        self.updated = now;
        let level = self.level.saturating_add(passed.saturating_mul(self.per_second)).min(self.most);
        self.level = level;
        self.level = level.checked_sub(u64::from(points) * Self::POINT)?;
        Some(())
    }

    fn give(&mut self, points: u32) {
        self.level = (self.level + u64::from(points) * Self::POINT).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn a_bucket_fills_with_time_up_to_its_burst() {
        let mut bucket = Bucket::new(3, 2, Instant::ZERO);
        let mut taken = |millis| {
            let now = Instant::ZERO + Duration::from_millis(millis);
            (0..10).take_while(|_| bucket.take(now, 1).is_some()).count()
        };
        assert_eq!((taken(0), taken(499), taken(500), taken(60_000)), (3, 0, 1, 3));
    }

    #[test]
    fn useful_work_gives_glitches_back() {
        let mut guard = Guard::new(&Limits::DEFAULT.glitches(2).glitches_per_second(0), Instant::ZERO);
        for _ in 0..100 {
            guard.glitch(Instant::ZERO, 2).unwrap();
            guard.useful(USEFUL - 1);
            guard.useful(1);
            guard.request();
        }
        guard.glitch(Instant::ZERO, 2).unwrap();
        assert!(guard.glitch(Instant::ZERO, 1).is_err());
    }
}
