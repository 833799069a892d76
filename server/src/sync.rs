//! The state that threads share. `tests/races` compiles files that use it against a model of threads, which replaces
//! this module.

pub(crate) use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard};
