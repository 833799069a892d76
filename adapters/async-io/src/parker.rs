//! Wake-ups of a thread that waits for its sockets. They cost a system call only while it waits.

use std::sync::Arc;
use std::task::Wake;

use crate::sync::{Alarm, AtomicBool, AtomicU8, Ordering};

/// The thread polls tasks.
const AWAKE: u8 = 0;
/// The thread must poll its tasks again before it waits.
const NOTIFIED: u8 = 1;
/// The thread waits, or is about to.
const PARKED: u8 = 2;

/// The state of a thread.
#[derive(Debug)]
pub(crate) struct Parker {
    state: AtomicU8,
    alarm: Alarm,
}

impl Parker {
    pub(crate) fn new(alarm: Alarm) -> Self {
        Self { state: AtomicU8::new(AWAKE), alarm }
    }

    /// Notes that the thread begins to poll its tasks. Each wake-up from now on makes it poll them once more.
    pub(crate) fn look_around(&self) {
        self.state.swap(AWAKE, Ordering::AcqRel);
    }

    /// Whether the thread may wait. If so, wake-ups end the wait from now on.
    pub(crate) fn park(&self) -> bool {
        self.state.compare_exchange(AWAKE, PARKED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Notes that the wait is over, and the thread polls its tasks next.
    pub(crate) fn awake(&self) {
        self.state.swap(NOTIFIED, Ordering::AcqRel);
    }

    /// Makes the thread poll its tasks.
    pub(crate) fn unpark(&self) {
        if self.state.swap(NOTIFIED, Ordering::AcqRel) == PARKED {
            self.end_wait();
        }
    }

    /// Makes the thread compute its wait again, if it waits.
    pub(crate) fn disturb(&self) {
        if self.state.load(Ordering::Acquire) == PARKED {
            self.end_wait();
        }
    }

    fn end_wait(&self) {
        // Fails only once the thread has ended.
        let _ = self.alarm.wake();
    }
}

/// Whether a future of the thread must be polled.
#[derive(Debug)]
pub(crate) struct Flag {
    raised: AtomicBool,
    parker: Arc<Parker>,
}

impl Flag {
    /// Creates a flag that is raised.
    pub(crate) fn new(parker: Arc<Parker>) -> Arc<Self> {
        Arc::new(Self { raised: AtomicBool::new(true), parker })
    }

    /// Lowers the flag; returns whether it was raised.
    pub(crate) fn take(&self) -> bool {
        self.raised.load(Ordering::Acquire) && self.raised.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // A store would hide what another thread did before it raised the flag: only a read-modify-write continues its
        // release sequence.
        self.raised.swap(true, Ordering::Release);
        self.parker.unpark();
    }
}
