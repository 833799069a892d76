//! The fields of a block as lines in a buffer.

use alloc::vec::Vec;
use core::ops::Range;

use super::KnownName;

/// A field as a line in a buffer: `name: value` and a line end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldLine {
    pub(super) start: u32,
    pub(super) name_len: u32,
    pub(super) value_len: u32,
    pub(super) known: Option<KnownName>,
    pub(super) never_indexed: bool,
}

impl FieldLine {
    /// Returns the range of the name.
    #[inline]
    pub const fn name(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.name_len as usize
    }

    /// Returns the range of the value.
    #[inline]
    pub const fn value(&self) -> Range<usize> {
        let start = self.start as usize + self.name_len as usize + 2;
        start..start + self.value_len as usize
    }

    /// Returns the name, if the static table has it.
    #[inline]
    pub const fn known(&self) -> Option<KnownName> {
        self.known
    }

    /// Returns whether the field must not be indexed by any encoder that forwards it (RFC 7541 section 6.2.3).
    #[inline]
    pub const fn is_never_indexed(&self) -> bool {
        self.never_indexed
    }
}

/// Receives the fields of a block, in order.
///
/// The decoder appends each line to the buffer, and reports it then. Names and values are those that the peer sent:
/// the sink validates them (RFC 9113 section 8.2).
pub trait FieldSink {
    /// Returns the buffer. It only grows while a block is decoded.
    fn buffer(&mut self) -> &mut Vec<u8>;

    /// Takes a field, whose line ends the buffer.
    fn field(&mut self, field: FieldLine);
}

/// Collects the fields of a block.
#[derive(Clone, Default, Debug)]
pub struct FieldLines {
    pub(super) buffer: Vec<u8>,
    fields: Vec<FieldLine>,
}

impl FieldLines {
    /// Returns names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let of = |range| self.buffer.get(range).unwrap_or_default();
        self.fields.iter().map(move |field| (of(field.name()), of(field.value())))
    }

    /// Returns the fields as ranges of the [buffer](FieldSink::buffer).
    pub fn fields(&self) -> &[FieldLine] {
        &self.fields
    }

    /// Removes all fields and keeps the memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.fields.clear();
    }
}

impl FieldSink for FieldLines {
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    fn field(&mut self, field: FieldLine) {
        self.fields.push(field);
    }
}
