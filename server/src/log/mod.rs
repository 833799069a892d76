//! The log: server lines to stderr, access lines to stdout, everything through `tracing`.
//!
//! [`init`] gives a program Uvicorn's lines; a program that installs a subscriber of its own gets the same events
//! with their fields instead. The look of a line is in `format`, the wording in [`messages`](crate::messages).

mod format;

use std::cell::Cell;
use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

use stelo_core::app::Address;
use stelo_core::http::{RequestHead, Status};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::set_global_default;
use tracing::{Event, Level, Metadata, Subscriber, enabled, field, info};

use crate::{Config, LogLevel};
use format::Colours;
pub(crate) use format::Escaped;

/// The target of what the server says about itself.
pub const SERVER: &str = "stelo.server";

/// The target of the access lines, one for each response.
pub const ACCESS: &str = "stelo.access";

/// Has events printed in Uvicorn's manner, those of the application too, from [`Log::level`](crate::Log::level) upward.
///
/// Colours are used on terminals, unless `NO_COLOR` is set, and everywhere if `FORCE_COLOR` is. Does nothing if the
/// program has already installed a subscriber.
pub fn init(config: &Config) {
    let colours = Colours {
        server: colours(&io::stderr(), |name| env::var_os(name)),
        access: colours(&io::stdout(), |name| env::var_os(name)),
    };
    // Fails where there is one already.
    let _ = set_global_default(Lines::new(config, colours, print));
}

/// Whether anyone wants access lines. Worth asking once per connection, where [`Log::access`](crate::Log::access) is on.
pub fn access_enabled() -> bool {
    enabled!(target: ACCESS, Level::INFO)
}

/// One access line: `127.0.0.1:44650 - "GET /x?y=1 HTTP/1.1" 200 OK`, the target as it came.
pub fn access(client: Option<&Address>, head: &RequestHead, status: Status) {
    // Fields and no message: a subscriber that stores fields has no use for a line, and the formatter makes it of
    // them in this order.
    info!(
        target: ACCESS,
        client = client.map(field::display),
        method = head.method().as_str(),
        target = head.target(),
        version = field::display(head.version()),
        status = status.code(),
    );
}

/// The access line of a handshake: `127.0.0.1:44650 - "WebSocket /chat" [accepted]`, or its status if it was declined.
pub fn handshake(client: Option<&Address>, head: &RequestHead, status: Status) {
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
    // Whoever listened may be gone, and there is nobody else to tell.
    let _ = match metadata.target() {
        ACCESS => io::stdout().write_all(line.as_bytes()),
        _ => io::stderr().write_all(line.as_bytes()),
    };
}

/// Makes a line of each event. Spans are not in the lines, and so are not kept.
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
    /// The memory of the last line. Taken while one is written: a field may log something itself.
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
        // A thread that ends has no memory any more.
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
