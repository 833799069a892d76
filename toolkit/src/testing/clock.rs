//! The clock of the test client: sleeps end in the order of their deadlines, and the time between them can be skipped.

use std::task::Waker;
use std::time::{Duration, Instant};

/// A clock that runs like that of the machine, and can be put forward.
pub(super) struct Clock {
    start: Instant,
    skipped: Duration,
    sleeps: Vec<Sleep>,
    created: u64,
    /// The earliest moment at which a thread wakes the drivers.
    alarm: Option<Duration>,
}

/// A sleep that has not ended.
struct Sleep {
    id: u64,
    deadline: Duration,
    waker: Option<Waker>,
}

impl Default for Clock {
    fn default() -> Self {
        let (skipped, sleeps) = (Duration::ZERO, Vec::new());
        Self { start: Instant::now(), skipped, sleeps, created: 0, alarm: None }
    }
}

impl Clock {
    /// Returns the time since the start, with what was skipped.
    fn now(&self) -> Duration {
        self.start.elapsed().saturating_add(self.skipped)
    }

    /// Returns the time that was skipped.
    pub(super) fn skipped(&self) -> Duration {
        self.skipped
    }

    /// Begins a sleep, and returns its number.
    pub(super) fn sleep(&mut self, duration: Duration) -> u64 {
        let (id, deadline) = (self.created, self.now().saturating_add(duration));
        self.created += 1;
        self.sleeps.push(Sleep { id, deadline, waker: None });
        id
    }

    /// Returns whether a sleep has ended. Otherwise, its end wakes `waker`.
    pub(super) fn has_ended(&mut self, id: u64, waker: &Waker) -> bool {
        let now = self.now();
        let Some(sleep) = self.sleeps.iter_mut().find(|sleep| sleep.id == id) else { return true };
        sleep.waker = Some(waker.clone());
        sleep.deadline <= now
    }

    /// Ends a sleep.
    pub(super) fn remove(&mut self, id: u64) {
        self.sleeps.retain(|sleep| sleep.id != id);
    }

    /// Returns the number of sleeps that wake `waker`.
    pub(super) fn wakes(&self, waker: &Waker) -> usize {
        let wakes = |sleep: &&Sleep| sleep.waker.as_ref().is_some_and(|other| other.will_wake(waker));
        self.sleeps.iter().filter(wakes).count()
    }

    /// Returns the sleeps that a task waits for.
    fn awaited(&self) -> impl Iterator<Item = &Sleep> {
        self.sleeps.iter().filter(|sleep| sleep.waker.is_some())
    }

    /// Whether no task waits for a sleep.
    pub(super) fn is_idle(&self) -> bool {
        self.awaited().next().is_none()
    }

    /// Puts the clock forward to the next end of a sleep.
    pub(super) fn skip(&mut self) {
        self.skipped = self.skipped.saturating_add(self.left().unwrap_or_default());
    }

    /// Returns the time until a sleep ends.
    pub(super) fn left(&self) -> Option<Duration> {
        Some(self.next()?.saturating_sub(self.now()))
    }

    /// Returns the earliest end of a sleep.
    fn next(&self) -> Option<Duration> {
        self.awaited().map(|sleep| sleep.deadline).min()
    }

    /// Takes the wakers of the sleeps that have ended.
    pub(super) fn due(&mut self) -> Vec<Waker> {
        let now = self.now();
        let due = self.sleeps.iter_mut().filter(|sleep| sleep.deadline <= now);
        due.filter_map(|sleep| sleep.waker.take()).collect()
    }

    /// Returns the time until a sleep ends, unless a thread waits for that already.
    pub(super) fn set_alarm(&mut self) -> Option<Duration> {
        let left = self.left()?;
        // Made from the deadline and not from the time that is left, so that it is the same at each call.
        let at = self.next()?.saturating_sub(self.skipped);
        if self.alarm.is_some_and(|alarm| alarm <= at && alarm > self.start.elapsed()) {
            return None;
        }
        self.alarm = Some(at);
        Some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_waits_for_the_earliest_sleep_alone() {
        const HOUR: Duration = Duration::from_secs(3600);
        let mut clock = Clock::default();
        assert_eq!(clock.set_alarm(), None, "no task sleeps");
        let later = clock.sleep(HOUR * 2);
        assert!(!clock.has_ended(later, Waker::noop()));
        assert!(clock.set_alarm().is_some());
        assert_eq!(clock.set_alarm(), None, "a thread waits");
        let sooner = clock.sleep(HOUR);
        assert!(!clock.has_ended(sooner, Waker::noop()));
        assert!(clock.set_alarm().is_some_and(|left| left <= HOUR));
        clock.remove(sooner);
        assert_eq!(clock.set_alarm(), None, "the thread of the other sleep waits less");
    }
}
