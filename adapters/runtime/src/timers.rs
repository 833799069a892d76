//! Who waits for which moment: timers without a clock of their own, for the adapters that bring their own.

use std::collections::BTreeMap;
use std::task::Waker;

use crate::Instant;

/// A timer among the others: when it rings, and a number, since several may ring at one moment.
pub type Key = (Instant, u64);

/// Timers, in the order in which they ring.
#[derive(Debug, Default)]
pub struct Timers {
    waiting: BTreeMap<Key, Waker>,
    made: u64,
}

impl Timers {
    /// Has `waker` woken at `deadline`, by the timer of `key` or a new one. A timer of `key` that rings before that is
    /// left alone: whoever it wakes will see that it is too early, and ask again. So a deadline that moves away
    /// costs nothing.
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

    /// Takes a timer away; its waker is to be dropped where nothing is locked.
    pub fn remove(&mut self, key: Key) -> Option<Waker> {
        self.waiting.remove(&key)
    }

    /// When the first timer rings.
    pub fn next(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((deadline, _), _)| *deadline)
    }

    /// Takes out the timers that ring by `now`, in their order.
    pub fn ring(&mut self, now: Instant, ringing: &mut Vec<Waker>) {
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now) {
            ringing.push(first.remove());
        }
    }

    /// Takes out all of them.
    pub fn clear(&mut self, ringing: &mut Vec<Waker>) {
        ringing.extend(std::mem::take(&mut self.waiting).into_values());
    }
}

/// What setting a timer has done.
#[derive(Debug)]
#[must_use]
pub struct Set {
    /// There is a new timer, and it is the first that rings.
    pub first: bool,
    /// A waker that is of no use any more, to be dropped where nothing is locked.
    pub replaced: Option<Waker>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn they_ring_in_order_and_not_early() {
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
        let mut ringing = Vec::new();
        timers.ring(at(9), &mut ringing);
        assert_eq!(ringing.len(), 0);
        timers.ring(at(29), &mut ringing);
        assert_eq!(ringing.len(), 2);
        assert!(timers.remove(late).is_some());
        assert!(timers.remove(late).is_none());
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_timer_that_rings_before_it_is_needed_is_left_alone() {
        let mut timers = Timers::default();
        let mut key = None;
        assert!(timers.set(&mut key, at(10), Waker::noop()).first);
        let set = key;
        assert!(!timers.set(&mut key, at(20), Waker::noop()).first);
        assert_eq!((key, timers.next()), (set, Some(at(10))));
        assert!(timers.set(&mut key, at(5), Waker::noop()).first);
        assert_eq!(timers.next(), Some(at(5)));
        // One that has rung is replaced.
        timers.ring(at(5), &mut Vec::new());
        assert!(timers.set(&mut key, at(20), Waker::noop()).first);
        assert_eq!(timers.next(), Some(at(20)));
    }
}
