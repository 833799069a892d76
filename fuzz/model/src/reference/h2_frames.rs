//! Frames of HTTP/2 (RFC 9113 section 6), by a table of their rules.

use stelo_core::h2::{ErrorCode, Scope};

/// The fault of a frame.
pub(crate) type Fault = (ErrorCode, Scope);

/// A frame: type, flags, stream, and the payload without padding and priority.
#[derive(PartialEq, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) content: &'a [u8],
    /// The length of padding and priority, in bytes.
    pub(crate) removed: usize,
}

/// Returns the length of the frame at the beginning, and the frame. `None` if it is incomplete.
pub(crate) fn read(input: &[u8], max: usize) -> Option<(usize, Result<Frame<'_>, Fault>)> {
    let (head, rest) = input.split_at_checked(9)?;
    let len = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    if len > max {
        return Some((9, Err((ErrorCode::FRAME_SIZE_ERROR, Scope::Connection))));
    }
    let payload = rest.get(..len)?;
    let stream = u32::from_be_bytes([head[5] & 127, head[6], head[7], head[8]]);
    Some((9 + len, frame(head[3], head[4], stream, payload)))
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<Frame<'_>, Fault> {
    let protocol = Err((ErrorCode::PROTOCOL_ERROR, Scope::Connection));
    let size = Err((ErrorCode::FRAME_SIZE_ERROR, Scope::Connection));
    let len = payload.len();
    let on_stream = matches!(kind, 0 | 1 | 2 | 3 | 5 | 9);
    let on_connection = matches!(kind, 4 | 6 | 7 | 16);
    if on_stream && stream == 0 || on_connection && stream != 0 {
        return protocol;
    }
    let good = match kind {
        2 => len == 5,
        3 | 8 => len == 4,
        4 => len.is_multiple_of(6) && (flags & 1 == 0 || len == 0),
        6 => len == 8,
        7 => len >= 8,
        16 => len >= 4,
        _ => true,
    };
    if !good {
        return if kind == 2 { Err((ErrorCode::FRAME_SIZE_ERROR, Scope::Stream)) } else { size };
    }
    if matches!(kind, 8 | 16) && payload[0] & 127 == 0 && payload[1..4] == [0; 3] {
        let scope = if stream == 0 { Scope::Connection } else { Scope::Stream };
        return Err((ErrorCode::PROTOCOL_ERROR, scope));
    }
    let (mut content, mut padding) = (payload, 0);
    if matches!(kind, 0 | 1) && flags & 8 != 0 {
        let Some((first, rest)) = content.split_first() else { return size };
        (content, padding) = (rest, usize::from(*first));
    }
    if kind == 1 && flags & 32 != 0 {
        let Some(rest) = content.get(5..) else { return size };
        content = rest;
    }
    if padding > content.len() {
        return protocol;
    }
    let content = &content[..content.len() - padding];
    Ok(Frame { kind, flags, stream, content, removed: len - content.len() })
}
