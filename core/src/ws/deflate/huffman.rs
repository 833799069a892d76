//! Codes: the shorter, the more often a symbol comes (RFC 1951 section 3.2.2).

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
