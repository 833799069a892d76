//! The timers of a runtime, all on one bell.
//!
//! tokio has timers of its own, and one of them that is set makes each wait of the runtime compute how long it may last.
//! A connection always has one set. So ours stand in a list of their own, and a [`Bell`] wakes a task at the first of
//! them; deadlines that move away, as those of connections do with each request, are not even noted.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod descriptor;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod timer;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Context;

#[cfg(any(target_os = "linux", target_os = "android"))]
use descriptor::Bell;
use stelo_os::Clock;
use stelo_runtime::Instant;
use stelo_runtime::timers::{Key, Set, Timers};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use timer::Bell;

/// The timers of a runtime.
#[derive(Debug)]
pub(crate) struct Alarm {
    state: Mutex<State>,
    bell: Arc<Bell>,
}

#[derive(Debug, Default)]
struct State {
    timers: Timers,
    /// What the bell is set to. It may ring for a timer that has been taken away since.
    rings: Option<Instant>,
}

impl Alarm {
    /// Timers of the runtime that is entered, and the task that lets them ring.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn new() -> io::Result<Arc<Self>> {
        let bell = Arc::new(Bell::new()?);
        let alarm = Arc::new(Self { state: Mutex::default(), bell: bell.clone() });
        drop(tokio::spawn(watch(bell, Arc::downgrade(&alarm))));
        Ok(alarm)
    }

    /// Has a task woken at `deadline`: see [`Timers::set`].
    pub(crate) fn wake_at(&self, key: &mut Option<Key>, deadline: Instant, cx: &mut Context<'_>) {
        let mut state = self.state();
        let Set { first, replaced } = state.timers.set(key, deadline, cx.waker());
        if first {
            self.set(&mut state, deadline);
        }
        drop(state);
        drop(replaced);
    }

    /// Takes a timer away.
    pub(crate) fn cancel(&self, key: Key) {
        // Dropped after the lock.
        let _waker = self.state().timers.remove(key);
    }

    /// Has the bell ring no later than at `deadline`.
    fn set(&self, state: &mut State, deadline: Instant) {
        if state.rings.is_none_or(|rings| deadline < rings) {
            state.rings = Some(deadline);
            self.bell.set(deadline);
        }
    }

    fn ring(&self) {
        let mut ringing = Vec::new();
        let mut state = self.state();
        state.timers.ring(Clock::now(), &mut ringing);
        state.rings = None;
        if let Some(next) = state.timers.next() {
            self.set(&mut state, next);
        }
        drop(state);
        ringing.into_iter().for_each(std::task::Waker::wake);
    }

    /// Nothing of others runs while it is locked, so a poisoned lock is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Alarm {
    /// The task finds out that nobody needs it.
    fn drop(&mut self) {
        self.bell.set(Instant::ZERO);
    }
}

/// Lets the timers ring when it is time, until nobody has them any more.
async fn watch(bell: Arc<Bell>, alarm: Weak<Alarm>) {
    while bell.rung().await.is_ok() {
        match alarm.upgrade() {
            Some(alarm) => alarm.ring(),
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
    fn its_task_lives_as_long_as_somebody_may_need_it() {
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
