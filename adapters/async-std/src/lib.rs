//! Stelo on async-std, for programs that already use it.
//!
//! **async-std is no longer developed** (RUSTSEC-2025-0052), and its authors recommend smol. New programs should use
//! `stelo-smol`. This adapter stays thin for that reason.
//!
//! async-std has one executor for the whole process, with its own threads (`ASYNC_STD_THREAD_COUNT`). Outside of
//! `Runtime::block_on`, `Runtime::current` is that executor, and async-io serves the sockets and timers. `block_on`
//! makes an executor for the calling thread, with a reactor of its own. Its tasks are not tasks of async-std, so
//! `async_std::task::current` and `task_local!` do not find them. `async_std::task::spawn` works in both.
//!
//! ```
//! use stelo_async_std::AsyncStd;
//! use stelo_runtime::Runtime;
//!
//! let answer = AsyncStd::block_on(|runtime| async move {
//!     runtime.sleep(runtime.now() + std::time::Duration::from_millis(1)).await;
//!     42
//! })?;
//! assert_eq!(answer, 42);
//! # Ok::<(), std::io::Error>(())
//! ```

use std::future::Future;

use async_std::task;
use stelo_async_io::{Executor, Process};

/// An executor: that of a thread, or the process-wide one of async-std.
pub type AsyncStd = Executor<Global>;

/// The process-wide executor of async-std.
#[derive(Clone, Copy, Debug)]
pub struct Global;

impl Process for Global {
    const NAME: &'static str = "async-std";

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        // The task runs on without its handle.
        drop(task::spawn(future));
    }

    fn blocking(work: Box<dyn FnOnce() + Send>) {
        drop(task::spawn_blocking(work));
    }
}

/// The README. Its example is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
