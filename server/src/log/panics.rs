//! Panics while nothing reads standard error.
//!
//! The panic hook of the standard library writes to standard error and waits until the write is complete. In a handler it
//! would block the thread, and with it the other connections of the thread.

use std::io;
use std::os::fd::AsFd;
use std::panic::{PanicHookInfo, set_hook, take_hook};

use stelo_os::output;
use tracing::error;

use super::SERVER;
use super::sink::streams;

/// Puts a hook before the one of the program, which is only called while standard error has room for a message with its
/// backtrace, and if server lines do not go to a file instead.
pub(super) fn install(to_file: bool) {
    let inner = take_hook();
    set_hook(Box::new(move |info| {
        let accepts = || streams().stderr.is_idle() && output::has_room(io::stderr().as_fd());
        if !to_file && accepts() {
            inner(info);
        } else {
            log(info);
        }
    }));
}

/// Logs a panic as a line, which is dropped if the buffer of the log is full.
fn log(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let message =
        text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)");
    match info.location() {
        Some(place) => error!(target: SERVER, "Panic at {place}: {message}"),
        None => error!(target: SERVER, "Panic: {message}"),
    }
}
