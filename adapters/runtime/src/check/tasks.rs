//! Spawning, blocking work, timers.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use super::peer::{Flag, PATIENCE};
use crate::{Runtime, Sleep};

const MOMENT: Duration = Duration::from_millis(5);

/// Runs the case on the executor.
fn run<R: Runtime, F: Future>(case: impl FnOnce(R) -> F) -> F::Output {
    R::block_on(case).expect("the executor starts")
}

/// Timers complete in the order of their deadlines, and not before them. A deadline in the past completes at once.
pub fn timers_in_order<R: Runtime>() {
    run(|runtime: R| async move {
        let start = runtime.now();
        runtime.sleep(start).await;

        let deadlines = [3, 1, 2].map(|n| start + n * 4 * MOMENT);
        let mut timers: Vec<_> = deadlines.iter().map(|deadline| Some(runtime.sleep(*deadline))).collect();
        let mut order = Vec::new();
        poll_fn(|cx| {
            for (timer, deadline) in timers.iter_mut().zip(deadlines) {
                if timer.as_mut().is_some_and(|timer| Pin::new(timer).poll(cx).is_ready()) {
                    assert!(runtime.now() >= deadline);
                    order.push(deadline);
                    *timer = None;
                }
            }
            if order.len() == deadlines.len() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        // If the machine was suspended over two deadlines, both are polled in the order of the list.
        let late = runtime.now() - start > 13 * MOMENT;
        assert!(late || order.is_sorted(), "{order:?}");
    });
}

/// A timer completes at its new deadline, earlier or later. A completed timer becomes pending again.
pub fn timer_reset<R: Runtime>() {
    run(|runtime: R| async move {
        let mut timer = runtime.sleep(runtime.now() + Duration::from_secs(3600));
        poll_fn(|cx| {
            assert!(Pin::new(&mut timer).poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        for wait in [MOMENT, 2 * MOMENT] {
            let deadline = runtime.now() + wait;
            timer.reset(deadline);
            (&mut timer).await;
            assert!(runtime.now() >= deadline);
        }
        let near = runtime.now() + MOMENT;
        timer.reset(near);
        timer.reset(near + MOMENT);
        timer.await;
        assert!(runtime.now() >= near + MOMENT);
    });
}

/// A handle works on any thread, and wakes an executor that waits for events.
pub fn spawn_from_another_thread<R: Runtime>() {
    run(|runtime: R| async move {
        let flag = Flag::default();
        let raise = flag.clone();
        thread::spawn(move || runtime.spawn(async move { raise.raise() }));
        flag.raised().await;
    });
}

/// A task finds its executor, and so does a task that it has spawned.
pub fn current_spawns<R: Runtime>() {
    run(|_: R| async move {
        let flag = Flag::default();
        let raise = flag.clone();
        R::current().expect("a task is running").spawn(async move {
            R::current().expect("a task is running").spawn(async move { raise.raise() });
        });
        flag.raised().await;
    });
}

/// Blocking work does not block the executor.
pub fn blocking_work<R: Runtime>() {
    run(|runtime: R| async move {
        let flag = Flag::default();
        let raise = flag.clone();
        let (go_on, told) = mpsc::channel();
        runtime.blocking(Box::new(move || {
            told.recv_timeout(PATIENCE).expect("the executor goes on meanwhile");
            raise.raise();
        }));
        let spawned = Flag::default();
        let raise = spawned.clone();
        runtime.spawn(async move { raise.raise() });
        spawned.raised().await;
        runtime.sleep(runtime.now() + MOMENT).await;
        go_on.send(()).expect("the work waits for this");
        flag.raised().await;
    });
}

/// A panic ends one task only.
pub fn panic_is_contained<R: Runtime>() {
    run(|runtime: R| async move {
        runtime.spawn(async { panic!("a panic that belongs to the test") });
        let flag = Flag::default();
        let raise = flag.clone();
        runtime.spawn(async move { raise.raise() });
        flag.raised().await;
        runtime.sleep(runtime.now() + MOMENT).await;
    });
}

/// `block_on` drops the tasks that have not ended, and does not wait for blocking work. For adapters whose executor ends
/// with `block_on`, so it is not part of the suite.
pub fn dropped_at_the_end<R: Runtime>() {
    let held = Arc::new(());
    let in_task = Arc::clone(&held);
    let (_hold, told) = mpsc::channel::<()>();
    run(|runtime: R| async move {
        let flag = Flag::default();
        let raise = flag.clone();
        let handle = runtime.clone();
        runtime.spawn(async move {
            // A handle within a task must not keep the executor alive.
            let _held = (handle, in_task);
            raise.raise();
            pending::<()>().await;
        });
        runtime.blocking(Box::new(move || {
            let _ = told.recv();
        }));
        flag.raised().await;
    });
    assert_eq!(Arc::strong_count(&held), 1);
}
