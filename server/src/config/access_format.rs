//! The format of access lines in the words of other servers: text with atoms such as `%(h)s`.
//!
//! It is compiled once, to a list of pieces; the log writes their values. The atoms are those of Gunicorn, with those that
//! Hypercorn, Granian and Uvicorn add.

use std::fmt;
use std::str::FromStr;

use super::ConfigError;

/// A format of access lines, as of `--access-log-format`.
///
/// ```
/// use stelo_server::config::AccessFormat;
///
/// let format: AccessFormat = r#"%(h)s "%(r)s" %(s)s %(b)s %(M)s ms"#.parse()?;
/// assert_eq!(format.to_string(), r#"%(h)s "%(r)s" %(s)s %(b)s %(M)s ms"#);
/// let error = "%(x)s".parse::<AccessFormat>().unwrap_err();
/// assert!(error.to_string().starts_with("%(x)s is not an atom of access lines"));
/// # Ok::<(), stelo_server::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessFormat {
    text: String,
    pub(crate) pieces: Vec<Piece>,
    /// The fields of the response that atoms name, in lower case.
    pub(crate) response_fields: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    Text(String),
    Atom {
        atom: Atom,
        /// Padded with spaces to this number of characters.
        width: usize,
        /// The spaces come after the value.
        left: bool,
        /// The number of digits after the point.
        precision: Option<usize>,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Atom {
    Nothing,
    Host,
    Client,
    User,
    CommonTime,
    Time,
    RequestLine,
    Method,
    Path,
    Query,
    Target,
    Protocol,
    Scheme,
    Status,
    StatusLine,
    Phrase,
    Bytes,
    BytesOrDash,
    Seconds,
    DecimalSeconds,
    Milliseconds,
    DecimalMilliseconds,
    Microseconds,
    Process,
    QuotedProcess,
    RequestId,
    TraceId,
    LevelPrefix,
    Level,
    RequestField(String),
    /// The index in the list of the response's fields.
    ResponseField(usize),
}

impl FromStr for AccessFormat {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let mut format = Self { text: text.into(), pieces: Vec::new(), response_fields: Vec::new() };
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            format.literal(before);
            rest = match after.strip_prefix('%') {
                Some(rest) => {
                    format.literal("%");
                    rest
                }
                None => format.atom(after).ok_or_else(|| {
                    // What looks like the atom.
                    let end = after.find([' ', '"', ']']).unwrap_or(after.len());
                    ConfigError::Atom(format!("%{}", after.get(..end).unwrap_or(after)))
                })?,
            };
        }
        format.literal(rest);
        Ok(format)
    }
}

impl fmt::Display for AccessFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AccessFormat {
    fn literal(&mut self, text: &str) {
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.into())),
        }
    }

    /// Adds the atom that `text` begins with, after its percent sign. Returns the rest.
    fn atom<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let (name, rest) = text.strip_prefix('(')?.split_once(')')?;
        let (left, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
        let (width, rest) = digits(rest);
        let (precision, rest) = match rest.strip_prefix('.') {
            Some(rest) => digits(rest),
            None => (None, rest),
        };
        let rest = rest.strip_prefix(['s', 'd', 'f', 'i', 'r'])?;
        // The system that reads lines may limit their length, and a number has not more digits.
        let (width, precision) = (width.unwrap_or(0).min(200), precision.map(|digits| digits.min(9)));
        let atom = self.named(name)?;
        self.pieces.push(Piece::Atom { atom, width, left, precision });
        Some(rest)
    }

    fn named(&mut self, name: &str) -> Option<Atom> {
        Some(match name {
            "h" | "addr" => Atom::Host,
            "l" => Atom::Nothing,
            "u" => Atom::User,
            "t" => Atom::CommonTime,
            "time" | "asctime" => Atom::Time,
            "r" | "request_line" => Atom::RequestLine,
            "m" | "method" => Atom::Method,
            "U" | "path" => Atom::Path,
            "q" | "query_string" => Atom::Query,
            "R" | "Uq" => Atom::Target,
            "H" | "protocol" => Atom::Protocol,
            "S" | "scheme" => Atom::Scheme,
            "s" | "status" => Atom::Status,
            "status_code" => Atom::StatusLine,
            "st" => Atom::Phrase,
            "B" => Atom::Bytes,
            "b" => Atom::BytesOrDash,
            "f" => Atom::RequestField("referer".into()),
            "a" => Atom::RequestField("user-agent".into()),
            "T" => Atom::Seconds,
            "L" => Atom::DecimalSeconds,
            "M" => Atom::Milliseconds,
            "dt_ms" => Atom::DecimalMilliseconds,
            "D" => Atom::Microseconds,
            "p" => Atom::QuotedProcess,
            "process" => Atom::Process,
            "client_addr" => Atom::Client,
            "request_id" => Atom::RequestId,
            "trace_id" => Atom::TraceId,
            "levelprefix" => Atom::LevelPrefix,
            "levelname" => Atom::Level,
            _ => {
                // Gunicorn's `{name}i` and `{name}o`, Granian's `header{name}`.
                let (before, field) = name.split_once('{')?;
                let (field, after) = field.split_once('}')?;
                let field = field.to_ascii_lowercase();
                match (before, after) {
                    ("", "i") | ("header", "") => Atom::RequestField(field),
                    ("", "o") => {
                        self.response_fields.push(field);
                        Atom::ResponseField(self.response_fields.len() - 1)
                    }
                    _ => return None,
                }
            }
        })
    }
}

fn digits(text: &str) -> (Option<usize>, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (digits.parse().ok(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_atom_is_named() {
        for (format, named) in [
            ("%(h)s %(nope)s", "%(nope)s"),
            ("%h %s", "%h"),
            ("\"%(r)\"", "%(r)"),
            ("50% of", "%"),
            ("%({PATH}e)s", "%({PATH}e)s"),
            ("%", "%"),
        ] {
            let error = format.parse::<AccessFormat>().expect_err(format);
            let begin = format!("{named} is not an atom of access lines: ");
            assert!(error.to_string().starts_with(&begin), "{error}");
        }
    }
}
