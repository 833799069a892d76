//! What the fields of a request say about its body and its connection (RFC 9112 sections 3.2, 6 and 9).
//!
//! Where the rules leave a choice that request smuggling has lived on, the request is refused.

use super::scan::FieldLine;
use crate::event::Length;
use crate::fault::FaultKind;
use crate::http::{Method, RequestHead, Span, TargetForm, Version, is_authority, is_name, is_token, list};
use crate::limits::Limits;

/// How a request is framed and what becomes of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Framing {
    /// `Unknown` is chunked.
    pub(super) length: Length,
    pub(super) keep_alive: bool,
    pub(super) expects_continue: bool,
    /// The client asks to leave HTTP: `Upgrade` with `Connection: upgrade`, or CONNECT.
    pub(super) switch: bool,
}

/// The facts that fields give away while they are read, so that none has to be looked up afterwards.
#[derive(Default)]
pub(super) struct Facts {
    host: Option<Span>,
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    connection_upgrade: bool,
    upgrade: bool,
    expect: Option<bool>,
    content_type: bool,
}

impl Facts {
    /// Takes note of the field at the beginning of `input`, which is to stand at `start` in the block.
    pub(super) fn note(&mut self, line: &FieldLine, input: &[u8], start: usize) -> Result<(), FaultKind> {
        let name = line.name(input);
        let value = || line.value(input);
        match name.len() {
            4 if is_name(name, b"host") => {
                return self
                    .host
                    .replace(line.value_span(start))
                    .map_or(Ok(()), |_| Err(FaultKind::HostRepeated));
            }
            6 if is_name(name, b"expect") => {
                let known = value().eq_ignore_ascii_case(b"100-continue");
                self.expect = Some(known && self.expect.unwrap_or(true));
            }
            7 if is_name(name, b"upgrade") => self.upgrade = true,
            10 if is_name(name, b"connection") => {
                for option in list(value()) {
                    self.close |= option.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                    self.connection_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
                    if is_needed(option) {
                        return Err(FaultKind::ConnectionOption);
                    }
                }
            }
            12 if is_name(name, b"content-type") => {
                let repeated = core::mem::replace(&mut self.content_type, true);
                return if repeated { Err(FaultKind::ContentTypeRepeated) } else { Ok(()) };
            }
            // Names that become those of framing where a gateway makes variables of them.
            14 if is_name(name, b"content_length") => return Err(FaultKind::FieldName),
            17 if is_name(name, b"transfer_encoding") => return Err(FaultKind::FieldName),
            14 if is_name(name, b"content-length") => {
                let length = content_length(value()).filter(|_| line.is_plain(input));
                let length = length.ok_or(FaultKind::ContentLength)?;
                if self.length.replace(length).is_some() {
                    return Err(FaultKind::ContentLengthRepeated);
                }
            }
            17 if is_name(name, b"transfer-encoding") => {
                if self.chunked || !line.is_plain(input) {
                    return Err(FaultKind::TransferEncoding);
                }
                transfer_encoding(value())?;
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// What the facts come to, once the head is complete.
    pub(super) fn framing(&self, head: &RequestHead, limits: &Limits) -> Result<Framing, FaultKind> {
        let old = head.version() == Version::Http10;
        self.check_host(head)?;
        let length = match (self.chunked, self.length) {
            (true, Some(_)) => return Err(FaultKind::LengthAndEncoding),
            (true, None) if old => return Err(FaultKind::TransferEncodingInHttp10),
            (true, None) => Length::Unknown,
            (false, None | Some(0)) => Length::None,
            (false, Some(length)) => Length::Known(length),
        };
        if length != Length::None && matches!(head.method(), Method::Connect | Method::Trace) {
            return Err(FaultKind::BodyForbidden);
        }
        if let (Length::Known(length), Some(most)) = (length, limits.body)
            && length > most
        {
            return Err(FaultKind::BodyTooLarge);
        }
        // A client of HTTP/1.0 does not know of expectations (RFC 9110 section 10.1.1).
        let expects_continue = match self.expect {
            Some(false) if !old => return Err(FaultKind::Expectation),
            Some(known) => known && !old && length != Length::None,
            None => false,
        };
        Ok(Framing {
            length,
            keep_alive: !self.close && (!old || self.keep_alive),
            expects_continue,
            switch: matches!(head.method(), Method::Connect)
                || (self.upgrade && self.connection_upgrade && !old),
        })
    }

    /// Exactly one valid `Host`, which does not contradict the target (RFC 9112 section 3.2).
    fn check_host(&self, head: &RequestHead) -> Result<(), FaultKind> {
        let Some(span) = self.host else {
            return if head.version() == Version::Http10 { Ok(()) } else { Err(FaultKind::HostMissing) };
        };
        let host = span.of(head.block());
        if !is_authority(host) {
            return Err(FaultKind::HostInvalid);
        }
        if head.form() == TargetForm::Absolute
            && !head.authority().is_some_and(|authority| authority.as_bytes().eq_ignore_ascii_case(host))
        {
            return Err(FaultKind::HostMismatch);
        }
        Ok(())
    }
}

/// Whether a field is meant for all who read the message: a `Connection` option that names it would have a proxy take it
/// away (RFC 9110 section 7.6.1).
fn is_needed(name: &[u8]) -> bool {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    match name.len() {
        4 => is("host"),
        14 => is("content-length"),
        17 => is("transfer-encoding"),
        _ => false,
    }
}

/// `1*DIGIT`, of a number below 2^63 or so: no sign, no list, no overflow (RFC 9112 section 6.2), and no leading zeros,
/// with which some begin an octal number.
pub(super) fn content_length(value: &[u8]) -> Option<u64> {
    if matches!(value, [] | [b'0', _, ..]) || value.len() > 19 {
        return None;
    }
    value.iter().try_fold(0u64, |n, b| b.is_ascii_digit().then(|| n * 10 + u64::from(b - b'0')))
}

/// Exactly `chunked`. Other codings are not implemented, and `chunked` anywhere but alone at the end is an error
/// (RFC 9112 section 6.1).
fn transfer_encoding(value: &[u8]) -> Result<(), FaultKind> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let chunked = list(value).filter(|coding| is_chunked(coding)).count();
    let well_formed = list(value).count() > 0 && list(value).all(is_token);
    let at_the_end = list(value).last().is_some_and(is_chunked);
    // With a coding of its own and `chunked` nowhere or at the end, the message is fine and we are too small for it.
    if well_formed && (chunked == 0 || (chunked == 1 && at_the_end && list(value).count() > 1)) {
        return Err(FaultKind::TransferEncodingUnknown);
    }
    Err(FaultKind::TransferEncoding)
}
