//! Compresses messages (RFC 7692 section 7.2.1).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Method, Status, Strategy};

use super::{Side, TAIL};

/// Compresses messages. It holds no memory until the first one.
pub struct Compressor {
    side: Side,
    level: u8,
    state: Option<Box<Deflate>>,
}

impl Compressor {
    /// The memory level of the library: low, as in Uvicorn.
    const MEMORY: i32 = 5;
    /// The memory of the library that does not depend on the window: tables of hashes, symbols and codes.
    const TABLES: usize = 152 << 10;

    pub(super) const fn new(side: Side, level: u8) -> Option<Self> {
        Some(Self { side, level, state: None })
    }

    /// Returns whether messages can be compressed: the library does not support a window of 8 bits. Messages may be
    /// sent uncompressed at any time.
    pub fn is_able(&self) -> bool {
        self.side.bits > 8
    }

    /// Appends the compressed message to `out`.
    pub fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) {
        let state = self.state.get_or_insert_with(|| {
            Box::new(Deflate::new_with_config(DeflateConfig {
                level: self.level.clamp(1, 9).into(),
                method: Method::Deflated,
                // Negative: without the zlib header.
                window_bits: -i32::from(self.side.bits.max(9)),
                mem_level: Self::MEMORY,
                strategy: Strategy::Default,
            }))
        });
        let (mut rest, mut room) = (message, message.len() / 2 + 64);
        loop {
            let len = out.len();
            out.resize(len + room, 0);
            let (read, written) = (state.total_in(), state.total_out());
            let status = state.compress(rest, &mut out[len..], DeflateFlush::SyncFlush);
            rest = &rest[(state.total_in() - read) as usize..];
            let written = (state.total_out() - written) as usize;
            out.truncate(len + written);
            // The flush is complete if there is room left.
            if written < room || status != Ok(Status::Ok) {
                break;
            }
            room = rest.len() / 2 + 64;
        }
        if out.ends_with(&TAIL) {
            out.truncate(out.len() - TAIL.len());
        }
        if !self.side.takeover {
            state.reset();
        }
    }

    /// Releases all memory. The next message does not refer to earlier ones, which is always allowed.
    pub fn release(&mut self) {
        self.state = None;
    }

    /// Returns the memory held, in bytes, to the nearest few KiB.
    pub fn held(&self) -> usize {
        // Twice the window, and a link of two bytes for each byte of the window.
        self.state.as_ref().map_or(0, |_| Self::TABLES + (4 << self.side.bits.max(9)))
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compressor")
    }
}
