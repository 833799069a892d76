//! Worker processes: a supervisor that starts them, and their link to it.
//!
//! The supervisor binds the listening sockets and executes its own program again for each worker, which inherits them.
//! The sockets stay open for as long as the supervisor runs, so connections that wait to be accepted survive every
//! worker. `plan` decides, `driver` makes the system calls, `start` starts processes, and `link` is the side of the worker,
//! which sends a `message`. `upgrade` hands the sockets to a new supervisor; `pid_file` is the file of `--pid`. `notify`
//! informs the service manager, and `reload` builds the program when it changes. Names no executor.

mod driver;
mod link;
mod message;
mod notify;
mod pid_file;
mod plan;
mod reload;
mod start;
mod upgrade;

pub(crate) use driver::{Supervision, check, supervise};
pub(crate) use link::Link;
pub(crate) use message::{Message, Teller};
pub(crate) use notify::{Beat, Notify};
pub(crate) use pid_file::PidFile;
pub(crate) use upgrade::Upgrade;
