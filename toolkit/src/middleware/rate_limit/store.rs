//! `RateLimitStore`, which keeps the state of each key, and the one in memory.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use stelo_core::app::{BoxError, BoxFuture};

use super::quota::{Quota, Verdict};

/// Keeps the state of each key. [`MemoryRateLimits`] is the default; one that several servers share needs a store of its own.
pub trait RateLimitStore: Send + Sync + 'static {
    /// Takes one request out of the quota of a key, in one step: [`Quota::take`] is the algorithm.
    fn take(&self, key: &str, quota: Quota) -> BoxFuture<Result<Verdict, BoxError>>;
}

/// The default number of keys.
const KEYS: usize = 100_000;

/// The number of parts with a lock of their own.
const SHARDS: usize = 16;

/// Keeps the states in the memory of this process, for at most 100,000 keys by default.
///
/// If there are more keys, those without a request for the longest time are forgotten, and their quotas begin anew.
pub struct MemoryRateLimits {
    shards: [Mutex<Shard>; SHARDS],
    /// The number of keys of a generation.
    generation: usize,
    hasher: RandomState,
    clock: Box<dyn Fn() -> Duration + Send + Sync>,
}

/// Keys by their hashes. When the new generation is full it becomes the old one, which is dropped: every key that has had
/// a request since then is in the new one. So each request takes constant time.
#[derive(Default)]
struct Shard {
    new: Generation,
    old: Generation,
}

/// States by the hashes of their keys. 64 bits of a secret hash do not collide in practice.
type Generation = HashMap<u64, Duration, BuildHasherDefault<Hashed>>;

impl MemoryRateLimits {
    /// Creates a store of 100,000 keys.
    pub fn new() -> Self {
        Self::with_capacity(KEYS)
    }

    /// Creates a store of that number of keys, at least 32.
    pub fn with_capacity(keys: usize) -> Self {
        let start = Instant::now();
        Self {
            shards: Default::default(),
            generation: (keys / SHARDS / 2).max(1),
            hasher: RandomState::new(),
            clock: Box::new(move || start.elapsed()),
        }
    }

    /// Sets the clock, for tests: the time since any point in the past.
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    /// Returns the number of keys that are kept.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard)).map(|shard| shard.new.len() + shard.old.len()).sum()
    }

    /// Whether no key is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes one request out of the quota of a key.
    pub(super) fn take_now(&self, key: impl Hash, quota: Quota) -> Verdict {
        let (hash, now) = (self.hasher.hash_one(key), (self.clock)());
        // The map uses the low and the highest bits.
        let shard = (hash >> 32) as usize % SHARDS;
        let mut shard = lock(&self.shards[shard]);
        let Shard { new, old } = &mut *shard;
        if let Some(state) = new.get_mut(&hash) {
            return quota.take(state, now);
        }
        let mut state = old.remove(&hash).unwrap_or_default();
        let verdict = quota.take(&mut state, now);
        new.insert(hash, state);
        let dropped = (new.len() >= self.generation).then(|| std::mem::replace(old, std::mem::take(new)));
        drop(shard);
        // Thousands of entries are freed outside the lock.
        drop(dropped);
        verdict
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for MemoryRateLimits {
    fn default() -> Self {
        Self::new()
    }
}

impl RateLimitStore for MemoryRateLimits {
    fn take(&self, key: &str, quota: Quota) -> BoxFuture<Result<Verdict, BoxError>> {
        Box::pin(std::future::ready(Ok(self.take_now(key, quota))))
    }
}

impl fmt::Debug for MemoryRateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRateLimits").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The hasher of keys that are hashes.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_keys_is_bounded_and_busy_keys_stay() {
        let store = MemoryRateLimits::with_capacity(1000).clock(|| Duration::from_secs(1));
        let quota = Quota::per_hour(1000);
        for key in 0..20_000_u32 {
            store.take_now(key, quota);
            if key % 10 == 0 {
                store.take_now("busy", quota);
            }
            assert!(store.len() <= 1000, "{}", store.len());
        }
        assert!(store.len() > 400);
        assert!(!store.take_now("busy", quota).is_allowed, "it was never forgotten");
    }
}
