//! Request coalescing: of several requests for one response, the first calls the handler, and the others wait for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::{Event, EventListener};

/// The number of keys that can be remembered as not stored. Keys of the same slot replace each other.
const PASSED: usize = 1024;

/// The requests whose handlers run.
pub(super) struct Flights {
    running: Mutex<HashMap<Box<str>, Arc<Flight>>>,
    /// The hashes of keys whose last response was not stored. To wait for such a response would only take time.
    passed: Box<[AtomicU64]>,
    hasher: RandomState,
}

struct Flight {
    outcome: AtomicU8,
    landed: Event,
}

/// The handler runs.
const RUNNING: u8 = 0;
/// The response has been stored, or will not be.
const LANDED: u8 = 1;
/// The request was cancelled.
const LOST: u8 = 2;

impl Flights {
    pub(super) fn new() -> Self {
        let passed = (0..PASSED).map(|_| AtomicU64::new(0)).collect();
        Self { running: Mutex::default(), passed, hasher: RandomState::new() }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Flight>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the place of the first request for `key`, or the wait for the request that has it.
    pub(super) fn join(self: &Arc<Self>, key: &str) -> Result<Lead, Wait> {
        match self.running().entry(key.into()) {
            Entry::Occupied(entry) => {
                let flight = entry.get().clone();
                Err(Wait { listener: flight.landed.listen(), flight })
            }
            Entry::Vacant(entry) => {
                let flight = Arc::new(Flight { outcome: AtomicU8::new(RUNNING), landed: Event::new() });
                entry.insert(flight.clone());
                Ok(Lead { flights: self.clone(), key: key.into(), flight })
            }
        }
    }

    fn slot(&self, key: &str) -> (&AtomicU64, u64) {
        let hash = self.hasher.hash_one(key).max(1);
        (&self.passed[hash as usize % PASSED], hash)
    }

    /// Whether the last response for `key` was not stored.
    pub(super) fn is_passed(&self, key: &str) -> bool {
        let (slot, hash) = self.slot(key);
        slot.load(Ordering::Relaxed) == hash
    }

    pub(super) fn set_passed(&self, key: &str, is_passed: bool) {
        let (slot, hash) = self.slot(key);
        match is_passed {
            true => slot.store(hash, Ordering::Relaxed),
            false => {
                let _ = slot.compare_exchange(hash, 0, Ordering::Relaxed, Ordering::Relaxed);
            }
        }
    }
}

/// The place of the first request. The others go on when it is dropped.
pub(super) struct Lead {
    flights: Arc<Flights>,
    key: Box<str>,
    flight: Arc<Flight>,
}

impl Lead {
    /// Lets the others look for the response, and call the handler themselves if it is not there.
    pub(super) fn land(self) {
        self.flight.outcome.store(LANDED, Ordering::Release);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let outcome = &self.flight.outcome;
        let _ = outcome.compare_exchange(RUNNING, LOST, Ordering::AcqRel, Ordering::Relaxed);
        self.flights.running().remove(&self.key);
        self.flight.landed.notify(usize::MAX);
    }
}

/// The wait of a further request.
pub(super) struct Wait {
    flight: Arc<Flight>,
    listener: EventListener,
}

impl Wait {
    /// Waits for the first request. Returns whether it has a response; otherwise another request must be the first.
    pub(super) async fn landed(self) -> bool {
        self.listener.await;
        self.flight.outcome.load(Ordering::Acquire) == LANDED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{block_on, poll_once};

    #[test]
    fn the_others_wait_for_the_first() {
        block_on(async {
            let flights = Arc::new(Flights::new());
            let lead = flights.join("a").ok().unwrap();
            assert!(flights.join("b").is_ok(), "another key");
            let mut waiting = Box::pin(flights.join("a").err().unwrap().landed());
            assert_eq!(poll_once(&mut waiting).await, None);
            lead.land();
            assert!(waiting.await);
            let lead = flights.join("a").ok().unwrap();
            let waiting = flights.join("a").err().unwrap().landed();
            drop(lead);
            assert!(!waiting.await, "the first was cancelled");
            assert!(flights.running().is_empty());
        });
    }

    #[test]
    fn keys_that_are_not_stored_are_remembered() {
        let flights = Flights::new();
        flights.set_passed("a", true);
        assert!(flights.is_passed("a") && !flights.is_passed("b"));
        flights.set_passed("a", false);
        assert!(!flights.is_passed("a"));
    }
}
