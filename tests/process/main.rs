//! The runnable servers as an operator meets them: command line, lines of the log, signals, exit codes; and clients
//! that everybody has: curl, Python's httpx and websockets.
//!
//! The programs are built by the first case that needs one. A case runs `stelo-server-tokio`, or `stelo-server-smol` with
//! one of its executors.

mod curl;
mod program;
mod python;
mod refusals;
mod running;
mod settings;
mod signals;
