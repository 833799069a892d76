//! The calls of the operating system that the standard library does not have. No other crate here makes system calls.
//!
//! The adapters of real executors share it, so that each of them is left with its reactor; the static files of the
//! toolkit and the supervisor of the server use it too. It knows no executor. Each module with `unsafe` code states
//! why the code is sound.
//!
//! [`files`] works on every system; the rest needs Unix.
//!
//! | module | contents |
//! |---|---|
//! | [`files`] | files of a directory: opening, reading what is in memory, noticing changes |
//! | [`socket`] | listening sockets: options, sharing, inherited descriptors, socket files; outgoing connections |
//! | [`health`] | memory, the states of threads, ending a child with a core dump |
//! | [`inherit`] | descriptors that child processes inherit |
//! | [`hand_over`] | descriptors that are sent to another process |
//! | [`process`] | whether processes run, names, the file mode mask, children that end |
//! | [`account`] | users and groups, and changing to them |
//! | [`readable`] | waiting for several descriptors without an executor |
//! | [`resolve`] | name resolution on a thread for blocking work |
//! | [`output`] | writing to descriptors that may not accept bytes, work at the end of the process |
//! | [`send_file`] | sending a file without reading it (`sendfile`) |
//! | [`signals`] | signals as bytes on a socket |
//! | [`Clock`] | the monotonic clock and the calendar clock |
//! | `TimerFd` | timers that are descriptors (`timerfd`, Linux) |

#[cfg(unix)]
pub mod account;
#[cfg(unix)]
mod clock;
pub mod files;
#[cfg(unix)]
pub mod hand_over;
#[cfg(unix)]
pub mod health;
#[cfg(unix)]
pub mod inherit;
#[cfg(unix)]
mod monotonic;
#[cfg(unix)]
pub mod output;
#[cfg(unix)]
pub mod process;
#[cfg(unix)]
mod ready;
#[cfg(unix)]
mod resolve;
#[cfg(unix)]
mod send_file;
#[cfg(unix)]
pub mod signals;
#[cfg(unix)]
pub mod socket;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod timer_fd;

#[cfg(unix)]
pub use clock::Clock;
#[cfg(unix)]
pub use ready::readable;
#[cfg(unix)]
pub use resolve::resolve;
#[cfg(unix)]
pub use send_file::{read_file, send_file};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use timer_fd::TimerFd;

/// The README. Its example is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
