//! Messages out (RFC 7692 section 7.2.1).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use miniz_oxide::DataFormat;
use miniz_oxide::deflate::core::{CompressionStrategy, CompressorOxide, TDEFLFlush, compress_to_output};

use super::{Side, TAIL};

/// Compresses messages. It has no memory until the first one.
pub struct Compressor {
    side: Side,
    level: u8,
    state: Option<Box<CompressorOxide>>,
}

impl Compressor {
    pub(crate) const fn new(side: Side, level: u8) -> Self {
        Self { side, level, state: None }
    }

    /// Writes the compressed message to the end of `out`.
    pub fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) {
        if message.is_empty() {
            // RFC 7692 section 7.2.3.6
            return out.push(0);
        }
        let state = self.state.get_or_insert_with(|| {
            let bits = self.side.window.trailing_zeros() as u8;
            Box::new(CompressorOxide::with_params(
                DataFormat::Raw,
                self.level,
                CompressionStrategy::Default,
                bits,
            ))
        });
        compress_to_output(state, message, TDEFLFlush::Sync, |bytes| {
            out.extend_from_slice(bytes);
            true
        });
        if out.ends_with(&TAIL) {
            out.truncate(out.len() - TAIL.len());
        }
        if !self.side.takeover {
            state.reset();
        }
    }

    /// Gives the memory back. The next message does not refer to those before it.
    pub fn release(&mut self) {
        self.state = None;
    }

    /// The memory held, in bytes.
    pub fn held(&self) -> usize {
        self.state.as_ref().map_or(0, |_| 320 << 10)
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compressor")
    }
}
