//! Reads the head of a request (RFC 9112 sections 2 to 5).
//!
//! `scan.rs` parses a head that is complete and valid in one pass. This file parses any other head line by line: it
//! scans each byte for a line end once, and finds the fault of an invalid line. `framing.rs` interprets the fields.

use alloc::sync::Arc;

use super::framing::{Facts, Framing};
use super::line::Lines;
use super::scan::{self, FieldLine};
use crate::fault::FaultKind;
use crate::h1::Limits;
use crate::http::{RequestHead, is_token_byte, target_len, token_len};

/// Reads request heads, one after the other.
#[derive(Default)]
pub(super) struct HeadReader {
    /// The head that is filled. It may be that of the last request, if the application gave it back.
    head: Option<Arc<RequestHead>>,
    by_line: LineReader,
}

/// The result of a read, with the number of bytes consumed.
pub(super) enum Progress {
    Partial(usize),
    Complete(usize, Arc<RequestHead>, Framing),
}

impl HeadReader {
    /// Takes the memory of the last head, for another connection.
    pub(super) fn release(&mut self) -> Option<Arc<RequestHead>> {
        self.head.take()
    }

    /// Adopts memory, if there is none.
    pub(super) fn adopt(&mut self, head: Option<Arc<RequestHead>>) {
        if self.head.is_none() {
            self.head = head;
        }
    }

    /// Returns the head of the last request, unless that of the next one is in its place.
    pub(super) fn answered(&self) -> Option<&RequestHead> {
        self.head.as_deref().filter(|_| self.by_line.is_fresh())
    }

    pub(super) fn held(&self) -> usize {
        self.head.as_ref().map_or(0, |head| size_of::<RequestHead>() + head.held())
    }

    /// Returns whether a part of a head has been read.
    pub(super) fn is_partial(&self) -> bool {
        self.by_line.stage != Stage::Start
    }

    /// Returns whether the head that is incomplete or invalid has the method HEAD.
    pub(super) fn is_head(&self) -> bool {
        self.by_line.is_head
    }

    /// Continues to read. `input` begins with the bytes that were not consumed before.
    ///
    /// # Errors
    /// A broken rule or an exceeded limit, with the number of valid bytes before it.
    #[inline]
    pub(super) fn read(&mut self, input: &[u8], limits: &Limits) -> Result<Progress, (FaultKind, usize)> {
        let mut head = match self.head.take() {
            // Reused unless the application still holds it.
            Some(head) if Arc::strong_count(&head) == 1 => head,
            _ => Arc::new(RequestHead::blank()),
        };
        // The only reference, so this copies nothing.
        let blank = Arc::make_mut(&mut head);
        let whole = if self.by_line.is_fresh() { scan::head(input, limits, blank) } else { None };
        let (used, framing) = match whole {
            Some(whole) => whole,
            None => match self.by_line.read(blank, input, limits)? {
                (used, Some(framing)) => (used, framing),
                (used, None) => {
                    self.head = Some(head);
                    return Ok(Progress::Partial(used));
                }
            },
        };
        Ok(Progress::Complete(used, head, framing))
    }
}

/// Slow path: reads incomplete or invalid heads line by line.
#[derive(Default)]
struct LineReader {
    lines: Lines,
    stage: Stage,
    facts: Facts,
    /// The bytes of the field lines read so far.
    size: usize,
    /// Whether the request line begins with `HEAD`, even if the rest of it is invalid.
    is_head: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing is read yet. One empty line may precede the request line (RFC 9112 section 2.2).
    #[default]
    Start,
    RequestLine,
    Fields,
}

impl LineReader {
    /// Returns whether no byte of the next head has been scanned.
    fn is_fresh(&self) -> bool {
        self.stage == Stage::Start && self.lines.is_fresh()
    }

    #[cold]
    fn read(
        &mut self,
        head: &mut RequestHead,
        input: &[u8],
        limits: &Limits,
    ) -> Result<(usize, Option<Framing>), (FaultKind, usize)> {
        if self.stage == Stage::Start {
            head.clear();
            (self.facts, self.size) = (Facts::default(), 0);
        }
        let base = head.block().len();
        let mut at = 0;
        let complete = loop {
            let rest = input.get(at..).unwrap_or_default();
            let step = match self.stage {
                Stage::Fields => self.field(head, rest, base + at, limits),
                _ => self.request_line(head, rest, base + at, limits),
            };
            match step.map_err(|kind| (kind, at))? {
                Step::Line(len) => at += len,
                Step::End => {
                    at += 2;
                    break true;
                }
                Step::Wait => break false,
            }
        };
        head.block_mut().extend_from_slice(input.get(..at).unwrap_or_default());
        if !complete {
            return Ok((at, None));
        }
        self.stage = Stage::Start;
        let framing = self.facts.framing(head, limits).map_err(|kind| (kind, at))?;
        Ok((at, Some(framing)))
    }

    /// Reads the request line, or the empty line before it. The caller writes it to the block at `start`.
    fn request_line(
        &mut self,
        head: &mut RequestHead,
        input: &[u8],
        start: usize,
        limits: &Limits,
    ) -> Result<Step, FaultKind> {
        // Bytes beyond the limit do not count, so that the pieces in which the line arrives do not matter.
        self.is_head =
            input.get(..input.len().min(limits.request_line)).is_some_and(|i| i.starts_with(b"HEAD "));
        match self.lines.next(input, limits.request_line, FaultKind::TargetTooLong) {
            Ok(Some([])) if self.stage == Stage::Start => {
                self.stage = Stage::RequestLine;
                Ok(Step::Line(2))
            }
            Ok(Some(line)) => {
                self.stage = Stage::Fields;
                let len = scan::request_line(input, start, limits, head);
                len.map(Step::Line).ok_or_else(|| request_line_fault(line, limits))
            }
            Ok(None) => hopeless(input, limits).map_or(Ok(Step::Wait), Err),
            // The fault is the same, whether the line arrives whole or byte by byte.
            Err(kind) => Err(match hopeless(input, limits) {
                Some(kind) => kind,
                None if kind == FaultKind::TargetTooLong => endless(input, limits),
                None => kind,
            }),
        }
    }

    /// Reads a field line, or the empty line after the last one. The caller writes it to the block at `start`.
    fn field(
        &mut self,
        head: &mut RequestHead,
        input: &[u8],
        start: usize,
        limits: &Limits,
    ) -> Result<Step, FaultKind> {
        let line = match self.lines.next(input, limits.field_line, FaultKind::FieldTooLong)? {
            Some([]) => return Ok(Step::End),
            Some(line) => FieldLine::read(input).ok_or_else(|| field_fault(line))?,
            None => return Ok(Step::Wait),
        };
        let (name, value) = line.spans(start).ok_or(FaultKind::HeadTooLarge)?;
        self.facts.note(line.name, line.value, value, line.is_authority)?;
        head.headers_mut().push_spans(name, value);
        self.size += line.len;
        check(self.size, limits.head, FaultKind::HeadTooLarge)?;
        check(head.headers().len(), limits.fields, FaultKind::TooManyFields)?;
        Ok(Step::Line(line.len))
    }
}

/// The line at the beginning of the input.
enum Step {
    /// A line of this length.
    Line(usize),
    /// The empty line that ends the head.
    End,
    /// The line is incomplete.
    Wait,
}

fn check(size: usize, limit: usize, kind: FaultKind) -> Result<(), FaultKind> {
    if size <= limit { Ok(()) } else { Err(kind) }
}

/// Returns the fault of an incomplete request line, if no further byte can make it valid.
fn hopeless(start: &[u8], limits: &Limits) -> Option<FaultKind> {
    let start = start.strip_prefix(b"\r\n").unwrap_or(start);
    match start.iter().take(limits.method + 1).position(|&b| !is_token_byte(b)) {
        Some(at) if start.get(at) == Some(&b' ') && at > 0 => None,
        Some(at) if at == 0 && start == b"\r" => None,
        Some(_) => Some(FaultKind::RequestLine),
        None => None,
    }
}

/// Returns the fault of a request line that is longer than the limit.
fn endless(start: &[u8], limits: &Limits) -> FaultKind {
    let mut method = start.iter().take(limits.request_line);
    match method.position(|&b| !is_token_byte(b)) {
        Some(at) if start.get(at) != Some(&b' ') => FaultKind::RequestLine,
        Some(at) if at > limits.method => FaultKind::MethodTooLong,
        Some(_) => FaultKind::TargetTooLong,
        // No method is as long as a line, so this is not a request.
        None => FaultKind::RequestLine,
    }
}

/// Returns the fault of an invalid request line (RFC 9112 section 3).
fn request_line_fault(line: &[u8], limits: &Limits) -> FaultKind {
    let (method, rest) = line.split_at(token_len(line));
    if method.len() > limits.method {
        return FaultKind::MethodTooLong;
    }
    let Some(rest) = rest.strip_prefix(b" ").filter(|_| !method.is_empty()) else {
        return FaultKind::RequestLine;
    };
    match rest.split_at(target_len(rest)).1 {
        [] => FaultKind::RequestLine,
        [b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0'..=b'9'] => FaultKind::Target,
        [b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            FaultKind::Version
        }
        [b' ', ..] => FaultKind::RequestLine,
        rest if rest.contains(&b' ') => FaultKind::Target,
        _ => FaultKind::RequestLine,
    }
}

/// Returns the fault of an invalid field line (RFC 9112 section 5).
pub(super) fn field_fault(line: &[u8]) -> FaultKind {
    match line.split_at(token_len(line)) {
        ([], [b' ' | b'\t', ..]) => FaultKind::Folding,
        ([_, ..], [b':', ..]) => FaultKind::FieldValue,
        _ => FaultKind::FieldName,
    }
}
