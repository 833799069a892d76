//! Reads the header block of a request, and trailers, while they are decoded (RFC 9113 section 8).
//!
//! Each field is a line in the block of the head, so most of them are not copied again. What HTTP/1.1 checks, the same
//! function checks here: host, length, expectation, target.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::config::Limits;
use super::hpack::{BlockLimits, Excess, FieldLine, FieldSink};
use crate::body::Length;
use crate::fault::FaultKind;
use crate::h1::decoder::is_forbidden;
use crate::h1::encoder::Asked;
use crate::h1::framing::Facts;
use crate::http::{
    Headers, Method, Parts, RequestHead, Span, Version, is_authority, is_name, is_token_byte, value_len,
};

/// Reads the heads of requests, one after the other.
#[derive(Default)]
pub(super) struct HeadReader {
    /// The head that is filled. It may be that of an earlier request, if the application gave it back.
    head: Option<Arc<RequestHead>>,
    draft: Draft,
}

/// A request whose head is complete.
pub(super) struct Received {
    pub(super) head: Arc<RequestHead>,
    pub(super) length: Length,
    pub(super) expects_continue: bool,
    pub(super) asked: Asked,
}

/// The limits of the block of a request.
pub(super) fn block_limits(limits: &Limits) -> BlockLimits {
    // The pseudo-header fields are not counted by the peer.
    BlockLimits { size: limits.head, fields: limits.fields + PSEUDO, hard: limits.head.saturating_mul(4) }
}

/// The limits of the block of trailers.
pub(super) fn trailer_limits(limits: &Limits) -> BlockLimits {
    BlockLimits { size: limits.trailers, fields: limits.trailer_fields, hard: limits.head.saturating_mul(4) }
}

/// The number of pseudo-header fields.
const PSEUDO: usize = 5;

/// The facts about a head that is being read.
struct Draft {
    facts: Facts,
    /// The pseudo-header fields that were there, as bits.
    seen: u8,
    /// The number of other fields.
    fields: usize,
    method: Method,
    path: Span,
    authority: Span,
    protocol: Span,
    /// The parts of a cookie behind the first one, and the place of that among the fields.
    crumbs: Vec<Span>,
    cookie: Option<(usize, Span)>,
    /// The first broken rule.
    fault: Option<FaultKind>,
}

const METHOD: u8 = 1;
const SCHEME: u8 = 1 << 1;
const PATH: u8 = 1 << 2;
const AUTHORITY: u8 = 1 << 3;
const PROTOCOL: u8 = 1 << 4;

impl Default for Draft {
    fn default() -> Self {
        Self {
            facts: Facts::default(),
            seen: 0,
            fields: 0,
            method: Method::Get,
            path: Span::default(),
            authority: Span::default(),
            protocol: Span::default(),
            crumbs: Vec::new(),
            cookie: None,
            fault: None,
        }
    }
}

impl HeadReader {
    /// Begins a head.
    pub(super) fn begin(&mut self) {
        let mut head = match self.head.take() {
            // Reused unless the application still holds it.
            Some(head) if Arc::strong_count(&head) == 1 => head,
            _ => Arc::new(RequestHead::blank()),
        };
        // The only reference, so this copies nothing.
        Arc::make_mut(&mut head).clear();
        self.head = Some(head);
        self.draft = Draft::default();
    }

    /// Returns the sink of the block.
    pub(super) fn sink<'a>(&'a mut self, limits: &'a Limits) -> HeadSink<'a> {
        let head = self.head.get_or_insert_with(|| Arc::new(RequestHead::blank()));
        HeadSink { head: Arc::make_mut(head), draft: &mut self.draft, limits }
    }

    /// Ends the head. `ended` says that there is no body.
    ///
    /// # Errors
    /// The first broken rule, and what a response to the request depends on.
    pub(super) fn finish(
        &mut self,
        limits: &Limits,
        excess: Option<Excess>,
        ended: bool,
        extended_connect: bool,
    ) -> Result<Received, (FaultKind, Asked)> {
        let asked = Asked {
            head: self.draft.method == Method::Head,
            connect: self.draft.method == Method::Connect,
            old: false,
            switch: self.draft.method == Method::Connect,
        };
        match self.complete(limits, excess, ended, extended_connect) {
            Ok((head, length, expects_continue)) => Ok(Received { head, length, expects_continue, asked }),
            // No body follows the answer to a request that was not understood, as to HEAD.
            Err(fault) => Err((fault, Asked { connect: false, switch: false, ..asked })),
        }
    }

    fn complete(
        &mut self,
        limits: &Limits,
        excess: Option<Excess>,
        ended: bool,
        extended_connect: bool,
    ) -> Result<(Arc<RequestHead>, Length, bool), FaultKind> {
        let Some(mut arc) = self.head.take() else { return Err(FaultKind::State) };
        let head = Arc::make_mut(&mut arc);
        let draft = &mut self.draft;
        let framing = draft.check(head, limits, excess, extended_connect).and_then(|()| {
            draft.join_cookies(head);
            draft.facts.framing_by_frames(head, ended, limits.body)
        });
        match framing {
            Ok((length, expects_continue)) => Ok((arc, length, expects_continue)),
            Err(fault) => {
                self.head = Some(arc);
                Err(fault)
            }
        }
    }

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

    pub(super) fn held(&self) -> usize {
        let crumbs = self.draft.crumbs.capacity() * size_of::<Span>();
        self.head.as_ref().map_or(0, |head| size_of::<RequestHead>() + head.held()) + crumbs
    }
}

impl Draft {
    /// Checks the pseudo-header fields (RFC 9113 section 8.3.1, RFC 8441 section 4), and sets method and target.
    fn check(
        &mut self,
        head: &mut RequestHead,
        limits: &Limits,
        excess: Option<Excess>,
        extended_connect: bool,
    ) -> Result<(), FaultKind> {
        match (self.fault, excess) {
            (Some(fault), _) => return Err(fault),
            (None, Some(Excess::Size)) => return Err(FaultKind::HeadTooLarge),
            (None, Some(Excess::Fields)) => return Err(FaultKind::TooManyFields),
            (None, None) => {}
        }
        let connect = self.method == Method::Connect;
        let target = match self.seen & (METHOD | SCHEME | PATH | AUTHORITY | PROTOCOL) {
            seen if connect && extended_connect && seen == METHOD | SCHEME | PATH | AUTHORITY | PROTOCOL => {
                self.path
            }
            seen if connect && seen == METHOD | AUTHORITY => self.authority,
            seen if !connect && seen & !AUTHORITY == METHOD | SCHEME | PATH => self.path,
            _ => return Err(FaultKind::PseudoField),
        };
        let text = target.of(head.block());
        if text.len() > limits.target {
            return Err(FaultKind::TargetTooLong);
        }
        let plain_connect = self.seen & PATH == 0;
        if !plain_connect && !matches!(text, [b'/', ..] | b"*") {
            return Err(FaultKind::Target);
        }
        // The target of an extended CONNECT is that of GET.
        let of = if connect && !plain_connect { &Method::Get } else { &self.method };
        let parts = Parts::parse(text, of).ok_or(FaultKind::Target)?;
        let method = core::mem::replace(&mut self.method, Method::Get);
        head.set_line(method, target, parts, Version::Http2);
        head.set_protocol(self.protocol);
        Ok(())
    }

    /// Joins the parts of a cookie (RFC 9113 section 8.2.3).
    fn join_cookies(&mut self, head: &mut RequestHead) {
        let Some((at, first)) = self.cookie.filter(|_| !self.crumbs.is_empty()) else { return };
        let block = head.block_mut();
        let start = block.len();
        block.extend_from_within(first.start as usize..first.end as usize);
        for crumb in self.crumbs.drain(..) {
            block.extend_from_slice(b"; ");
            block.extend_from_within(crumb.start as usize..crumb.end as usize);
        }
        let value = Span::new(start, block.len());
        head.headers_mut().set_value_span(at, value);
    }
}

/// Receives the fields of a request.
pub(super) struct HeadSink<'a> {
    head: &'a mut RequestHead,
    draft: &'a mut Draft,
    limits: &'a Limits,
}

impl FieldSink for HeadSink<'_> {
    #[inline]
    fn buffer(&mut self) -> &mut Vec<u8> {
        self.head.block_mut()
    }

    #[inline]
    fn field(&mut self, field: FieldLine) {
        // The first broken rule is reported; the rest is decoded for the table only.
        if self.draft.fault.is_none()
            && let Err(fault) = self.take(field)
        {
            self.draft.fault = Some(fault);
        }
    }
}

impl HeadSink<'_> {
    fn take(&mut self, field: FieldLine) -> Result<(), FaultKind> {
        let Self { head, draft, limits } = self;
        let (name_at, value_at) = (field.name(), field.value());
        let (name, value) = (Span::new(name_at.start, name_at.end), Span::new(value_at.start, value_at.end));
        let block = head.block();
        let (name_text, text) = (name.of(block), value.of(block));
        check_value(text)?;
        if let [b':', ..] = name_text {
            if draft.fields > 0 {
                return Err(FaultKind::PseudoField);
            }
            return self.pseudo(field, value);
        }
        if name_text.len() + text.len() + 4 > limits.field_line {
            return Err(FaultKind::FieldTooLong);
        }
        // The names of the static table are valid.
        if field.known().is_none() {
            check_name(name_text)?;
        }
        draft.fields += 1;
        if draft.fields > limits.fields {
            return Err(FaultKind::TooManyFields);
        }
        if is_of_http1(name_text, text) {
            return Err(FaultKind::FieldNotAllowed);
        }
        match name_text {
            b"cookie" => match draft.cookie {
                Some(_) => {
                    draft.crumbs.push(value);
                    return Ok(());
                }
                None => draft.cookie = Some((head.headers().len(), value)),
            },
            b"host" if draft.seen & AUTHORITY != 0 => {
                if !draft.authority.of(block).eq_ignore_ascii_case(text) {
                    return Err(FaultKind::HostMismatch);
                }
                // Once: a second one is an error, whatever its value.
                if draft.seen & HOST != 0 {
                    return Err(FaultKind::HostRepeated);
                }
                draft.seen |= HOST;
                return Ok(());
            }
            _ => draft.facts.note(name_text, text, value, false)?,
        }
        head.headers_mut().push_spans(name, value);
        Ok(())
    }

    /// Takes a pseudo-header field, each once.
    fn pseudo(&mut self, field: FieldLine, value: Span) -> Result<(), FaultKind> {
        let Self { head, draft, limits } = self;
        let block = head.block();
        let text = value.of(block);
        let at = field.name();
        let bit = match block.get(at.start..at.end).unwrap_or_default() {
            b":method" => METHOD,
            b":scheme" => SCHEME,
            b":path" => PATH,
            b":authority" => AUTHORITY,
            b":protocol" => PROTOCOL,
            _ => return Err(FaultKind::PseudoField),
        };
        if draft.seen & bit != 0 {
            return Err(FaultKind::PseudoField);
        }
        draft.seen |= bit;
        match bit {
            METHOD if text.len() > limits.method => return Err(FaultKind::MethodTooLong),
            METHOD => draft.method = Method::from_bytes(text).ok_or(FaultKind::PseudoField)?,
            SCHEME if !is_scheme(text) => return Err(FaultKind::PseudoField),
            SCHEME => {}
            PATH => draft.path = value,
            PROTOCOL if text.is_empty() || !text.iter().all(|&b| is_token_byte(b)) => {
                return Err(FaultKind::PseudoField);
            }
            PROTOCOL => draft.protocol = value,
            _ => {
                if !is_authority(text) {
                    return Err(FaultKind::HostInvalid);
                }
                // Applications know it as `host`, whatever the version.
                draft.facts.note(b"host", text, value, true)?;
                draft.authority = value;
                let block = head.block_mut();
                let start = block.len();
                block.extend_from_slice(b"host");
                let name = Span::new(start, block.len());
                head.headers_mut().push_spans(name, value);
            }
        }
        Ok(())
    }
}

/// A `host` beside `:authority` was there.
const HOST: u8 = 1 << 5;

/// Checks a value (RFC 9113 section 8.2.1).
#[inline]
fn check_value(value: &[u8]) -> Result<(), FaultKind> {
    if value_len(value) < value.len() || matches!(value, [b' ' | b'\t', ..] | [.., b' ' | b'\t']) {
        return Err(FaultKind::FieldValue);
    }
    Ok(())
}

/// Checks a name (RFC 9113 section 8.2.1): a token without upper case.
fn check_name(name: &[u8]) -> Result<(), FaultKind> {
    let is_valid = |&byte: &u8| is_token_byte(byte) && !byte.is_ascii_uppercase();
    if name.is_empty() || !name.iter().all(is_valid) { Err(FaultKind::FieldName) } else { Ok(()) }
}

/// Returns whether a field is about a connection of HTTP/1.1 (RFC 9113 section 8.2.2).
fn is_of_http1(name: &[u8], value: &[u8]) -> bool {
    match name.len() {
        2 => is_name(name, b"te") && !value.eq_ignore_ascii_case(b"trailers"),
        7 => is_name(name, b"upgrade"),
        10 => is_name(name, b"connection") || is_name(name, b"keep-alive"),
        16 => is_name(name, b"proxy-connection"),
        17 => is_name(name, b"transfer-encoding"),
        _ => false,
    }
}

/// Returns whether `scheme` is one by its syntax (RFC 3986 section 3.1).
fn is_scheme(scheme: &[u8]) -> bool {
    let other = |&b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    matches!(scheme, [b'a'..=b'z' | b'A'..=b'Z', rest @ ..] if rest.iter().all(other))
}

/// Reads trailers.
#[derive(Default)]
pub(super) struct TrailerReader {
    headers: Headers,
    fault: Option<FaultKind>,
}

impl TrailerReader {
    /// Ends the trailers.
    ///
    /// # Errors
    /// A broken rule.
    pub(super) fn finish(&mut self, excess: Option<Excess>) -> Result<Headers, FaultKind> {
        let Self { headers, fault } = core::mem::take(self);
        match (fault, excess) {
            (Some(fault), _) => Err(fault),
            (None, Some(_)) => Err(FaultKind::TrailersTooLarge),
            (None, None) => Ok(headers),
        }
    }

    pub(super) fn held(&self) -> usize {
        self.headers.held()
    }
}

impl FieldSink for TrailerReader {
    fn buffer(&mut self) -> &mut Vec<u8> {
        self.headers.block_mut()
    }

    fn field(&mut self, field: FieldLine) {
        let (name_at, value_at) = (field.name(), field.value());
        let (name, value) = (Span::new(name_at.start, name_at.end), Span::new(value_at.start, value_at.end));
        let (name_text, text) = (name.of(self.headers.block()), value.of(self.headers.block()));
        let checked = match name_text {
            [b':', ..] => Err(FaultKind::PseudoField),
            _ if is_of_http1(name_text, text) => Err(FaultKind::FieldNotAllowed),
            name => check_name(name).and_then(|()| check_value(text)),
        };
        match checked {
            Err(fault) => {
                self.fault.get_or_insert(fault);
            }
            Ok(()) if is_forbidden(name_text) => {}
            Ok(()) => self.headers.push_spans(name, value),
        }
    }
}
