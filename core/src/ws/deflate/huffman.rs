//! Codes: the shorter, the more often a symbol comes (RFC 1951 section 3.2.2).

use super::InflateError;

/// The lengths and the codes of an alphabet of `N` symbols.
#[derive(Clone)]
pub(super) struct Codes<const N: usize> {
    /// How many bits each symbol takes; zero if it has no code.
    pub(super) lengths: [u8; N],
    /// The bits, the first one lowest.
    bits: [u16; N],
}

impl<const N: usize> Codes<N> {
    /// The codes of at most `longest` bits for symbols that come so often, together less than 2^20 times.
    pub(super) fn for_counts(counts: &[u16; N], longest: u8) -> Self {
        let mut symbols = [0u32; N];
        let mut n = 0;
        for (symbol, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            symbols[n] = u32::from(count) << 9 | symbol as u32;
            n += 1;
        }
        // Fewer than two symbols make no complete code, which some decoders want.
        for (symbol, _) in counts.iter().enumerate().filter(|(_, count)| **count == 0) {
            if n < 2 {
                symbols[n] = 1 << 9 | symbol as u32;
                n += 1;
            }
        }
        let symbols = &mut symbols[..n];
        symbols.sort_unstable();
        let mut lengths = [0; N];
        let mut rest = symbols.iter();
        let shape = shape(symbols, longest);
        // The rarest symbols get the longest codes.
        for (length, &count) in shape.iter().enumerate().rev() {
            for symbol in rest.by_ref().take(count) {
                lengths[(symbol & 0x1ff) as usize] = length as u8;
            }
        }
        Self::for_lengths(lengths)
    }

    /// The codes that the lengths make.
    pub(super) const fn for_lengths(lengths: [u8; N]) -> Self {
        // The next code of each length.
        let mut next = [0u32; 17];
        let mut symbol = 0;
        while symbol < N {
            next[lengths[symbol] as usize + 1] += (lengths[symbol] > 0) as u32;
            symbol += 1;
        }
        let mut length = 1;
        while length < next.len() {
            next[length] = (next[length] + next[length - 1]) << 1;
            length += 1;
        }
        let mut bits = [0; N];
        let mut symbol = 0;
        while symbol < N {
            let length = lengths[symbol] as usize;
            if length > 0 {
                bits[symbol] = (next[length] as u16).reverse_bits() >> (16 - length);
                next[length] += 1;
            }
            symbol += 1;
        }
        Self { lengths, bits }
    }

    /// How many bits it takes when symbols come so often.
    pub(super) fn size(&self, counts: &[u16; N]) -> usize {
        counts
            .iter()
            .zip(&self.lengths)
            .map(|(&count, &length)| usize::from(count) * usize::from(length))
            .sum()
    }

    /// The bits of a symbol, the first one lowest, and how many.
    pub(super) fn code(&self, symbol: usize) -> (u32, u32) {
        (self.bits[symbol].into(), self.lengths[symbol].into())
    }
}

/// The symbols of the codes of an alphabet of `N` symbols. Codes that are short enough are looked up in `QUICK` entries,
/// a power of two; others are searched bit by bit.
pub(super) struct Table<const N: usize, const QUICK: usize> {
    /// For each end of the bits to come: the symbol, and in the lowest four bits the length of its code.
    quick: [u16; QUICK],
    /// How many codes there are of each length.
    counts: [u16; 16],
    /// The symbols, shortest codes first.
    symbols: [u16; N],
}

impl<const N: usize, const QUICK: usize> Table<N, QUICK> {
    /// No symbol has a code.
    pub(super) const EMPTY: Self = Self { quick: [0; QUICK], counts: [0; 16], symbols: [0; N] };

    /// The table of complete codes.
    pub(super) const fn of(codes: &Codes<N>) -> Self {
        let mut table = Self::EMPTY;
        table.fill(codes);
        table
    }

    /// Makes it the table of codes of these lengths.
    ///
    /// # Errors
    /// There are too many codes, or too few; but a single one of one bit, or none, will do where `lone` says so.
    pub(super) fn make(&mut self, lengths: &[u8], lone: bool) -> Result<(), InflateError> {
        let mut all = [0; N];
        all.iter_mut().zip(lengths).for_each(|(all, length)| *all = *length);
        self.fill(&Codes::for_lengths(all));
        let mut left = 1i32;
        for &count in &self.counts[1..] {
            left = 2 * left - i32::from(count);
            if left < 0 {
                return Err(InflateError::Corrupt);
            }
        }
        let is_lone = self.counts[1] < 2 && self.counts[2..].iter().all(|&count| count == 0);
        if left == 0 || lone && is_lone { Ok(()) } else { Err(InflateError::Corrupt) }
    }

    const fn fill(&mut self, codes: &Codes<N>) {
        (self.quick, self.counts) = ([0; QUICK], [0; 16]);
        let mut symbol = 0;
        while symbol < N {
            self.counts[codes.lengths[symbol] as usize] += 1;
            symbol += 1;
        }
        self.counts[0] = 0;
        // Where the symbols of a length begin.
        let mut next = [0; 17];
        let mut length = 0;
        while length < 16 {
            next[length + 1] = next[length] + self.counts[length] as usize;
            length += 1;
        }
        let mut symbol = 0;
        while symbol < N {
            let length = codes.lengths[symbol];
            if length > 0 {
                self.symbols[next[length as usize]] = symbol as u16;
                next[length as usize] += 1;
                let mut end = codes.bits[symbol] as usize;
                while end < QUICK && 1 << length <= QUICK {
                    self.quick[end] = (symbol as u16) << 4 | length as u16;
                    end += 1 << length;
                }
            }
            symbol += 1;
        }
    }

    /// The symbol whose code the bits begin with, and the length of the code; nothing if there are too few bits.
    ///
    /// # Errors
    /// No code begins so.
    pub(super) fn decode(&self, bits: u64, count: u32) -> Result<Option<(usize, u32)>, InflateError> {
        let entry = self.quick[bits as usize & (QUICK - 1)];
        let length = u32::from(entry & 15);
        if length > 0 {
            return Ok((length <= count).then_some(((entry >> 4).into(), length)));
        }
        let (mut code, mut first, mut before) = (0, 0, 0);
        for (length, &codes) in (1..).zip(&self.counts[1..]) {
            if length > count {
                return Ok(None);
            }
            let codes = usize::from(codes);
            code = code << 1 | (bits >> (length - 1)) as usize & 1;
            first <<= 1;
            if code < first + codes {
                return Ok(self.symbols.get(before + code - first).map(|&symbol| (symbol.into(), length)));
            }
            before += codes;
            first += codes;
        }
        Err(InflateError::Corrupt)
    }
}

/// How many codes there are of each length, for symbols with their counts in the upper bits, rarest first.
fn shape(symbols: &[u32], longest: u8) -> [usize; 16] {
    // The two rarest of leaves and nodes become one node, until there is only one; both come in rising order.
    const MOST: usize = 288;
    let n = symbols.len().min(MOST);
    let (mut weights, mut parents) = ([0; MOST], [0; 2 * MOST]);
    let (mut leaf, mut node) = (0, 0);
    for new in 0..n.saturating_sub(1) {
        for _ in 0..2 {
            let leaf_is_rarer = leaf < n && (node == new || symbols[leaf] >> 9 <= weights[node]);
            let (index, weight) =
                if leaf_is_rarer { (leaf, symbols[leaf] >> 9) } else { (n + node, weights[node]) };
            if leaf_is_rarer {
                leaf += 1
            } else {
                node += 1
            }
            parents[index] = n + new;
            weights[new] += weight;
        }
    }
    // A node is one deeper than its parent, which comes after it.
    let (mut shape, mut depths) = ([0; 16], [0; 2 * MOST]);
    for index in (0..(2 * n).saturating_sub(2)).rev() {
        depths[index] = depths[parents[index]] + 1;
        if index < n {
            shape[depths[index].min(longest.into())] += 1;
        }
    }
    // Codes that were cut off take room from others: one of the longest goes beside the longest of the shorter ones.
    let longest = usize::from(longest);
    let room =
        |shape: &[usize; 16]| (1..=longest).map(|length| shape[length] << (longest - length)).sum::<usize>();
    for _ in 1 << longest..room(&shape) {
        let Some(length) = (1..longest).rev().find(|&length| shape[length] > 0) else { break };
        shape[length] -= 1;
        shape[length + 1] += 2;
        shape[longest] -= 1;
    }
    shape
}
