//! Decodes header blocks (RFC 7541 section 3), within limits.
//!
//! Each field is counted before it is stored. Beyond the limits the rest of a block is decoded for the dynamic table
//! only, since all streams share it, and up to a hard limit.

use alloc::vec::Vec;

use super::field::{FieldLine, FieldSink};
use super::huffman::{self, HuffmanError};
use super::names::{COUNT, ENTRIES};
use super::representation::{Indexing, Name, Representation, Text};
use super::table::{OVERHEAD, Table};
use super::{HpackError, KnownName};

/// The limits of one header block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockLimits {
    /// The sum of names and values that are kept, in bytes, with 32 more for each field. 32 KiB by default.
    pub size: usize,
    /// The number of fields that are kept. 100 by default.
    pub fields: usize,
    /// The sum that is decoded before the connection ends, counted as `size`. 128 KiB by default.
    pub hard: usize,
}

impl Default for BlockLimits {
    fn default() -> Self {
        Self { size: 32 << 10, fields: 100, hard: 128 << 10 }
    }
}

/// The limit that a block exceeds. Its fields are not complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Excess {
    /// [`BlockLimits::size`]
    Size,
    /// [`BlockLimits::fields`]
    Fields,
}

/// Decodes the header blocks of one direction of a connection, one after the other.
///
/// A block begins with [`begin`](Self::begin). Its parts, one for each frame, go to [`decode`](Self::decode), and
/// [`finish`](Self::finish) ends it. After an error the decoder cannot be used: the connection ends.
///
/// The parts may end anywhere. The decoder copies an incomplete field, and nothing of a block in one part. Its memory
/// is at most the table, and as much as [`BlockLimits::hard`] twice while a block is incomplete.
///
/// ```
/// use stelo_core::h2::hpack::{BlockLimits, Decoder, Excess, FieldLines};
///
/// let mut decoder = Decoder::new(4_096);
/// let mut fields = FieldLines::default();
/// decoder.begin(BlockLimits { fields: 1, ..BlockLimits::default() });
/// for part in [&b"\x40\x06x-ro"[..], b"om\x03", b"tea\xbe"] {
///     decoder.decode(part, &mut fields)?;
/// }
/// // The second field refers to the first one. It exceeds the limit.
/// assert_eq!(decoder.finish()?, Some(Excess::Fields));
/// assert!(fields.iter().eq([(&b"x-room"[..], &b"tea"[..])]));
/// # Ok::<(), stelo_core::h2::hpack::HpackError>(())
/// ```
pub struct Decoder {
    table: Table,
    /// The largest table that the encoder may use.
    limit: u16,
    /// Whether the next block must begin with a change of the table size.
    must_resize: bool,
    block: Block,
    /// The beginning of a field that is incomplete.
    rest: Vec<u8>,
    /// A field that is not kept.
    dropped: Vec<u8>,
}

/// The state of a block.
#[derive(Default)]
struct Block {
    limits: BlockLimits,
    size: usize,
    fields: usize,
    excess: Option<Excess>,
    /// The number of changes of the table size that are still possible: the smallest size and the last one, in front
    /// of the first field (RFC 7541 section 4.2).
    resizes: u8,
}

impl Decoder {
    /// Creates a decoder whose dynamic table has at most `table` bytes, the SETTINGS_HEADER_TABLE_SIZE that the peer
    /// knows. It is 4,096 until the peer has acknowledged another one.
    pub fn new(table: u16) -> Self {
        Self {
            table: Table::new(table),
            limit: table,
            must_resize: false,
            block: Block::default(),
            rest: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Changes the limit of the table, when the peer has acknowledged a new SETTINGS_HEADER_TABLE_SIZE.
    ///
    /// If the table is larger, the next block has to begin with a change of its size (RFC 7541 section 4.2).
    pub fn set_table_limit(&mut self, table: u16) {
        self.limit = table;
        self.must_resize = self.table.max() > table;
    }

    /// Begins a block.
    pub fn begin(&mut self, limits: BlockLimits) {
        self.block = Block { limits, resizes: 2, ..Block::default() };
        self.rest.clear();
    }

    /// Decodes a part of the block, and passes its fields to `sink`. All parts of a block have the same sink.
    ///
    /// # Errors
    /// A fault in the block, or its size exceeds [`BlockLimits::hard`].
    #[inline]
    pub fn decode(&mut self, part: &[u8], sink: &mut impl FieldSink) -> Result<(), HpackError> {
        if !self.rest.is_empty() {
            return self.decode_rest(part, sink);
        }
        let used = self.decode_fields(part, sink)?;
        if used < part.len() {
            self.rest.extend_from_slice(part.get(used..).unwrap_or_default());
        }
        Ok(())
    }

    #[cold]
    fn decode_rest(&mut self, part: &[u8], sink: &mut impl FieldSink) -> Result<(), HpackError> {
        let mut rest = core::mem::take(&mut self.rest);
        rest.extend_from_slice(part);
        let used = self.decode_fields(&rest, sink)?;
        rest.drain(..used);
        self.rest = rest;
        Ok(())
    }

    /// Ends the block. Returns the limit that it exceeds: then not all of its fields were reported.
    ///
    /// # Errors
    /// The block ends within a field, or lacks a change of the table size.
    pub fn finish(&mut self) -> Result<Option<Excess>, HpackError> {
        if self.rest.capacity() > 0 {
            if !self.rest.is_empty() {
                return Err(HpackError::Incomplete);
            }
            self.rest = Vec::new();
        }
        if self.dropped.capacity() > 0 {
            self.dropped = Vec::new();
        }
        if self.must_resize { Err(HpackError::TableSizeMissing) } else { Ok(self.block.excess) }
    }

    /// Returns the limit that the block has exceeded so far.
    pub fn excess(&self) -> Option<Excess> {
        self.block.excess
    }

    /// Returns the memory held, in bytes.
    pub fn held(&self) -> usize {
        self.table.held() + self.rest.capacity() + self.dropped.capacity()
    }

    #[cfg(test)]
    pub(super) fn table_held(&self) -> usize {
        self.table.held()
    }

    #[cfg(test)]
    pub(super) fn table_len(&self) -> usize {
        self.table.len()
    }

    /// Decodes all complete fields, and returns their length.
    fn decode_fields(&mut self, bytes: &[u8], sink: &mut impl FieldSink) -> Result<usize, HpackError> {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            // Fast path: most fields are an index in one octet.
            if let Some(&first @ 0x81..=0xfe) = rest.first()
                && !self.must_resize
            {
                at += 1;
                self.indexed(u32::from(first & 0x7f), sink)?;
                continue;
            }
            let most = self.block.limits.hard.saturating_sub(self.block.size);
            let Some((representation, len)) = Representation::read(rest, most)? else {
                return Ok(at);
            };
            at += len;
            match representation {
                Representation::TableSize(size) => self.resize(size)?,
                _ if self.must_resize => return Err(HpackError::TableSizeMissing),
                Representation::Indexed(index) => self.indexed(index, sink)?,
                Representation::Literal { name, value, indexing } => {
                    self.literal(name, value, indexing, sink)?;
                }
            }
        }
    }

    /// Changes the size of the table.
    fn resize(&mut self, size: u32) -> Result<(), HpackError> {
        self.block.resizes = self.block.resizes.checked_sub(1).ok_or(HpackError::TableSize)?;
        let size = u16::try_from(size).ok().filter(|&size| size <= self.limit);
        self.table.set_max(size.ok_or(HpackError::TableSize)?);
        self.must_resize = false;
        Ok(())
    }

    #[inline]
    fn indexed(&mut self, index: u32, sink: &mut impl FieldSink) -> Result<(), HpackError> {
        let index = (index as usize).checked_sub(1).ok_or(HpackError::Index)?;
        let (line, name_len, known) = match ENTRIES.get(index) {
            Some(entry) => (entry.line, entry.name_len, Some(entry.known)),
            None => {
                let entry = self.table.get(index - COUNT).ok_or(HpackError::Index)?;
                (self.table.line(entry), entry.name_len(), entry.known)
            }
        };
        let len = line.len() - 4;
        if !self.block.count(len)? {
            return Ok(());
        }
        let buffer = sink.buffer();
        let start = buffer.len();
        buffer.extend_from_slice(line);
        sink.field(FieldLine {
            start: start as u32,
            name_len: name_len as u32,
            value_len: (len - name_len) as u32,
            known,
            never_indexed: false,
        });
        Ok(())
    }

    #[inline]
    fn literal(
        &mut self,
        name: Name<'_>,
        value: Text<'_>,
        indexing: Indexing,
        sink: &mut impl FieldSink,
    ) -> Result<(), HpackError> {
        if self.block.excess.is_none() {
            let buffer = sink.buffer();
            let start = buffer.len();
            let room = self.block.limits.size.saturating_sub(self.block.size + OVERHEAD);
            match append(&self.table, name, value, buffer, room) {
                Err(Failure::TooLong) => buffer.truncate(start),
                Err(Failure::Fault(fault)) => return Err(fault),
                Ok((name_len, known)) => {
                    let line = buffer.get(start..).unwrap_or_default();
                    let len = line.len() - 4;
                    if indexing == Indexing::Add {
                        self.table.insert(line, name_len, known);
                    }
                    if self.block.count(len)? {
                        sink.field(FieldLine {
                            start: start as u32,
                            name_len: name_len as u32,
                            value_len: (len - name_len) as u32,
                            known,
                            never_indexed: indexing == Indexing::Never,
                        });
                    } else {
                        buffer.truncate(start);
                    }
                    return Ok(());
                }
            }
        }
        self.drop_literal(name, value, indexing)
    }

    /// Decodes a field that is not kept.
    #[cold]
    fn drop_literal(
        &mut self,
        name: Name<'_>,
        value: Text<'_>,
        indexing: Indexing,
    ) -> Result<(), HpackError> {
        self.dropped.clear();
        let room = self.block.limits.hard.saturating_sub(self.block.size + OVERHEAD);
        match append(&self.table, name, value, &mut self.dropped, room) {
            Err(Failure::TooLong) => Err(HpackError::TooLarge),
            Err(Failure::Fault(fault)) => Err(fault),
            Ok((name_len, known)) => {
                if indexing == Indexing::Add {
                    self.table.insert(&self.dropped, name_len, known);
                }
                self.block.count(self.dropped.len() - 4).map(drop)
            }
        }
    }
}

impl Block {
    /// Counts a field with `len` bytes of name and value. Returns whether it is kept.
    ///
    /// # Errors
    /// The block exceeds the hard limit.
    #[inline]
    fn count(&mut self, len: usize) -> Result<bool, HpackError> {
        self.resizes = 0;
        self.size += len + OVERHEAD;
        self.fields += 1;
        if self.size <= self.limits.size && self.fields <= self.limits.fields {
            return Ok(true);
        }
        let excess = if self.size > self.limits.size { Excess::Size } else { Excess::Fields };
        self.excess.get_or_insert(excess);
        if self.size > self.limits.hard { Err(HpackError::TooLarge) } else { Ok(false) }
    }
}

/// The reason why a literal field was not appended.
enum Failure {
    TooLong,
    Fault(HpackError),
}

/// Appends the line of a literal field, if name and value have at most `room` bytes. Returns the length of its name.
#[inline]
fn append(
    table: &Table,
    name: Name<'_>,
    value: Text<'_>,
    out: &mut Vec<u8>,
    room: usize,
) -> Result<(usize, Option<KnownName>), Failure> {
    let (name_len, known) = match name {
        Name::Literal(text) => {
            let start = out.len();
            append_text(text, out, room)?;
            let name = out.get(start..).unwrap_or_default();
            (name.len(), KnownName::find(name))
        }
        Name::Indexed(index) => {
            // Not 0, which is a literal name.
            let index = (index as usize).saturating_sub(1);
            match ENTRIES.get(index) {
                Some(entry) => {
                    append_text(Text { bytes: entry.name(), huffman: false }, out, room)?;
                    (entry.name_len, Some(entry.known))
                }
                None => {
                    let entry = table.get(index - COUNT).ok_or(Failure::Fault(HpackError::Index))?;
                    let line = table.line(entry);
                    let len = entry.name_len();
                    let name = Text { bytes: line.get(..len).unwrap_or_default(), huffman: false };
                    append_text(name, out, room)?;
                    (len, entry.known)
                }
            }
        }
    };
    out.extend_from_slice(b": ");
    append_text(value, out, room - name_len)?;
    out.extend_from_slice(b"\r\n");
    Ok((name_len, known))
}

#[inline]
fn append_text(text: Text<'_>, out: &mut Vec<u8>, room: usize) -> Result<(), Failure> {
    if text.huffman {
        return huffman::decode(text.bytes, out, room).map_err(|error| match error {
            HuffmanError::TooLong => Failure::TooLong,
            HuffmanError::Invalid => Failure::Fault(HpackError::Huffman),
        });
    }
    if text.bytes.len() > room {
        return Err(Failure::TooLong);
    }
    out.extend_from_slice(text.bytes);
    Ok(())
}
