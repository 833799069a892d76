//! Replaces the compressor and the decompressor without the feature `deflate`: two types without values.

use alloc::vec::Vec;

use super::{InflateError, Side};

/// Compresses messages.
#[derive(Debug)]
pub enum Compressor {}

/// Decompresses messages.
#[derive(Debug)]
pub enum Decompressor {}

impl Compressor {
    pub(super) const fn new(_: Side, _: u8) -> Option<Self> {
        None
    }

    /// Returns whether messages can be compressed.
    pub fn is_able(&self) -> bool {
        match *self {}
    }

    /// Appends the compressed message to `out`.
    pub fn compress(&mut self, _message: &[u8], _out: &mut Vec<u8>) {
        match *self {}
    }

    /// Releases all memory.
    pub fn release(&mut self) {
        match *self {}
    }

    /// Returns the memory held, in bytes.
    pub fn held(&self) -> usize {
        match *self {}
    }
}

impl Decompressor {
    pub(super) const fn new(_: Side) -> Option<Self> {
        None
    }

    /// Decompresses the next piece of a message.
    ///
    /// # Errors
    /// See [`InflateError`].
    pub fn inflate(
        &mut self,
        _piece: &[u8],
        _last: bool,
        _message: &mut Vec<u8>,
        _limit: usize,
    ) -> Result<(), InflateError> {
        match *self {}
    }

    /// Releases all memory that the next message does not need.
    pub fn release(&mut self) {
        match *self {}
    }

    /// Returns the memory held, in bytes.
    pub fn held(&self) -> usize {
        match *self {}
    }
}
