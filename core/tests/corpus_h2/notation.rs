//! Parses the notation of a case, which `tests/corpus/h2/README.md` explains.

use std::collections::BTreeMap;

use stelo_core::h2::Limits;
use stelo_core::h2::frame::PREFACE;

use crate::escape::unescape;
use crate::frames::Sent;
use crate::run::Outcome;

/// One exchange and its expected outcome.
#[derive(Default)]
pub(crate) struct Case {
    items: Vec<Item>,
    pub(crate) ending: Option<Ending>,
    pub(crate) application: Application,
    pub(crate) limits: Limits,
    /// The case sends the preface itself.
    is_bare: bool,
    /// The outcome depends on when frames arrive: each is sent by itself.
    pub(crate) is_by_frame: bool,
    /// Expected lines by stream.
    expected: Outcome,
}

enum Item {
    Frame(Sent),
    Raw(Vec<u8>),
}

/// The action of the client after its last frame.
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
    pub(crate) body: usize,
}

impl Default for Application {
    fn default() -> Self {
        Self { status: 200, reads: true, body: 2 }
    }
}

impl Case {
    /// The target of a request that follows a case without an ending.
    pub(crate) const NEXT: &str = "/next";

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut case = Self::default();
        if !text.starts_with("# ") {
            return Err("a case begins by saying what it shows: `# ...`".into());
        }
        for (number, line) in text.lines().enumerate() {
            case.line(line).map_err(|error| format!("line {}: {error}: {line}", number + 1))?;
        }
        match case.expected.state.is_empty() {
            true => Err("the last line is the state of the connection".into()),
            false => Ok(case),
        }
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        match mark {
            "" | "#" => {}
            ">" => match rest.strip_prefix("  ") {
                Some(field) => match self.items.last_mut() {
                    Some(Item::Frame(frame)) => frame.field(field)?,
                    _ => return Err("a field follows a frame".into()),
                },
                None => self.items.push(match rest.strip_prefix("raw ") {
                    Some(bytes) => Item::Raw(unescape(bytes)?),
                    None => Item::Frame(Sent::parse(rest)?),
                }),
            },
            "~" => {
                self.ending = Some(match rest {
                    "ends" => Ending::Ends,
                    "waits" => Ending::Waits,
                    "leaves" => Ending::Leaves,
                    _ => return Err("a client ends, waits or leaves".into()),
                });
            }
            "!" => self.option(rest)?,
            "=" if !rest.contains(' ') => self.expected.state = rest.into(),
            "=" | "<" => {
                let stream = rest.split(' ').nth(1).and_then(|id| id.parse().ok());
                self.expected.say(stream.ok_or("a line names its stream")?, line.into());
            }
            _ => return Err("a line begins with one of # > ~ ! = <".into()),
        }
        Ok(())
    }

    fn option(&mut self, option: &str) -> Result<(), String> {
        let limits = &mut self.limits;
        let number = |text: &str| text.parse::<usize>().map_err(|error| error.to_string());
        match *option.split(' ').collect::<Vec<_>>() {
            ["unread"] => self.application.reads = false,
            ["bare"] => self.is_bare = true,
            ["frames"] => self.is_by_frame = true,
            ["status", code] => self.application.status = code.parse().map_err(|_| "no status")?,
            ["body", bytes] => self.application.body = number(bytes)?,
            ["limit", "body", most] => limits.body = Some(number(most)? as u64),
            ["limit", "requests", most] => limits.requests = Some(number(most)? as u64),
            ["limit", "streams", most] => limits.streams = number(most)? as u32,
            ["limit", "continuations", most] => limits.continuations = number(most)? as u32,
            ["limit", "window", most] => limits.window = number(most)? as u32,
            ["limit", "connection_window", most] => limits.connection_window = number(most)? as u32,
            ["limit", "resets", most] => limits.resets = number(most)? as u32,
            ["limit", "glitches", most] => limits.glitches = number(most)? as u32,
            ["limit", name, most] => {
                *match name {
                    "target" => &mut limits.target,
                    "method" => &mut limits.method,
                    "field_line" => &mut limits.field_line,
                    "head" => &mut limits.head,
                    "heads" => &mut limits.heads,
                    "fields" => &mut limits.fields,
                    "trailers" => &mut limits.trailers,
                    "trailer_fields" => &mut limits.trailer_fields,
                    "settings" => &mut limits.settings,
                    _ => return Err("there is no such limit".into()),
                } = number(most)?;
            }
            _ => return Err("no option".into()),
        }
        Ok(())
    }

    /// Returns all frames that the client sends.
    pub(crate) fn frames(&self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        if !self.is_bare {
            frames.push(PREFACE.to_vec());
            for line in ["SETTINGS 0", "SETTINGS 0 ACK"] {
                frames.push(Sent::parse(line).expect("a frame").bytes());
            }
        }
        frames.extend(self.items.iter().map(|item| match item {
            Item::Frame(frame) => frame.bytes(),
            Item::Raw(bytes) => bytes.clone(),
        }));
        if self.ending.is_none() {
            let mut next = Sent::parse("HEADERS 1001 END_STREAM END_HEADERS").expect("a frame");
            next.field(&format!("GET {}", Self::NEXT)).expect("a field");
            frames.push(next.bytes());
        }
        frames
    }

    /// Describes the difference between the outcome and the expectation.
    pub(crate) fn difference(&self, outcome: &Outcome) -> Option<String> {
        let has_fields = self.expected.lines.values().flatten().any(|line| line.starts_with("= field "));
        let counts = |lines: &BTreeMap<(u32, char), Vec<String>>| {
            let mut lines = lines.clone();
            for lines in lines.values_mut() {
                lines.retain(|line| has_fields || !line.starts_with("= field "));
            }
            lines
        };
        let (ours, theirs) = (counts(&outcome.lines), counts(&self.expected.lines));
        if ours == theirs && outcome.state == self.expected.state {
            return None;
        }
        Some(format!(
            "expected {theirs:#?} {}\nbut got {ours:#?} {} {:?}\n",
            self.expected.state, outcome.state, outcome.violation
        ))
    }
}
