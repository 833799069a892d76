//! `CacheStore`: where cached responses are kept; and the store in memory.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use stelo_core::Bytes;
use stelo_core::app::BoxError;
use stelo_core::http::{Headers, Status};

/// The future of a [`CacheStore`].
pub type CacheFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// A store of responses for [`Cache`](super::Cache), by keys of text.
///
/// A store bounds its own size, and may remove any entry at any time. If it fails, the error is logged, and the handler
/// answers the request.
pub trait CacheStore: Send + Sync + 'static {
    /// Returns an entry.
    fn get<'a>(&'a self, key: &'a str) -> CacheFuture<'a, Option<CacheEntry>>;

    /// Adds or replaces an entry.
    fn put<'a>(&'a self, key: &'a str, entry: CacheEntry) -> CacheFuture<'a, ()>;

    /// Removes an entry, if it is there.
    fn remove<'a>(&'a self, key: &'a str) -> CacheFuture<'a, ()>;
}

impl<S: CacheStore + ?Sized> CacheStore for Arc<S> {
    fn get<'a>(&'a self, key: &'a str) -> CacheFuture<'a, Option<CacheEntry>> {
        (**self).get(key)
    }

    fn put<'a>(&'a self, key: &'a str, entry: CacheEntry) -> CacheFuture<'a, ()> {
        (**self).put(key, entry)
    }

    fn remove<'a>(&'a self, key: &'a str) -> CacheFuture<'a, ()> {
        (**self).remove(key)
    }
}

/// An entry of a [`CacheStore`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CacheEntry {
    /// A response.
    Response(Arc<CachedResponse>),
    /// The responses of a target differ by header fields of the request. They are stored by other keys.
    Vary {
        /// The names of the fields, in lower case and in order.
        names: Vec<String>,
        /// A part of the other keys. It is new for each entry: the responses under the old one are not found any more.
        generation: String,
    },
}

/// A response in a [`CacheStore`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CachedResponse {
    /// The status.
    pub status: Status,
    /// The header fields, without `age`.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
    /// The time at which the response was made: its age counts from here.
    pub made_at: SystemTime,
    /// The time for which the response is fresh.
    pub fresh: Duration,
}

impl CachedResponse {
    /// Creates a response, for stores that read it from elsewhere.
    pub fn new(status: Status, headers: Headers, body: Bytes, made_at: SystemTime, fresh: Duration) -> Self {
        Self { status, headers, body, made_at, fresh }
    }
}

/// A [`CacheStore`] in memory. If it is full, the entries that were not used for the longest time are removed.
pub struct MemoryCache {
    capacity: usize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_key: HashMap<Arc<str>, Slot>,
    /// The keys by the number of their last use.
    by_use: BTreeMap<u64, Arc<str>>,
    /// The sizes of all entries, in bytes.
    size: usize,
    uses: u64,
}

struct Slot {
    entry: CacheEntry,
    size: usize,
    last_use: u64,
}

impl MemoryCache {
    /// Creates a store of up to `capacity` bytes, which include the keys, the header fields and 256 bytes for each entry.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, entries: Mutex::default() }
    }

    /// Returns the number of bytes that are used.
    pub fn size(&self) -> usize {
        self.entries().size
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, key: &str, entry: CacheEntry) {
        let size = size(key, &entry);
        let mut entries = self.entries();
        entries.remove(key);
        if size > self.capacity {
            return;
        }
        while entries.size + size > self.capacity {
            let Some((_, oldest)) = entries.by_use.pop_first() else { break };
            entries.remove(&oldest);
        }
        let (key, last_use) = (Arc::<str>::from(key), entries.next_use());
        entries.size += size;
        entries.by_use.insert(last_use, key.clone());
        entries.by_key.insert(key, Slot { entry, size, last_use });
    }
}

impl Entries {
    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    fn get(&mut self, key: &str) -> Option<CacheEntry> {
        let last_use = self.next_use();
        let slot = self.by_key.get_mut(key)?;
        if let Some(key) = self.by_use.remove(&slot.last_use) {
            self.by_use.insert(last_use, key);
        }
        slot.last_use = last_use;
        Some(slot.entry.clone())
    }

    fn remove(&mut self, key: &str) {
        if let Some(slot) = self.by_key.remove(key) {
            self.by_use.remove(&slot.last_use);
            self.size -= slot.size;
        }
    }
}

/// Returns the size of an entry. The constant covers the tables and the parts of the allocator.
fn size(key: &str, entry: &CacheEntry) -> usize {
    256 + key.len()
        + match entry {
            CacheEntry::Response(response) => {
                let fields = response.headers.iter().map(|(name, value)| name.len() + value.len() + 8);
                response.body.len() + fields.sum::<usize>()
            }
            CacheEntry::Vary { names, generation } => {
                generation.len() + names.iter().map(|name| name.len() + 24).sum::<usize>()
            }
        }
}

impl CacheStore for MemoryCache {
    fn get<'a>(&'a self, key: &'a str) -> CacheFuture<'a, Option<CacheEntry>> {
        Box::pin(ready(Ok(self.entries().get(key))))
    }

    fn put<'a>(&'a self, key: &'a str, entry: CacheEntry) -> CacheFuture<'a, ()> {
        self.insert(key, entry);
        Box::pin(ready(Ok(())))
    }

    fn remove<'a>(&'a self, key: &'a str) -> CacheFuture<'a, ()> {
        self.entries().remove(key);
        Box::pin(ready(Ok(())))
    }
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryCache({} of {} bytes)", self.size(), self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(len: usize) -> CacheEntry {
        let body = vec![0; len].into();
        let response =
            CachedResponse::new(Status::OK, Headers::new(), body, SystemTime::UNIX_EPOCH, Duration::ZERO);
        CacheEntry::Response(Arc::new(response))
    }

    fn has(store: &MemoryCache, key: &str) -> bool {
        store.entries().get(key).is_some()
    }

    #[test]
    fn the_size_is_bounded_and_the_least_recently_used_entry_goes() {
        let store = MemoryCache::new(3000);
        for key in ["a", "b"] {
            store.insert(key, entry(1000));
        }
        assert!(has(&store, "a"));
        store.insert("c", entry(1000));
        assert!(has(&store, "a") && !has(&store, "b") && has(&store, "c"));
        store.insert("d", entry(3000));
        assert!(!has(&store, "d") && has(&store, "a"), "larger than the store");
        store.insert("a", entry(10));
        for number in 0..1000 {
            store.insert(&number.to_string(), entry(number));
            assert!(store.size() <= 3000);
        }
        store.insert("999", entry(3000));
        assert!(!has(&store, "999"), "an old entry is not left in its place");
        let keys: Vec<_> = store.entries().by_key.keys().cloned().collect();
        keys.iter().for_each(|key| store.entries().remove(key));
        assert_eq!((store.size(), store.entries().by_use.len()), (0, 0));
    }
}
