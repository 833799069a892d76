//! Writes access lines in a format of the settings.
//!
//! Values that come from the client cannot end a line, close a quote or control a terminal, and those that are secrets are
//! replaced.

use std::fmt::{self, Write};

use super::moment::Moment;
use super::record::Record;
use crate::config::access_format::{AccessFormat, Atom, Piece};

/// The fields whose values never get into a log.
const SECRETS: [&str; 6] =
    ["authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key", "x-csrf-token"];

/// Writes lines in a format.
#[derive(Clone, Copy)]
pub(super) struct Pattern<'a>(pub(super) &'a AccessFormat);

impl Pattern<'_> {
    /// Writes the line of a response, without its end.
    ///
    /// # Errors
    /// A value cannot be displayed.
    pub(super) fn write(self, line: &mut String, record: &Record<'_>) -> fmt::Result {
        for piece in &self.0.pieces {
            match piece {
                Piece::Text(text) => line.write_str(text)?,
                Piece::Atom { atom, width, left, precision } => {
                    let start = line.len();
                    self.value(line, atom, *precision, record)?;
                    let length = line.get(start..).map_or(0, |value| value.chars().count());
                    let spaces = width.saturating_sub(length);
                    let at = if *left { line.len() } else { start };
                    line.insert_str(at, &" ".repeat(spaces));
                }
            }
        }
        Ok(())
    }

    fn value(
        self,
        line: &mut String,
        atom: &Atom,
        precision: Option<usize>,
        record: &Record<'_>,
    ) -> fmt::Result {
        let Record { head, client, status, bytes, .. } = record;
        let seconds = record.duration.as_secs_f64();
        match atom {
            Atom::Nothing => line.write_char('-'),
            Atom::Host => match client {
                Some(stelo_core::app::Address::Ip(address)) => write!(line, "{}", address.ip()),
                Some(other) => write!(Safe(line), "{other}"),
                None => line.write_char('-'),
            },
            Atom::Client => match client {
                Some(client) => write!(Safe(line), "{client}"),
                None => Ok(()),
            },
            Atom::User => {
                let user = head.headers().get_str("authorization").and_then(user);
                write!(Safe(line), "{}", user.as_deref().unwrap_or("-"))
            }
            Atom::CommonTime => write!(line, "[{}]", Moment::of(record.unix_time).common()),
            Atom::Time => write!(line, "{} +0000", Moment::of(record.unix_time).plain()),
            Atom::RequestLine => {
                write!(Safe(line), "{} {} {}", head.method(), head.target(), protocol(record))
            }
            Atom::Method => write!(Safe(line), "{}", head.method()),
            Atom::Path => write!(Safe(line), "{}", path(head.target())),
            Atom::Query => write!(Safe(line), "{}", head.query().unwrap_or_default()),
            Atom::Target => write!(Safe(line), "{}", head.target()),
            Atom::Protocol => write!(line, "{}", protocol(record)),
            Atom::Scheme => write!(line, "{}", record.scheme),
            Atom::Status => write!(line, "{}", status.code()),
            Atom::StatusLine => write!(line, "{status}"),
            Atom::Phrase => {
                let text = status.to_string();
                line.write_str(text.split_once(' ').map_or("", |(_, phrase)| phrase))
            }
            Atom::BytesOrDash if *bytes == 0 => line.write_char('-'),
            Atom::Bytes | Atom::BytesOrDash => write!(line, "{bytes}"),
            Atom::Seconds => write!(line, "{}", record.duration.as_secs()),
            Atom::DecimalSeconds => write!(line, "{seconds:.0$}", precision.unwrap_or(6)),
            Atom::Milliseconds => write!(line, "{}", record.duration.as_millis()),
            Atom::DecimalMilliseconds => {
                write!(line, "{:.1$}", seconds * 1000.0, precision.unwrap_or(3))
            }
            Atom::Microseconds => write!(line, "{}", record.duration.as_micros()),
            Atom::Process => write!(line, "{}", std::process::id()),
            Atom::QuotedProcess => write!(line, "<{}>", std::process::id()),
            Atom::RequestId => write!(Safe(line), "{}", record.request_id.unwrap_or("-")),
            Atom::TraceId => line.write_str(record.trace_id().unwrap_or("-")),
            Atom::LevelPrefix => line.write_str("INFO:    "),
            Atom::Level => line.write_str("INFO"),
            Atom::RequestField(name) => field(line, name, head.headers().get(name)),
            Atom::ResponseField(i) => {
                let name = self.0.response_fields.get(*i).map_or("", String::as_str);
                field(line, name, record.response_fields.get(*i).and_then(Option::as_deref))
            }
        }
    }
}

/// Returns the target without the query, as it was sent.
fn path(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

fn protocol(record: &Record<'_>) -> impl fmt::Display {
    record.head.version()
}

/// Writes the value of a field; a dash if there is none.
fn field(line: &mut String, name: &str, value: Option<&[u8]>) -> fmt::Result {
    match value {
        None => line.write_char('-'),
        Some(_) if SECRETS.contains(&name) => line.write_str("[redacted]"),
        Some(value) => write!(Safe(line), "{}", String::from_utf8_lossy(value)),
    }
}

/// Returns the user of `Basic` credentials (RFC 7617), without the password.
fn user(credentials: &str) -> Option<String> {
    let (scheme, token) = credentials.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let (mut bits, mut count, mut user) = (0_u32, 0, Vec::new());
    for byte in token.trim().bytes().take_while(|byte| *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            let decoded = (bits >> count & 0xff) as u8;
            if decoded == b':' {
                break;
            }
            user.push(decoded);
        }
    }
    Some(String::from_utf8_lossy(&user).into_owned())
}

/// Escapes control characters, quotes and backslashes of the client.
struct Safe<'a>(&'a mut String);

impl Write for Safe<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '"' | '\\' => write!(self.0, "\\{character}")?,
                c if c.is_control() => write!(self.0, "{}", c.escape_default())?,
                c => self.0.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "pattern/tests.rs"]
mod tests;
