//! `Permits`: a number of permits that requests wait for, first come, first served.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A limited number of permits.
#[derive(Debug)]
pub(super) struct Permits(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    /// The waiters, first come first. If there are any, no permit is free.
    waiting: VecDeque<Arc<Mutex<Waiter>>>,
    /// The time at which the list of waiters last became non-empty.
    busy_since: Duration,
}

#[derive(Debug)]
enum Waiter {
    Waiting(Option<Waker>),
    /// The waiter has a permit that it has not taken yet.
    Granted,
    /// It has taken its permit, or has left.
    Done,
}

impl Permits {
    pub(super) fn new(permits: usize) -> Arc<Self> {
        let state = State { free: permits, waiting: VecDeque::new(), busy_since: Duration::ZERO };
        Arc::new(Self(Mutex::new(state)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a permit, if one is free.
    pub(super) fn take(self: &Arc<Self>) -> Option<Permit> {
        let mut state = self.lock();
        state.free = state.free.checked_sub(1)?;
        Some(Permit(self.clone()))
    }

    /// Waits for a permit, behind the others. `None` if `max` wait already. Also returns for how long the list has not
    /// been empty.
    pub(super) fn wait(
        self: &Arc<Self>,
        max: usize,
        now: impl FnOnce() -> Duration,
    ) -> Option<(Wait, Duration)> {
        let mut state = self.lock();
        let mut waiter = Waiter::Waiting(None);
        if let Some(free) = state.free.checked_sub(1) {
            // Returned since the caller has looked.
            state.free = free;
            waiter = Waiter::Granted;
        }
        if matches!(waiter, Waiter::Waiting(_)) && state.waiting.len() >= max {
            return None;
        }
        let now = now();
        if state.waiting.is_empty() {
            state.busy_since = now;
        }
        let is_waiting = matches!(waiter, Waiter::Waiting(_));
        let waiter = Arc::new(Mutex::new(waiter));
        if is_waiting {
            state.waiting.push_back(waiter.clone());
        }
        let busy = now.saturating_sub(state.busy_since);
        drop(state);
        Some((Wait { permits: self.clone(), waiter }, busy))
    }

    /// Gives a permit to the first that waits, or makes it free.
    fn give(&self) {
        let mut state = self.lock();
        let Some(waiter) = state.waiting.pop_front() else {
            state.free += 1;
            return;
        };
        drop(state);
        let before = std::mem::replace(&mut *lock(&waiter), Waiter::Granted);
        match before {
            Waiter::Waiting(waker) => waker.into_iter().for_each(Waker::wake),
            // It has left at this moment.
            Waiter::Granted | Waiter::Done => {
                *lock(&waiter) = Waiter::Done;
                self.give();
            }
        }
    }
}

fn lock(waiter: &Mutex<Waiter>) -> MutexGuard<'_, Waiter> {
    waiter.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A permit. It returns when it is dropped.
#[derive(Debug)]
pub(super) struct Permit(Arc<Permits>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.give();
    }
}

/// Waits for a permit.
pub(super) struct Wait {
    permits: Arc<Permits>,
    waiter: Arc<Mutex<Waiter>>,
}

impl Future for Wait {
    type Output = Permit;

    /// Must not be polled after it has completed: it would wait for ever.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let mut waiter = lock(&self.waiter);
        if matches!(*waiter, Waiter::Granted) {
            *waiter = Waiter::Done;
            return Poll::Ready(Permit(self.permits.clone()));
        }
        if let Waiter::Waiting(waker) = &mut *waiter {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let before = std::mem::replace(&mut *lock(&self.waiter), Waiter::Done);
        match before {
            Waiter::Waiting(_) => {
                self.permits.lock().waiting.retain(|other| !Arc::ptr_eq(other, &self.waiter))
            }
            Waiter::Granted => self.permits.give(),
            Waiter::Done => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::thread;

    use futures_lite::future::{block_on, poll_once, yield_now};

    use super::*;

    fn waiting(permits: &Arc<Permits>) -> Wait {
        permits.wait(usize::MAX, || Duration::ZERO).expect("there is room").0
    }

    #[test]
    fn the_first_that_waits_is_the_first_that_gets_a_permit() {
        let permits = Permits::new(1);
        let held = permits.take().expect("one is free");
        assert!(permits.take().is_none());
        let (mut first, gone, second) = (waiting(&permits), waiting(&permits), waiting(&permits));
        assert!(permits.wait(3, || Duration::ZERO).is_none(), "three wait");
        drop(gone);
        assert!(permits.wait(3, || Duration::ZERO).is_some());
        block_on(async {
            assert!(poll_once(&mut first).await.is_none());
            let mut second = pin!(second);
            assert!(poll_once(&mut second).await.is_none());
            drop(held);
            assert!(permits.take().is_none(), "it is for the first");
            assert!(poll_once(&mut second).await.is_none());
            drop(poll_once(&mut first).await.expect("it is the first"));
            drop(poll_once(&mut second).await.expect("it is the first"));
        });
        assert!(permits.take().is_some());
    }

    #[test]
    fn a_waiter_that_leaves_passes_its_permit_on() {
        let permits = Permits::new(1);
        let held = permits.take();
        let (first, mut second) = (waiting(&permits), waiting(&permits));
        drop(held);
        drop(first);
        assert!(block_on(poll_once(&mut second)).is_some());
    }

    #[test]
    fn no_permit_is_lost_between_threads() {
        let permits = Permits::new(2);
        thread::scope(|scope| {
            for seed in 0..4_u32 {
                let permits = &permits;
                scope.spawn(move || {
                    for turn in 0..500 {
                        let permit = permits.take();
                        if permit.is_none() {
                            let mut wait = waiting(permits);
                            if (turn + seed) % 3 == 0 {
                                // Leaves, with or without a permit.
                                block_on(poll_once(&mut wait));
                                continue;
                            }
                            drop(block_on(wait));
                        }
                        block_on(yield_now());
                    }
                });
            }
        });
        let both = (permits.take(), permits.take());
        assert!(both.0.is_some() && both.1.is_some() && permits.take().is_none());
    }

    #[test]
    fn the_time_counts_while_there_is_always_one_that_waits() {
        let permits = Permits::new(1);
        let held = permits.take();
        let at = |millis: u64| {
            let now = Duration::from_millis(millis);
            let (wait, busy) = permits.wait(9, || now).expect("there is room");
            (wait, busy.as_millis())
        };
        let first = at(1000);
        assert_eq!(first.1, 0);
        let second = at(1300);
        assert_eq!(second.1, 300);
        drop((first, second));
        assert_eq!(at(2000).1, 0);
        drop(held);
    }
}
