//! The format of a line of the log: `INFO:     message key=value`, and the access line with its quotes.
//!
//! Fields are written into the line in their order. Control characters are escaped, so that a client cannot forge a line or
//! control a terminal.

use std::fmt::{self, Debug, Display, Write};

use stelo_core::http::Status;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::ACCESS;

/// Writes the line of an event.
///
/// # Errors
/// One of its fields cannot be written.
pub(super) fn write(line: &mut String, event: &Event<'_>, colours: bool) -> fmt::Result {
    let metadata = event.metadata();
    let access = metadata.target() == ACCESS;
    if access && metadata.fields().field("message").is_some() {
        // The format of `--access-log-format` is that of the whole line.
        event.record(&mut Message(Escaped(line)));
        return line.write_char('\n');
    }
    let (name, colour) = match *metadata.level() {
        Level::ERROR => ("ERROR", "31"),
        Level::WARN => ("WARNING", "33"),
        Level::INFO => ("INFO", "32"),
        Level::DEBUG => ("DEBUG", "36"),
        Level::TRACE => ("TRACE", "34"),
    };
    // Aligned to CRITICAL, Uvicorn's longest level.
    let blank = "CRITICAL: ".len() - name.len() - ":".len();
    write!(line, "{}:{:blank$}", Painted { text: name, colour, colours }, "")?;
    if access {
        let mut fields = AccessLine { line: Escaped(line), colours, websocket: false, result: Ok(()) };
        event.record(&mut fields);
        fields.result?;
    } else {
        let mut fields = Line { line: Escaped(line), space: "", result: Ok(()) };
        event.record(&mut fields);
        fields.result?;
    }
    line.write_char('\n')
}

/// Writes the message, then `key=value` for each other field.
struct Line<'a> {
    line: Escaped<'a>,
    space: &'static str,
    result: fmt::Result,
}

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let space = std::mem::replace(&mut self.space, " ");
        let written = match field.name() {
            "message" => write!(self.line, "{space}{value:?}"),
            name => write!(self.line, "{space}{name}={value:?}"),
        };
        self.result = self.result.and(written);
    }
}

/// Writes the message only.
struct Message<'a>(Escaped<'a>);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // A value that cannot be displayed has written nothing.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

/// Writes the fields of [`access`](super::access) or of [`handshake`](super::handshake), in their order. Further fields
/// have no place in the line.
struct AccessLine<'a> {
    line: Escaped<'a>,
    colours: bool,
    websocket: bool,
    result: fmt::Result,
}

impl AccessLine<'_> {
    fn write(&mut self, field: &Field, value: impl Display) {
        let (bold, reset) = if self.colours { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let line = &mut self.line;
        let written = match field.name() {
            "method" => {
                line.raw(" - \"").and_then(|()| line.raw(bold)).and_then(|()| write!(line, "{value} "))
            }
            "websocket" => {
                self.websocket = true;
                line.raw(" - \"")
                    .and_then(|()| line.raw(bold))
                    .and_then(|()| write!(line, "WebSocket {value}"))
                    .and_then(|()| line.raw(reset))
                    .and_then(|()| line.raw("\" "))
            }
            "target" => write!(line, "{value} "),
            "version" => {
                write!(line, "{value}").and_then(|()| line.raw(reset)).and_then(|()| line.raw("\" "))
            }
            "client" => write!(line, "{value}"),
            _ => return,
        };
        self.result = self.result.and(written);
    }
}

impl Visit for AccessLine<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, value);
    }

    fn record_u64(&mut self, field: &Field, status: u64) {
        if field.name() != "status" {
            return;
        }
        let Some(status) = u16::try_from(status).ok().and_then(Status::new) else { return };
        let colour = match status.code() / 100 {
            1 => "97",
            2 => "32",
            3 => "33",
            4 => "31",
            _ => "91",
        };
        let (colours, line) = (self.colours, &mut self.line.0);
        self.result = self.result.and_then(|()| match (self.websocket, status) {
            (true, Status::SWITCHING_PROTOCOLS) => {
                write!(line, "{}", Painted { text: "[accepted]", colour: "32", colours })
            }
            (true, status) => write!(line, "{}", Painted { text: status.code(), colour, colours }),
            (false, status) => write!(line, "{}", Painted { text: status, colour, colours }),
        });
    }
}

/// A text, coloured if `colours` is set.
struct Painted<T> {
    text: T,
    colour: &'static str,
    colours: bool,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, colour, colours } = self;
        if *colours { write!(f, "\x1b[{colour}m{text}\x1b[0m") } else { text.fmt(f) }
    }
}

/// Escapes control characters, as in `\n` and `\u{1b}`.
pub(crate) struct Escaped<'a, W = String>(pub(crate) &'a mut W);

impl Escaped<'_> {
    fn raw(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(text)
    }
}

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        while let Some((at, control)) = text.char_indices().find(|(_, c)| c.is_control()) {
            let (before, rest) = text.split_at(at);
            write!(self.0, "{before}{}", control.escape_default())?;
            text = &rest[control.len_utf8()..];
        }
        self.0.write_str(text)
    }
}
