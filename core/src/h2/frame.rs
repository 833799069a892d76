//! Frames (RFC 9113 sections 4 and 6, RFC 9218 section 7.1): parsing, and the checks that need only one frame.
//!
//! A frame is parsed in two steps. [`Header::read`] takes its first 9 bytes, and [`Header::check`] finds what is wrong
//! before the payload arrives. [`Header::frame`] parses the payload without a copy. Payloads of DATA may be taken in
//! parts, by [`Header::layout`].
//!
//! The connection checks what depends on the state: the order of frames, stream identifiers, windows.
//!
//! | file | contents |
//! |---|---|
//! | `setting.rs` | one setting, and the settings in force |
//! | `write.rs` | writers |

mod setting;
#[cfg(test)]
mod tests;
pub mod write;

pub use setting::{Setting, SettingEntries, Settings};

use super::{ErrorCode, Violation};

/// The bytes that a client sends first (RFC 9113 section 3.4). A SETTINGS frame follows.
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The largest stream identifier, and the largest flow-control window: 2³¹ − 1.
pub const MAX_31: u32 = 0x7fff_ffff;

/// The type octet of a frame (RFC 9113 section 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `0x0`: a part of a body
    Data,
    /// `0x1`: the beginning of a header block
    Headers,
    /// `0x2`: a deprecated priority
    Priority,
    /// `0x3`: RST_STREAM, the end of a stream
    Reset,
    /// `0x4`: settings, or their acknowledgement
    Settings,
    /// `0x5`: PUSH_PROMISE
    PushPromise,
    /// `0x6`: a ping, or its answer
    Ping,
    /// `0x7`: the end of a connection
    GoAway,
    /// `0x8`: more room in a flow-control window
    WindowUpdate,
    /// `0x9`: the rest of a header block
    Continuation,
    /// `0x10`: PRIORITY_UPDATE (RFC 9218 section 7.1)
    PriorityUpdate,
    /// Any other type
    Unknown(u8),
}

impl Kind {
    const fn from_octet(octet: u8) -> Self {
        match octet {
            0x0 => Self::Data,
            0x1 => Self::Headers,
            0x2 => Self::Priority,
            0x3 => Self::Reset,
            0x4 => Self::Settings,
            0x5 => Self::PushPromise,
            0x6 => Self::Ping,
            0x7 => Self::GoAway,
            0x8 => Self::WindowUpdate,
            0x9 => Self::Continuation,
            0x10 => Self::PriorityUpdate,
            other => Self::Unknown(other),
        }
    }

    /// Returns the type octet.
    pub const fn octet(self) -> u8 {
        match self {
            Self::Data => 0x0,
            Self::Headers => 0x1,
            Self::Priority => 0x2,
            Self::Reset => 0x3,
            Self::Settings => 0x4,
            Self::PushPromise => 0x5,
            Self::Ping => 0x6,
            Self::GoAway => 0x7,
            Self::WindowUpdate => 0x8,
            Self::Continuation => 0x9,
            Self::PriorityUpdate => 0x10,
            Self::Unknown(octet) => octet,
        }
    }
}

/// The flags of frames. A flag that a frame type does not define is ignored.
pub mod flags {
    /// END_STREAM of DATA and HEADERS
    pub const END_STREAM: u8 = 0x1;
    /// ACK of SETTINGS and PING
    pub const ACK: u8 = 0x1;
    /// END_HEADERS of HEADERS and CONTINUATION
    pub const END_HEADERS: u8 = 0x4;
    /// PADDED of DATA and HEADERS
    pub const PADDED: u8 = 0x8;
    /// PRIORITY of HEADERS
    pub const PRIORITY: u8 = 0x20;
}

/// A frame header (RFC 9113 section 4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// The length of the payload in bytes, below 2²⁴.
    pub len: u32,
    /// The type.
    pub kind: Kind,
    /// The [flags], including undefined ones.
    pub flags: u8,
    /// The stream identifier without the reserved bit; 0 is the connection.
    pub stream: u32,
}

impl Header {
    /// The length of a frame header, in bytes.
    pub const LEN: usize = 9;

    /// Parses the header at the beginning of `bytes`. Returns `None` if it is incomplete.
    #[inline]
    pub const fn read(bytes: &[u8]) -> Option<Self> {
        let Some((&[a, b, c, kind, flags, s0, s1, s2, s3], _)) = bytes.split_first_chunk::<9>() else {
            return None;
        };
        Some(Self {
            len: u32::from_be_bytes([0, a, b, c]),
            kind: Kind::from_octet(kind),
            flags,
            stream: u32::from_be_bytes([s0, s1, s2, s3]) & MAX_31,
        })
    }

    /// Returns whether a flag is set.
    #[inline]
    pub const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Checks what the header tells without the payload: length and stream identifier.
    ///
    /// `max_frame` is the largest payload that the receiver accepts, in bytes
    /// ([`Settings::max_frame_size`] of the receiver).
    ///
    /// # Errors
    /// The first broken rule of RFC 9113 sections 4.2 and 6. A payload above `max_frame` ends the connection, so that
    /// no payload has to be skipped.
    #[inline]
    pub const fn check(&self, max_frame: u32) -> Result<(), Violation> {
        if self.len > max_frame {
            return Err(size("frame exceeds SETTINGS_MAX_FRAME_SIZE"));
        }
        match (self.kind, self.stream) {
            (Kind::Data | Kind::Headers | Kind::Continuation, 0) => {
                Err(protocol("frame needs a stream identifier"))
            }
            (Kind::Priority | Kind::Reset, 0) => Err(protocol("frame needs a stream identifier")),
            (Kind::PushPromise, 0) => Err(protocol("frame needs a stream identifier")),
            (Kind::Settings | Kind::Ping | Kind::GoAway | Kind::PriorityUpdate, 1..) => {
                Err(protocol("frame belongs on stream 0"))
            }
            (Kind::Priority, _) if self.len != 5 => {
                Err(Violation::stream(ErrorCode::FRAME_SIZE_ERROR, "PRIORITY frame is not 5 octets"))
            }
            (Kind::Reset, _) if self.len != 4 => Err(size("RST_STREAM frame is not 4 octets")),
            (Kind::Settings, _) if self.has(flags::ACK) && self.len != 0 => {
                Err(size("SETTINGS acknowledgement has a payload"))
            }
            (Kind::Settings, _) if !self.len.is_multiple_of(6) => {
                Err(size("SETTINGS frame is not a multiple of 6 octets"))
            }
            (Kind::Ping, _) if self.len != 8 => Err(size("PING frame is not 8 octets")),
            (Kind::GoAway, _) if self.len < 8 => Err(size("GOAWAY frame is shorter than 8 octets")),
            (Kind::WindowUpdate, _) if self.len != 4 => Err(size("WINDOW_UPDATE frame is not 4 octets")),
            (Kind::PriorityUpdate, _) if self.len < 4 => {
                Err(size("PRIORITY_UPDATE frame is shorter than 4 octets"))
            }
            _ => Ok(()),
        }
    }

    /// Parses the frame. `payload` may be longer than the frame; a shorter one is an error.
    ///
    /// [`check`](Self::check) must have passed; a payload of another length is an error here too, but the code may
    /// differ.
    ///
    /// # Errors
    /// A broken rule that only the payload shows: padding or priority that does not fit, an increment of 0, a
    /// prioritized stream 0.
    #[inline]
    pub fn frame<'a>(&self, payload: &'a [u8]) -> Result<Frame<'a>, Violation> {
        let payload = payload.get(..self.len as usize).ok_or(size("frame is incomplete"))?;
        let stream = self.stream;
        Ok(match self.kind {
            Kind::Data => {
                let layout = self.layout(payload)?.ok_or(size("padding does not fit"))?;
                Frame::Data {
                    stream,
                    data: payload.get(layout.before..layout.before + layout.data).unwrap_or_default(),
                    padding: layout.before + layout.after,
                    end_stream: self.has(flags::END_STREAM),
                }
            }
            Kind::Headers => Frame::Headers {
                stream,
                fragment: self.fragment(payload)?,
                end_stream: self.has(flags::END_STREAM),
                end_headers: self.has(flags::END_HEADERS),
            },
            Kind::Priority => Frame::Priority { stream },
            Kind::Reset => Frame::Reset { stream, code: ErrorCode(word(payload)?) },
            Kind::Settings if self.has(flags::ACK) => Frame::SettingsAck,
            Kind::Settings => Frame::Settings(SettingEntries::new(payload)),
            Kind::PushPromise => Frame::PushPromise { stream },
            Kind::Ping => match payload.first_chunk() {
                Some(payload) => Frame::Ping { payload: *payload, ack: self.has(flags::ACK) },
                None => return Err(size("PING frame is not 8 octets")),
            },
            Kind::GoAway => Frame::GoAway {
                last_stream: word(payload)? & MAX_31,
                code: ErrorCode(word(payload.get(4..).unwrap_or_default())?),
                debug: payload.get(8..).unwrap_or_default(),
            },
            Kind::WindowUpdate => match word(payload)? & MAX_31 {
                0 => {
                    let (code, rule) = (ErrorCode::PROTOCOL_ERROR, "window increment is 0");
                    return Err(match stream {
                        0 => Violation::connection(code, rule),
                        _ => Violation::stream(code, rule),
                    });
                }
                increment => Frame::WindowUpdate { stream, increment },
            },
            Kind::Continuation => {
                Frame::Continuation { stream, fragment: payload, end_headers: self.has(flags::END_HEADERS) }
            }
            Kind::PriorityUpdate => match word(payload)? & MAX_31 {
                0 => return Err(protocol("PRIORITY_UPDATE for stream 0")),
                prioritized => {
                    Frame::PriorityUpdate { prioritized, value: payload.get(4..).unwrap_or_default() }
                }
            },
            Kind::Unknown(kind) => Frame::Unknown { kind },
        })
    }

    /// Returns where data and padding of a DATA frame are in its payload. `payload` is the part of the payload that
    /// has arrived; `None` means that the length of the padding has not.
    ///
    /// # Errors
    /// The padding is as long as the payload, or longer (RFC 9113 section 6.1).
    #[inline]
    pub fn layout(&self, payload: &[u8]) -> Result<Option<Layout>, Violation> {
        let len = self.len as usize;
        if !self.has(flags::PADDED) {
            return Ok(Some(Layout { before: 0, data: len, after: 0 }));
        }
        let after = match payload.first() {
            Some(&after) if len > 0 => usize::from(after),
            _ if len == 0 => return Err(size("padded frame without a padding length")),
            _ => return Ok(None),
        };
        match len.checked_sub(1 + after) {
            Some(data) => Ok(Some(Layout { before: 1, data, after })),
            None => Err(protocol("padding exceeds the payload")),
        }
    }

    /// Returns the part of a header block in a HEADERS frame: the payload without padding and priority.
    fn fragment<'a>(&self, payload: &'a [u8]) -> Result<&'a [u8], Violation> {
        let (mut rest, mut padding) = (payload, 0);
        if self.has(flags::PADDED) {
            let Some((&len, after)) = rest.split_first() else {
                return Err(size("padded frame without a padding length"));
            };
            (rest, padding) = (after, usize::from(len));
        }
        if self.has(flags::PRIORITY) {
            rest = rest.get(5..).ok_or(size("HEADERS frame is too short for its priority"))?;
        }
        match rest.len().checked_sub(padding) {
            Some(len) => Ok(rest.get(..len).unwrap_or_default()),
            None => Err(protocol("padding exceeds the payload")),
        }
    }
}

/// The parts of the payload of a DATA frame, in bytes. All of them count for flow control.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The octet with the length of the padding: 0 or 1.
    pub before: usize,
    /// The data.
    pub data: usize,
    /// The padding behind the data.
    pub after: usize,
}

/// A frame. What it carries is borrowed from its payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame<'a> {
    /// A part of a body (RFC 9113 section 6.1).
    Data {
        /// The stream.
        stream: u32,
        /// The data without padding.
        data: &'a [u8],
        /// The length of the padding in bytes, with its length octet. It counts for flow control.
        padding: usize,
        /// Whether the sender ends its side of the stream.
        end_stream: bool,
    },
    /// The beginning of a header block (section 6.2). Its priority is ignored (section 5.3.2).
    Headers {
        /// The stream.
        stream: u32,
        /// The first part of the header block.
        fragment: &'a [u8],
        /// Whether the sender ends its side of the stream.
        end_stream: bool,
        /// Whether the block is complete.
        end_headers: bool,
    },
    /// A deprecated priority (section 6.3).
    Priority {
        /// The stream.
        stream: u32,
    },
    /// RST_STREAM: the end of a stream (section 6.4).
    Reset {
        /// The stream.
        stream: u32,
        /// The reason.
        code: ErrorCode,
    },
    /// New settings of the sender (section 6.5).
    Settings(SettingEntries<'a>),
    /// The acknowledgement of settings.
    SettingsAck,
    /// PUSH_PROMISE (section 6.6), which no server accepts.
    PushPromise {
        /// The stream.
        stream: u32,
    },
    /// A ping, or the answer to it (section 6.7).
    Ping {
        /// Any bytes, which the answer repeats.
        payload: [u8; 8],
        /// Whether this is the answer.
        ack: bool,
    },
    /// The end of the connection (section 6.8).
    GoAway {
        /// The last stream that the sender may have processed.
        last_stream: u32,
        /// The reason.
        code: ErrorCode,
        /// Any bytes, for logs.
        debug: &'a [u8],
    },
    /// More room in a flow-control window (section 6.9).
    WindowUpdate {
        /// The stream, or 0 for the connection.
        stream: u32,
        /// The number of bytes, at least 1.
        increment: u32,
    },
    /// The rest of a header block, or a part of it (section 6.10).
    Continuation {
        /// The stream.
        stream: u32,
        /// The next part of the header block.
        fragment: &'a [u8],
        /// Whether the block is complete.
        end_headers: bool,
    },
    /// A new priority of a stream (RFC 9218 section 7.1).
    PriorityUpdate {
        /// The stream that gets the priority, not 0.
        prioritized: u32,
        /// The value of a `priority` field.
        value: &'a [u8],
    },
    /// A frame of another type, which receivers ignore (RFC 9113 section 4.1).
    Unknown {
        /// The type octet.
        kind: u8,
    },
}

/// Returns the 32-bit number at the beginning of a payload.
fn word(payload: &[u8]) -> Result<u32, Violation> {
    match payload.first_chunk() {
        Some(bytes) => Ok(u32::from_be_bytes(*bytes)),
        None => Err(size("frame is too short")),
    }
}

const fn protocol(rule: &'static str) -> Violation {
    Violation::connection(ErrorCode::PROTOCOL_ERROR, rule)
}

const fn size(rule: &'static str) -> Violation {
    Violation::connection(ErrorCode::FRAME_SIZE_ERROR, rule)
}
