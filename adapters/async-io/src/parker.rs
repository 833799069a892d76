//! Wake-ups of a thread that waits for its sockets, at the price of a system call only while it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::Wake;

/// The thread is at work.
const AWAKE: u8 = 0;
/// It is not to wait before it has looked around again.
const CALLED: u8 = 1;
/// It waits, or is about to.
const PARKED: u8 = 2;

/// The state of a thread.
#[derive(Debug)]
pub(crate) struct Parker {
    state: AtomicU8,
    alarm: mio::Waker,
}

impl Parker {
    pub(crate) fn new(alarm: mio::Waker) -> Self {
        Self { state: AtomicU8::new(AWAKE), alarm }
    }

    /// The thread looks around: whoever calls from now on wants it to do so once more.
    pub(crate) fn look_around(&self) {
        self.state.swap(AWAKE, Ordering::AcqRel);
    }

    /// Whether the thread may wait. From now on it is woken.
    pub(crate) fn park(&self) -> bool {
        self.state.compare_exchange(AWAKE, PARKED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The thread waits no more, and will look around.
    pub(crate) fn awake(&self) {
        self.state.swap(CALLED, Ordering::AcqRel);
    }

    /// Has the thread look around.
    pub(crate) fn unpark(&self) {
        if self.state.swap(CALLED, Ordering::AcqRel) == PARKED {
            self.ring();
        }
    }

    /// Has the thread wait anew, if it waits.
    pub(crate) fn disturb(&self) {
        if self.state.load(Ordering::Acquire) == PARKED {
            self.ring();
        }
    }

    fn ring(&self) {
        // Can fail only once the thread has ended.
        let _ = self.alarm.wake();
    }
}

/// A future that the thread runs: whether it is to be polled.
#[derive(Debug)]
pub(crate) struct Flag {
    raised: AtomicBool,
    parker: Arc<Parker>,
}

impl Flag {
    /// A flag that is raised.
    pub(crate) fn new(parker: Arc<Parker>) -> Arc<Self> {
        Arc::new(Self { raised: AtomicBool::new(true), parker })
    }

    /// Whether it was raised.
    pub(crate) fn take(&self) -> bool {
        self.raised.load(Ordering::Acquire) && self.raised.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.raised.store(true, Ordering::Release);
        self.parker.unpark();
    }
}
