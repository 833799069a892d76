//! The Huffman code of strings (RFC 7541 section 5.2 and appendix B).
//!
//! The code is canonical: codes of one length follow each other in the order of their symbols, and begin behind the
//! shorter ones. So the lengths of appendix B define it, and the compiler makes the tables from them.

use alloc::vec::Vec;

/// The lengths of the codes in bits, by symbol. The last one is EOS, the end of a string.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6,
    6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7,
    8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7,
    15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24,
    23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23,
    23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26,
    26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
    21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27,
    27, 27, 26, 30,
];

/// The symbol for the end of a string, which must not occur in one.
const EOS: u16 = 256;
/// The length of the longest code.
const LONGEST: usize = 30;
/// Codes up to this length are found by one access to [`SHORT`]. It covers all of ASCII that is common in fields.
const SHORT_BITS: u32 = 10;

/// The codes of one length.
#[derive(Clone, Copy)]
struct Codes {
    /// The first code, at the high end of 32 bits.
    first: u32,
    /// The code behind the last one, at the high end of 32 bits. It is 2³² for the longest codes.
    end: u64,
    /// The place of the first symbol in [`SYMBOLS`].
    symbols: u16,
}

/// All symbols in the order of their codes, the symbol of each code, and the codes by their length.
const TABLES: ([u16; 257], [u32; 257], [Codes; LONGEST + 1]) = {
    let mut symbols = [0; 257];
    let mut codes = [0; 257];
    let mut by_length = [Codes { first: 0, end: 0, symbols: 0 }; LONGEST + 1];
    let (mut len, mut code, mut n) = (1, 0u64, 0);
    while len <= LONGEST {
        let shift = 32 - len;
        by_length[len].first = (code << shift) as u32;
        by_length[len].symbols = n as u16;
        let mut symbol = 0;
        while symbol < 257 {
            if LENGTHS[symbol] as usize == len {
                symbols[n] = symbol as u16;
                codes[symbol] = code as u32;
                n += 1;
                code += 1;
            }
            symbol += 1;
        }
        by_length[len].end = code << shift;
        code <<= 1;
        len += 1;
    }
    (symbols, codes, by_length)
};

static SYMBOLS: [u16; 257] = TABLES.0;
static CODES: [u32; 257] = TABLES.1;
static BY_LENGTH: [Codes; LONGEST + 1] = TABLES.2;

/// The symbol and the length of the code that the index begins with, `length << 8 | symbol`; 0 if the code is longer.
static SHORT: [u16; 1 << SHORT_BITS] = {
    let mut table = [0; 1 << SHORT_BITS];
    let mut symbol = 0;
    while symbol < 256 {
        let len = LENGTHS[symbol] as u32;
        if len <= SHORT_BITS {
            let first = TABLES.1[symbol] << (SHORT_BITS - len);
            let mut i = 0;
            while i < 1 << (SHORT_BITS - len) {
                table[(first + i) as usize] = (len as u16) << 8 | symbol as u16;
                i += 1;
            }
        }
        symbol += 1;
    }
    table
};

/// The reason why a string was not decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HuffmanError {
    /// The string has the end-of-string symbol, or its padding is not 0 to 7 bits of 1 (RFC 7541 section 5.2).
    Invalid,
    /// The decoded string is longer than the caller allows.
    TooLong,
}

impl core::fmt::Display for HuffmanError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Invalid => "invalid Huffman code",
            Self::TooLong => "the string is too long",
        })
    }
}

impl core::error::Error for HuffmanError {}

/// Appends the decoded string to `out`, if it has at most `max` bytes. After an error, the appended bytes have no
/// meaning.
///
/// ```
/// use stelo_core::h2::hpack::huffman;
///
/// let mut out = Vec::new();
/// huffman::decode(b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", &mut out, 100)?;
/// assert_eq!(out, b"www.example.com");
/// # Ok::<(), huffman::HuffmanError>(())
/// ```
///
/// # Errors
/// The code is invalid, or the string is too long. If both, either error is returned.
pub fn decode(bytes: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), HuffmanError> {
    // The shortest code has 5 bits.
    let most = (bytes.len() * 8 / 5).min(max);
    let start = out.len();
    out.resize(start + most + AT_ONCE, 0);
    let n = decode_into(bytes, out.get_mut(start..).unwrap_or_default(), most)?;
    out.truncate(start + n);
    Ok(())
}

/// The number of codes that are decoded after each refill of 57 bits or more: [`SHORT_BITS`] for each of them.
const AT_ONCE: usize = 5;

/// Decodes into a slice of `max` bytes and [`AT_ONCE`] more, and returns the length.
fn decode_into(bytes: &[u8], out: &mut [u8], max: usize) -> Result<usize, HuffmanError> {
    let mut bits = Bits { rest: bytes, word: 0, len: 0 };
    let mut at = 0;
    while bits.refill_from_word()
        && let Some(slots) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<AT_ONCE>)
    {
        let mut count = 0;
        for slot in slots {
            // 0 for a code that is not short: nothing is skipped, and the entries behind it are 0 too.
            let entry = bits.next_short();
            *slot = entry as u8;
            count += usize::from(entry != 0);
            bits.skip(u32::from(entry >> 8));
        }
        at += count;
        if count < AT_ONCE {
            bits.refill();
            if bits.is_padding() {
                break;
            }
            *out.get_mut(at).ok_or(HuffmanError::TooLong)? = bits.symbol()?;
            at += 1;
        }
        if at > max {
            return Err(HuffmanError::TooLong);
        }
    }
    loop {
        bits.refill();
        if bits.is_padding() {
            return if at > max { Err(HuffmanError::TooLong) } else { Ok(at) };
        }
        *out.get_mut(at).ok_or(HuffmanError::TooLong)? = bits.symbol()?;
        at += 1;
    }
}

/// Reads bits from the highest to the lowest.
struct Bits<'a> {
    rest: &'a [u8],
    /// The next bits, at the high end. Bits behind them may be set, to what follows in `rest`.
    word: u64,
    /// The number of bits in `word` that are not in `rest`.
    len: u32,
}

impl Bits<'_> {
    /// Fills the word to 57 bits or more, if there are 8 bytes. Returns whether there are.
    #[inline(always)]
    fn refill_from_word(&mut self) -> bool {
        let Some((next, _)) = self.rest.split_first_chunk() else { return false };
        self.word |= u64::from_be_bytes(*next) >> self.len;
        // All whole bytes that fit.
        let bytes = (63 - self.len) / 8;
        self.rest = self.rest.get(bytes as usize..).unwrap_or_default();
        self.len += 8 * bytes;
        true
    }

    /// Fills the word with whole bytes.
    #[inline]
    fn refill(&mut self) {
        while let (true, Some((&next, rest))) = (self.len <= 56, self.rest.split_first()) {
            // The bits are there already after a refill from a whole word.
            self.word |= u64::from(next) << (56 - self.len);
            self.len += 8;
            self.rest = rest;
        }
    }

    /// Returns the entry of [`SHORT`] for the next code.
    #[inline(always)]
    fn next_short(&self) -> u16 {
        SHORT[(self.word >> (64 - SHORT_BITS)) as usize]
    }

    #[inline(always)]
    fn skip(&mut self, len: u32) {
        self.word <<= len;
        self.len -= len;
    }

    /// Returns whether only padding is left: less than 8 bits, all of them 1. No code consists of 1 to 7 bits of 1.
    #[inline(always)]
    fn is_padding(&self) -> bool {
        self.rest.is_empty() && self.len < 8 && (!self.word).leading_zeros() >= self.len
    }

    /// Reads a code of any length.
    #[inline(always)]
    fn symbol(&mut self) -> Result<u8, HuffmanError> {
        let entry = self.next_short();
        let len = u32::from(entry >> 8);
        if len == 0 || len > self.len {
            return self.long_symbol();
        }
        self.skip(len);
        Ok(entry as u8)
    }

    #[inline(never)]
    fn long_symbol(&mut self) -> Result<u8, HuffmanError> {
        let word = (self.word >> 32) as u32;
        let mut len = 5;
        // The longest codes end at 2³², so that the loop ends at 30.
        while len < LONGEST && u64::from(word) >= BY_LENGTH[len].end {
            len += 1;
        }
        let codes = BY_LENGTH[len];
        let place = (word - codes.first) >> (32 - len);
        let symbol = SYMBOLS.get(usize::from(codes.symbols) + place as usize).copied().unwrap_or(EOS);
        match u8::try_from(symbol) {
            Ok(symbol) if len as u32 <= self.len => {
                self.skip(len as u32);
                Ok(symbol)
            }
            _ => Err(HuffmanError::Invalid),
        }
    }
}

/// Returns the length of the encoded string, in bytes.
pub fn encoded_len(bytes: &[u8]) -> usize {
    let bits: usize = bytes.iter().map(|&byte| usize::from(LENGTHS[usize::from(byte)])).sum();
    bits.div_ceil(8)
}

/// Appends the encoded string to `out`.
///
/// ```
/// use stelo_core::h2::hpack::huffman;
///
/// let mut out = Vec::new();
/// huffman::encode(b"no-cache", &mut out);
/// assert_eq!(out, b"\xa8\xeb\x10\x64\x9c\xbf");
/// assert_eq!(huffman::encoded_len(b"no-cache"), out.len());
/// ```
pub fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let (mut word, mut len) = (0u64, 0);
    for &byte in bytes {
        let byte = usize::from(byte);
        let bits = u32::from(LENGTHS[byte]);
        word = word << bits | u64::from(CODES[byte]);
        len += bits;
        // At most 31 bits are left, and a code has at most 30.
        if len >= 32 {
            len -= 32;
            out.extend_from_slice(&((word >> len) as u32).to_be_bytes());
        }
    }
    // The padding consists of the first bits of EOS, which are 1.
    let padding = len.next_multiple_of(8) - len;
    let last = word << padding | ((1 << padding) - 1);
    let bytes = (len + padding) / 8;
    out.extend_from_slice(last.to_be_bytes().get(8 - bytes as usize..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn decoded(bytes: &[u8]) -> Result<Vec<u8>, HuffmanError> {
        let mut out = vec![];
        decode(bytes, &mut out, usize::MAX / 2).map(|()| out)
    }

    /// A decoder bit by bit.
    fn plain(bytes: &[u8]) -> Result<Vec<u8>, HuffmanError> {
        let (mut out, mut code, mut len) = (vec![], 0, 0);
        for bit in (0..bytes.len() * 8).map(|i| bytes[i / 8] >> (7 - i % 8) & 1) {
            (code, len) = (code << 1 | u32::from(bit), len + 1);
            let found = (0..257).find(|&symbol| usize::from(LENGTHS[symbol]) == len && CODES[symbol] == code);
            if let Some(symbol) = found {
                out.push(u8::try_from(symbol).map_err(|_| HuffmanError::Invalid)?);
                (code, len) = (0, 0);
            }
        }
        if len < 8 && code == (1 << len) - 1 { Ok(out) } else { Err(HuffmanError::Invalid) }
    }

    #[test]
    fn codes_are_those_of_appendix_b() {
        for (symbol, code, len) in [
            (0, 0x1ff8, 13),
            (10, 0x3fff_fffc, 30),
            (32, 0x14, 6),
            (48, 0x0, 5),
            (92, 0x7fff0, 19),
            (116, 0x9, 5),
            (127, 0x0fff_fffc, 28),
            (249, 0x0fff_fffe, 28),
            (255, 0x03ff_ffee, 26),
            (256, 0x3fff_ffff, 30),
        ] {
            assert_eq!((CODES[symbol], LENGTHS[symbol]), (code, len), "{symbol}");
        }
    }

    #[test]
    fn the_code_is_complete() {
        let sum: u64 = LENGTHS.iter().map(|&len| 1 << (LONGEST - usize::from(len))).sum();
        assert_eq!(sum, 1 << LONGEST);
        assert_eq!(BY_LENGTH[LONGEST].end, 1 << 32);
    }

    #[test]
    fn each_byte_is_decoded_in_each_position() {
        for byte in 0..=255 {
            for before in 0..20 {
                let mut text = vec![b'0'; before];
                text.extend_from_slice(&[byte, b'a', byte, b'X']);
                let mut out = vec![];
                encode(&text, &mut out);
                assert_eq!(decoded(&out), Ok(text));
            }
        }
    }

    #[test]
    fn padding_is_the_beginning_of_eos() {
        // `0` is 00000, so three bits are left.
        assert_eq!(decoded(&[0b0000_0111]), Ok(b"0".to_vec()));
        for wrong in [0b0000_0000, 0b0000_0110, 0b0000_0011] {
            assert_eq!(decoded(&[wrong]), Err(HuffmanError::Invalid));
        }
        assert_eq!(decoded(&[]), Ok(vec![]));
        for len in 1..10 {
            assert_eq!(decoded(&vec![0xff; len]), Err(HuffmanError::Invalid), "{len} bytes of padding");
            let mut text = vec![0b0000_0111];
            text.extend(vec![0xff; len]);
            assert_eq!(decoded(&text), Err(HuffmanError::Invalid), "{len} bytes behind a symbol");
        }
    }

    #[test]
    fn eos_is_invalid() {
        // EOS, and two bits of padding.
        assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xff]), Err(HuffmanError::Invalid));
        // `0`, EOS, and five bits of padding.
        assert_eq!(decoded(&[0x07, 0xff, 0xff, 0xff, 0xff]), Err(HuffmanError::Invalid));
    }

    #[test]
    fn a_string_may_have_the_allowed_length_and_no_more() {
        let mut bytes = vec![];
        encode(&[b'a'; 100], &mut bytes);
        let mut out = b"before".to_vec();
        assert_eq!(decode(&bytes, &mut out, 100), Ok(()));
        assert_eq!(out.len(), 106);
        for max in [0, 1, 50, 99] {
            assert_eq!(decode(&bytes, &mut vec![], max), Err(HuffmanError::TooLong));
        }
    }

    proptest! {
        #[test]
        fn strings_are_unchanged_after_a_round_trip(text in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut out = vec![];
            encode(&text, &mut out);
            prop_assert_eq!(out.len(), encoded_len(&text));
            prop_assert_eq!(plain(&out), Ok(text.clone()));
            prop_assert_eq!(decoded(&out), Ok(text));
        }

        #[test]
        fn any_bytes_are_decoded_as_bit_by_bit(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..40),
            ones in 0..6usize,
        ) {
            bytes.extend(vec![0xff; ones]);
            prop_assert_eq!(decoded(&bytes), plain(&bytes));
        }

        #[test]
        fn short_codes_are_decoded_as_bit_by_bit(text in "[a-z0-9/.%-]{0,60}", cut in 0usize..8, last: u8) {
            let mut bytes = vec![];
            encode(text.as_bytes(), &mut bytes);
            bytes.truncate(bytes.len().saturating_sub(cut));
            bytes.push(last);
            prop_assert_eq!(decoded(&bytes), plain(&bytes));
        }
    }
}
