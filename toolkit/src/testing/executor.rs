//! The executor of the test client: the thread that waits for the response polls all tasks.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use stelo_core::app::{BoxFuture, Executor};

use crate::request::executor::finished;

/// An executor that makes progress only inside [`run`](Self::run).
#[derive(Clone, Default)]
pub(super) struct TestExecutor(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The spawned tasks that have not ended.
    tasks: Vec<BoxFuture<()>>,
    /// The number of blocking jobs that have not ended.
    blocking: usize,
    /// Whether a task was woken since the last poll.
    woken: bool,
}

impl TestExecutor {
    /// Runs a future to its end, and then the spawned tasks until none of them can make progress.
    pub(super) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let waker = Waker::from(self.0.clone());
        let mut cx = Context::from_waker(&waker);
        let mut future = pin!(future);
        let result = loop {
            if let Poll::Ready(result) = future.as_mut().poll(&mut cx) {
                break result;
            }
            self.poll_tasks(&mut cx);
            self.0.wait();
        };
        loop {
            self.poll_tasks(&mut cx);
            if !self.0.may_go_on() {
                return result;
            }
            self.0.wait();
        }
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
        self.0.lock().tasks = waiting;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a task was woken, or a blocking job will wake one.
    fn may_go_on(&self) -> bool {
        let state = self.lock();
        !state.tasks.is_empty() && (state.woken || state.blocking > 0)
    }

    fn wait(&self) {
        let mut state = self.lock();
        while !std::mem::take(&mut state.woken) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.lock().woken = true;
        self.changed.notify_all();
    }
}

impl Executor for TestExecutor {
    fn spawn(&self, future: BoxFuture<()>) {
        self.0.lock().tasks.push(future);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let start = |work: Box<dyn FnOnce() + Send>| drop(std::thread::spawn(work));
        Box::pin(finished(start, move || std::thread::sleep(duration)))
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
}
