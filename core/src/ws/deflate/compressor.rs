//! Messages out (RFC 7692 section 7.2.1).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::Side;
use super::block::{Bits, Block};
use super::lz77::Finder;

/// Compresses messages. It has no memory until the first one.
pub struct Compressor {
    side: Side,
    level: u8,
    state: Option<Box<State>>,
}

struct State {
    finder: Finder,
    block: Block,
}

impl Compressor {
    pub(crate) const fn new(side: Side, level: u8) -> Self {
        Self { side, level, state: None }
    }

    /// Writes the compressed message to the end of `out`.
    pub fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) {
        let State { finder, block } = &mut **self.state.get_or_insert_with(|| {
            Box::new(State { finder: Finder::new(self.side.window, self.level), block: Block::new() })
        });
        let mut bits = Bits::new(out);
        let (mut start, mut end) = (0, 0);
        finder.tokens(message, |token, length| {
            block.push(token);
            end += length;
            if block.is_full() {
                block.write(&message[start..end], &mut bits);
                start = end;
            }
        });
        if !block.is_empty() {
            block.write(&message[start..], &mut bits);
        }
        // The first byte of an empty stored block; the others are not sent.
        bits.put((0, 3));
        bits.align();
        if !self.side.takeover {
            finder.clear();
        }
    }

    /// Gives all memory back. The next message does not refer to those before it, which it need not.
    pub fn release(&mut self) {
        self.state = None;
    }

    /// The memory held, in bytes.
    pub fn held(&self) -> usize {
        self.state.as_ref().map_or(0, |state| state.finder.held() + state.block.held())
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compressor")
    }
}
