//! Decompresses messages in pieces (RFC 7692 section 7.2.2).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{InflateError, Side, TAIL};

/// Decompresses messages. It holds no memory until the first one.
///
/// Then it holds the state of the library (some 42 KiB) and the window, which grows with the decompressed bytes.
/// Between messages it can release all but the window, and without context takeover the window too.
pub struct Decompressor {
    side: Side,
    state: Option<Box<Inflate>>,
    /// The last output of earlier messages, from which a new state is initialized.
    window: Vec<u8>,
    /// Whether a message is incomplete: a piece was received, but not the last one.
    within: bool,
    /// Whether the library has read a part of this message, and the last block was not a final one.
    within_block: bool,
    finals: Finals,
}

impl Decompressor {
    /// The memory of the library: its largest window, even if a smaller one was agreed, and tables.
    const STATE: usize = 44 << 10;
    /// The least number of bytes by which the output grows.
    const STEP: usize = 1 << 10;

    pub(super) const fn new(side: Side) -> Option<Self> {
        Some(Self {
            side,
            state: None,
            window: Vec::new(),
            within: false,
            within_block: false,
            finals: Finals { seen: 0, read: 0 },
        })
    }

    /// Decompresses the next piece of a message and appends it to `message`. `last` is true for the last piece.
    ///
    /// `message` grows with the output, up to `limit` bytes. Nothing beyond is decompressed.
    ///
    /// # Errors
    /// The data is invalid or too large. `message` holds the output before the error, and nothing more can be
    /// received.
    pub fn inflate(
        &mut self,
        piece: &[u8],
        last: bool,
        message: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), InflateError> {
        let start = message.len();
        self.within = true;
        self.read(piece, start, message, limit)?;
        if last {
            // After a final block, or without any data, the sender has left out an empty block.
            if self.within_block {
                self.finish(message.get(start..).unwrap_or_default())?;
            }
            (self.within, self.within_block, self.finals) = (false, false, Finals { seen: 0, read: 0 });
        }
        match &mut self.state {
            Some(state) if last && !self.side.takeover => {
                self.window.clear();
                state.reset(false);
            }
            _ => self.remember(message.get(start..).unwrap_or_default()),
        }
        Ok(())
    }

    /// The output in `message` from `start` is not yet in the window.
    fn read(
        &mut self,
        mut bytes: &[u8],
        start: usize,
        message: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), InflateError> {
        let state = match &mut self.state {
            Some(state) => state,
            none => {
                let mut state = Box::new(Inflate::new(false, 15));
                tell(&mut state, &self.window)?;
                none.insert(state)
            }
        };
        let mut more = true;
        while more || !bytes.is_empty() {
            let len = message.len();
            let room = Self::STEP.max(4 * bytes.len()).min(limit.saturating_sub(len));
            let (read, written) = (state.total_in(), state.total_out());
            let status = if room > 0 {
                if message.capacity() < len + room {
                    // Doubled, so that the output is not moved for each piece.
                    let most = (2 * len).max(len + room).min(limit);
                    message.reserve_exact(most - len);
                }
                message.resize(len + room, 0);
                state.decompress(bytes, &mut message[len..], InflateFlush::SyncFlush)
            } else {
                // One byte beyond the limit shows that the message is too large.
                state.decompress(bytes, &mut [0], InflateFlush::SyncFlush)
            };
            let read = (state.total_in() - read) as usize;
            let written = (state.total_out() - written) as usize;
            bytes = &bytes[read..];
            message.truncate(len + written.min(room));
            self.within_block |= read > 0;
            self.finals.read += read;
            match status {
                _ if written > room => return Err(InflateError::TooLarge),
                // A final block.
                Ok(Status::StreamEnd) => {
                    self.finals.another()?;
                    restart(state, &self.window, message.get(start..).unwrap_or_default())?;
                    self.within_block = false;
                    more = false;
                }
                // If the output is full, the bytes that were read may produce more output.
                Ok(Status::Ok | Status::BufError) if written == room || bytes.is_empty() => {
                    more = written == room && written > 0;
                }
                _ => return Err(InflateError::Corrupt),
            }
        }
        Ok(())
    }

    /// Reads the tail that is not sent. If a block ends there, the byte after it is not read, and the message is
    /// complete.
    fn finish(&mut self, fresh: &[u8]) -> Result<(), InflateError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let end = [TAIL[0], TAIL[1], TAIL[2], TAIL[3], 0];
        let (read, written) = (state.total_in(), state.total_out());
        let status = state.decompress(&end, &mut [0], InflateFlush::Block);
        let is_empty = state.total_in() - read == TAIL.len() as u64 && state.total_out() == written;
        if status != Ok(Status::Ok) || !is_empty {
            return Err(InflateError::Corrupt);
        }
        self.finals.read += TAIL.len();
        // The block may have been a final one.
        match state.decompress(&[], &mut [0], InflateFlush::NoFlush) {
            Ok(Status::StreamEnd) => {
                self.finals.another()?;
                restart(state, &self.window, fresh)
            }
            _ => Ok(()),
        }
    }

    /// Adds new output to the window.
    fn remember(&mut self, fresh: &[u8]) {
        let size = 1 << self.side.bits;
        let fresh = &fresh[fresh.len().saturating_sub(size)..];
        let surplus = (self.window.len() + fresh.len()).saturating_sub(size);
        self.window.drain(..surplus);
        self.window.reserve_exact(fresh.len());
        self.window.extend_from_slice(fresh);
    }

    /// Releases all memory that the next message does not need. Within a message it releases nothing.
    pub fn release(&mut self) {
        if !self.within {
            self.state = None;
            self.window.shrink_to_fit();
        }
    }

    /// Returns the memory held, in bytes, to the nearest few KiB.
    pub fn held(&self) -> usize {
        self.window.capacity() + self.state.as_ref().map_or(0, |_| Self::STATE)
    }
}

/// Counts the final blocks of a message. For each one, the library reads the window again. Without a limit, a few bytes
/// would cause much work.
struct Finals {
    seen: usize,
    /// The bytes of the message that were read.
    read: usize,
}

impl Finals {
    /// A message may have one final block, and one more for this number of bytes.
    const EVERY: usize = 1 << 10;

    fn another(&mut self) -> Result<(), InflateError> {
        self.seen += 1;
        if self.seen > 1 + self.read / Self::EVERY { Err(InflateError::Corrupt) } else { Ok(()) }
    }
}

/// Starts a new stream after a final block. It may refer to the earlier output.
fn restart(state: &mut Inflate, window: &[u8], fresh: &[u8]) -> Result<(), InflateError> {
    state.reset(false);
    tell(state, window)?;
    tell(state, fresh)
}

/// Gives the earlier output to a state between two blocks.
fn tell(state: &mut Inflate, before: &[u8]) -> Result<(), InflateError> {
    match before {
        [] => Ok(()),
        _ => state.set_dictionary(before).map(drop).map_err(|_| InflateError::Corrupt),
    }
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decompressor")
    }
}
