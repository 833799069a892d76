//! The log: server lines to stderr, access lines to stdout, everything through `tracing`.
//!
//! [`init`] prints Uvicorn's lines. A program that installs its own subscriber gets the same events with their fields
//! instead. `format` formats a line, and `writer` writes it without blocking the threads that serve; `messages` has the
//! wording.

mod format;
mod json;
mod limit;
mod lines;
mod moment;
mod panics;
mod pattern;
mod record;
mod sink;
mod writer;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use stelo_core::app::Address;
use stelo_core::http::{RequestHead, Status};
use stelo_os::output;
use tracing::dispatcher::get_default;
use tracing::subscriber::{NoSubscriber, set_global_default};
use tracing::{field, info};

use crate::{Config, ServeError};
pub(crate) use format::Escaped;
pub(crate) use limit::Limit;
use lines::Lines;
pub(crate) use record::{Access, Observer, Watch, Watching};

/// The target of what the server says about itself.
pub const SERVER: &str = "stelo.server";

/// The target of the access lines, one for each response.
pub const ACCESS: &str = "stelo.access";

/// The subscriber of the process is that of [`init`].
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// Installs a subscriber that prints events as [`Log`](crate::config::Log) says: in Uvicorn's format, or as JSON.
///
/// It prints the events of the application too. Lines are coloured on a terminal, unless `NO_COLOR` is set, and everywhere
/// if `FORCE_COLOR` is set. Does nothing if the program has already installed a subscriber.
///
/// A thread for each stream or file writes the lines, so one that accepts nothing holds up nothing else. Up to 1 MiB of
/// lines may wait for it. Further lines are dropped, and a later line has their number. What waits when the process ends
/// is written for up to a second.
///
/// # Errors
/// A file of the log cannot be opened. Lines are printed to the standard streams then.
pub fn init(config: &Config) -> Result<(), ServeError> {
    if !get_default(|subscriber| subscriber.is::<NoSubscriber>()) {
        return Ok(());
    }
    let mut result = Ok(());
    let lines = Lines::open(&config.log).unwrap_or_else(|error| {
        result = Err(error);
        Lines::standard(&config.log)
    });
    // Fails if another thread has just installed a subscriber.
    if set_global_default(lines).is_ok() {
        INSTALLED.store(true, Ordering::Relaxed);
        panics::install(config.log.error_file.is_some());
        // If the system refuses, the last lines may be lost.
        let _ = output::at_exit(flush);
    }
    result
}

/// Opens the files of the log again by their paths, after a tool such as `logrotate` has renamed them.
///
/// A file that cannot be opened stays the old one, and a line says why.
pub fn reopen() {
    sink::reopen();
}

/// Waits until the lines of the log are written, for at most a second for each stream or file that accepts nothing.
pub(crate) extern "C" fn flush() {
    sink::flush();
}

/// Whether the subscriber of the process is that of [`init`].
fn is_installed() -> bool {
    INSTALLED.load(Ordering::Relaxed)
}

/// Displays a request in a line about it: `GET /path from 127.0.0.1:44650`. Clients of Unix sockets have no address.
pub(crate) struct About<'a> {
    pub(crate) head: &'a RequestHead,
    pub(crate) client: Option<&'a Address>,
}

impl fmt::Display for About<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.head.method(), self.head.path(), FromClient(self.client))
    }
}

/// Displays the client of a request, with a word before it; nothing if it has no address.
pub(crate) struct FromClient<'a>(pub(crate) Option<&'a Address>);

impl fmt::Display for FromClient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(client) => write!(f, " from {client}"),
            None => Ok(()),
        }
    }
}

/// Logs an access line: `127.0.0.1:44650 - "GET /x?y=1 HTTP/1.1" 200 OK`. The target is not decoded.
pub(crate) fn access(client: Option<&Address>, head: &RequestHead, status: Status) {
    // Fields without a message: `format` builds the line from them, in this order, and a subscriber that stores fields
    // needs no line.
    info!(
        target: ACCESS,
        client = client.map(field::display),
        method = head.method().as_str(),
        target = head.target(),
        version = field::display(head.version()),
        status = status.code(),
    );
}

/// Logs the access line of a handshake: `127.0.0.1:44650 - "WebSocket /chat" [accepted]`, or its status if it was declined.
pub(crate) fn handshake(client: Option<&Address>, head: &RequestHead, status: Status) {
    info!(
        target: ACCESS,
        client = client.map(field::display),
        websocket = head.target(),
        status = status.code(),
    );
}

#[cfg(test)]
mod tests;
