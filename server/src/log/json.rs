//! Lines as JSON objects (RFC 8259), one a line, with the fields of the event as keys.

use std::fmt::{self, Debug, Display, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::moment::Moment;

/// Writes the line of an event: time, level, target, process, then its fields.
///
/// # Errors
/// One of its fields cannot be written.
pub(super) fn write(line: &mut String, event: &Event<'_>) -> fmt::Result {
    let metadata = event.metadata();
    let level = match *metadata.level() {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (time, pid) = (Moment::of(now.as_secs()), std::process::id());
    write!(
        line,
        "{{\"ts\":\"{}.{:06}Z\",\"level\":\"{level}\",\"target\":",
        time.iso(),
        now.subsec_micros()
    )?;
    text(line, metadata.target())?;
    write!(line, ",\"pid\":{pid}")?;
    let mut fields = Fields { line, result: Ok(()) };
    event.record(&mut fields);
    fields.result?;
    line.write_str("}\n")
}

/// Writes a string with its quotes.
fn text(line: &mut String, value: impl Display) -> fmt::Result {
    line.write_char('"')?;
    write!(Quoted(line), "{value}")?;
    line.write_char('"')
}

struct Fields<'a> {
    line: &'a mut String,
    result: fmt::Result,
}

impl Fields<'_> {
    fn pair(&mut self, field: &Field, value: impl FnOnce(&mut String) -> fmt::Result) {
        let Self { line, result } = self;
        // The keys of every line come first.
        let own = matches!(field.name(), "ts" | "level" | "pid");
        let under = if own { "_" } else { "" };
        *result = result
            .and_then(|()| line.write_char(','))
            .and_then(|()| text(line, format_args!("{under}{}", name(field.name()))))
            .and_then(|()| line.write_char(':'))
            .and_then(|()| value(line));
    }
}

/// The `target` of an access line is its path and query; the key `target` is that of the event.
fn name(field: &str) -> &str {
    if field == "target" { "request_target" } else { field }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.pair(field, |line| text(line, format_args!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.pair(field, |line| text(line, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.pair(field, |line| write!(line, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.pair(field, |line| write!(line, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.pair(field, |line| write!(line, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinity and no NaN.
        match value.is_finite() {
            true => self.pair(field, |line| write!(line, "{value}")),
            false => self.pair(field, |line| text(line, value)),
        }
    }
}

/// Escapes what a JSON string cannot have, and the control characters that a terminal would act on.
struct Quoted<'a>(&'a mut String);

impl Write for Quoted<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '"' => self.0.write_str("\\\"")?,
                '\\' => self.0.write_str("\\\\")?,
                '\n' => self.0.write_str("\\n")?,
                '\r' => self.0.write_str("\\r")?,
                '\t' => self.0.write_str("\\t")?,
                // All control characters are in the basic plane.
                c if c.is_control() => write!(self.0, "\\u{:04x}", u32::from(c))?,
                c => self.0.write_char(c)?,
            }
        }
        Ok(())
    }
}
