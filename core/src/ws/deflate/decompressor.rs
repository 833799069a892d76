//! Messages in, piece by piece (RFC 7692 section 7.2.2).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use super::inflate::{Inflater, Sink};
use super::{LONGEST, Side, TAIL};

/// Decompresses messages. It has no memory until the first one.
///
/// Then it holds the codes of the message (some 4 KiB) and the window, which grows with what has been decompressed.
/// Between messages it can give back all but the window, and without context takeover that too.
pub struct Decompressor {
    side: Side,
    /// Codes, and the place in the message; made afresh where need be, for between messages nothing of it counts.
    inflater: Option<Box<Inflater>>,
    window: Window,
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
    pub(crate) const fn new(side: Side) -> Self {
        Self { side, inflater: None, window: Window { size: side.window, bytes: Vec::new(), at: 0 } }
    }

    /// Decompresses the next piece of a message, `last` being true for its last one, and writes it to the end of
    /// `message`. `message` grows with what is written, to `limit` bytes at most: nothing beyond is decompressed.
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
        let inflater = self.inflater.get_or_insert_with(|| Box::new(Inflater::new()));
        let mut output = Output { start: message.len(), message, limit, window: &self.window };
        inflater.read(piece, &mut output)?;
        // A sender that has sent nothing after a final block, or nothing at all, has left out an empty block.
        if last && !inflater.is_between() {
            inflater.read(&TAIL, &mut output)?;
            if !inflater.is_between() {
                return Err(InflateError::Corrupt);
            }
        }
        let start = output.start;
        if !last || self.side.takeover {
            self.window.append(&message[start..]);
        } else {
            self.window.clear();
        }
        Ok(())
    }

    /// Gives back all memory that the next message does not need; in the middle of a message, nothing.
    pub fn release(&mut self) {
        if self.inflater.as_deref().is_some_and(Inflater::is_between) {
            self.inflater = None;
            self.window.bytes.shrink_to_fit();
        }
    }

    /// The memory held, in bytes.
    pub fn held(&self) -> usize {
        self.window.bytes.capacity() + self.inflater.as_ref().map_or(0, |inflater| size_of_val(&**inflater))
    }
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decompressor")
    }
}

/// What was decompressed before the present piece: written from the start until it has its full size, then round and
/// round.
struct Window {
    size: usize,
    bytes: Vec<u8>,
    /// Where the next byte goes, once it has its full size.
    at: usize,
}

impl Window {
    fn append(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(self.size)..];
        let (new, again) = bytes.split_at(bytes.len().min(self.size - self.bytes.len()));
        let len = self.bytes.len() + new.len();
        if len > self.bytes.capacity() {
            self.bytes.reserve_exact(len.next_power_of_two() - self.bytes.len());
        }
        self.bytes.extend_from_slice(new);
        let (end, start) = again.split_at(again.len().min(self.size - self.at));
        self.bytes[self.at..][..end.len()].copy_from_slice(end);
        self.bytes[..start.len()].copy_from_slice(start);
        self.at = (self.at + again.len()) % self.size;
    }

    /// At most `length` bytes from `distance` bytes before the end on, as far as they stand in a row.
    fn from(&self, distance: usize, length: usize) -> Option<&[u8]> {
        let start = self.at + self.bytes.len().checked_sub(distance)?;
        let start = if start < self.bytes.len() { start } else { start - self.bytes.len() };
        let row = if start < self.at { &self.bytes[start..self.at] } else { &self.bytes[start..] };
        Some(&row[..length.min(row.len())])
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.at = 0;
    }
}

/// The message, and what came before it.
struct Output<'a> {
    message: &'a mut Vec<u8>,
    /// Where in the message the present piece begins.
    start: usize,
    limit: usize,
    window: &'a Window,
}

impl Output<'_> {
    /// Makes room for `length` more bytes, or for as many as are allowed, and says for how many.
    fn room(&mut self, length: usize) -> usize {
        let len = self.message.len();
        let allowed = length.min(self.limit.saturating_sub(len));
        if len + allowed > self.message.capacity() {
            let more = (2 * self.message.capacity()).max(len + LONGEST).min(self.limit);
            self.message.reserve_exact(more.max(len + allowed) - len);
        }
        allowed
    }
}

impl Sink for Output<'_> {
    fn byte(&mut self, byte: u8) -> Result<(), InflateError> {
        if self.message.len() == self.message.capacity() && self.room(1) == 0
            || self.message.len() >= self.limit
        {
            return Err(InflateError::TooLarge);
        }
        self.message.push(byte);
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), InflateError> {
        let allowed = self.room(bytes.len());
        self.message.extend_from_slice(&bytes[..allowed]);
        if allowed < bytes.len() { Err(InflateError::TooLarge) } else { Ok(()) }
    }

    fn repetition(&mut self, length: usize, distance: usize) -> Result<(), InflateError> {
        if distance > self.window.size {
            return Err(InflateError::Corrupt);
        }
        let allowed = self.room(length);
        let mut left = allowed;
        while let (1.., before @ 1..) = (left, distance.saturating_sub(self.message.len() - self.start)) {
            let bytes = self.window.from(before, left).ok_or(InflateError::Corrupt)?;
            self.message.extend_from_slice(bytes);
            left -= bytes.len();
        }
        let start = self.message.len() - distance.min(self.message.len());
        while left > 0 {
            // What is being written may be part of it.
            let now = left.min(self.message.len() - start);
            self.message.extend_from_within(start..start + now);
            left -= now;
        }
        if allowed < length { Err(InflateError::TooLarge) } else { Ok(()) }
    }
}
