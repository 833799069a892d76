//! The state that threads share, and what the system reports. `tests/races` compiles files that use it against a model
//! of threads, which replaces this module.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

pub(crate) use atomic_waker::AtomicWaker;
pub(crate) use mio::Waker as Alarm;
pub(crate) use mio::event::Event;
