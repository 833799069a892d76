//! Interprets the fields of a request that concern its body and its connection (RFC 9112 sections 3.2, 6 and 9).
//!
//! Where the rules leave a choice that request smuggling exploits, the request is refused.

use super::config::Limits;
use super::encoder::Asked;
use crate::body::Length;
use crate::fault::FaultKind;
use crate::http::{Method, RequestHead, Span, TargetForm, Version, is_authority, is_name, is_token, list};

/// The framing of a request, and its effect on the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Framing {
    /// `Unknown` means chunked.
    pub(super) length: Length,
    pub(super) keep_alive: bool,
    /// The client has asked for `keep-alive`, which is the default of HTTP/1.1.
    pub(super) asks_keep_alive: bool,
    pub(super) expects_continue: bool,
    /// It asks to switch protocols by `Upgrade` with `Connection: upgrade`, or by CONNECT.
    pub(super) asked: Asked,
}

impl Framing {
    /// A GET request without a body on a connection that stays open.
    const PLAIN: Self = Self {
        length: Length::None,
        keep_alive: true,
        asks_keep_alive: false,
        expects_continue: false,
        asked: Asked { head: false, connect: false, old: false, switch: false },
    };
}

/// The facts collected while the fields are read, so that no field has to be looked up afterwards.
#[derive(Default)]
pub(crate) struct Facts {
    /// The facts as bits, listed below.
    seen: u16,
    /// The range of the host and the length of the body, if present.
    host: Span,
    length: u64,
}

const HOST: u16 = 1;
const LENGTH: u16 = 1 << 1;
const CHUNKED: u16 = 1 << 2;
const CLOSE: u16 = 1 << 3;
const KEEP_ALIVE: u16 = 1 << 4;
/// The option of `Connection` and the field `Upgrade`, which count only together.
const UPGRADE: u16 = UPGRADE_OPTION | UPGRADE_FIELD;
const UPGRADE_OPTION: u16 = 1 << 5;
const UPGRADE_FIELD: u16 = 1 << 6;
const CONTINUE: u16 = 1 << 7;
/// An unknown expectation.
const UNKNOWN: u16 = 1 << 8;
const CONTENT_TYPE: u16 = 1 << 9;
/// The value of `host` is known to be an authority.
const AUTHORITY: u16 = 1 << 10;

impl Facts {
    fn has(&self, facts: u16) -> bool {
        self.seen & facts == facts
    }

    fn add(&mut self, fact: u16) {
        self.seen |= fact;
    }

    /// Adds a fact that may occur once.
    ///
    /// # Errors
    /// `repeated` if it was present.
    fn add_once(&mut self, fact: u16, repeated: FaultKind) -> Result<(), FaultKind> {
        if self.has(fact) {
            return Err(repeated);
        }
        self.add(fact);
        Ok(())
    }

    /// Collects the facts of a field. The caller writes its value to the range `span` of the block. `is_authority` says
    /// that the field is `host` and its value an authority; `false` tells nothing.
    #[inline(always)]
    pub(crate) fn note(
        &mut self,
        name: &[u8],
        value: &[u8],
        span: Span,
        is_authority: bool,
    ) -> Result<(), FaultKind> {
        match name.len() {
            4 if is_authority || is_name(name, b"host") => {
                self.host = span;
                self.add_once(HOST, FaultKind::HostRepeated)?;
                self.add(if is_authority { AUTHORITY } else { 0 });
            }
            6 if is_name(name, b"expect") => self.expect(value),
            7 if is_name(name, b"upgrade") => self.add(UPGRADE_FIELD),
            10 if is_name(name, b"connection") => self.connection(value)?,
            12 if is_name(name, b"content-type") => {
                self.add_once(CONTENT_TYPE, FaultKind::ContentTypeRepeated)?;
            }
            // A gateway that turns names into variables takes these for the framing fields.
            14 if is_name(name, b"content_length") => return Err(FaultKind::FieldName),
            17 if is_name(name, b"transfer_encoding") => return Err(FaultKind::FieldName),
            14 if is_name(name, b"content-length") => {
                self.length = content_length(value).ok_or(FaultKind::ContentLength)?;
                self.add_once(LENGTH, FaultKind::ContentLengthRepeated)?;
            }
            17 if is_name(name, b"transfer-encoding") => {
                if self.has(CHUNKED) {
                    return Err(FaultKind::TransferEncoding);
                }
                transfer_encoding(value)?;
                self.add(CHUNKED);
            }
            _ => {}
        }
        Ok(())
    }

    /// Empty members of the list are ignored (RFC 9110 section 5.6.1.2).
    #[inline(never)]
    fn expect(&mut self, expectations: &[u8]) {
        for expectation in list(expectations) {
            self.add(if is_name(expectation, b"100-continue") { CONTINUE } else { UNKNOWN });
        }
    }

    fn connection(&mut self, options: &[u8]) -> Result<(), FaultKind> {
        for option in list(options) {
            match option.len() {
                5 if is_name(option, b"close") => self.add(CLOSE),
                7 if is_name(option, b"upgrade") => self.add(UPGRADE_OPTION),
                10 if is_name(option, b"keep-alive") => self.add(KEEP_ALIVE),
                _ if is_needed(option) => return Err(FaultKind::ConnectionOption),
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns the framing of a complete head.
    #[inline(always)]
    pub(super) fn framing(&self, head: &RequestHead, limits: &Limits) -> Result<Framing, FaultKind> {
        self.check_host(head)?;
        // Most requests: no body, and nothing asked of the connection but to stay open.
        let is_plain = self.seen & !(HOST | AUTHORITY | CONTENT_TYPE | KEEP_ALIVE) == 0;
        if is_plain && head.version() == Version::Http11 && matches!(head.method(), Method::Get) {
            return Ok(Framing { asks_keep_alive: self.has(KEEP_ALIVE), ..Framing::PLAIN });
        }
        self.any_framing(head, limits)
    }

    /// Returns the length of a body that frames end, and whether the client waits for `100 Continue`: the framing of
    /// HTTP/2. `ended` says that there is no body.
    pub(crate) fn framing_by_frames(
        &self,
        head: &RequestHead,
        ended: bool,
        most: Option<u64>,
    ) -> Result<(Length, bool), FaultKind> {
        self.check_host(head)?;
        let stated = self.has(LENGTH).then_some(self.length);
        let length = match (stated, ended) {
            (Some(1..), true) => return Err(FaultKind::ContentLength),
            (_, true) => Length::None,
            (Some(n), false) => Length::Known(n),
            (None, false) => Length::Unknown,
        };
        match head.method() {
            Method::Connect if stated.is_some() => return Err(FaultKind::BodyForbidden),
            Method::Trace if !ended => return Err(FaultKind::BodyForbidden),
            _ => {}
        }
        if let (Length::Known(length), Some(most)) = (length, most)
            && length > most
        {
            return Err(FaultKind::BodyTooLarge);
        }
        if self.has(UNKNOWN) {
            return Err(FaultKind::Expectation);
        }
        Ok((length, self.has(CONTINUE) && !ended))
    }

    #[inline(never)]
    fn any_framing(&self, head: &RequestHead, limits: &Limits) -> Result<Framing, FaultKind> {
        let old = head.version() == Version::Http10;
        let length = match (self.has(CHUNKED), self.has(LENGTH)) {
            (true, true) => return Err(FaultKind::LengthAndEncoding),
            (true, false) if old => return Err(FaultKind::TransferEncodingInHttp10),
            (true, false) => Length::Unknown,
            (false, true) if self.length > 0 => Length::Known(self.length),
            _ => Length::None,
        };
        if length != Length::None && matches!(head.method(), Method::Connect | Method::Trace) {
            return Err(FaultKind::BodyForbidden);
        }
        if let (Length::Known(length), Some(most)) = (length, limits.body)
            && length > most
        {
            return Err(FaultKind::BodyTooLarge);
        }
        // Expectations of an HTTP/1.0 client are ignored (RFC 9110 section 10.1.1).
        if self.has(UNKNOWN) && !old {
            return Err(FaultKind::Expectation);
        }
        Ok(Framing {
            length,
            keep_alive: !self.has(CLOSE) && (!old || self.has(KEEP_ALIVE)),
            asks_keep_alive: self.has(KEEP_ALIVE),
            expects_continue: self.has(CONTINUE) && !old && length != Length::None,
            asked: Asked {
                head: matches!(head.method(), Method::Head),
                connect: matches!(head.method(), Method::Connect),
                old,
                switch: matches!(head.method(), Method::Connect) || (self.has(UPGRADE) && !old),
            },
        })
    }

    /// Checks that there is exactly one valid `Host`, which does not contradict the target (RFC 9112 section 3.2).
    #[inline(always)]
    fn check_host(&self, head: &RequestHead) -> Result<(), FaultKind> {
        if !self.has(HOST) {
            return if head.version() == Version::Http10 { Ok(()) } else { Err(FaultKind::HostMissing) };
        }
        // Another value may still be one, for instance with white space after it.
        if !self.has(AUTHORITY) && !is_authority(self.host.of(head.block())) {
            return Err(FaultKind::HostInvalid);
        }
        if head.form() == TargetForm::Absolute
            && !head.authority().is_some_and(|authority| {
                authority.as_bytes().eq_ignore_ascii_case(self.host.of(head.block()))
            })
        {
            return Err(FaultKind::HostMismatch);
        }
        Ok(())
    }
}

/// Returns whether every recipient needs a field. A `Connection` option that names it makes a proxy remove it (RFC
/// 9110 section 7.6.1).
fn is_needed(name: &[u8]) -> bool {
    is_name(name, b"host") || is_name(name, b"content-length") || is_name(name, b"transfer-encoding")
}

/// Parses `1*DIGIT` of at most 19 digits: no sign, no list, no overflow (RFC 9112 section 6.2). Leading zeros are
/// refused, because some parsers take them for octal.
pub(crate) fn content_length(value: &[u8]) -> Option<u64> {
    if matches!(value, [] | [b'0', _, ..]) || value.len() > 19 {
        return None;
    }
    value.iter().try_fold(0u64, |n, b| b.is_ascii_digit().then(|| n * 10 + u64::from(b - b'0')))
}

/// Accepts `chunked`, and ignores empty members of the list (RFC 9110 section 5.6.1.2). Other codings are not
/// implemented, and `chunked` anywhere but once at the end is an error (RFC 9112 section 6.1).
fn transfer_encoding(value: &[u8]) -> Result<(), FaultKind> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let chunked = list(value).filter(|coding| is_chunked(coding)).count();
    let well_formed = list(value).count() > 0 && list(value).all(is_token);
    let at_the_end = list(value).last().is_some_and(is_chunked);
    if chunked == 1 && list(value).count() == 1 {
        return Ok(());
    }
    // A valid list with another coding is correct, but not implemented: 501 instead of 400.
    if well_formed && (chunked == 0 || (chunked == 1 && at_the_end)) {
        return Err(FaultKind::TransferEncodingUnknown);
    }
    Err(FaultKind::TransferEncoding)
}
