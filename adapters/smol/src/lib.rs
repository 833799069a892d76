//! Stelo on smol.
//!
//! `Runtime::block_on` makes an executor for the calling thread, with a reactor of its own. Within other tasks,
//! `Runtime::current` is smol's global executor, and async-io serves the sockets and timers.
//!
//! ```
//! use stelo_runtime::Runtime;
//! use stelo_smol::Smol;
//!
//! let answer = Smol::block_on(|runtime| async move {
//!     runtime.sleep(runtime.now() + std::time::Duration::from_millis(1)).await;
//!     42
//! })?;
//! assert_eq!(answer, 42);
//! # Ok::<(), std::io::Error>(())
//! ```

use std::future::Future;

use stelo_async_io::{Executor, Process};

/// An executor of smol: that of a thread, or the global one.
pub type Smol = Executor<Global>;

/// The global executor of smol.
#[derive(Clone, Copy, Debug)]
pub struct Global;

impl Process for Global {
    const NAME: &'static str = "smol";

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(future).detach();
    }

    fn blocking(work: Box<dyn FnOnce() + Send>) {
        smol::unblock(work).detach();
    }
}

/// The README. Its example is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
