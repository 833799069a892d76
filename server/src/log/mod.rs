//! The log: server lines to stderr, access lines to stdout, everything through `tracing`.
//!
//! [`init`] prints Uvicorn's lines. A program that installs its own subscriber gets the same events with their fields
//! instead. `format` formats a line, and `writer` writes it without blocking the threads that serve; `messages` has the
//! wording.

mod format;
mod limit;
mod panics;
mod writer;

use std::cell::Cell;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::{Arc, OnceLock};

use stelo_core::app::Address;
use stelo_core::http::{RequestHead, Status};
use stelo_os::output;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::set_global_default;
use tracing::{Event, Level, Metadata, Subscriber, enabled, field, info, warn};

use crate::{Config, LogLevel};
use format::Colours;
pub(crate) use format::Escaped;
pub(crate) use limit::Limit;
use writer::Writer;

/// The target of what the server says about itself.
pub const SERVER: &str = "stelo.server";

/// The target of the access lines, one for each response.
pub const ACCESS: &str = "stelo.access";

/// Installs a subscriber that prints events in Uvicorn's format, from [`Log::level`](crate::config::Log::level) upwards.
///
/// It prints the events of the application too. Lines are coloured on a terminal, unless `NO_COLOR` is set, and everywhere
/// if `FORCE_COLOR` is set. Does nothing if the program has already installed a subscriber.
///
/// A thread for each stream writes the lines, so a stream that accepts nothing holds up nothing else. Up to 1 MiB of lines
/// may wait for it. Further lines are dropped, and a later line has their number. What waits when the process ends is
/// written for up to a second.
pub fn init(config: &Config) {
    let colours = Colours {
        server: colours(&io::stderr(), |name| env::var_os(name)),
        access: colours(&io::stdout(), |name| env::var_os(name)),
    };
    // Fails if there is a subscriber.
    if set_global_default(Lines::new(config, colours, print)).is_ok() {
        panics::install();
        // If the system refuses, the last lines may be lost.
        let _ = output::at_exit(flush);
    }
}

/// The streams of the log.
struct Streams {
    access: Arc<Writer>,
    server: Arc<Writer>,
}

/// Returns the streams of the process.
fn streams() -> &'static Streams {
    static STREAMS: OnceLock<Streams> = OnceLock::new();
    STREAMS.get_or_init(|| {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        Streams {
            access: Writer::new(
                move |bytes| output::write(stdout.as_fd(), bytes),
                |lines| dropped(lines, "standard output"),
            ),
            server: Writer::new(
                move |bytes| output::write(stderr.as_fd(), bytes),
                |lines| dropped(lines, "standard error"),
            ),
        }
    })
}

/// Logs that `stream` did not accept this number of lines.
fn dropped(lines: u64, stream: &str) {
    warn!(target: SERVER, "{lines} line(s) of the log were dropped: {stream} did not accept them");
}

/// Waits until the lines of the log are written, for at most a second for each stream that accepts nothing.
pub(crate) extern "C" fn flush() {
    streams().access.flush();
    streams().server.flush();
}

/// Whether a subscriber wants access lines. Checked once per connection, if [`Log::access`](crate::config::Log::access) is set.
pub(crate) fn access_enabled() -> bool {
    enabled!(target: ACCESS, Level::INFO)
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

fn colours(stream: &impl IsTerminal, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name| variable(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && (set("FORCE_COLOR") || stream.is_terminal())
}

/// Access lines go to stdout, the others to stderr.
fn print(metadata: &Metadata<'_>, line: &str) {
    match metadata.target() {
        ACCESS => streams().access.line(line),
        _ => streams().server.line(line),
    }
}

/// A subscriber that prints a line for each event. Lines do not show spans, so spans are not stored.
struct Lines<P> {
    level: LevelFilter,
    access: LevelFilter,
    colours: Colours,
    print: P,
}

impl<P: Fn(&Metadata<'_>, &str)> Lines<P> {
    fn new(config: &Config, colours: Colours, print: P) -> Self {
        let level = match config.log.level {
            LogLevel::Critical | LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warning => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        };
        let access = if config.log.access { level } else { LevelFilter::OFF };
        Self { level, access, colours, print }
    }
}

thread_local! {
    /// The buffer of a line. Taken while a line is written, because the `Debug` of a field may log.
    static LINE: Cell<String> = const { Cell::new(String::new()) };
}

impl<P: Fn(&Metadata<'_>, &str) + 'static> Subscriber for Lines<P> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let level = if metadata.target() == ACCESS { self.access } else { self.level };
        !metadata.is_span() && *metadata.level() <= level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn event(&self, event: &Event<'_>) {
        // A thread that ends has dropped its buffer.
        let mut line = LINE.try_with(Cell::take).unwrap_or_default();
        line.clear();
        if format::write(&mut line, event, self.colours).is_ok() {
            (self.print)(event.metadata(), &line);
        }
        let _ = LINE.try_with(|last| last.set(line));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[cfg(test)]
mod tests;
