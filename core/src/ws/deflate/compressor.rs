//! Messages out (RFC 7692 section 7.2.1).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Method, Status, Strategy};

use super::{Side, TAIL};

/// Compresses messages. It has no memory until the first one.
pub struct Compressor {
    side: Side,
    level: u8,
    state: Option<Box<Deflate>>,
}

impl Compressor {
    /// The library's measure of how much it remembers beside the window: little, as Uvicorn has it.
    const MEMORY: i32 = 5;
    /// What the library holds beside what depends on the window: tables of hashes, symbols and codes.
    const TABLES: usize = 152 << 10;

    pub(super) const fn new(side: Side, level: u8) -> Option<Self> {
        Some(Self { side, level, state: None })
    }

    /// Whether it can compress at all: the library knows no window as small as 8 bits. Messages may be sent as they are
    /// at any time.
    pub fn is_able(&self) -> bool {
        self.side.bits > 8
    }

    /// Writes the compressed message to the end of `out`.
    pub fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) {
        let state = self.state.get_or_insert_with(|| {
            Box::new(Deflate::new_with_config(DeflateConfig {
                level: self.level.clamp(1, 9).into(),
                method: Method::Deflated,
                // Negative: without the header of zlib.
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
            // What leaves room has been flushed.
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

    /// Gives all memory back. The next message does not refer to those before it, which it need not.
    pub fn release(&mut self) {
        self.state = None;
    }

    /// The memory held, in bytes, to the nearest few KiB.
    pub fn held(&self) -> usize {
        // Twice the window, and two bytes of links for each of its bytes.
        self.state.as_ref().map_or(0, |_| Self::TABLES + (4 << self.side.bits.max(9)))
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compressor")
    }
}
