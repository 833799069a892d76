//! Parses the notation of a case, which `tests/corpus/h1/README.md` explains.

use stelo_core::h1::Limits;

use crate::escape::{escape, unescape};
use crate::run::Outcome;

/// One exchange and its expected outcome.
#[derive(Default)]
pub(crate) struct Case {
    request: Vec<u8>,
    pub(crate) ending: Option<Ending>,
    pub(crate) application: Application,
    pub(crate) limits: Limits,
    /// The outcome depends on the pieces of the input, so the case is only sent whole.
    pub(crate) is_whole: bool,
    expected: Vec<String>,
    /// The exact bytes of the answer, if the case gives them.
    written: Vec<u8>,
}

/// The action of the client after its last byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Closes its side.
    Ends,
    /// Sends nothing until the server times out.
    Waits,
    /// Disconnects.
    Leaves,
}

/// The application that answers the requests of a case.
pub(crate) struct Application {
    pub(crate) status: u16,
    pub(crate) reads: bool,
}

impl Default for Application {
    fn default() -> Self {
        Self { status: 200, reads: true }
    }
}

impl Case {
    /// The target of a request that follows a case without an ending. It must be answered if the connection stays
    /// open, and must be ignored otherwise.
    pub(crate) const NEXT: &str = "/next";

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut case = Self::default();
        if !text.starts_with("# ") {
            return Err("a case begins by saying what it shows: `# ...`".into());
        }
        for (number, line) in text.lines().enumerate() {
            case.line(line).map_err(|error| format!("line {}: {error}: {line}", number + 1))?;
        }
        match case.expected.is_empty() {
            true => Err("there is no `=` line".into()),
            false => Ok(case),
        }
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        match mark {
            "" | "#" => {}
            ">" => self.request.extend(unescape(rest)?),
            "~" => {
                self.ending = Some(match rest {
                    "ends" => Ending::Ends,
                    "waits" => Ending::Waits,
                    "leaves" => Ending::Leaves,
                    _ => return Err("a client ends, waits or leaves".into()),
                });
            }
            "!" => self.option(rest)?,
            "=" => self.expected.push(format!("= {}", escape(&unescape(rest)?))),
            "<" if rest.len() == 3 => self.expected.push(line.into()),
            "<" => self.written.extend(unescape(rest)?),
            _ => return Err("a line begins with one of # > ~ ! = <".into()),
        }
        Ok(())
    }

    fn option(&mut self, option: &str) -> Result<(), String> {
        let limits = &mut self.limits;
        let number = |text: &str| text.parse::<usize>().map_err(|error| error.to_string());
        match *option.split(' ').collect::<Vec<_>>() {
            ["unread"] => self.application.reads = false,
            ["whole"] => self.is_whole = true,
            ["status", code] => self.application.status = code.parse().map_err(|_| "no status")?,
            ["limit", "body", most] => limits.body = Some(number(most)? as u64),
            ["limit", "requests", most] => limits.requests = Some(number(most)? as u64),
            ["limit", name, most] => {
                *match name {
                    "request_line" => &mut limits.request_line,
                    "method" => &mut limits.method,
                    "field_line" => &mut limits.field_line,
                    "head" => &mut limits.head,
                    "fields" => &mut limits.fields,
                    "chunk_line" => &mut limits.chunk_line,
                    "chunk_extensions" => &mut limits.chunk_extensions,
                    "trailers" => &mut limits.trailers,
                    "trailer_fields" => &mut limits.trailer_fields,
                    "drain" => &mut limits.drain,
                    _ => return Err("there is no such limit".into()),
                } = number(most)?;
            }
            _ => return Err("no option".into()),
        }
        Ok(())
    }

    /// Returns all bytes that the client sends.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.request.clone();
        if self.ending.is_none() {
            bytes.extend_from_slice(format!("GET {} HTTP/1.1\r\nhost: next\r\n\r\n", Self::NEXT).as_bytes());
        }
        bytes
    }

    /// Describes the difference between the outcome and the expectation.
    pub(crate) fn difference(&self, outcome: &Outcome) -> Option<String> {
        let fields = self.expected.iter().any(|line| line.starts_with("= field "));
        let counts = |line: &&String| {
            (fields || !line.starts_with("= field ")) && (self.written.is_empty() || !line.starts_with("< "))
        };
        let ours: Vec<_> = outcome.lines.iter().filter(counts).collect();
        let theirs: Vec<_> = self.expected.iter().filter(counts).collect();
        if ours != theirs {
            return Some(format!("expected {theirs:#?}\nbut got {ours:#?}\n"));
        }
        let (ours, theirs) = (escape(&outcome.written), escape(&self.written));
        (!self.written.is_empty() && outcome.written != self.written)
            .then(|| format!("expected to be written:\n{theirs}\nbut got\n{ours}\n"))
    }
}
