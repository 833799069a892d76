//! The runnable servers as processes: settings, lines of the log, signals, exit codes. Clients are curl, openssl,
//! and httpx and websockets of Python.
//!
//! The first case builds the programs. A case runs `stelo-server-tokio`, or `stelo-server-smol` with one of its executors.

mod admin;
mod curl;
#[cfg(feature = "tls")]
mod curl_tls;
mod deploy;
mod health;
mod identity;
mod log;
mod log_forms;
#[cfg(feature = "tls")]
mod openssl;
mod program;
mod python;
mod refusals;
mod reload;
mod running;
mod settings;
mod signals;
mod systemd;
#[cfg(feature = "tls")]
mod tls;
mod upgrades;
mod workers;
