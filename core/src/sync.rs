//! The state that threads share. `tests/races` compiles files that use it against a model of threads, which replaces
//! this module.

pub(crate) use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

pub(crate) use atomic_waker::AtomicWaker;
pub(crate) use concurrent_queue::ConcurrentQueue;
