//! A timer queue. The adapter supplies the clock.

use std::collections::BTreeMap;
use std::task::Waker;

use crate::Instant;

/// The key of a timer: its deadline, and a number that tells apart timers of the same deadline.
pub type Key = (Instant, u64);

/// Timers in the order of their deadlines.
///
/// ```
/// use std::task::Waker;
///
/// use stelo_runtime::Instant;
/// use stelo_runtime::timers::Timers;
///
/// let mut timers = Timers::default();
/// let mut key = None;
/// let set = timers.set(&mut key, Instant::from_micros(10), Waker::noop());
/// assert!(set.first);
/// let mut expired = Vec::new();
/// timers.expire(Instant::from_micros(10), &mut expired);
/// assert_eq!(expired.len(), 1);
/// ```
#[derive(Debug, Default)]
pub struct Timers {
    waiting: BTreeMap<Key, Waker>,
    made: u64,
}

impl Timers {
    /// Sets a timer that wakes `waker` at `deadline`, and stores its key. Keeps the timer of `key` if that one expires
    /// earlier: the task that it wakes then sets the timer again. So a deadline that moves away costs nothing.
    pub fn set(&mut self, key: &mut Option<Key>, deadline: Instant, waker: &Waker) -> Set {
        let mut replaced = None;
        if let Some(set) = *key {
            if let Some(kept) = self.waiting.get_mut(&set).filter(|_| set.0 <= deadline) {
                if !kept.will_wake(waker) {
                    replaced = Some(std::mem::replace(kept, waker.clone()));
                }
                return Set { first: false, replaced };
            }
            replaced = self.remove(set);
        }
        let new = (deadline, self.made);
        self.made += 1;
        let first = self.waiting.first_key_value().is_none_or(|(first, _)| new < *first);
        self.waiting.insert(new, waker.clone());
        *key = Some(new);
        Set { first, replaced }
    }

    /// Removes a timer, and returns its waker. Drop the waker outside of any lock, since that may run foreign code.
    pub fn remove(&mut self, key: Key) -> Option<Waker> {
        self.waiting.remove(&key)
    }

    /// Returns the first deadline.
    pub fn next(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((deadline, _), _)| *deadline)
    }

    /// Removes the timers that expire by `now`, and appends their wakers to `expired`, in the order of the deadlines.
    pub fn expire(&mut self, now: Instant, expired: &mut Vec<Waker>) {
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now) {
            expired.push(first.remove());
        }
    }

    /// Removes all timers, and appends their wakers to `wakers`.
    pub fn clear(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(std::mem::take(&mut self.waiting).into_values());
    }
}

/// The effect of [`Timers::set`].
#[derive(Debug)]
#[must_use]
pub struct Set {
    /// Whether there is a new timer, and it is the first of all.
    pub first: bool,
    /// A waker that was replaced. Drop it outside of any lock, since that may run foreign code.
    pub replaced: Option<Waker>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn timers_expire_in_order_and_not_early() {
        let mut timers = Timers::default();
        let mut set = |micros| {
            let mut key = None;
            let set = timers.set(&mut key, at(micros), Waker::noop());
            (key.unwrap(), set.first)
        };
        let (late, first) = set(30);
        assert!(first);
        assert!(set(10).1);
        assert!(!set(10).1);
        assert_eq!(timers.next(), Some(at(10)));
        let mut expired = Vec::new();
        timers.expire(at(9), &mut expired);
        assert_eq!(expired.len(), 0);
        timers.expire(at(29), &mut expired);
        assert_eq!(expired.len(), 2);
        assert!(timers.remove(late).is_some());
        assert!(timers.remove(late).is_none());
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_timer_that_expires_earlier_is_kept() {
        let mut timers = Timers::default();
        let mut key = None;
        assert!(timers.set(&mut key, at(10), Waker::noop()).first);
        let set = key;
        assert!(!timers.set(&mut key, at(20), Waker::noop()).first);
        assert_eq!((key, timers.next()), (set, Some(at(10))));
        assert!(timers.set(&mut key, at(5), Waker::noop()).first);
        assert_eq!(timers.next(), Some(at(5)));
        // An expired timer is replaced.
        timers.expire(at(5), &mut Vec::new());
        assert!(timers.set(&mut key, at(20), Waker::noop()).first);
        assert_eq!(timers.next(), Some(at(20)));
    }
}
