//! Blocks: tokens as bits (RFC 1951 section 3.2).

use alloc::vec::Vec;

use super::huffman::Codes;
use super::lz77::Token;

/// Literals, the end of a block, and lengths; the last two have no meaning, but a place among the fixed codes.
pub(super) const SYMBOLS: usize = 288;
/// Distances; the last two have no meaning.
pub(super) const DISTANCES: usize = 32;
/// The symbol that ends a block.
pub(super) const END: usize = 256;
/// The order in which the lengths of the codes of the lengths of the codes are sent.
pub(super) const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The fixed codes (RFC 1951 section 3.2.6).
pub(super) static FIXED: Trees = {
    let mut lengths = [8; SYMBOLS];
    let mut symbol = 144;
    while symbol < 280 {
        lengths[symbol] = if symbol < END { 9 } else { 7 };
        symbol += 1;
    }
    Trees { symbols: Codes::for_lengths(lengths), distances: Codes::for_lengths([5; DISTANCES]) }
};

/// The codes of a block.
pub(super) struct Trees {
    pub(super) symbols: Codes<SYMBOLS>,
    pub(super) distances: Codes<DISTANCES>,
}

/// Bits, the first one lowest.
pub(super) struct Bits<'a> {
    out: &'a mut Vec<u8>,
    bits: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    /// Writes to the end of `out`.
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, bits: 0, count: 0 }
    }

    /// Writes `count` bits, at most 32.
    pub(super) fn put(&mut self, (bits, count): (u32, u32)) {
        self.bits |= u64::from(bits) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.out.extend_from_slice(&(self.bits as u32).to_le_bytes());
            self.bits >>= 32;
            self.count -= 32;
        }
    }

    /// Fills the last byte with zeros.
    pub(super) fn align(&mut self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.bits.to_le_bytes()[..bytes]);
        (self.bits, self.count) = (0, 0);
    }
}

/// The tokens of a block, counted.
pub(super) struct Block {
    tokens: Vec<Token>,
    symbols: [u16; SYMBOLS],
    distances: [u16; DISTANCES],
    /// Bits beside the codes.
    extra: u32,
}

impl Block {
    /// More tokens than this go into another block.
    const MOST: usize = 4096;
    /// With fewer tokens, codes made for them would take more room than they save.
    const FEW: usize = 48;

    pub(super) fn new() -> Self {
        Self { tokens: Vec::new(), symbols: [0; SYMBOLS], distances: [0; DISTANCES], extra: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.tokens.len() >= Self::MOST
    }

    /// The memory held, in bytes.
    pub(super) fn held(&self) -> usize {
        size_of::<Self>() + self.tokens.capacity() * size_of::<Token>()
    }

    pub(super) fn push(&mut self, token: Token) {
        self.tokens.push(token);
        if token.distance() == 0 {
            self.symbols[usize::from(token.low())] += 1;
        } else {
            let (length, (_, length_bits)) = length(token.low());
            let (distance, (_, distance_bits)) = distance(token.distance());
            self.symbols[length] += 1;
            self.distances[distance] += 1;
            self.extra += length_bits + distance_bits;
        }
    }

    /// Writes the block, which stands for `text`, in the shortest of the three ways, and begins another one.
    pub(super) fn write(&mut self, text: &[u8], bits: &mut Bits<'_>) {
        self.symbols[END] = 1;
        // Header and alignment, counted generously, and lengths.
        let stored = 8 * (text.len() + 5 * text.len().div_ceil(STORED));
        let fixed = 3 + self.bits(&FIXED);
        let made = (self.tokens.len() >= Self::FEW).then(|| {
            let trees = Trees {
                symbols: Codes::for_counts(&self.symbols, 15),
                distances: Codes::for_counts(&self.distances, 15),
            };
            let header = Header::of(&trees);
            (3 + header.size() + self.bits(&trees), header, trees)
        });
        match made {
            Some((size, header, trees)) if size < fixed.min(stored) => {
                bits.put((0b100, 3));
                header.write(bits);
                self.write_tokens(&trees, bits);
            }
            _ if fixed <= stored => {
                bits.put((0b010, 3));
                self.write_tokens(&FIXED, bits);
            }
            _ => store(text, bits),
        }
        self.tokens.clear();
        (self.symbols, self.distances, self.extra) = ([0; SYMBOLS], [0; DISTANCES], 0);
    }

    /// How many bits the tokens take.
    fn bits(&self, trees: &Trees) -> usize {
        trees.symbols.size(&self.symbols) + trees.distances.size(&self.distances) + self.extra as usize
    }

    fn write_tokens(&self, trees: &Trees, bits: &mut Bits<'_>) {
        for token in &self.tokens {
            if token.distance() == 0 {
                bits.put(trees.symbols.code(token.low().into()));
            } else {
                let (length, extra) = length(token.low());
                bits.put(trees.symbols.code(length));
                bits.put(extra);
                let (distance, extra) = distance(token.distance());
                bits.put(trees.distances.code(distance));
                bits.put(extra);
            }
        }
        bits.put(trees.symbols.code(END));
    }
}

/// The most that one stored block holds.
const STORED: usize = 0xffff;

/// Writes the text as it is.
fn store(text: &[u8], bits: &mut Bits<'_>) {
    for part in text.chunks(STORED) {
        bits.put((0b000, 3));
        bits.align();
        let len = part.len() as u16;
        bits.out.extend_from_slice(&len.to_le_bytes());
        bits.out.extend_from_slice(&(!len).to_le_bytes());
        bits.out.extend_from_slice(part);
    }
}

/// The symbol of a length, and the bits after it (RFC 1951 section 3.2.5). `more` is by how much it is longer than the
/// shortest.
fn length(more: u8) -> (usize, (u32, u32)) {
    match u32::from(more) {
        255 => (285, (0, 0)),
        more @ ..8 => (257 + more as usize, (0, 0)),
        more => {
            let count = more.ilog2() - 2;
            (257 + (4 * count + (more >> count)) as usize, (more & ((1 << count) - 1), count))
        }
    }
}

/// The symbol of a distance, and the bits after it.
fn distance(distance: u32) -> (usize, (u32, u32)) {
    match distance - 1 {
        more @ ..4 => (more as usize, (0, 0)),
        more => {
            let count = more.ilog2() - 1;
            ((2 * count + (more >> count)) as usize, (more & ((1 << count) - 1), count))
        }
    }
}

/// How the codes of a block are sent (RFC 1951 section 3.2.7): their lengths, in codes of their own.
struct Header {
    /// How many symbols and distances have codes, the last ones without not counted.
    sent: (usize, usize),
    codes: Codes<19>,
    /// How many of the lengths of these are sent.
    orders: usize,
    /// The symbols, with the bits after them.
    runs: [(u8, u8); SYMBOLS + DISTANCES],
    len: usize,
}

impl Header {
    fn of(trees: &Trees) -> Self {
        let used = |lengths: &[u8], least: usize| {
            lengths.iter().rposition(|&length| length > 0).map_or(least, |last| least.max(last + 1))
        };
        let sent = (used(&trees.symbols.lengths, 257), used(&trees.distances.lengths, 1));
        let mut lengths = [0; SYMBOLS + DISTANCES];
        let (symbols, distances) = lengths.split_at_mut(sent.0);
        symbols.copy_from_slice(&trees.symbols.lengths[..sent.0]);
        distances[..sent.1].copy_from_slice(&trees.distances.lengths[..sent.1]);

        let mut runs = [(0, 0); SYMBOLS + DISTANCES];
        let (mut len, mut counts) = (0, [0; 19]);
        let mut push = |symbol: u8, extra: usize| {
            runs[len] = (symbol, extra as u8);
            counts[usize::from(symbol)] += 1;
            len += 1;
        };
        for run in lengths[..sent.0 + sent.1].chunk_by(|a, b| a == b) {
            let (length, mut left) = (run[0], run.len());
            if length > 0 {
                push(length, 0);
                left -= 1;
            }
            while left > 0 {
                let now = match (length, left) {
                    (_, ..3) => 1,
                    (0, _) => left.min(138),
                    _ => left.min(6),
                };
                match (length, now) {
                    (_, ..3) => push(length, 0),
                    (0, ..11) => push(17, now - 3),
                    (0, _) => push(18, now - 11),
                    _ => push(16, now - 3),
                }
                left -= now;
            }
        }
        let codes = Codes::for_counts(&counts, 7);
        let orders =
            ORDER.iter().rposition(|&symbol| codes.lengths[symbol] > 0).map_or(4, |last| 4.max(last + 1));
        Self { sent, codes, orders, runs, len }
    }

    /// The bits after a symbol.
    const fn extra(symbol: u8) -> u32 {
        match symbol {
            16 => 2,
            17 => 3,
            18 => 7,
            _ => 0,
        }
    }

    /// How many bits it takes.
    fn size(&self) -> usize {
        let runs = self.runs[..self.len].iter();
        let bits = |&(symbol, _): &(u8, u8)| {
            u32::from(self.codes.lengths[usize::from(symbol)]) + Self::extra(symbol)
        };
        14 + 3 * self.orders + runs.map(bits).sum::<u32>() as usize
    }

    fn write(&self, bits: &mut Bits<'_>) {
        bits.put((self.sent.0 as u32 - 257, 5));
        bits.put((self.sent.1 as u32 - 1, 5));
        bits.put((self.orders as u32 - 4, 4));
        for &symbol in &ORDER[..self.orders] {
            bits.put((self.codes.lengths[symbol].into(), 3));
        }
        for &(symbol, extra) in &self.runs[..self.len] {
            bits.put(self.codes.code(symbol.into()));
            bits.put((extra.into(), Self::extra(symbol)));
        }
    }
}
