//! The thread of the test, and what happens to calls that block it.

use std::fmt::Display;
use std::future::Future;

use super::executor::{Limits, Stuck, TestExecutor};

/// Knows which threads must not be blocked, because an executor needs them. The toolkit names no executor, so the
/// `stelo` crate implements it for the executors of its features.
pub trait Host: 'static {
    /// Returns whether a call of the client must not block this thread. `idle` says that nothing of the application can
    /// make progress unless an executor outside of the client does.
    fn forbids_blocking(idle: bool) -> bool;
}

/// A host that knows no executor. A call that blocks the thread of one ends when its timeout expires.
#[derive(Clone, Copy, Debug)]
pub struct AnyHost;

impl Host for AnyHost {
    fn forbids_blocking(_: bool) -> bool {
        false
    }
}

/// Runs a future on this thread. `what` is the subject of the sentence if that is not possible, and `instead` what to
/// write.
///
/// # Panics
/// If the thread must not be blocked, or nothing makes progress.
#[track_caller]
pub(super) fn block_on<T>(
    executor: &TestExecutor,
    limits: Limits,
    (what, instead): (&dyn Display, &str),
    future: impl Future<Output = T>,
) -> T {
    match executor.run(limits, future) {
        Ok(result) => result,
        Err(stuck) => panic!("{}", explain(&stuck, what, instead)),
    }
}

/// Returns one sentence that says why a call has been given up, and what to write.
pub(super) fn explain(stuck: &Stuck, what: &dyn Display, instead: &str) -> String {
    match stuck {
        Stuck::Thread => {
            format!("{what} waits for an executor, and blocks the thread that runs it: {instead}")
        }
        Stuck::Timeout(time) => format!(
            "{what} has made no progress for {time:?}: `with_timeout` sets another limit; if it waits for an executor on this thread, {instead}"
        ),
    }
}
