//! Who waits for which moment.

use std::collections::BTreeMap;
use std::task::Waker;

use stelo_runtime::Instant;

/// A timer among the others: when it rings, and a number, since several may ring at one moment.
pub(crate) type Key = (Instant, u64);

/// The timers of a reactor.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    waiting: BTreeMap<Key, Waker>,
    made: u64,
}

impl Timers {
    /// Adds a timer. Says whether it is now the first that rings.
    pub(crate) fn add(&mut self, deadline: Instant, waker: Waker) -> (Key, bool) {
        let key = (deadline, self.made);
        self.made += 1;
        let first = self.waiting.first_key_value().is_none_or(|(first, _)| key < *first);
        self.waiting.insert(key, waker);
        (key, first)
    }

    /// The waker of a timer that has not rung yet.
    pub(crate) fn waker(&mut self, key: Key) -> Option<&mut Waker> {
        self.waiting.get_mut(&key)
    }

    /// Takes a timer away; its waker is to be dropped where nothing is locked.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Waker> {
        self.waiting.remove(&key)
    }

    /// When the first timer rings.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((deadline, _), _)| *deadline)
    }

    /// Takes out the timers that ring by `now`, in their order.
    pub(crate) fn ring(&mut self, now: Instant, ringing: &mut Vec<Waker>) {
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now) {
            ringing.push(first.remove());
        }
    }

    /// Takes out all of them.
    pub(crate) fn clear(&mut self, ringing: &mut Vec<Waker>) {
        ringing.extend(std::mem::take(&mut self.waiting).into_values());
    }
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
        assert_eq!(timers.next(), None);
        let (late, first) = timers.add(at(30), Waker::noop().clone());
        assert!(first);
        assert!(timers.add(at(10), Waker::noop().clone()).1);
        assert!(!timers.add(at(10), Waker::noop().clone()).1);
        assert_eq!(timers.next(), Some(at(10)));
        let mut ringing = Vec::new();
        timers.ring(at(9), &mut ringing);
        assert_eq!(ringing.len(), 0);
        timers.ring(at(29), &mut ringing);
        assert_eq!(ringing.len(), 2);
        assert!(timers.waker(late).is_some());
        assert!(timers.remove(late).is_some());
        assert!(timers.remove(late).is_none());
        assert_eq!(timers.next(), None);
    }
}
