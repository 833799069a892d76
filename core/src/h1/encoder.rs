//! Encodes the head and the framing of a response (RFC 9112 sections 4, 6 and 7.1).

use alloc::vec::Vec;

use super::framing::content_length;
use crate::body::Length;
use crate::fault::FaultKind;
use crate::http::{Headers, Method, RequestHead, Status, is_field_value, is_name, is_token, list};
use crate::proto::Defaults;
use crate::proto::Output;

/// The properties of the request that the encoder depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The method was HEAD: no body is sent.
    pub(crate) head: bool,
    /// The method was CONNECT.
    pub(crate) connect: bool,
    /// The client speaks HTTP/1.0: no chunks, and keep-alive only with a field.
    pub(crate) old: bool,
    /// The client has asked to switch protocols.
    pub(crate) switch: bool,
}

/// The framing of a response body.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum ResponseFraming {
    /// No body is sent; data from the application is dropped.
    #[default]
    Suppressed,
    /// The remaining bytes.
    Known(u64),
    Chunked,
    /// The body ends with the connection.
    Close,
    /// The connection switches protocols.
    Switch,
}

/// Fast path: a response of 200 without special fields, on a connection that stays open.
pub(super) struct OrdinaryHead<'a> {
    /// The status line and the default fields.
    pub(super) defaults: &'a [u8],
    /// The field lines of the application.
    pub(super) lines: &'a [u8],
}

impl OrdinaryHead<'_> {
    /// Writes the head for a body of this length.
    #[inline(always)]
    pub(super) fn write(&self, out: &mut Vec<u8>, length: u64) {
        out.extend_from_slice(self.defaults);
        if self.lines.is_empty() {
            out.extend_from_slice(b"content-length: ");
        } else {
            out.extend_from_slice(self.lines);
            out.extend_from_slice(b"\r\ncontent-length: ");
        }
        write_last_length(out, length);
    }
}

/// Checks a response and writes its head. Clears `keep_alive` if no other exchange can follow the response.
///
/// # Errors
/// [`FaultKind::Status`] or [`FaultKind::Framing`]. Nothing is written then.
pub(super) fn head(
    out: &mut Vec<u8>,
    status: Status,
    headers: &Headers,
    length: Length,
    defaults: &Defaults,
    asked: Asked,
    keep_alive: &mut bool,
) -> Result<ResponseFraming, FaultKind> {
    let own = if headers.lines().is_some() { Own::default() } else { Own::read(headers)? };
    let framing = framing(status, &own, length, asked)?;
    *keep_alive &= !own.close && framing != ResponseFraming::Close;
    super::defaults::write(out, status, headers, own.date || own.server, defaults);
    fields(out, headers);
    match framing {
        ResponseFraming::Known(n) => write_length(out, n),
        ResponseFraming::Chunked => write_chunked(out),
        ResponseFraming::Suppressed => suppressed(out, status, &own, length, asked),
        ResponseFraming::Close | ResponseFraming::Switch => {}
    }
    if framing == ResponseFraming::Switch || *keep_alive || own.close {
        out.extend_from_slice(b"\r\n");
    } else {
        out.extend_from_slice(b"connection: close\r\n\r\n");
    }
    Ok(framing)
}

/// Adds to a complete head how many seconds the connection stays open (RFC 2068 section 19.7.1.1), so that a client does
/// not send a request while the connection closes.
#[inline(never)]
pub(super) fn append_idle_time(out: &mut Vec<u8>, seconds: u64) {
    out.truncate(out.len().saturating_sub(2));
    out.extend_from_slice(b"connection: keep-alive\r\nkeep-alive: timeout=");
    write_number(out, seconds);
    out.extend_from_slice(b"\r\n\r\n");
}

/// Writes the framing fields of a body that is not sent.
#[inline(never)]
fn suppressed(out: &mut Vec<u8>, status: Status, own: &Own, length: Length, asked: Asked) {
    match suppressed_framing(status, own, length, asked) {
        Some(ResponseFraming::Known(n)) => write_length(out, n),
        Some(ResponseFraming::Chunked) => write_chunked(out),
        _ => {}
    }
}

/// Returns the framing that the fields of a response without a body tell, if they tell any.
fn suppressed_framing(status: Status, own: &Own, length: Length, asked: Asked) -> Option<ResponseFraming> {
    match status {
        // 205 has an empty body and says so (RFC 9110 section 15.3.6).
        Status::RESET_CONTENT => Some(ResponseFraming::Known(0)),
        // The length of 200, if the application states it.
        Status::NOT_MODIFIED => own.length.map(ResponseFraming::Known),
        // No field, not even that of GET (RFC 9110 section 8.6).
        _ if status.forbids_body() => None,
        // The handler gave neither content nor a length, so the framing of GET is not known.
        _ if length == Length::None && own.length.is_none() && !own.chunked => None,
        // An error was reported before.
        _ => content(own, length, asked).ok(),
    }
}

/// The framing of a response in a protocol with frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Framed {
    /// The framing of the body. `Chunked` means a body of unknown length.
    pub(crate) framing: ResponseFraming,
    /// The value of `content-length`, if it is sent.
    pub(crate) length: Option<u64>,
    /// The application asks for the end of the connection.
    pub(crate) close: bool,
}

/// Checks a response as [`head`] does, for a protocol with frames.
///
/// # Errors
/// [`FaultKind::Status`] or [`FaultKind::Framing`].
pub(crate) fn framed(
    status: Status,
    headers: &Headers,
    length: Length,
    asked: Asked,
) -> Result<Framed, FaultKind> {
    let own = if headers.lines().is_some() { Own::default() } else { Own::read(headers)? };
    let framing = framing(status, &own, length, asked)?;
    let told = match framing {
        ResponseFraming::Suppressed => suppressed_framing(status, &own, length, asked),
        other => Some(other),
    };
    let length = if let Some(ResponseFraming::Known(n)) = told { Some(n) } else { None };
    Ok(Framed { framing, length, close: own.close })
}

/// Writes an informational response.
pub(super) fn informational(out: &mut Vec<u8>, status: Status, headers: &Headers) {
    status.write_line(out);
    fields(out, headers);
    out.extend_from_slice(b"\r\n");
}

#[inline]
fn fields(out: &mut Vec<u8>, headers: &Headers) {
    match headers.lines() {
        Some([]) => {}
        Some(lines) => {
            out.extend_from_slice(lines);
            out.extend_from_slice(b"\r\n");
        }
        None => each_field(out, headers),
    }
}

#[inline(never)]
fn each_field(out: &mut Vec<u8>, headers: &Headers) {
    for (name, value) in headers.raw() {
        if !is_framing_field(name) {
            field(out, name, value);
        }
    }
}

/// Writes a field line. Names and values were checked when they were set.
pub(super) fn field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    debug_assert!(is_token(name) && is_field_value(value));
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Writes a chunk of `size` bytes, which `push` adds to the output.
#[inline(never)]
pub(super) fn chunk(output: &mut Output, size: usize, push: impl FnOnce(&mut Output)) {
    // An empty chunk would end the body.
    if size > 0 {
        chunk_size(output.buf(), size);
        push(output);
        output.buf().extend_from_slice(b"\r\n");
    }
}

/// Writes the size line of a chunk.
fn chunk_size(out: &mut Vec<u8>, size: usize) {
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        let nibble = (size >> (4 * digit)) & 0xf;
        out.push(b"0123456789abcdef"[nibble]);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the last chunk and the trailer fields.
#[inline(never)]
pub(super) fn last_chunk(out: &mut Vec<u8>, trailers: Option<&Headers>) {
    out.extend_from_slice(b"0\r\n");
    if let Some(trailers) = trailers {
        fields(out, trailers);
    }
    out.extend_from_slice(b"\r\n");
}

/// The fields of the application that concern framing and connection.
#[derive(Default, PartialEq, Debug)]
struct Own {
    length: Option<u64>,
    chunked: bool,
    close: bool,
    date: bool,
    server: bool,
}

impl Own {
    #[inline(never)]
    fn read(headers: &Headers) -> Result<Self, FaultKind> {
        let mut own = Self::default();
        for (name, value) in headers.raw() {
            match name.len() {
                4 if is_name(name, b"date") => own.date = true,
                6 if is_name(name, b"server") => own.server = true,
                10 if is_name(name, b"connection") => {
                    own.close |= list(value).any(|o| o.eq_ignore_ascii_case(b"close"))
                }
                14 if is_name(name, b"content-length") => {
                    let length = content_length(value).ok_or(FaultKind::Framing)?;
                    if own.length.replace(length).is_some_and(|other| other != length) {
                        return Err(FaultKind::Framing);
                    }
                }
                17 if is_name(name, b"transfer-encoding") => {
                    if own.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                        return Err(FaultKind::Framing);
                    }
                    own.chunked = true;
                }
                _ => {}
            }
        }
        Ok(own)
    }
}

/// Returns whether the machine writes this field itself. Its value was taken into account before.
fn is_framing_field(name: &[u8]) -> bool {
    match name.len() {
        14 => is_name(name, b"content-length"),
        17 => is_name(name, b"transfer-encoding"),
        _ => false,
    }
}

/// Checks a response as the machine does before it writes the head, and returns the length of the content that is sent.
/// [`Length::None`] means that the body of the application is not sent: the response to HEAD, and those of status 204, 205,
/// 304 and of a switch of protocols.
///
/// For callers that run an application without a machine, such as a client for tests.
///
/// ```
/// use stelo_core::body::Length;
/// use stelo_core::h1::check_response;
/// use stelo_core::http::{Headers, Method, RequestHead, Status};
/// use stelo_core::FaultKind;
///
/// let get = RequestHead::new(Method::Get, "/").unwrap();
/// let mut headers = Headers::new();
/// assert_eq!(check_response(&get, Status::OK, &headers, Length::Known(5)), Ok(Length::Known(5)));
/// headers.set("content-length", "3");
/// assert_eq!(check_response(&get, Status::OK, &headers, Length::Known(5)), Err(FaultKind::Framing));
/// ```
///
/// # Errors
/// [`FaultKind::Status`] if the status is not that of a final response (RFC 9110 section 15).
/// [`FaultKind::Framing`] if the header fields contradict the length (section 8.6).
pub fn check_response(
    request: &RequestHead,
    status: Status,
    headers: &Headers,
    length: Length,
) -> Result<Length, FaultKind> {
    let (fields, connect) = (request.headers(), *request.method() == Method::Connect);
    let asked = Asked {
        head: *request.method() == Method::Head,
        connect,
        old: false,
        switch: connect || (fields.contains("upgrade") && fields.has_token("connection", "upgrade")),
    };
    Ok(match framing(status, &Own::read(headers)?, length, asked)? {
        ResponseFraming::Suppressed | ResponseFraming::Switch => Length::None,
        ResponseFraming::Known(n) => Length::Known(n),
        ResponseFraming::Chunked | ResponseFraming::Close => Length::Unknown,
    })
}

/// Returns the framing of a response.
///
/// # Errors
/// [`FaultKind::Status`], or the error of [`content`].
fn framing(status: Status, own: &Own, length: Length, asked: Asked) -> Result<ResponseFraming, FaultKind> {
    match status.code() {
        101 if asked.switch && !asked.connect => return Ok(ResponseFraming::Switch),
        200..=299 if asked.connect => return Ok(ResponseFraming::Switch),
        200..=599 => {}
        _ => return Err(FaultKind::Status),
    }
    if status.forbids_body() || status == Status::RESET_CONTENT {
        return Ok(ResponseFraming::Suppressed);
    }
    let framing = content(own, length, asked)?;
    // The response to HEAD ends with its head, which is that of GET.
    Ok(if asked.head { ResponseFraming::Suppressed } else { framing })
}

/// Returns the framing of content, for HEAD that of the response to GET.
///
/// # Errors
/// [`FaultKind::Framing`] if the application states another length.
fn content(own: &Own, length: Length, asked: Asked) -> Result<ResponseFraming, FaultKind> {
    let known = match (length, own.length) {
        // A handler for HEAD alone states the length without the content.
        (Length::None | Length::Known(0), Some(own)) if asked.head => Some(own),
        (Length::None, own) => {
            Some(own.unwrap_or(0)).filter(|&n| n == 0).ok_or(FaultKind::Framing).map(Some)?
        }
        (Length::Known(n), Some(own)) if n != own => return Err(FaultKind::Framing),
        (Length::Known(n), _) => Some(n),
        (Length::Unknown, own) => own,
    };
    Ok(match known {
        Some(n) if !own.chunked || asked.old => ResponseFraming::Known(n),
        _ if !asked.old => ResponseFraming::Chunked,
        _ => ResponseFraming::Close,
    })
}

fn write_chunked(out: &mut Vec<u8>) {
    out.extend_from_slice(b"transfer-encoding: chunked\r\n");
}

#[inline(never)]
fn write_length(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(b"content-length: ");
    write_number(out, n);
    out.extend_from_slice(b"\r\n");
}

/// Writes the value of the last field and the end of the head. One copy of a constant size for most lengths.
#[inline(always)]
fn write_last_length(out: &mut Vec<u8>, n: u64) {
    match n {
        0..10 => out.extend_from_slice(&[digit(n), b'\r', b'\n', b'\r', b'\n']),
        10..100 => out.extend_from_slice(&[digit(n / 10), digit(n), b'\r', b'\n', b'\r', b'\n']),
        _ => {
            write_number(out, n / 100);
            out.extend_from_slice(&[digit(n / 10), digit(n), b'\r', b'\n', b'\r', b'\n']);
        }
    }
}

fn write_number(out: &mut Vec<u8>, n: u64) {
    if n >= 10 {
        write_number(out, n / 10);
    }
    out.push(digit(n));
}

/// Returns the last decimal digit as text.
fn digit(n: u64) -> u8 {
    b'0' + (n % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Applies a random change to header fields.
    fn change(headers: &mut Headers, (what, name, value): (u8, usize, usize)) {
        let name = ["a", "Vary", "date", "Server", "content-type", "content-length", "Connection"][name];
        let value = ["", "1", "2", "close"][value];
        match what {
            0 => drop(headers.remove(name)),
            1 => headers.try_set(name, value).unwrap(),
            2 => headers.clear(),
            _ => headers.try_append(name, value).unwrap(),
        }
    }

    proptest! {
        #[test]
        fn fields_are_the_same_in_one_block_and_one_by_one(
            constant in any::<bool>(),
            changes in proptest::collection::vec((0u8..12, 0usize..7, 0usize..4), 0..8),
        ) {
            let mut headers = if constant { Headers::constant("content-type: a/b").unwrap() } else { Headers::new() };
            for what in changes {
                change(&mut headers, what);
                let (mut all, mut each) = (Vec::new(), Vec::new());
                fields(&mut all, &headers);
                each_field(&mut each, &headers);
                prop_assert_eq!(&all, &each);
                let Some(lines) = headers.lines() else { continue };
                prop_assert!(Own::read(&headers) == Ok(Own::default()));

                let defaults = Defaults::new(Some(&crate::http::date::format(0)), Some("s"), &Headers::new()).unwrap();
                let (mut ordinary, mut any, mut keep_alive) = (Vec::new(), Vec::new(), true);
                OrdinaryHead { defaults: super::super::defaults::whole(&defaults).unwrap(), lines }.write(&mut ordinary, 7);
                let (ok, length) = (Status::OK, Length::Known(7));
                let framing = head(&mut any, ok, &headers, length, &defaults, Asked::default(), &mut keep_alive);
                prop_assert_eq!((framing, keep_alive), (Ok(ResponseFraming::Known(7)), true));
                prop_assert_eq!(ordinary, any);
            }
        }
    }

    #[test]
    fn chunk_sizes_are_hexadecimal_without_leading_zeros() {
        for size in [1, 9, 15, 16, 255, 256, 4095, 4096, 65_536, usize::MAX] {
            let mut out = Vec::new();
            chunk_size(&mut out, size);
            assert_eq!(out, std::format!("{size:x}\r\n").into_bytes());
        }
    }

    #[test]
    fn lengths_are_decimal() {
        for n in [0, 7, 10, 13, 99, 100, 999, 1_000, 65_535, u64::MAX] {
            let mut out = Vec::new();
            write_length(&mut out, n);
            assert_eq!(out, std::format!("content-length: {n}\r\n").into_bytes());
            out.clear();
            write_last_length(&mut out, n);
            assert_eq!(out, std::format!("{n}\r\n\r\n").into_bytes());
        }
    }
}
