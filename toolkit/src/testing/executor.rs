//! The executor of the test client. The future that waits for a response polls all tasks of the application, either in
//! the executor of the test or on a blocked thread.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use stelo_core::app::{BoxFuture, Executor};

use crate::request::executor::finished;

/// An executor that makes progress only inside [`drive`](Self::drive) and [`run`](Self::run).
#[derive(Clone, Default)]
pub(super) struct TestExecutor(Arc<Shared>);

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    /// The spawned tasks that have not ended.
    tasks: Vec<BoxFuture<()>>,
    /// The number of blocking jobs that have not ended.
    blocking: usize,
    /// The number of sleeps that have not ended.
    sleeping: usize,
    /// Whether the shutdown has begun.
    stopping: bool,
    /// Whether a task was woken since the last poll.
    woken: bool,
    /// The wakers of the futures that drive this executor.
    drivers: Vec<Waker>,
}

/// The limits of a call that blocks its thread.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// The longest time without progress.
    pub(super) timeout: Duration,
    /// [`Host::forbids_blocking`](super::Host::forbids_blocking)
    pub(super) forbids_blocking: fn(bool) -> bool,
}

/// The reason why a call that blocks its thread was given up.
pub(super) enum Stuck {
    /// It waits for an executor that needs the blocked thread.
    Thread,
    /// There was no progress in time.
    Timeout(Duration),
}

impl TestExecutor {
    /// Runs a future to its end, and then the spawned tasks until none of them can make progress.
    ///
    /// Each poll polls every task once. A task that is woken meanwhile is polled again after the executor of the caller
    /// has run: resources of tokio are pending until then once a task has used up its budget.
    pub(super) async fn drive<T>(&self, future: impl Future<Output = T>) -> T {
        let waker = Waker::from(self.0.clone());
        let (mut future, mut result) = (pin!(future), None);
        poll_fn(|cx| {
            self.0.enter(cx.waker());
            let mut inner = Context::from_waker(&waker);
            if result.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(&mut inner)
            {
                result = Some(ready);
            }
            self.poll_tasks(&mut inner);
            match result.take() {
                Some(ready) if !self.0.may_go_on() => Poll::Ready(ready),
                unfinished => {
                    result = unfinished;
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Drives a future on this thread, which is blocked while nothing makes progress.
    ///
    /// # Errors
    /// The thread must not be blocked, or nothing makes progress.
    pub(super) fn run<T>(&self, limits: Limits, future: impl Future<Output = T>) -> Result<T, Stuck> {
        let parker = Arc::new(Parker::default());
        let waker = Waker::from(parker.clone());
        let mut driven = pin!(self.drive(future));
        loop {
            if let Poll::Ready(result) = driven.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Ok(result);
            }
            let is_idle = !parker.is_notified() && !self.0.wakes_itself();
            if (limits.forbids_blocking)(is_idle) {
                return Err(Stuck::Thread);
            }
            if !parker.park(limits.timeout) {
                return Err(Stuck::Timeout(limits.timeout));
            }
        }
    }

    /// Begins the shutdown, for tasks that wait for it.
    pub(super) fn begin_shutdown(&self) {
        self.0.lock().stopping = true;
        self.0.wake_by_ref();
    }

    /// Polls all spawned tasks, including those that they spawn.
    fn poll_tasks(&self, cx: &mut Context<'_>) {
        let mut waiting = Vec::new();
        loop {
            let tasks = std::mem::take(&mut self.0.lock().tasks);
            if tasks.is_empty() {
                break;
            }
            for mut task in tasks {
                if task.as_mut().poll(cx).is_pending() {
                    waiting.push(task);
                }
            }
        }
        self.0.lock().tasks.append(&mut waiting);
    }

    /// Runs `work` on a thread of its own, and undoes `count` after it.
    fn start(&self, work: impl FnOnce() + Send + 'static, count: fn(&mut State) -> &mut usize) {
        *count(&mut self.0.lock()) += 1;
        let shared = self.0.clone();
        std::thread::spawn(move || {
            work();
            *count(&mut shared.lock()) -= 1;
            shared.wake();
        });
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a poll of a driver.
    fn enter(&self, driver: &Waker) {
        let mut state = self.lock();
        state.woken = false;
        if !state.drivers.iter().any(|other| other.will_wake(driver)) {
            state.drivers.push(driver.clone());
        }
    }

    /// Whether a task was woken, or a blocking job will wake one.
    fn may_go_on(&self) -> bool {
        let state = self.lock();
        !state.tasks.is_empty() && (state.woken || state.blocking > 0)
    }

    /// Whether a thread of this executor will wake it.
    fn wakes_itself(&self) -> bool {
        let state = self.lock();
        state.blocking + state.sleeping > 0
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let drivers = {
            let mut state = self.lock();
            state.woken = true;
            std::mem::take(&mut state.drivers)
        };
        drivers.into_iter().for_each(Waker::wake);
    }
}

impl Executor for TestExecutor {
    fn spawn(&self, future: BoxFuture<()>) {
        self.0.lock().tasks.push(future);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let executor = self.clone();
        let start = move |work| executor.start(work, |state| &mut state.sleeping);
        Box::pin(finished(start, move || std::thread::sleep(duration)))
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.start(work, |state| &mut state.blocking);
    }

    fn shutdown(&self) -> BoxFuture<()> {
        let executor = self.clone();
        // Each poll of a driver polls every task, so nothing needs to be registered.
        Box::pin(poll_fn(move |_| match executor.0.lock().stopping {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }))
    }
}

/// Blocks a thread until it is woken.
#[derive(Default)]
struct Parker {
    notified: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.notified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_notified(&self) -> bool {
        *self.lock()
    }

    /// Blocks until the waker is called. Returns whether that was in time.
    fn park(&self, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        let mut notified = self.lock();
        while !std::mem::take(&mut *notified) {
            notified = match deadline {
                None => self.changed.wait(notified).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    self.changed.wait_timeout(notified, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        *self.lock() = true;
        self.changed.notify_all();
    }
}
