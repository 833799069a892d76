//! `MemoryStore`: sessions in the memory of the process, of a bounded number and size.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::future::ready;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::store::{SessionId, SessionRecord, SessionStore, StoreFuture};

/// Keeps sessions in memory. They end with the process, and other processes do not see them.
///
/// A new session beyond a limit removes those that expire first.
///
/// ```
/// use std::sync::Arc;
/// use stelo_toolkit::sessions::MemoryStore;
///
/// let store = Arc::new(MemoryStore::new().max_sessions(10_000));
/// assert!(store.is_empty());
/// ```
pub struct MemoryStore {
    max_sessions: usize,
    max_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    records: HashMap<SessionId, SessionRecord>,
    /// The ids in the order of their ends.
    by_end: BTreeSet<(SystemTime, SessionId)>,
    /// The bytes of all values.
    bytes: usize,
}

impl MemoryStore {
    /// The default of [`max_sessions`](Self::max_sessions): 100,000.
    pub const MAX_SESSIONS: usize = 100_000;
    /// The default of [`max_bytes`](Self::max_bytes): 64 MiB.
    pub const MAX_BYTES: usize = 64 << 20;

    /// Creates an empty store.
    pub fn new() -> Self {
        Self { max_sessions: Self::MAX_SESSIONS, max_bytes: Self::MAX_BYTES, kept: Mutex::default() }
    }

    /// Sets the number of sessions that are kept.
    #[must_use]
    pub fn max_sessions(self, max_sessions: usize) -> Self {
        Self { max_sessions, ..self }
    }

    /// Sets the number of bytes that the values of all sessions may have.
    #[must_use]
    pub fn max_bytes(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }

    /// Returns the number of sessions, including expired ones that have not been removed.
    pub fn len(&self) -> usize {
        self.with(|kept| kept.records.len())
    }

    /// Returns whether there are no sessions.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Removes what has expired at `now`, and then what expires first, until the limits are met.
    fn trim(&self, kept: &mut Kept, now: SystemTime) {
        while let Some(&(end, id)) = kept.by_end.first()
            && (end <= now || kept.records.len() > self.max_sessions || kept.bytes > self.max_bytes)
        {
            kept.remove(&id);
        }
    }
}

impl Kept {
    fn put(&mut self, id: SessionId, record: SessionRecord) {
        self.remove(&id);
        self.bytes += record.data.len();
        self.by_end.insert((record.expires, id));
        self.records.insert(id, record);
    }

    fn remove(&mut self, id: &SessionId) -> bool {
        let Some(record) = self.records.remove(id) else { return false };
        self.bytes -= record.data.len();
        self.by_end.remove(&(record.expires, *id));
        true
    }
}

impl SessionStore for MemoryStore {
    fn load<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, Option<SessionRecord>> {
        Box::pin(ready(Ok(self.with(|kept| kept.records.get(id).cloned()))))
    }

    fn create<'a>(&'a self, id: &'a SessionId, record: SessionRecord) -> StoreFuture<'a, ()> {
        let now = record.used;
        self.with(|kept| {
            kept.put(*id, record);
            self.trim(kept, now);
        });
        Box::pin(ready(Ok(())))
    }

    fn update<'a>(&'a self, id: &'a SessionId, record: SessionRecord) -> StoreFuture<'a, bool> {
        let now = record.used;
        let found = self.with(|kept| {
            let found = kept.remove(id);
            if found {
                kept.put(*id, record);
                self.trim(kept, now);
            }
            found
        });
        Box::pin(ready(Ok(found)))
    }

    fn remove<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, ()> {
        self.with(|kept| kept.remove(id));
        Box::pin(ready(Ok(())))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    /// Shows no session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} sessions)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use futures_lite::future::block_on;

    use super::super::store::id_of;
    use super::*;

    fn record(used: u64, expires: u64, bytes: usize) -> SessionRecord {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        SessionRecord { data: vec![b' '; bytes], created: at(used), used: at(used), expires: at(expires) }
    }

    fn add(store: &MemoryStore, name: &str, record: SessionRecord) {
        block_on(store.create(&id_of(name), record)).unwrap();
    }

    fn has(store: &MemoryStore, name: &str) -> bool {
        block_on(store.load(&id_of(name))).unwrap().is_some()
    }

    #[test]
    fn a_full_store_removes_the_session_that_expires_first() {
        let store = MemoryStore::new().max_sessions(2);
        add(&store, "a", record(0, 30, 0));
        add(&store, "b", record(0, 20, 0));
        add(&store, "c", record(0, 40, 0));
        assert!(has(&store, "a") && !has(&store, "b") && has(&store, "c"));
        let store = MemoryStore::new().max_bytes(100);
        add(&store, "a", record(0, 30, 60));
        add(&store, "b", record(0, 40, 60));
        assert!(!has(&store, "a") && has(&store, "b"));
        add(&store, "c", record(0, 50, 101));
        assert!(store.is_empty(), "a session above the limit is not kept");
        assert_eq!(store.with(|kept| (kept.bytes, kept.by_end.len())), (0, 0));
    }

    #[test]
    fn expired_sessions_are_removed_with_the_next_write() {
        let store = MemoryStore::new();
        add(&store, "a", record(0, 30, 1));
        add(&store, "b", record(30, 60, 1));
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn a_removed_session_does_not_come_back() {
        let store = MemoryStore::new();
        add(&store, "a", record(0, 30, 1));
        block_on(store.remove(&id_of("a"))).unwrap();
        assert!(!block_on(store.update(&id_of("a"), record(1, 31, 1))).unwrap());
        assert!(!has(&store, "a"));
    }
}
