//! Worker processes: a supervisor that starts them, and their link to it.
//!
//! The supervisor binds the listening sockets and executes its own program again for each worker, which inherits them.
//! The sockets stay open for as long as the supervisor runs, so connections that wait to be accepted survive every
//! worker. `plan` decides, `driver` makes the system calls, and `link` is the side of the worker. Names no executor.

mod driver;
mod link;
mod plan;

pub(crate) use driver::supervise;
pub(crate) use link::Link;
