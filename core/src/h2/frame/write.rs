//! Writers of frames. Each appends to a buffer.
//!
//! DATA is written as a header, [`data`]; the caller appends the payload, or keeps it by reference. A header block is
//! encoded into the buffer between [`begin_headers`] and [`end_headers`], so that it needs no copy.

use alloc::vec::Vec;

use super::{Header, Kind, MAX_31, Setting, flags};
use crate::h2::ErrorCode;

/// Writes a frame header. The length is cut to 24 bits and the stream identifier to 31.
#[inline]
pub fn header(out: &mut Vec<u8>, len: usize, kind: Kind, flags: u8, stream: u32) {
    out.extend_from_slice(&header_bytes(len, kind, flags, stream));
}

#[inline]
const fn header_bytes(len: usize, kind: Kind, flags: u8, stream: u32) -> [u8; Header::LEN] {
    let [_, a, b, c] = (len as u32).to_be_bytes();
    let [s0, s1, s2, s3] = (stream & MAX_31).to_be_bytes();
    [a, b, c, kind.octet(), flags, s0, s1, s2, s3]
}

/// Writes the header of a DATA frame of `len` bytes (RFC 9113 section 6.1).
#[inline]
pub fn data(out: &mut Vec<u8>, stream: u32, len: usize, end_stream: bool) {
    header(out, len, Kind::Data, if end_stream { flags::END_STREAM } else { 0 }, stream);
}

/// The place of a header block in a buffer. See [`begin_headers`].
#[derive(Debug)]
#[must_use = "end_headers writes the frame header"]
pub struct HeadersAt(usize);

/// Begins a HEADERS frame. The caller encodes the header block into `out` and calls [`end_headers`].
///
/// ```
/// use stelo_core::h2::frame::{Frame, Header, write};
///
/// let mut out = Vec::new();
/// let at = write::begin_headers(&mut out);
/// out.push(0x88); // `:status: 200`
/// write::end_headers(&mut out, at, 1, true, 16_384);
///
/// let header = Header::read(&out).unwrap();
/// let frame = header.frame(&out[Header::LEN..]).unwrap();
/// assert_eq!(frame, Frame::Headers { stream: 1, fragment: &[0x88], end_stream: true, end_headers: true });
/// ```
#[inline]
pub fn begin_headers(out: &mut Vec<u8>) -> HeadersAt {
    let at = out.len();
    out.extend_from_slice(&[0; Header::LEN]);
    HeadersAt(at)
}

/// Ends a HEADERS frame (RFC 9113 section 6.2). A block longer than `max_frame`, the peer's SETTINGS_MAX_FRAME_SIZE,
/// becomes a HEADERS frame and CONTINUATION frames (section 6.10).
#[inline]
pub fn end_headers(out: &mut Vec<u8>, at: HeadersAt, stream: u32, end_stream: bool, max_frame: u32) {
    let len = out.len().saturating_sub(at.0 + Header::LEN);
    let end_stream = if end_stream { flags::END_STREAM } else { 0 };
    if len > max_frame as usize {
        return split(out, at.0, stream, end_stream, max_frame as usize);
    }
    let header = header_bytes(len, Kind::Headers, end_stream | flags::END_HEADERS, stream);
    if let Some(place) = out.get_mut(at.0..).and_then(<[u8]>::first_chunk_mut) {
        *place = header;
    }
}

/// Writes the header block that begins behind `at` again, as several frames.
#[cold]
fn split(out: &mut Vec<u8>, at: usize, stream: u32, end_stream: u8, max_frame: usize) {
    let block = out.get(at + Header::LEN..).unwrap_or_default().to_vec();
    out.truncate(at);
    let mut rest = block.chunks(max_frame.max(1)).peekable();
    let (mut kind, mut flags) = (Kind::Headers, end_stream);
    while let Some(fragment) = rest.next() {
        if rest.peek().is_none() {
            flags |= flags::END_HEADERS;
        }
        header(out, fragment.len(), kind, flags, stream);
        out.extend_from_slice(fragment);
        (kind, flags) = (Kind::Continuation, 0);
    }
}

/// Writes a RST_STREAM frame (RFC 9113 section 6.4).
pub fn reset(out: &mut Vec<u8>, stream: u32, code: ErrorCode) {
    header(out, 4, Kind::Reset, 0, stream);
    out.extend_from_slice(&code.0.to_be_bytes());
}

/// Writes a SETTINGS frame (RFC 9113 section 6.5).
pub fn settings(out: &mut Vec<u8>, settings: &[Setting]) {
    header(out, 6 * settings.len(), Kind::Settings, 0, 0);
    for setting in settings {
        let (id, value) = setting.entry();
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// Writes the acknowledgement of a SETTINGS frame.
pub fn settings_ack(out: &mut Vec<u8>) {
    header(out, 0, Kind::Settings, flags::ACK, 0);
}

/// Writes a PING frame, or the answer to one (RFC 9113 section 6.7).
pub fn ping(out: &mut Vec<u8>, payload: [u8; 8], ack: bool) {
    header(out, 8, Kind::Ping, if ack { flags::ACK } else { 0 }, 0);
    out.extend_from_slice(&payload);
}

/// Writes a GOAWAY frame (RFC 9113 section 6.8). `debug` is for the logs of the peer.
pub fn go_away(out: &mut Vec<u8>, last_stream: u32, code: ErrorCode, debug: &[u8]) {
    header(out, 8 + debug.len(), Kind::GoAway, 0, 0);
    out.extend_from_slice(&(last_stream & MAX_31).to_be_bytes());
    out.extend_from_slice(&code.0.to_be_bytes());
    out.extend_from_slice(debug);
}

/// Writes a WINDOW_UPDATE frame (RFC 9113 section 6.9). `increment` is from 1 to 2³¹ − 1; stream 0 is the connection.
pub fn window_update(out: &mut Vec<u8>, stream: u32, increment: u32) {
    header(out, 4, Kind::WindowUpdate, 0, stream);
    out.extend_from_slice(&(increment & MAX_31).to_be_bytes());
}

/// Writes a PRIORITY_UPDATE frame (RFC 9218 section 7.1). `value` is that of a `priority` field.
pub fn priority_update(out: &mut Vec<u8>, prioritized: u32, value: &[u8]) {
    header(out, 4 + value.len(), Kind::PriorityUpdate, 0, 0);
    out.extend_from_slice(&(prioritized & MAX_31).to_be_bytes());
    out.extend_from_slice(value);
}
