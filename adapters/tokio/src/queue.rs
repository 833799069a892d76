//! The timers of a runtime, all on one alarm.
//!
//! While a timer of tokio is set, each wait of the runtime computes how long it may last, and a connection always has a
//! timer set. So the timers are kept in a queue here, and an [`Alarm`] wakes a task at the first deadline. A deadline
//! that moves away, as that of a connection does with each request, does not change the queue.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod descriptor;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod timer;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};

#[cfg(any(target_os = "linux", target_os = "android"))]
use descriptor::Alarm;
use stelo_os::Clock;
use stelo_runtime::Instant;
use stelo_runtime::timers::{Key, Set, Timers};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use timer::Alarm;

/// The timers of a runtime.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    alarm: Arc<Alarm>,
}

#[derive(Debug, Default)]
struct State {
    timers: Timers,
    /// The time that the alarm is set to, perhaps for a timer that has been removed since.
    set: Option<Instant>,
}

impl Queue {
    /// Creates the timers of the current runtime, and spawns the task that fires them.
    ///
    /// # Errors
    /// Returns an error if the process has no free descriptors.
    pub(crate) fn new() -> io::Result<Arc<Self>> {
        let alarm = Arc::new(Alarm::new()?);
        let queue = Arc::new(Self { state: Mutex::default(), alarm: alarm.clone() });
        drop(tokio::spawn(watch(alarm, Arc::downgrade(&queue))));
        Ok(queue)
    }

    /// Wakes the task of `cx` at `deadline`: see [`Timers::set`].
    pub(crate) fn wake_at(&self, key: &mut Option<Key>, deadline: Instant, cx: &mut Context<'_>) {
        let mut state = self.state();
        let Set { first, replaced } = state.timers.set(key, deadline, cx.waker());
        if first {
            self.set(&mut state, deadline);
        }
        drop(state);
        drop(replaced);
    }

    /// Removes a timer.
    pub(crate) fn cancel(&self, key: Key) {
        // Dropped after the lock.
        let _waker = self.state().timers.remove(key);
    }

    /// Sets the alarm to `deadline`, unless it is set to an earlier time.
    fn set(&self, state: &mut State, deadline: Instant) {
        if state.set.is_none_or(|set| deadline < set) {
            state.set = Some(deadline);
            self.alarm.set(deadline);
        }
    }

    /// Fires the timers that have expired.
    fn expire(&self) {
        let mut expired = Vec::new();
        let mut state = self.state();
        state.timers.expire(Clock::now(), &mut expired);
        state.set = None;
        if let Some(next) = state.timers.next() {
            self.set(&mut state, next);
        }
        drop(state);
        expired.into_iter().for_each(Waker::wake);
    }

    /// No foreign code runs while the state is locked, so a poisoned lock has an intact state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Queue {
    /// Wakes the task, which then ends.
    fn drop(&mut self) {
        self.alarm.set(Instant::ZERO);
    }
}

/// Fires the timers at their deadlines, until the queue is dropped.
async fn watch(alarm: Arc<Alarm>, queue: Weak<Queue>) {
    while alarm.fired().await.is_ok() {
        match queue.upgrade() {
            Some(queue) => queue.expire(),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use stelo_runtime::Runtime as _;
    use tokio::runtime::{Builder, Handle};

    use crate::Tokio;

    #[test]
    fn the_task_behind_the_timers_lives_as_long_as_the_last_of_them() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let alive = || Handle::current().metrics().num_alive_tasks();
            let tokio = Tokio::current().unwrap();
            let sleep = tokio.sleep(tokio.now() + Duration::from_millis(1));
            drop(tokio);
            assert_eq!(alive(), 1);
            sleep.await;
            let patience = Instant::now() + Duration::from_secs(20);
            while alive() > 0 {
                assert!(Instant::now() < patience);
                tokio::task::yield_now().await;
            }
        });
    }
}
