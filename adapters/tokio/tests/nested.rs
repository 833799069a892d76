//! An executor inside a runtime of tokio, which must not wait for another one.

use std::io::ErrorKind;

use stelo_runtime::Runtime;
use stelo_tokio::Tokio;
use tokio::runtime::Builder;

/// Runs an executor, as a server does.
fn nested() -> Result<u32, ErrorKind> {
    Tokio::block_on(|_| async { 7 }).map_err(|error| error.kind())
}

#[test]
fn a_task_is_told_that_it_cannot_wait() {
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder.enable_all().build().unwrap();
        runtime.block_on(async {
            assert_eq!(nested(), Err(ErrorKind::Deadlock));
            assert_eq!(tokio::spawn(async { nested() }).await.unwrap(), Err(ErrorKind::Deadlock));
        });
    }
}

#[test]
fn threads_that_may_wait_do() {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    assert_eq!(nested(), Ok(7));
    assert_eq!(runtime.block_on(async { tokio::task::spawn_blocking(nested).await }).unwrap(), Ok(7));
    let _context = runtime.enter();
    assert_eq!(nested(), Ok(7));
}
