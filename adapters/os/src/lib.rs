//! What the operating system offers and the standard library does not. The only crate here that makes system calls.
//!
//! The adapters of real executors share it, so that each of them is left with its reactor; the static files of the
//! toolkit and the supervisor of the server use it too. It knows no executor. Each module with `unsafe` code states
//! why the code is sound.
//!
//! | module | contents |
//! |---|---|
//! | [`socket`] | listening sockets: options, sharing, inherited descriptors, socket files |
//! | [`send_file`] | sending a file without reading it (`sendfile`) |
//! | [`signals`] | signals as bytes on a socket |
//! | [`Clock`] | the monotonic clock and the calendar clock |
//! | `TimerFd` | timers that are descriptors (`timerfd`, Linux) |

mod clock;
mod monotonic;
mod send_file;
pub mod signals;
pub mod socket;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod timer_fd;

pub use clock::Clock;
pub use send_file::send_file;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use timer_fd::TimerFd;
