//! HPACK: the compression of header fields (RFC 7541).
//!
//! An [`Encoder`] needs no dynamic table. A [`Decoder`] writes the fields of a block as lines, `name: value`, into a buffer, and reports where they are. It
//! counts them before it stores them, so that a small block cannot take much memory.
//!
//! ```
//! use stelo_core::h2::hpack::{BlockLimits, Decoder, FieldLines};
//!
//! let mut decoder = Decoder::new(4_096);
//! let mut fields = FieldLines::default();
//! decoder.begin(BlockLimits::default());
//! decoder.decode(b"\x82\x84\x41\x0bexample.org", &mut fields)?;
//! assert_eq!(decoder.finish()?, None);
//!
//! let fields: Vec<_> = fields.iter().collect();
//! assert_eq!(fields[0], (&b":method"[..], &b"GET"[..]));
//! assert_eq!(fields[2], (&b":authority"[..], &b"example.org"[..]));
//! # Ok::<(), stelo_core::h2::hpack::HpackError>(())
//! ```
//!
//! | file | contents |
//! |---|---|
//! | `decoder.rs` | reading blocks, and their limits |
//! | `encoder.rs` | writing blocks |
//! | `representation.rs` | the representations of fields in a block |
//! | `table.rs` | the dynamic table |
//! | `names.rs` | the static table |
//! | `field.rs` | the fields of a block as lines |
//! | `integer.rs`, `huffman.rs` | integers and strings |

mod decoder;
mod encoder;
mod field;
pub mod huffman;
mod integer;
mod names;
mod representation;
mod table;
#[cfg(test)]
mod tests;

pub use decoder::{BlockLimits, Decoder, Excess};
pub use encoder::{Encoder, constant_field, literal};
pub use field::{FieldLine, FieldLines, FieldSink};
pub use names::KnownName;
pub use representation::Indexing;

use core::fmt;

use super::{ErrorCode, Violation};

/// The reason why a header block cannot be decoded. It ends the connection, because all streams share the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HpackError {
    /// An index is 0, or not in a table (RFC 7541 section 2.3.3).
    Index,
    /// An integer has more than 5 octets behind its prefix, or more than 32 bits (section 5.1).
    Integer,
    /// A string is not valid in the Huffman code (section 5.2).
    Huffman,
    /// The block ends within a field.
    Incomplete,
    /// A change of the table size exceeds the limit, or does not come first in the block (section 4.2).
    TableSize,
    /// The table has to become smaller, and the block does not say so (section 4.2).
    TableSizeMissing,
    /// The block is larger than [`BlockLimits::hard`].
    TooLarge,
}

impl HpackError {
    /// Returns the error of the connection.
    pub const fn violation(self) -> Violation {
        let (code, rule) = match self {
            Self::Index => (ErrorCode::COMPRESSION_ERROR, "HPACK index is not in a table"),
            Self::Integer => (ErrorCode::COMPRESSION_ERROR, "HPACK integer is too large"),
            Self::Huffman => (ErrorCode::COMPRESSION_ERROR, "HPACK string has an invalid code"),
            Self::Incomplete => (ErrorCode::COMPRESSION_ERROR, "header block is incomplete"),
            Self::TableSize => (ErrorCode::COMPRESSION_ERROR, "HPACK table size is too large or misplaced"),
            Self::TableSizeMissing => (ErrorCode::COMPRESSION_ERROR, "HPACK table size is missing"),
            Self::TooLarge => (ErrorCode::ENHANCE_YOUR_CALM, "header block is too large"),
        };
        Violation::connection(code, rule)
    }
}

impl fmt::Display for HpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.violation().rule)
    }
}

impl core::error::Error for HpackError {}
