//! The current executor is that of the enclosing `Runtime::block_on`, else smol's global one.

use std::sync::mpsc;
use std::time::Duration;

use stelo_runtime::Runtime;
use stelo_smol::Smol;

#[test]
fn tasks_of_smol_find_the_global_executor() {
    let (send, receive) = mpsc::channel();
    smol::block_on(async {
        let runtime = Smol::current().expect("there is always the global one");
        runtime.clone().spawn(async move {
            runtime.sleep(runtime.now()).await;
            let _ = send.send(std::thread::current().id());
        });
    });
    let thread = receive.recv_timeout(Duration::from_secs(20)).expect("the task runs");
    assert_ne!(thread, std::thread::current().id());
}

#[test]
fn an_executor_that_has_ended_drops_new_tasks() {
    let runtime = Smol::block_on(|runtime| async { runtime }).expect("the executor starts");
    let (send, receive) = mpsc::channel::<()>();
    runtime.spawn(async move { drop(send) });
    assert!(receive.recv().is_err());
}

#[test]
fn the_outer_executor_is_current_again_after_the_inner_one() {
    Smol::block_on(|outer| async move {
        Smol::block_on(|_| async {}).expect("the executor starts");
        let (send, receive) = mpsc::channel();
        Smol::current().expect("always").spawn(async move {
            let _ = send.send(std::thread::current().id());
        });
        outer.sleep(outer.now() + Duration::from_millis(1)).await;
        assert_eq!(receive.try_recv(), Ok(std::thread::current().id()));
    })
    .expect("the executor starts");
}
