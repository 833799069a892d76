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
        for symbol in 0..N {
            if n < 2 && counts[symbol] == 0 {
                symbols[n] = 1 << 9 | symbol as u32;
                n += 1;
            }
        }
        let symbols = &mut symbols[..n];
        symbols.sort_unstable();
        let mut lengths = [0; N];
        let mut rest = symbols.iter();
        // The rarest symbols get the longest codes.
        for (length, &count) in (0..).zip(&shape(symbols, longest)).rev() {
            for symbol in rest.by_ref().take(count.into()) {
                lengths[(symbol & 0x1ff) as usize] = length;
            }
        }
        Self::for_lengths(lengths)
    }

    /// The codes that the lengths make.
    pub(super) fn for_lengths(lengths: [u8; N]) -> Self {
        let mut next = [0u16; 17];
        for &length in lengths.iter().filter(|length| **length > 0) {
            next[usize::from(length) + 1] += 1;
        }
        for length in 1..next.len() {
            next[length] = (next[length] + next[length - 1]) << 1;
        }
        let bits = lengths.map(|length| match length {
            0 => 0,
            length => {
                let next = &mut next[usize::from(length)];
                *next += 1;
                (*next - 1).reverse_bits() >> (16 - length)
            }
        });
        Self { lengths, bits }
    }
}
