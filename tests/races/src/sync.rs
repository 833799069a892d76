//! The state that threads share, as loom models it: in place of the modules of the same name in the crates under test.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::task::Waker;

use loom::sync::{Arc, Condvar};

pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
pub(crate) use loom::sync::{Mutex, MutexGuard};

/// Locks a mutex. A scenario that panics fails as a whole, so no lock is ever poisoned.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread has panicked")
}

/// `atomic_waker::AtomicWaker`, by its documentation.
#[derive(Debug, Default)]
pub(crate) struct AtomicWaker(Mutex<Option<Waker>>);

impl AtomicWaker {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn register(&self, waker: &Waker) {
        *lock(&self.0) = Some(waker.clone());
    }

    pub(crate) fn take(&self) -> Option<Waker> {
        lock(&self.0).take()
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = self.take() {
            waker.wake();
        }
    }
}

/// An unbounded `concurrent_queue::ConcurrentQueue`, by its documentation.
pub(crate) struct ConcurrentQueue<T>(Mutex<VecDeque<T>>);

impl<T> ConcurrentQueue<T> {
    pub(crate) fn unbounded() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    pub(crate) fn push(&self, item: T) -> Result<(), Infallible> {
        lock(&self.0).push_back(item);
        Ok(())
    }

    pub(crate) fn pop(&self) -> Result<T, Empty> {
        lock(&self.0).pop_front().ok_or(Empty)
    }
}

/// There is nothing in the queue.
pub(crate) struct Empty;

/// `mio::Waker`: ends the wait of a thread, or the next one.
#[derive(Clone, Debug)]
pub(crate) struct Alarm(Arc<(Mutex<bool>, Condvar)>);

impl Alarm {
    pub(crate) fn new() -> Self {
        Self(Arc::new((Mutex::new(false), Condvar::new())))
    }

    pub(crate) fn wake(&self) -> io::Result<()> {
        let (rung, changed) = &*self.0;
        *lock(rung) = true;
        changed.notify_one();
        Ok(())
    }

    /// Waits for the alarm, as a thread waits for its sockets.
    pub(crate) fn wait(&self) {
        let (rung, changed) = &*self.0;
        let mut rung = lock(rung);
        while !std::mem::take(&mut *rung) {
            rung = changed.wait(rung).expect("no thread has panicked");
        }
    }

    /// Takes note of the alarm without waiting.
    pub(crate) fn look(&self) {
        *lock(&self.0.0) = false;
    }
}

/// `mio::event::Event`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Event {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    pub(crate) read_closed: bool,
}

impl Event {
    pub(crate) fn is_readable(&self) -> bool {
        self.readable
    }

    pub(crate) fn is_writable(&self) -> bool {
        self.writable
    }

    pub(crate) fn is_read_closed(&self) -> bool {
        self.read_closed
    }

    pub(crate) fn is_write_closed(&self) -> bool {
        false
    }

    pub(crate) fn is_error(&self) -> bool {
        false
    }
}
