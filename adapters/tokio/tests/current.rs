//! Runtimes that the program has made itself.

use std::sync::mpsc;
use std::time::Duration;

use stelo_runtime::{Bind, Runtime};
use stelo_tokio::Tokio;
use tokio::runtime::Builder;

#[test]
fn a_runtime_of_many_threads_is_used_from_outside_of_it() {
    let multi = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("it starts");
    let runtime = multi.block_on(async { Tokio::current() }).expect("a task is running");

    // This thread is not the runtime's: sockets and timers find it through the handle.
    let bind = Bind::Tcp(([127, 0, 0, 1], 0).into());
    let socket = runtime.bind(&bind).expect("some port is free");
    let _listener = runtime.listen(socket, 8).expect("it is bound");
    let sleep = runtime.sleep(runtime.now() + Duration::from_millis(1));
    let (send, receive) = mpsc::channel();
    runtime.spawn(async move {
        sleep.await;
        let _ = send.send(());
    });
    assert_eq!(receive.recv_timeout(Duration::from_secs(20)), Ok(()));
}

#[test]
fn without_a_runtime_there_is_none() {
    assert!(Tokio::current().is_err());
}
