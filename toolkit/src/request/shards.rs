//! A shared value with several reference counts. With a single count, every request of every thread would write to the
//! same cache line.

use std::array;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of counts. With more threads, some share a count.
const COUNTS: usize = 32;

/// A value with several reference counts.
pub(crate) struct Sharded<T>([Arc<Shard<T>>; COUNTS]);

/// The value behind one of the counts. Aligned to 128 bytes, because processors prefetch cache lines in pairs.
#[repr(align(128))]
pub(crate) struct Shard<T>(Arc<T>);

impl<T> Sharded<T> {
    pub(crate) fn new(value: T) -> Self {
        let value = Arc::new(value);
        Self(array::from_fn(|_| Arc::new(Shard(value.clone()))))
    }

    /// Returns the reference that this thread clones.
    pub(crate) fn here(&self) -> &Arc<Shard<T>> {
        &self.0[thread() % COUNTS]
    }
}

/// Returns the number of this thread: threads are numbered at their first call.
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
