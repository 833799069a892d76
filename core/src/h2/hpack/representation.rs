//! The representations of fields in a block (RFC 7541 section 6), parsed without decoding strings.
//!
//! A representation that is incomplete is parsed again when more bytes arrive. That takes no time that depends on its
//! length, because strings are skipped.

use super::{HpackError, KnownName, integer};
use crate::http::is_name;

/// A representation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Representation<'a> {
    /// A field of a table (section 6.1).
    Indexed(u32),
    /// A field with a value of its own (section 6.2).
    Literal { name: Name<'a>, value: Text<'a>, indexing: Indexing },
    /// A change of the size of the dynamic table (section 6.3).
    TableSize(u32),
}

/// The name of a literal field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Name<'a> {
    Indexed(u32),
    Literal(Text<'a>),
}

/// A string as it is in the block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) huffman: bool,
}

/// The effect of a literal field on the dynamic table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Indexing {
    /// The field is added to the table (RFC 7541 section 6.2.1).
    Add,
    /// The field is not added (section 6.2.2).
    Without,
    /// The field is a secret. No encoder that forwards it may add it to a table (section 6.2.3), since its length in
    /// a table tells an attacker whether a guess is right (section 7.1).
    Never,
}

impl Indexing {
    /// Returns the choice for a field of a response: secrets are never indexed, and nothing else is added.
    #[inline]
    pub fn for_response(name: &[u8]) -> Self {
        if is_secret(name) { Self::Never } else { Self::Without }
    }

    /// Returns the choice for a field of a request. Fields that clients repeat are added to the table.
    ///
    /// Not added: paths, and others that differ from request to request. Never indexed: credentials, and cookies of
    /// less than 20 bytes, which are easy to guess.
    pub fn for_request(name: &[u8], value: &[u8]) -> Self {
        match KnownName::find_any_case(name) {
            Some(KnownName::COOKIE) if value.len() >= 20 => Self::Add,
            Some(KnownName::COOKIE) => Self::Never,
            Some(
                KnownName::PATH
                | KnownName::AGE
                | KnownName::CONTENT_LENGTH
                | KnownName::ETAG
                | KnownName::IF_MATCH
                | KnownName::IF_MODIFIED_SINCE
                | KnownName::IF_NONE_MATCH
                | KnownName::IF_RANGE
                | KnownName::IF_UNMODIFIED_SINCE
                | KnownName::LOCATION
                | KnownName::RANGE,
            ) => Self::Without,
            _ if is_secret(name) => Self::Never,
            _ => Self::Add,
        }
    }
}

/// Returns whether values of a field are credentials.
fn is_secret(name: &[u8]) -> bool {
    match name.len() {
        10 => is_name(name, b"set-cookie"),
        13 => is_name(name, b"authorization"),
        19 => is_name(name, b"proxy-authorization"),
        _ => false,
    }
}

impl<'a> Representation<'a> {
    /// Parses the representation at the beginning of `bytes`. Returns its length too, or `None` if it is incomplete.
    ///
    /// # Errors
    /// An invalid integer, or a string longer than `max` bytes.
    #[inline]
    pub(super) fn read(bytes: &'a [u8], max: usize) -> Result<Option<(Self, usize)>, HpackError> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        if first & 0x80 != 0 {
            let index = integer::read(bytes, 7)?;
            return Ok(index.map(|(index, len)| (Self::Indexed(index), len)));
        }
        let (bits, indexing) = match first {
            0x40.. => (6, Indexing::Add),
            0x20.. => {
                let size = integer::read(bytes, 5)?;
                return Ok(size.map(|(size, len)| (Self::TableSize(size), len)));
            }
            0x10.. => (4, Indexing::Never),
            _ => (4, Indexing::Without),
        };
        let Some((index, mut at)) = integer::read(bytes, bits)? else { return Ok(None) };
        let text = |at: &mut usize| {
            let rest = bytes.get(*at..).unwrap_or_default();
            let text = Text::read(rest, max)?;
            Ok(text.map(|(text, len)| {
                *at += len;
                text
            }))
        };
        let name = match index {
            0 => match text(&mut at)? {
                Some(name) => Name::Literal(name),
                None => return Ok(None),
            },
            index => Name::Indexed(index),
        };
        let value = text(&mut at)?;
        Ok(value.map(|value| (Self::Literal { name, value, indexing }, at)))
    }
}

impl<'a> Text<'a> {
    /// Parses a string (section 5.2).
    #[inline]
    fn read(bytes: &'a [u8], max: usize) -> Result<Option<(Self, usize)>, HpackError> {
        let Some((len, start)) = integer::read(bytes, 7)? else { return Ok(None) };
        let len = len as usize;
        if len > max {
            return Err(HpackError::TooLarge);
        }
        let huffman = bytes.first().is_some_and(|first| first & 0x80 != 0);
        let text = bytes.get(start..start + len);
        Ok(text.map(|bytes| (Self { bytes, huffman }, start + len)))
    }
}
