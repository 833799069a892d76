//! Parses and writes frame headers (RFC 6455 section 5.2). The connection checks the order of frames.

use alloc::vec::Vec;

use super::mask::Mask;
use super::violation::Violation;

/// The most bytes in the payload of a control frame (section 5.5).
pub(super) const CONTROL: usize = 125;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV: u8 = 0x70;
const MASKED: u8 = 0x80;

/// The opcode of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits & 0x0f {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    pub(super) const fn is_control(self) -> bool {
        self as u8 & 8 != 0
    }
}

/// A frame header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) opcode: Opcode,
    pub(super) fin: bool,
    /// RSV1: the message is compressed.
    pub(super) compressed: bool,
    pub(super) mask: Option<Mask>,
    pub(super) len: u64,
}

/// The settings and the state that the rules depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Expected {
    /// Whether frames must be masked. If not, they must not be masked.
    pub(super) masked: bool,
    /// Whether messages may be compressed.
    pub(super) compression: bool,
    /// Whether a fragmented message is incomplete.
    pub(super) continuation: bool,
}

impl Header {
    /// Parses the header at the beginning of `bytes`. Returns its length too, or `None` if it is incomplete.
    ///
    /// # Errors
    /// The first broken rule. It does not depend on the pieces in which the bytes arrive.
    pub(super) fn read(bytes: &[u8], expected: Expected) -> Result<Option<(Self, usize)>, Violation> {
        let [first, rest @ ..] = bytes else { return Ok(None) };
        let opcode = Opcode::from_bits(*first);
        let (fin, compressed) = (first & FIN != 0, first & RSV1 != 0);
        let begins = matches!(opcode, Some(Opcode::Text | Opcode::Binary));
        if first & RSV & !RSV1 != 0 || compressed && !(expected.compression && begins) {
            return Err(Violation::Reserved);
        }
        let opcode = opcode.ok_or(Violation::Opcode)?;
        if opcode.is_control() && !fin {
            return Err(Violation::ControlFragmented);
        }
        if begins && expected.continuation {
            return Err(Violation::ExpectedContinuation);
        }
        if opcode == Opcode::Continuation && !expected.continuation {
            return Err(Violation::UnexpectedContinuation);
        }
        let [second, rest @ ..] = rest else { return Ok(None) };
        let masked = second & MASKED != 0;
        if masked != expected.masked {
            return Err(Violation::Masking);
        }
        let short = second & !MASKED;
        if opcode.is_control() && usize::from(short) > CONTROL {
            return Err(Violation::ControlTooLong);
        }
        let (len, rest) = match short {
            126 => {
                let Some((len, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (u64::from(u16::from_be_bytes(*len)), rest)
            }
            127 => {
                let Some((len, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (u64::from_be_bytes(*len), rest)
            }
            short => (u64::from(short), rest),
        };
        // The shortest form is required, and the highest bit is 0 (section 5.2).
        if short == 126 && len < 126 || short == 127 && (len <= u64::from(u16::MAX) || len >> 63 != 0) {
            return Err(Violation::LengthEncoding);
        }
        let (mask, rest) = match masked {
            false => (None, rest),
            true => {
                let Some((key, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (Some(Mask::new(*key)), rest)
            }
        };
        Ok(Some((Self { opcode, fin, compressed, mask, len }, bytes.len() - rest.len())))
    }

    /// Writes the header.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        let mut header = [0; 14];
        let first =
            self.opcode as u8 | if self.fin { FIN } else { 0 } | if self.compressed { RSV1 } else { 0 };
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        let len = self.len.to_be_bytes();
        let n = match self.len {
            0..=125 => {
                header[..2].copy_from_slice(&[first, masked | len[7]]);
                2
            }
            126..=0xffff => {
                header[..4].copy_from_slice(&[first, masked | 126, len[6], len[7]]);
                4
            }
            _ => {
                header[..2].copy_from_slice(&[first, masked | 127]);
                header[2..10].copy_from_slice(&len);
                10
            }
        };
        out.extend_from_slice(header.get(..n).unwrap_or_default());
        if let Some(mask) = self.mask {
            out.extend_from_slice(&mask.key());
        }
    }
}
