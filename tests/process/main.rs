//! The runnable servers as an operator meets them: command line, lines of the log, signals, exit codes; and two clients
//! that everybody has, curl and Python's httpx.
//!
//! The programs are built by the first case that needs one. A case runs `stelo-server-tokio`, or `stelo-server-smol` with
//! one of its executors.

mod curl;
mod program;
mod python;
mod refusals;
mod running;
mod signals;
