//! Watches this process: threads that are blocked, its age and its memory.
//!
//! Each executor thread has a task (`pulse`) that a thread of its own (`watcher`) wakes once a second. A task that does not
//! run means that a handler blocks its thread. No request costs anything for this. What follows is up to the supervisor,
//! if there is one.

mod pulse;
mod watcher;

pub(crate) use pulse::Pulse;
pub(crate) use watcher::{Watched, Watcher};
