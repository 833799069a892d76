//! Reads the head of a request, line by line (RFC 9112 sections 2 to 5).
//!
//! A line is looked at once, when its end has come; names and values are kept as stretches of the head. What the
//! fields mean for body and connection is `framing.rs`'s matter.

use alloc::sync::Arc;

use super::framing::{Facts, Framing};
use super::line::Lines;
use crate::fault::FaultKind;
use crate::http::{Method, RequestHead, Span, Version, are_value_bytes, is_target_byte, is_token_byte};
use crate::limits::Limits;

/// A request head that is being read.
#[derive(Default)]
pub(super) struct HeadReader {
    /// Written into; kept afterwards, so that its memory serves the next request if nobody else holds it any more.
    head: Option<Arc<RequestHead>>,
    lines: Lines,
    stage: Stage,
    facts: Facts,
    /// The bytes of the field lines read so far.
    size: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing read: one empty line may come before the request line (RFC 9112 section 2.2).
    #[default]
    Start,
    RequestLine,
    Fields,
}

/// How far a reader has come, and how many bytes it has used up.
pub(super) enum Progress {
    Partial(usize),
    Complete(usize, Arc<RequestHead>, Framing),
}

impl HeadReader {
    /// Takes the memory of the last head away, for another connection to write into.
    pub(super) fn release(&mut self) -> Option<Arc<RequestHead>> {
        self.head.take()
    }

    /// Takes memory over, if there is none.
    pub(super) fn adopt(&mut self, head: Option<Arc<RequestHead>>) {
        if self.head.is_none() {
            self.head = head;
        }
    }

    pub(super) fn held(&self) -> usize {
        self.head.as_ref().map_or(0, |head| size_of::<RequestHead>() + head.held())
    }

    /// Whether a part of a head has been read.
    pub(super) fn is_partial(&self) -> bool {
        self.stage != Stage::Start
    }

    /// Reads on. `input` begins with what was left over last time.
    ///
    /// # Errors
    /// A broken rule or limit, and how many bytes before it were good.
    pub(super) fn read(&mut self, input: &[u8], limits: &Limits) -> Result<Progress, (FaultKind, usize)> {
        let mut slot = self.head.take().unwrap_or_else(|| Arc::new(RequestHead::blank()));
        let complete = self.read_into(&mut slot, input, limits);
        let head = self.head.insert(slot);
        Ok(match complete? {
            (used, Some(framing)) => Progress::Complete(used, head.clone(), framing),
            (used, None) => Progress::Partial(used),
        })
    }

    fn read_into(
        &mut self,
        slot: &mut Arc<RequestHead>,
        input: &[u8],
        limits: &Limits,
    ) -> Result<(usize, Option<Framing>), (FaultKind, usize)> {
        if self.stage == Stage::Start {
            match Arc::get_mut(slot) {
                Some(head) => head.clear(),
                None => *slot = Arc::new(RequestHead::blank()),
            }
            (self.facts, self.size) = (Facts::default(), 0);
        }
        // Nobody else holds a head that is not complete: nothing is copied here.
        let head = Arc::make_mut(slot);
        let base = head.block().len();
        let mut at = 0;
        let complete = loop {
            let line_start = at;
            let rest = input.get(at..).unwrap_or_default();
            let (limit, too_long) = match self.stage {
                Stage::Fields => (limits.field_line, FaultKind::FieldTooLong),
                _ => (limits.request_line, FaultKind::TargetTooLong),
            };
            let step = match self.lines.next(rest, limit, too_long) {
                Ok(Some([])) if self.stage == Stage::Fields => {
                    at += 2;
                    break true;
                }
                Ok(Some(line)) => {
                    let start = base + at;
                    at += line.len() + 2;
                    match self.stage {
                        Stage::Start if line.is_empty() => {
                            self.stage = Stage::RequestLine;
                            Ok(())
                        }
                        Stage::Fields => {
                            self.size += line.len() + 2;
                            field(head, line, start, &mut self.facts).and_then(|()| {
                                check(self.size, limits.head, FaultKind::HeadTooLarge)?;
                                check(head.headers().len(), limits.fields, FaultKind::TooManyFields)
                            })
                        }
                        _ => {
                            self.stage = Stage::Fields;
                            request_line(head, line, start, limits)
                        }
                    }
                }
                Ok(None) if self.stage == Stage::Fields => break false,
                Ok(None) => match hopeless(rest, limits) {
                    Some(kind) => Err(kind),
                    None => break false,
                },
                Err(kind) if self.stage == Stage::Fields => Err(kind),
                // The same fault, whether the line comes whole or byte by byte.
                Err(kind) => Err(match hopeless(rest, limits) {
                    Some(kind) => kind,
                    None if kind == FaultKind::TargetTooLong => endless(rest, limits),
                    None => kind,
                }),
            };
            step.map_err(|kind| (kind, line_start))?;
        };
        head.block_mut().extend_from_slice(input.get(..at).unwrap_or_default());
        if !complete {
            return Ok((at, None));
        }
        self.stage = Stage::Start;
        let framing = self.facts.framing(head, limits).map_err(|kind| (kind, at))?;
        Ok((at, Some(framing)))
    }
}

fn check(size: usize, limit: usize, kind: FaultKind) -> Result<(), FaultKind> {
    if size <= limit { Ok(()) } else { Err(kind) }
}

/// What is wrong with the beginning of a request line whose end has not come yet: there is no need to wait for it.
fn hopeless(start: &[u8], limits: &Limits) -> Option<FaultKind> {
    let start = start.strip_prefix(b"\r\n").unwrap_or(start);
    match start.iter().take(limits.method + 1).position(|&b| !is_token_byte(b)) {
        Some(at) if start.get(at) == Some(&b' ') && at > 0 => None,
        Some(at) if at == 0 && start == b"\r" => None,
        Some(_) => Some(FaultKind::RequestLine),
        None => None,
    }
}

/// What is wrong with a request line that is longer than the limit.
fn endless(start: &[u8], limits: &Limits) -> FaultKind {
    let mut method = start.iter().take(limits.request_line);
    match method.position(|&b| !is_token_byte(b)) {
        Some(at) if start.get(at) != Some(&b' ') => FaultKind::RequestLine,
        Some(at) if at > limits.method => FaultKind::MethodTooLong,
        Some(_) => FaultKind::TargetTooLong,
        // No method is as long as a line: this is something else.
        None => FaultKind::RequestLine,
    }
}

/// `method SP request-target SP HTTP-version` (RFC 9112 section 3).
fn request_line(head: &mut RequestHead, line: &[u8], start: usize, limits: &Limits) -> Result<(), FaultKind> {
    let method_end = line.iter().position(|&b| !is_token_byte(b)).unwrap_or(line.len());
    let (method, rest) = line.split_at(method_end);
    check(method.len(), limits.method, FaultKind::MethodTooLong)?;
    let rest = rest.strip_prefix(b" ").ok_or(FaultKind::RequestLine)?;
    let method = Method::from_bytes(method).ok_or(FaultKind::RequestLine)?;
    let target_end = rest.iter().position(|&b| !is_target_byte(b)).ok_or(FaultKind::RequestLine)?;
    let (target, rest) = rest.split_at(target_end);
    if !rest.starts_with(b" ") {
        let spaces = rest.contains(&b' ');
        return Err(if spaces { FaultKind::Target } else { FaultKind::RequestLine });
    }
    let version = match rest {
        b" HTTP/1.1" => Version::Http11,
        b" HTTP/1.0" => Version::Http10,
        // A later minor version is read as the latest that we know (RFC 9110 section 2.5).
        [b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] => Version::Http11,
        [b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            return Err(FaultKind::Version);
        }
        _ => return Err(FaultKind::RequestLine),
    };
    let start = start + method_end + 1;
    let span = Span::new(start, start + target.len());
    if head.set_line(method, target, span, version) { Ok(()) } else { Err(FaultKind::Target) }
}

fn field(head: &mut RequestHead, line: &[u8], start: usize, facts: &mut Facts) -> Result<(), FaultKind> {
    let ((name_span, name), (value_span, value)) = field_line(line, start)?;
    head.headers_mut().push_spans(name_span, value_span);
    let raw = line.get(name.len() + 1..).unwrap_or_default();
    facts.note(name, raw, value, value_span)
}

/// A stretch of the head, and what stands there.
type Part<'a> = (Span, &'a [u8]);

/// `field-name ":" OWS field-value OWS` (RFC 9112 section 5), as stretches of a block in which the line is at `start`.
pub(super) fn field_line(line: &[u8], start: usize) -> Result<(Part<'_>, Part<'_>), FaultKind> {
    let colon = line.iter().position(|&b| !is_token_byte(b)).ok_or(FaultKind::FieldName)?;
    let (name, rest) = line.split_at(colon);
    let Some(raw) = rest.strip_prefix(b":").filter(|_| colon > 0) else {
        let folded = colon == 0 && matches!(rest, [b' ' | b'\t', ..]);
        return Err(if folded { FaultKind::Folding } else { FaultKind::FieldName });
    };
    if !are_value_bytes(raw) {
        return Err(FaultKind::FieldValue);
    }
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let leading = raw.iter().position(|b| !blank(b)).unwrap_or(raw.len());
    let mut value = raw.get(leading..).unwrap_or_default();
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    let value_start = start + colon + 1 + leading;
    let span = Span::new(value_start, value_start + value.len());
    Ok(((Span::new(start, start + colon), name), (span, value)))
}
