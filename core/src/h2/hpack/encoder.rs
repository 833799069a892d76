//! Encodes header blocks (RFC 7541 section 6).
//!
//! A server needs no dynamic table: its responses repeat little that is long, and blocks that do not depend on the
//! connection can be made once, and copied. The first block of a connection then sets the size of the table to 0. After
//! that no setting of the peer requires anything of the encoder.
//!
//! A client repeats its fields on each request, so it may add them to a table.

use alloc::vec::Vec;

use super::names::{COUNT, ENTRIES, KnownName};
use super::representation::Indexing;
use super::table::Table;
use super::{huffman, integer};
use crate::http::Status;

/// The size of the decoder's table before any setting (RFC 9113 section 6.5.2).
const INITIAL: u16 = 4_096;

/// Encodes the header blocks of one direction of a connection, one after the other.
///
/// ```
/// use stelo_core::h2::hpack::{Encoder, Indexing};
/// use stelo_core::http::Status;
///
/// let mut encoder = Encoder::new(0);
/// let mut out = Vec::new();
/// encoder.begin(&mut out);
/// Encoder::status(&mut out, Status::OK);
/// encoder.field(&mut out, b"content-length", b"2", Indexing::Without);
/// // The size of the table, an index, and a literal with the name of an index.
/// assert_eq!(out, b"\x20\x88\x0f\x0d\x012");
/// ```
pub struct Encoder {
    table: Table,
    /// The largest table that the encoder uses.
    own_limit: u16,
    /// The table size that the decoder knows.
    announced: u16,
    /// The smallest size of the table since the last block.
    smallest: u16,
    /// The lines of entries are made here.
    line: Vec<u8>,
}

impl Encoder {
    /// Creates an encoder with a dynamic table of at most `table` bytes. 0 is right for servers.
    pub fn new(table: u16) -> Self {
        let max = table.min(INITIAL);
        Self { table: Table::new(max), own_limit: table, announced: INITIAL, smallest: max, line: Vec::new() }
    }

    /// Obeys the peer's SETTINGS_HEADER_TABLE_SIZE, which the connection acknowledges. The next block announces a
    /// change.
    pub fn set_peer_limit(&mut self, size: u32) {
        let max = u16::try_from(size).unwrap_or(u16::MAX).min(self.own_limit);
        self.table.set_max(max);
        self.smallest = self.smallest.min(max);
    }

    /// Begins a block: writes the size of the table if it has changed (RFC 7541 section 4.2).
    #[inline]
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        if self.announced != self.table.max() || self.smallest != self.announced {
            self.announce(out);
        }
    }

    #[cold]
    fn announce(&mut self, out: &mut Vec<u8>) {
        let max = self.table.max();
        if self.smallest < max {
            integer::write(out, 0x20, 5, usize::from(self.smallest));
        }
        integer::write(out, 0x20, 5, usize::from(max));
        (self.announced, self.smallest) = (max, max);
    }

    /// Writes `:status`.
    #[inline]
    pub fn status(out: &mut Vec<u8>, status: Status) {
        match status.code() {
            200 => out.push(0x88),
            204 => out.push(0x89),
            206 => out.push(0x8a),
            304 => out.push(0x8b),
            400 => out.push(0x8c),
            404 => out.push(0x8d),
            500 => out.push(0x8e),
            code => {
                let digit = |n: u16| b'0' + (n % 10) as u8;
                out.extend_from_slice(&[0x08, 3, digit(code / 100), digit(code / 10), digit(code)]);
            }
        }
    }

    /// Writes a field. A name in upper case is written in lower case, as HTTP/2 requires.
    ///
    /// Without a table, [`Indexing::Add`] is the same as [`Indexing::Without`].
    #[inline]
    pub fn field(&mut self, out: &mut Vec<u8>, name: &[u8], value: &[u8], indexing: Indexing) {
        match indexing {
            Indexing::Add if self.table.max() > 0 => self.add(out, name, value),
            indexing => literal(out, indexing, name, value),
        }
    }

    /// Writes the index of a field, or adds the field to the table.
    fn add(&mut self, out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
        let line = &mut self.line;
        line.clear();
        push_lower(line, name);
        line.extend_from_slice(b": ");
        line.extend_from_slice(value);
        line.extend_from_slice(b"\r\n");
        let name = line.get(..name.len()).unwrap_or_default();
        let known = KnownName::find(name);
        if let Some(index) = known.and_then(|known| static_index(known, value)) {
            return integer::write(out, 0x80, 7, index);
        }
        let entry = match self.table.find(line, name.len()) {
            Some((index, true)) => return integer::write(out, 0x80, 7, COUNT + 1 + index),
            Some((index, false)) => Some(COUNT + 1 + index),
            None => None,
        };
        match known.map(|known| usize::from(known.index())).or(entry) {
            Some(index) => integer::write(out, 0x40, 6, index),
            None => {
                out.push(0x40);
                write_short(out, name);
            }
        }
        // The value is sent once, and then referred to.
        write_short(out, value);
        self.table.insert(line, name.len(), known);
    }

    /// Returns the memory held, in bytes.
    pub fn held(&self) -> usize {
        self.table.held() + self.line.capacity()
    }
}

/// As [`Encoder::field`], without a table: [`Indexing::Add`] is the same as [`Indexing::Without`].
#[inline]
pub fn literal(out: &mut Vec<u8>, indexing: Indexing, name: &[u8], value: &[u8]) {
    let pattern = if indexing == Indexing::Never { 0x10 } else { 0 };
    match KnownName::find_any_case(name) {
        Some(known) => match static_index(known, value) {
            Some(index) if pattern == 0 => return integer::write(out, 0x80, 7, index),
            _ => integer::write(out, pattern, 4, usize::from(known.index())),
        },
        None => {
            out.push(pattern);
            integer::write(out, 0, 7, name.len());
            push_lower(out, name);
        }
    }
    // A copy takes less time than the Huffman code saves.
    integer::write(out, 0, 7, value.len());
    out.extend_from_slice(value);
}

/// As [`Encoder::field`] without indexing, with the Huffman code: for fields that are encoded once and sent often.
///
/// ```
/// use stelo_core::h2::hpack;
///
/// let mut block = Vec::new();
/// hpack::constant_field(&mut block, b"Server", b"stelo");
/// assert_eq!(block, b"\x0f\x27\x84\x42\x4b\x41\xff");
/// ```
pub fn constant_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    match KnownName::find_any_case(name) {
        Some(known) => integer::write(out, 0, 4, usize::from(known.index())),
        None => {
            out.push(0);
            write_short(out, &name.to_ascii_lowercase());
        }
    }
    write_short(out, value);
}

/// Returns the index of the static entry with this name and value.
#[inline]
fn static_index(known: KnownName, value: &[u8]) -> Option<usize> {
    // Entries behind it have no value.
    if known > KnownName::ACCEPT_ENCODING || value.is_empty() {
        return None;
    }
    let first = usize::from(known.index());
    let entries = ENTRIES.get(first - 1..).unwrap_or_default();
    let place =
        entries.iter().take_while(|entry| entry.known == known).position(|entry| entry.value() == value);
    place.map(|place| first + place)
}

/// Writes a string in the shorter of its two forms (RFC 7541 section 5.2).
fn write_short(out: &mut Vec<u8>, text: &[u8]) {
    let len = huffman::encoded_len(text);
    if len < text.len() {
        integer::write(out, 0x80, 7, len);
        huffman::encode(text, out);
    } else {
        integer::write(out, 0, 7, text.len());
        out.extend_from_slice(text);
    }
}

/// Appends a name in lower case.
#[inline]
fn push_lower(out: &mut Vec<u8>, name: &[u8]) {
    let start = out.len();
    out.extend_from_slice(name);
    out.get_mut(start..).unwrap_or_default().make_ascii_lowercase();
}
