//! A value that all threads use at every request, without a count of references that they all change: processors
//! would wait for each other there.

use std::array;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many counts there are; threads beyond that share them.
const COUNTS: usize = 32;

/// A value with several counts of references.
pub(crate) struct Sharded<T>([Arc<Shard<T>>; COUNTS]);

/// The value behind one of the counts. Aligned to two cache lines, since processors fetch them in pairs.
#[repr(align(128))]
pub(crate) struct Shard<T>(Arc<T>);

impl<T> Sharded<T> {
    pub(crate) fn new(value: T) -> Self {
        let value = Arc::new(value);
        Self(array::from_fn(|_| Arc::new(Shard(value.clone()))))
    }

    /// The reference that this thread clones.
    pub(crate) fn here(&self) -> &Arc<Shard<T>> {
        &self.0[thread() % COUNTS]
    }
}

/// The number of this thread, among those that have asked for theirs.
pub(crate) fn thread() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
    }
    THREAD.with(|number| *number)
}

impl<T> Deref for Shard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_count_apart_and_share_the_value() {
        let sharded = Arc::new(Sharded::new(String::from("value")));
        let here = sharded.here().clone();
        let theirs = sharded.clone();
        let there = std::thread::spawn(move || theirs.here().clone()).join().unwrap();
        assert!(!Arc::ptr_eq(&here, &there) && Arc::ptr_eq(&here, sharded.here()));
        assert!(std::ptr::eq::<String>(&**here, &**there));
    }
}
