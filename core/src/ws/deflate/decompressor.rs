//! Messages in, piece by piece (RFC 7692 section 7.2.2).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress_with_limit};

use super::{Side, TAIL};

/// Decompresses messages. It has no memory until the first one.
///
/// Then it holds the tables of the message (some 10 KiB) and the window, which grows with what has been decompressed.
/// Between messages it can give back all but the window, and without context takeover that too.
pub struct Decompressor {
    side: Side,
    /// Tables and the place in the message.
    state: Option<Box<DecompressorOxide>>,
    /// What was decompressed last: from its start until it has its full size, then round and round.
    window: Vec<u8>,
    /// Where the next byte goes.
    at: usize,
    /// Whether the next byte goes where one has been before.
    wraps: bool,
    /// Whether something of a message, or of what comes after a final block in it, has been looked at.
    has_begun: bool,
}

/// Why a message cannot be decompressed. The connection has to be failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InflateError {
    /// It is not what a compressor makes; or it refers to more than the window. Close with 1002.
    Corrupt,
    /// It becomes larger than allowed. Close with 1009.
    TooLarge,
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Corrupt => "decompression failed",
            Self::TooLarge => "the decompressed message is too large",
        })
    }
}

impl Error for InflateError {}

impl Decompressor {
    /// What a window begins with.
    const LEAST: usize = 256;

    pub(crate) const fn new(side: Side) -> Self {
        Self { side, state: None, window: Vec::new(), at: 0, wraps: false, has_begun: false }
    }

    /// Decompresses the next piece of a message, `last` being true for its last one, and writes it to the end of
    /// `message`, which holds what came before. `message` grows with what is written, to `limit` bytes at most:
    /// nothing beyond is decompressed.
    ///
    /// # Errors
    /// Nothing more can be received; `message` holds what came before the fault.
    pub fn inflate(
        &mut self,
        piece: &[u8],
        last: bool,
        message: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), InflateError> {
        self.push(piece, 0, message, limit)?;
        if last {
            // A sender that has sent nothing after a final block, or nothing at all, has left out an empty block.
            if self.has_begun {
                let status = self.push(&TAIL, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY, message, limit)?;
                if status != TINFLStatus::BlockBoundary {
                    return Err(InflateError::Corrupt);
                }
            }
            self.end_stream();
            if !self.side.takeover {
                (self.at, self.wraps) = (0, false);
            }
        }
        Ok(())
    }

    /// Decompresses all of `input`.
    fn push(
        &mut self,
        mut input: &[u8],
        flags: u32,
        message: &mut Vec<u8>,
        limit: usize,
    ) -> Result<TINFLStatus, InflateError> {
        let mut status = TINFLStatus::NeedsMoreInput;
        while !input.is_empty() || status == TINFLStatus::HasMoreOutput {
            self.make_room();
            self.has_begun = true;
            let state = self.state.get_or_insert_default();
            let wrapping = if self.wraps { 0 } else { TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF };
            let flags = flags | wrapping | TINFL_FLAG_HAS_MORE_INPUT;
            let room = limit.saturating_sub(message.len());
            // One more than there is room for shows that there is more.
            let most = room.saturating_add(1);
            let read;
            let written;
            (status, read, written) =
                decompress_with_limit(state, input, &mut self.window, self.at, most, flags);
            input = input.get(read..).unwrap_or_default();
            let new = self.window.get(self.at..self.at + written).unwrap_or_default();
            extend(message, new.get(..room).unwrap_or(new), limit);
            if written > room {
                return Err(InflateError::TooLarge);
            }
            self.at += written;
            match status {
                TINFLStatus::HasMoreOutput | TINFLStatus::NeedsMoreInput => {}
                TINFLStatus::Done => self.end_stream(),
                TINFLStatus::BlockBoundary if input.is_empty() => {}
                _ => return Err(InflateError::Corrupt),
            }
        }
        Ok(status)
    }

    /// A final block (RFC 7692 section 7.2.3.4), or the end of a message: what follows begins with a byte of its own.
    fn end_stream(&mut self) {
        self.has_begun = false;
        if let Some(state) = &mut self.state {
            state.init();
        }
    }

    /// Makes room in the window for the next byte.
    fn make_room(&mut self) {
        if self.at < self.window.len() {
        } else if self.at < self.side.window {
            let size = (self.at * 2).clamp(Self::LEAST, self.side.window);
            self.window.reserve_exact(size - self.at);
            self.window.resize(size, 0);
        } else {
            (self.at, self.wraps) = (0, true);
        }
    }

    /// Gives back all memory that the next message does not need; in the middle of a message, nothing.
    pub fn release(&mut self) {
        if self.has_begun {
            return;
        }
        self.state = None;
        if !self.wraps {
            self.window.truncate(self.at);
            self.window.shrink_to_fit();
        }
    }

    /// The memory held, in bytes.
    pub fn held(&self) -> usize {
        self.window.capacity() + if self.state.is_some() { size_of::<DecompressorOxide>() } else { 0 }
    }
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decompressor")
    }
}

/// As `extend_from_slice`, without memory for more than `limit` bytes.
fn extend(message: &mut Vec<u8>, new: &[u8], limit: usize) {
    let len = message.len() + new.len();
    if len > message.capacity() {
        let capacity = (2 * message.capacity()).clamp(len, limit.max(len));
        message.reserve_exact(capacity - message.len());
    }
    message.extend_from_slice(new);
}
