//! The executor of the test client. The future that waits for a response polls all tasks of the application, either in
//! the executor of the test or on a blocked thread.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant, SystemTime};

use stelo_core::app::{BoxFuture, Executor};

use super::clock::Clock;
use super::line::Line;

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
    /// Whether the shutdown has begun.
    stopping: bool,
    /// The sleeps that have not ended.
    clock: Clock,
    /// The WebSockets. Only the tasks and the drivers change them.
    lines: Vec<Weak<Line>>,
    /// Whether a task was woken since the last poll.
    woken: bool,
    /// The wakers of the futures that drive this executor.
    drivers: Vec<Waker>,
}

/// The waker of the tasks during one call of `drive`. Its copies are counted: only sleeps, or something else too, can
/// wake the tasks.
struct Alarm(Arc<Shared>);

/// A waker whose copies are not counted, for what the tasks alone can wake.
struct Inside(Arc<Shared>);

/// The way in which time passes while every task sleeps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    /// The executor of the test has timers of its own, so time passes.
    Passes,
    /// Skips to the end of the next sleep if nothing else can wake a task.
    Skips,
    /// Skips even if the tasks also wait for something else.
    AlwaysSkips,
}

/// The limits of a call that blocks its thread.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// The longest time without progress.
    pub(super) timeout: Duration,
    /// Whether sleeps are skipped although something else could wake a task.
    pub(super) skips_sleeps: bool,
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
        self.drive_in(Time::Passes, future).await
    }

    async fn drive_in<T>(&self, time: Time, future: impl Future<Output = T>) -> T {
        let alarm = Arc::new(Alarm(self.0.clone()));
        let waker = Waker::from(alarm.clone());
        let (mut future, mut result) = (pin!(future), None);
        poll_fn(|cx| {
            let has_ended = self.poll_once(time, &alarm, &waker, cx, &mut |inner| {
                if result.is_none()
                    && let Poll::Ready(ready) = future.as_mut().poll(inner)
                {
                    result = Some(ready);
                }
                result.is_some()
            });
            if has_ended { result.take().map_or(Poll::Pending, Poll::Ready) } else { Poll::Pending }
        })
        .await
    }

    /// Polls the driven future by `advance`, which returns whether it has ended, and then the tasks. Returns whether the
    /// future has ended and no task can go on. Compiled once for all types of futures.
    fn poll_once(
        &self,
        time: Time,
        alarm: &Arc<Alarm>,
        waker: &Waker,
        cx: &Context<'_>,
        advance: &mut dyn FnMut(&mut Context<'_>) -> bool,
    ) -> bool {
        self.0.enter(cx.waker());
        let mut inner = Context::from_waker(waker);
        let has_ended = advance(&mut inner);
        self.poll_tasks(&mut inner);
        if has_ended && !self.0.may_go_on() {
            return true;
        }
        match time {
            Time::Passes => self.0.set_alarm(),
            // The alarm and the waker hold a copy each.
            Time::Skips => self.0.skip(|state| Arc::strong_count(alarm) - 2 == state.wakes(waker)),
            Time::AlwaysSkips => self.0.skip(|_| true),
        }
        false
    }

    /// Drives a future on this thread, which is blocked while nothing makes progress.
    ///
    /// # Errors
    /// The thread must not be blocked, or nothing makes progress.
    pub(super) fn run<T>(&self, limits: Limits, future: impl Future<Output = T>) -> Result<T, Stuck> {
        let time = if limits.skips_sleeps { Time::AlwaysSkips } else { Time::Skips };
        let (mut driven, mut result) = (pin!(self.drive_in(time, future)), None);
        self.block(limits, &mut |cx| {
            if let Poll::Ready(ready) = driven.as_mut().poll(cx) {
                result = Some(ready);
            }
            result.is_some()
        })?;
        result.ok_or(Stuck::Timeout(limits.timeout))
    }

    /// Blocks this thread until `advance` returns that the future has ended.
    fn block(&self, limits: Limits, advance: &mut dyn FnMut(&mut Context<'_>) -> bool) -> Result<(), Stuck> {
        let parker = Arc::new(Parker::default());
        let waker = Waker::from(parker.clone());
        loop {
            if advance(&mut Context::from_waker(&waker)) {
                return Ok(());
            }
            let is_idle = !parker.is_notified() && !self.0.wakes_itself();
            if (limits.forbids_blocking)(is_idle) {
                return Err(Stuck::Thread);
            }
            let sleep = self.0.lock().clock.left().filter(|left| *left < limits.timeout);
            if parker.park(sleep.unwrap_or(limits.timeout)) {
                continue;
            }
            if sleep.is_none() {
                return Err(Stuck::Timeout(limits.timeout));
            }
            self.0.wake_sleepers();
        }
    }

    /// Returns a waker for what only tasks of this executor wake.
    pub(super) fn waker(&self) -> Waker {
        Waker::from(Arc::new(Inside(self.0.clone())))
    }

    /// Begins the shutdown, for tasks that wait for it.
    pub(super) fn begin_shutdown(&self) {
        self.0.lock().stopping = true;
        self.0.wake();
    }

    /// Drops the tasks that have not ended, as a server does after its graceful timeout.
    pub(super) fn drop_tasks(&self) {
        let tasks = std::mem::take(&mut self.0.lock().tasks);
        // Not under the lock: their values are the application's, and may use the executor.
        drop(tasks);
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

    /// Adds a WebSocket.
    pub(super) fn add_line(&self, line: &Arc<Line>) {
        let mut state = self.0.lock();
        state.lines.retain(|line| line.strong_count() > 0);
        state.lines.push(Arc::downgrade(line));
    }

    /// Returns the time of the machine, put forward by the sleeps that were skipped.
    pub(super) fn now(&self) -> SystemTime {
        let now = SystemTime::now();
        now.checked_add(self.0.lock().clock.skipped()).unwrap_or(now)
    }
}

impl State {
    /// Returns the number of copies of a waker that sleeps and WebSockets hold.
    fn wakes(&self, waker: &Waker) -> usize {
        let lines = self.lines.iter().filter_map(Weak::upgrade).map(|line| line.wakes(waker));
        self.clock.wakes(waker) + lines.sum::<usize>()
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
        state.blocking > 0 || !state.clock.is_idle()
    }

    /// Skips to the end of the next sleep, if every task sleeps and `is_alone` says that nothing else wakes one.
    fn skip(&self, is_alone: impl FnOnce(&State) -> bool) {
        let mut state = self.lock();
        if state.woken || state.blocking > 0 || state.clock.is_idle() || !is_alone(&state) {
            return;
        }
        state.clock.skip();
        drop(state);
        self.wake_sleepers();
    }

    /// Wakes the tasks whose sleep has ended.
    fn wake_sleepers(&self) {
        let due = self.lock().clock.due();
        due.into_iter().for_each(Waker::wake);
    }

    /// Has a thread wake the drivers when the next sleep ends.
    fn set_alarm(self: &Arc<Self>) {
        let left = self.lock().clock.set_alarm();
        if let Some(left) = left {
            let shared = self.clone();
            std::thread::spawn(move || {
                std::thread::sleep(left);
                shared.wake_sleepers();
            });
        }
    }

    /// Wakes whatever drives the executor.
    fn wake(&self) {
        let drivers = {
            let mut state = self.lock();
            state.woken = true;
            std::mem::take(&mut state.drivers)
        };
        drivers.into_iter().for_each(Waker::wake);
    }
}

impl Wake for Inside {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}

impl Executor for TestExecutor {
    fn spawn(&self, future: BoxFuture<()>) {
        self.0.lock().tasks.push(future);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let id = self.0.lock().clock.sleep(duration);
        Box::pin(Sleep { shared: self.0.clone(), id })
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.0.lock().blocking += 1;
        let shared = self.0.clone();
        std::thread::spawn(move || {
            work();
            shared.lock().blocking -= 1;
            shared.wake();
        });
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

/// A sleep of the application.
struct Sleep {
    shared: Arc<Shared>,
    id: u64,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.shared.lock().clock.has_ended(self.id, cx.waker()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.shared.lock().clock.remove(self.id);
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
