//! The log: server lines to stderr, access lines to stdout, everything through `tracing`.
//!
//! [`init`] gives a program Uvicorn's lines; a program that installs a subscriber of its own gets the same events
//! with their fields instead. The look of a line is in `format`, the wording in [`messages`](crate::messages).

mod format;

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Stderr, Stdout};

use stelo_core::app::Address;
use stelo_core::http::{RequestHead, Status};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{Subscriber, set_global_default};
use tracing::{Level, Metadata, enabled, field, info};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::EitherWriter;
use tracing_subscriber::prelude::*;

use crate::{Config, LogLevel};
use format::{Colours, Format};

/// The target of what the server says about itself.
pub const SERVER: &str = "stelo.server";

/// The target of the access lines, one for each response.
pub const ACCESS: &str = "stelo.access";

/// Has events printed in Uvicorn's manner, those of the application too, from [`Config::log_level`] upward.
///
/// Colours are used on terminals, unless `NO_COLOR` is set, and everywhere if `FORCE_COLOR` is. Does nothing if the
/// program has already installed a subscriber.
pub fn init(config: &Config) {
    let colours = Colours {
        server: colours(&io::stderr(), |name| env::var_os(name)),
        access: colours(&io::stdout(), |name| env::var_os(name)),
    };
    // Fails where there is one already.
    let _ = set_global_default(subscriber(config, colours, Streams));
}

/// Whether anyone wants access lines. Worth asking once per connection, where [`Config::access_log`] is on.
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

fn subscriber<W>(config: &Config, colours: Colours, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = match config.log_level {
        LogLevel::Critical | LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let access = if config.access_log { level } else { LevelFilter::OFF };
    let lines = tracing_subscriber::fmt::layer()
        .event_format(Format(colours))
        .with_writer(writer)
        // It would tell stderr, and panic where that is gone.
        .log_internal_errors(false);
    tracing_subscriber::registry()
        .with(lines)
        .with(Targets::new().with_default(level).with_target(ACCESS, access))
}

fn colours(stream: &impl IsTerminal, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name| variable(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && (set("FORCE_COLOR") || stream.is_terminal())
}

/// Where lines go: access lines to stdout, the others to stderr.
struct Streams;

impl<'a> MakeWriter<'a> for Streams {
    type Writer = EitherWriter<Stderr, Stdout>;

    fn make_writer(&'a self) -> Self::Writer {
        EitherWriter::A(io::stderr())
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        if metadata.target() == ACCESS { EitherWriter::B(io::stdout()) } else { self.make_writer() }
    }
}

#[cfg(test)]
mod tests;
