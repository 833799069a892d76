//! The current executor is that of the enclosing `Runtime::block_on`, else async-std's.

use std::thread;
use std::time::Duration;

use async_std::channel;
use stelo_async_std::AsyncStd;
use stelo_runtime::Runtime;

/// Returns the thread that runs the tasks of the current executor.
async fn thread_of_a_task() -> thread::ThreadId {
    let runtime = AsyncStd::current().expect("there is always one");
    let (send, receive) = channel::bounded(1);
    runtime.spawn(async move {
        let _ = send.send(thread::current().id()).await;
    });
    receive.recv().await.expect("the task runs")
}

#[test]
fn tasks_of_async_std_find_its_executor() {
    assert_ne!(async_std::task::block_on(thread_of_a_task()), thread::current().id());
}

#[test]
fn tasks_within_a_block_on_stay_on_its_thread() {
    let id = AsyncStd::block_on(|_| thread_of_a_task()).expect("the executor starts");
    assert_eq!(id, thread::current().id());
}

#[test]
fn tasks_of_async_std_run_on_its_own_threads() {
    let id = AsyncStd::block_on(|_| async_std::task::spawn(async { thread::current().id() }));
    assert_ne!(id.expect("the executor starts"), thread::current().id());
}

#[test]
fn timers_of_async_std_fire_within_block_on() {
    AsyncStd::block_on(|_| async_std::task::sleep(Duration::from_millis(1))).expect("the executor starts");
}
