//! The state machine of a multipart body.
//!
//! A delimiter is CR LF, two hyphens and the boundary. A boundary has no CR, so after a failed comparison the next
//! delimiter cannot begin inside the compared bytes. This makes the search linear without a table, and lets the parser
//! keep the number of matching bytes at the end of its input instead of the bytes.

mod head;

use alloc::vec::Vec;

use self::head::{Head, Line};
use super::{Boundary, Error, ErrorKind, Limits, Part};

/// A parser of `multipart/form-data` bodies (RFC 7578). See the [module](super) for an example.
///
/// The time that it takes grows with the length of the body, whatever the pieces. Its memory is bounded by
/// [`Limits::head`] and [`Limits::preamble`].
///
/// Bytes before the first boundary and after the closing one are skipped. `Content-Transfer-Encoding` is ignored, as
/// RFC 7578 section 4.7 says. `--boundary` directly after the headers of a part ends it: the part is empty.
#[derive(Debug)]
pub struct Parser {
    /// CR LF `--` boundary, and a hyphen.
    delimiter: Vec<u8>,
    limits: Limits,
    state: State,
    head: Head,
    /// The number of matching bytes of the delimiter, `virtual_bytes` included.
    matched: usize,
    /// The part of the match that is not data: the beginning of a body counts as a line end.
    virtual_bytes: usize,
    /// Whether the data belongs to a part, and not to the preamble.
    in_part: bool,
    /// The bytes before the first delimiter. Rarely any.
    preamble: Vec<u8>,
    /// The number of bytes that may still come: of the field, or of the preamble.
    left: usize,
    fields: usize,
    files: usize,
    /// The number of bytes that have been consumed.
    at: u64,
    /// The offset after the last delimiter.
    part_at: u64,
    /// The offset of the current header line.
    line_at: u64,
}

/// The size of an input, in bytes, from which preparing a search for the whole delimiter costs less than looking at each
/// CR. Larger than any delimiter.
const LARGE: usize = 512;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// The preamble, or the data of a part.
    Data,
    /// The delimiter has come.
    Delimiter,
    /// The delimiter and a hyphen have come.
    Hyphen,
    /// White space after a delimiter.
    Padding,
    /// The CR after a delimiter has come.
    LineFeed,
    /// The headers of a part.
    Head,
    /// The closing delimiter has come, and was not reported.
    Close,
    /// Everything after the closing delimiter.
    Epilogue,
    Failed(Error),
}

/// An event of a [`Parser`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// The head of a part has arrived.
    Part(Part),
    /// Bytes of the current part, never empty.
    Data(&'a [u8]),
    /// The current part is complete.
    PartEnd,
    /// The closing boundary has arrived. Further bytes are skipped.
    End,
    /// All input has been consumed.
    NeedData,
}

impl Parser {
    /// Creates a parser.
    pub fn new(boundary: &Boundary, limits: Limits) -> Self {
        Self {
            delimiter: [b"\r\n--", boundary.as_bytes(), b"-"].concat(),
            limits,
            state: State::Data,
            head: Head::default(),
            matched: 2,
            virtual_bytes: 2,
            in_part: false,
            preamble: Vec::new(),
            left: limits.preamble,
            fields: 0,
            files: 0,
            at: 0,
            part_at: 0,
            line_at: 0,
        }
    }

    /// Returns the next event, and removes the bytes that led to it from the beginning of `input`. Call it again until it
    /// returns [`Event::NeedData`], then with the next piece of the body. A piece may be empty.
    ///
    /// # Errors
    /// The body is malformed, or exceeds a limit. Later calls return the same error.
    pub fn next_event<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Event<'a>, Error> {
        loop {
            let before = input.len();
            let step = match self.state {
                State::Failed(error) => return Err(error),
                State::Data => self.data(input),
                State::Head => self.headers(input),
                State::Close => {
                    self.state = State::Epilogue;
                    Ok(Step::Event(Event::End))
                }
                State::Epilogue => {
                    *input = &[];
                    Ok(Step::NeedData)
                }
                _ => self.delimited(input),
            };
            self.at += (before - input.len()) as u64;
            match step {
                Ok(Step::Again) => {}
                Ok(Step::NeedData) => return Ok(Event::NeedData),
                Ok(Step::Event(event)) => return Ok(event),
                Ok(Step::Held(range)) => return Ok(Event::Data(&self.delimiter[range.0..range.1])),
                Err(kind) => return Err(self.fail(kind)),
            }
        }
    }

    /// Tells the parser that the body has ended.
    ///
    /// # Errors
    /// The closing boundary has not arrived. A body without any bytes is a form without parts.
    pub fn finish(&mut self) -> Result<(), Error> {
        match self.state {
            State::Close | State::Epilogue => Ok(()),
            State::Failed(error) => Err(error),
            State::Data if self.at == 0 => Ok(()),
            _ => Err(self.fail(ErrorKind::Truncated)),
        }
    }

    fn fail(&mut self, kind: ErrorKind) -> Error {
        let at = match kind {
            ErrorKind::FieldTooLarge
            | ErrorKind::TooManyHeaders
            | ErrorKind::HeadTooLarge
            | ErrorKind::TooManyFields
            | ErrorKind::TooManyFiles
            | ErrorKind::NameMissing
            | ErrorKind::Disposition => self.part_at,
            ErrorKind::LineEnding
            | ErrorKind::Folding
            | ErrorKind::HeaderName
            | ErrorKind::HeaderValue
            | ErrorKind::HeaderTooLong => self.line_at,
            ErrorKind::PreambleTooLarge => 0,
            _ => self.at,
        };
        let error = Error { kind, at };
        self.state = State::Failed(error);
        error
    }

    /// Searches the delimiter, in the preamble or in the data of a part.
    fn data<'a>(&mut self, input: &mut &'a [u8]) -> Result<Step<'a>, ErrorKind> {
        if self.matched > 0 {
            return self.resume(input);
        }
        let all = *input;
        let end = self.search(all);
        if end > self.left {
            // The bytes within the limit come first, so that events do not depend on the pieces.
            let (data, rest) = all.split_at(self.left);
            *input = rest;
            let kind = self.too_much();
            if data.is_empty() {
                return Err(kind);
            }
            self.fail(kind);
            return Ok(self.event_of(data));
        }
        self.take(end);
        *input = &all[end + self.matched..];
        if self.matched == self.len() {
            self.state = State::Delimiter;
        }
        if !self.in_part {
            self.preamble.extend_from_slice(&all[..end]);
        }
        match end {
            0 if self.matched == 0 => Ok(Step::NeedData),
            0 => Ok(Step::Again),
            _ => Ok(self.event_of(&all[..end])),
        }
    }

    /// Returns the end of the data: the first CR that begins a delimiter, or as much of it as has arrived.
    fn search(&mut self, input: &[u8]) -> usize {
        let mut at = 0;
        if input.len() >= LARGE {
            if let Some(at) = memchr::memmem::find(input, &self.delimiter[..self.len()]) {
                self.matched = self.len();
                return at;
            }
            // Only the end of the input can be the beginning of a delimiter.
            at = input.len() - (self.len() - 1);
        }
        while let Some(cr) = memchr::memchr(b'\r', &input[at..]) {
            at += cr;
            let same = self.common(&input[at..], 0);
            if same == self.len() || at + same == input.len() {
                self.matched = same;
                return at;
            }
            at += same;
        }
        input.len()
    }

    /// Continues a comparison that the end of the last input has interrupted.
    fn resume<'a>(&mut self, input: &mut &'a [u8]) -> Result<Step<'a>, ErrorKind> {
        let same = self.common(input, self.matched);
        let all = self.matched + same;
        if all < self.len() && same < input.len() {
            // The bytes that match are no delimiter. Those of this input are searched again, once.
            return self.release(self.matched);
        }
        *input = &input[same..];
        self.matched = all;
        if all < self.len() {
            return Ok(Step::NeedData);
        }
        self.state = State::Delimiter;
        Ok(Step::Again)
    }

    /// Handles the byte after a delimiter.
    fn delimited<'a>(&mut self, input: &mut &'a [u8]) -> Result<Step<'a>, ErrorKind> {
        let Some((&byte, rest)) = input.split_first() else { return Ok(Step::NeedData) };
        if self.state == State::Delimiter {
            self.part_at = self.at;
        }
        let next = match (self.state, byte) {
            (State::Delimiter, b'-') => State::Hyphen,
            (State::Hyphen, b'-') => State::Close,
            // Another boundary that begins with this one is data, such as that of a nested body.
            (State::Hyphen, _) => return self.release(self.len() + 1),
            (State::LineFeed, b'\n') => State::Head,
            (State::LineFeed, _) => return Err(ErrorKind::BoundaryLine),
            (_, b'\r') => State::LineFeed,
            (_, b' ' | b'\t') => State::Padding,
            (State::Padding, _) | (_, b'\n') => return Err(ErrorKind::BoundaryLine),
            _ => return self.release(self.len()),
        };
        if self.in_part && next != State::Hyphen {
            // The byte shows that this is a delimiter. It is read again after the event.
            self.in_part = false;
            return Ok(Step::Event(Event::PartEnd));
        }
        if next != State::Hyphen && !self.preamble.is_empty() {
            // A boundary after a bare LF would belong to the preamble, and the part after it would be lost.
            let boundary = &self.delimiter[2..self.len()];
            if memchr::memmem::find(&self.preamble, boundary).is_some() {
                return Err(ErrorKind::BoundaryLine);
            }
            self.preamble = Vec::new();
        }
        if next == State::Padding {
            self.head.pad(&self.limits)?;
        }
        *input = rest;
        self.state = next;
        Ok(Step::Again)
    }

    /// Takes the bytes of the delimiter up to `end` as data, which they are after all.
    fn release<'a>(&mut self, end: usize) -> Result<Step<'a>, ErrorKind> {
        let start = core::mem::take(&mut self.virtual_bytes);
        self.matched = 0;
        self.state = State::Data;
        let within = (end - start).min(self.left);
        if within < end - start {
            let kind = self.too_much();
            self.fail(kind);
        } else {
            self.take(within);
        }
        let range = (start, start + within);
        if !self.in_part {
            self.preamble.extend_from_slice(&self.delimiter[range.0..range.1]);
        }
        match within {
            0 => Ok(Step::Again),
            _ if self.in_part => Ok(Step::Held(range)),
            _ => Ok(Step::Again),
        }
    }

    fn headers<'a>(&mut self, input: &mut &'a [u8]) -> Result<Step<'a>, ErrorKind> {
        if !self.head.is_inside_line() {
            self.line_at = self.at;
        }
        let headers = match self.head.take(input, &self.limits)? {
            Line::Partial => return Ok(Step::NeedData),
            Line::Header => return Ok(Step::Again),
            Line::Empty(headers) => headers,
        };
        let part = Part::new(headers)?;
        let (count, limit, kind) = match part.is_file() {
            true => (&mut self.files, self.limits.files, ErrorKind::TooManyFiles),
            false => (&mut self.fields, self.limits.fields, ErrorKind::TooManyFields),
        };
        if *count >= limit {
            return Err(kind);
        }
        *count += 1;
        self.left = if part.is_file() { usize::MAX } else { self.limits.field };
        self.state = State::Data;
        self.in_part = true;
        (self.matched, self.virtual_bytes) = (2, 2);
        Ok(Step::Event(Event::Part(part)))
    }

    /// The length of the delimiter.
    fn len(&self) -> usize {
        self.delimiter.len() - 1
    }

    /// Returns the number of bytes at the beginning of `input` that continue the delimiter at `from`.
    fn common(&self, input: &[u8], from: usize) -> usize {
        let delimiter = &self.delimiter[from..self.len()];
        input.iter().zip(delimiter).take_while(|(a, b)| a == b).count()
    }

    /// Counts data. The size of a file has no limit.
    fn take(&mut self, bytes: usize) {
        if self.left != usize::MAX {
            self.left -= bytes;
        }
    }

    fn too_much(&self) -> ErrorKind {
        if self.in_part { ErrorKind::FieldTooLarge } else { ErrorKind::PreambleTooLarge }
    }

    fn event_of<'a>(&self, data: &'a [u8]) -> Step<'a> {
        if self.in_part { Step::Event(Event::Data(data)) } else { Step::Again }
    }
}

/// The result of one step of the machine.
enum Step<'a> {
    Again,
    NeedData,
    Event(Event<'a>),
    /// A range of the delimiter is data.
    Held((usize, usize)),
}
