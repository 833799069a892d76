//! Blocks read: bits as literals and repetitions (RFC 1951 section 3.2), whatever pieces they come in.

use super::block::{DISTANCES, END, ORDER, SYMBOLS};
use super::huffman::Table;
use super::{InflateError, LONGEST, SHORTEST, block};

type Symbols = Table<SYMBOLS, 1024>;
type Distances = Table<DISTANCES, 256>;

static FIXED_SYMBOLS: Symbols = Symbols::of(&block::FIXED.symbols);
static FIXED_DISTANCES: Distances = Distances::of(&block::FIXED.distances);

/// What takes the bytes that come of it.
pub(super) trait Sink {
    /// A byte.
    fn byte(&mut self, byte: u8) -> Result<(), InflateError>;

    /// Bytes.
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), InflateError>;

    /// `length` bytes that are the same as those `distance` bytes before them.
    fn repetition(&mut self, length: usize, distance: usize) -> Result<(), InflateError>;
}

/// Bits that were read and not used yet, the next one lowest.
#[derive(Default)]
struct Bits {
    /// Above `count` stand bits that will be read again, or zeros.
    bits: u64,
    count: u32,
}

impl Bits {
    /// Reads until there are enough bits for everything that is looked at in one step: a repetition has up to 48.
    fn fill(&mut self, input: &mut &[u8]) {
        if let Some((bytes, _)) = input.split_first_chunk() {
            self.bits |= u64::from_le_bytes(*bytes) << self.count;
            let read = (63 - self.count) / 8;
            *input = &input[read as usize..];
            self.count += 8 * read;
        } else {
            while let (..56, Some((&byte, rest))) = (self.count, input.split_first()) {
                self.bits |= u64::from(byte) << self.count;
                self.count += 8;
                *input = rest;
            }
        }
    }

    fn skip(&mut self, count: u32) {
        self.bits >>= count;
        self.count -= count;
    }

    /// The next bits, if there are so many.
    fn take(&mut self, count: u32) -> Option<u32> {
        let bits = self.peek(0, count)?;
        self.skip(count);
        Some(bits)
    }

    /// `count` bits after the first `before`.
    fn peek(&self, before: u32, count: u32) -> Option<u32> {
        (before + count <= self.count).then(|| ((self.bits >> before) & ((1 << count) - 1)) as u32)
    }

    /// Skips the rest of a byte.
    fn align(&mut self) {
        self.skip(self.count % 8);
    }
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The header of a block.
    Header,
    /// The length of a stored block.
    StoredLength,
    /// So many bytes of a stored block.
    Stored(usize),
    /// How many codes are made, of each kind.
    Sizes,
    /// The length of a code for lengths: of so many, how many have come.
    Orders { sent: usize, at: usize },
    /// The length of a code: how many have come.
    Lengths { at: usize },
    /// Tokens in the fixed codes, or in those that were made.
    Tokens { fixed: bool },
}

/// What comes next; nothing while bits are missing.
type Step = Result<Option<State>, InflateError>;

/// A stream of blocks.
pub(super) struct Inflater {
    bits: Bits,
    state: State,
    /// The block is the last one of the stream.
    last: bool,
    /// How many symbols and distances have codes.
    sent: (usize, usize),
    lengths: [u8; SYMBOLS + DISTANCES],
    symbols: Symbols,
    /// At first those of the codes for lengths, which are fewer.
    distances: Distances,
}

impl Inflater {
    pub(super) const fn new() -> Self {
        Self {
            bits: Bits { bits: 0, count: 0 },
            state: State::Header,
            last: false,
            sent: (0, 0),
            lengths: [0; SYMBOLS + DISTANCES],
            symbols: Table::EMPTY,
            distances: Table::EMPTY,
        }
    }

    /// Whether a block has ended with the last byte, and none has begun.
    pub(super) fn is_between(&self) -> bool {
        self.state == State::Header && self.bits.count == 0
    }

    /// Reads all of `input`. After a final block another stream follows.
    pub(super) fn read(&mut self, mut input: &[u8], sink: &mut impl Sink) -> Result<(), InflateError> {
        loop {
            self.bits.fill(&mut input);
            let next = match self.state {
                State::Header => self.header()?,
                State::StoredLength => self.stored_length()?,
                State::Stored(left) => self.stored(left, &mut input, sink)?,
                State::Sizes => self.sizes()?,
                State::Orders { sent, at } => self.orders(sent, at)?,
                State::Lengths { at } => self.code_length(at)?,
                State::Tokens { fixed: true } => {
                    self.bits.tokens(&FIXED_SYMBOLS, &FIXED_DISTANCES, &mut input, sink)?
                }
                State::Tokens { fixed: false } => {
                    self.bits.tokens(&self.symbols, &self.distances, &mut input, sink)?
                }
            };
            let Some(next) = next else { return Ok(()) };
            self.state = next;
            if next == State::Header && core::mem::take(&mut self.last) {
                self.bits.align();
            }
        }
    }

    fn header(&mut self) -> Step {
        let Some(header) = self.bits.take(3) else { return Ok(None) };
        self.last = header & 1 != 0;
        Ok(Some(match header >> 1 {
            0 => {
                self.bits.align();
                State::StoredLength
            }
            1 => State::Tokens { fixed: true },
            2 => State::Sizes,
            _ => return Err(InflateError::Corrupt),
        }))
    }

    fn stored_length(&mut self) -> Step {
        let Some(lengths) = self.bits.take(32) else { return Ok(None) };
        let (length, complement) = (lengths as u16, (lengths >> 16) as u16);
        if length != !complement {
            return Err(InflateError::Corrupt);
        }
        Ok(Some(State::Stored(length.into())))
    }

    fn stored(&mut self, mut left: usize, input: &mut &[u8], sink: &mut impl Sink) -> Step {
        while left > 0
            && let Some(byte) = self.bits.take(8)
        {
            sink.byte(byte as u8)?;
            left -= 1;
        }
        if left > 0 {
            // None of the bits is left: what stands above is read now.
            self.bits = Bits::default();
            let (now, later) = input.split_at(left.min(input.len()));
            sink.bytes(now)?;
            *input = later;
            left -= now.len();
        }
        self.state = State::Stored(left);
        Ok((left == 0).then_some(State::Header))
    }

    fn sizes(&mut self) -> Step {
        let Some(sizes) = self.bits.take(14) else { return Ok(None) };
        self.sent = (257 + (sizes & 31) as usize, 1 + (sizes >> 5 & 31) as usize);
        if self.sent.0 > 286 || self.sent.1 > 30 {
            return Err(InflateError::Corrupt);
        }
        self.lengths = [0; SYMBOLS + DISTANCES];
        Ok(Some(State::Orders { sent: 4 + (sizes >> 10) as usize, at: 0 }))
    }

    fn orders(&mut self, sent: usize, at: usize) -> Step {
        let Some(length) = self.bits.take(3) else { return Ok(None) };
        self.lengths[ORDER[at]] = length as u8;
        if at + 1 < sent {
            return Ok(Some(State::Orders { sent, at: at + 1 }));
        }
        self.distances.make(&self.lengths[..ORDER.len()], false)?;
        Ok(Some(State::Lengths { at: 0 }))
    }

    fn code_length(&mut self, at: usize) -> Step {
        let Some((symbol, used)) = self.distances.decode(self.bits.bits, self.bits.count)? else {
            return Ok(None);
        };
        let before = at.checked_sub(1).map(|before| self.lengths[before]);
        let (length, least, extra) = match symbol {
            16 => (before.ok_or(InflateError::Corrupt)?, 3, 2),
            17 => (0, 3, 3),
            18 => (0, 11, 7),
            length => (length as u8, 1, 0),
        };
        let Some(more) = self.bits.peek(used, extra) else { return Ok(None) };
        self.bits.skip(used + extra);
        let (symbols, all) = (self.sent.0, self.sent.0 + self.sent.1);
        let at = at + least + more as usize;
        let lengths = self.lengths.get_mut(at - least - more as usize..at).filter(|_| at <= all);
        lengths.ok_or(InflateError::Corrupt)?.fill(length);
        if at < all {
            return Ok(Some(State::Lengths { at }));
        }
        if self.lengths[END] == 0 {
            return Err(InflateError::Corrupt);
        }
        self.symbols.make(&self.lengths[..symbols], true)?;
        self.distances.make(&self.lengths[symbols..all], true)?;
        Ok(Some(State::Tokens { fixed: false }))
    }
}

impl Bits {
    /// Reads tokens to the end of the block.
    fn tokens(
        &mut self,
        symbols: &Symbols,
        distances: &Distances,
        input: &mut &[u8],
        sink: &mut impl Sink,
    ) -> Step {
        loop {
            self.fill(input);
            let Some((symbol, mut used)) = symbols.decode(self.bits, self.count)? else { return Ok(None) };
            if let Ok(byte) = u8::try_from(symbol) {
                self.skip(used);
                sink.byte(byte)?;
                continue;
            }
            if symbol == END {
                self.skip(used);
                return Ok(Some(State::Header));
            }
            let (base, extra) = length(symbol).ok_or(InflateError::Corrupt)?;
            let Some(more) = self.peek(used, extra) else { return Ok(None) };
            let length = base + more as usize;
            used += extra;
            let Some((symbol, then)) = distances.decode(self.bits >> used, self.count - used)? else {
                return Ok(None);
            };
            used += then;
            let (base, extra) = distance(symbol).ok_or(InflateError::Corrupt)?;
            let Some(more) = self.peek(used, extra) else { return Ok(None) };
            self.skip(used + extra);
            sink.repetition(length, base + more as usize)?;
        }
    }
}

/// The shortest length that a symbol stands for, and how many bits follow it (RFC 1951 section 3.2.5).
fn length(symbol: usize) -> Option<(usize, u32)> {
    match symbol - 257 {
        more @ ..8 => Some((SHORTEST + more, 0)),
        28 => Some((LONGEST, 0)),
        more @ 8..28 => Some((SHORTEST + ((4 + more % 4) << (more / 4 - 1)), more as u32 / 4 - 1)),
        _ => None,
    }
}

/// The shortest distance that a symbol stands for, and how many bits follow it.
fn distance(symbol: usize) -> Option<(usize, u32)> {
    match symbol {
        ..4 => Some((1 + symbol, 0)),
        4..30 => Some((1 + ((2 + symbol % 2) << (symbol / 2 - 1)), symbol as u32 / 2 - 1)),
        _ => None,
    }
}
