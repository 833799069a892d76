//! What stands for compression where there is none: two halves that nobody can have.

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

    /// Whether it can compress at all.
    pub fn is_able(&self) -> bool {
        match *self {}
    }

    /// Writes the compressed message to the end of `out`.
    pub fn compress(&mut self, _message: &[u8], _out: &mut Vec<u8>) {
        match *self {}
    }

    /// Gives all memory back.
    pub fn release(&mut self) {
        match *self {}
    }

    /// The memory held, in bytes.
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

    /// Gives all memory back that the next message does not need.
    pub fn release(&mut self) {
        match *self {}
    }

    /// The memory held, in bytes.
    pub fn held(&self) -> usize {
        match *self {}
    }
}
