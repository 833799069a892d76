//! Deflate (RFC 1951), bit by bit, with all input and output in memory.

use stelo_core::ws::deflate::InflateError;

/// The end of the parsed blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The input ends with a block.
    Whole,
    /// The input ends inside a block.
    Short,
    Failed(InflateError),
}

/// The output of earlier messages, and the limit.
pub(crate) struct Context<'a> {
    pub(crate) before: &'a [u8],
    /// The maximum output of the message, in bytes.
    pub(crate) limit: usize,
}

/// Decompresses a complete message (RFC 7692 section 7.2.2).
pub(crate) fn message(bytes: &[u8], context: &Context<'_>) -> (Vec<u8>, Outcome) {
    match read(bytes, context) {
        // After a final block, or without any block, the sender may omit the empty block.
        (out, Outcome::Whole, true) => (out, Outcome::Whole),
        (out, failed @ Outcome::Failed(_), _) => (out, failed),
        // Otherwise the message ends with the beginning of an empty block; add its missing bytes.
        (out, ..) => match read(&[bytes, &[0, 0, 0xff, 0xff]].concat(), context) {
            (whole, Outcome::Whole, _) if whole.len() == out.len() => (out, Outcome::Whole),
            _ => (out, CORRUPT),
        },
    }
}

/// Decompresses the received part of a message.
pub(crate) fn piece(bytes: &[u8], context: &Context<'_>) -> (Vec<u8>, Outcome) {
    let (out, outcome, _) = read(bytes, context);
    (out, outcome)
}

/// Decompresses the bytes. Also returns whether they end with a final block or are empty.
fn read(bytes: &[u8], context: &Context<'_>) -> (Vec<u8>, Outcome, bool) {
    let mut reader = Reader { bytes, at: 0, out: context.before.to_vec(), context, last: true, finals: 0 };
    let outcome = reader.blocks().err().unwrap_or(Outcome::Whole);
    (reader.out.split_off(context.before.len()), outcome, reader.last)
}

/// The largest distance that deflate can encode.
const WINDOW: usize = 1 << 15;

const CORRUPT: Outcome = Outcome::Failed(InflateError::Corrupt);

/// The symbols by the length of their code, in order.
type Codes = [Vec<usize>; 16];

struct Reader<'a> {
    bytes: &'a [u8],
    /// The index of the next bit.
    at: usize,
    out: Vec<u8>,
    context: &'a Context<'a>,
    /// Whether the latest block was a final one, or there is none.
    last: bool,
    /// The number of final blocks. One is accepted, and one more for each KiB.
    finals: usize,
}

impl Reader<'_> {
    fn blocks(&mut self) -> Result<(), Outcome> {
        while self.at < 8 * self.bytes.len() {
            self.last = false;
            let last = self.bits(1)? == 1;
            match self.bits(2)? {
                0 => self.stored()?,
                1 => {
                    let lengths: Vec<usize> = (0..288)
                        .map(|symbol| match symbol {
                            144..256 => 9,
                            256..280 => 7,
                            _ => 8,
                        })
                        .collect();
                    self.tokens(&codes_of(&lengths, false)?, &codes_of(&[5; 32], false)?)?;
                }
                2 => {
                    let (symbols, distances) = self.codes()?;
                    self.tokens(&symbols, &distances)?;
                }
                _ => return Err(CORRUPT),
            }
            if last {
                self.align();
                (self.last, self.finals) = (true, self.finals + 1);
                if self.finals > 1 + self.at / 8 / 1024 {
                    return Err(CORRUPT);
                }
            }
        }
        Ok(())
    }

    /// Reads a number of `count` bits, lowest first.
    fn bits(&mut self, count: usize) -> Result<usize, Outcome> {
        if self.at + count > 8 * self.bytes.len() {
            return Err(Outcome::Short);
        }
        let bit = |at: usize| usize::from(self.bytes[at / 8] >> (at % 8) & 1);
        let number = (0..count).map(|i| bit(self.at + i) << i).sum();
        self.at += count;
        Ok(number)
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }

    fn put(&mut self, byte: u8) -> Result<(), Outcome> {
        if self.out.len() - self.context.before.len() >= self.context.limit {
            return Err(Outcome::Failed(InflateError::TooLarge));
        }
        self.out.push(byte);
        Ok(())
    }

    fn stored(&mut self) -> Result<(), Outcome> {
        self.align();
        let lengths = self.bits(32)?;
        if lengths & 0xffff != !(lengths >> 16) & 0xffff {
            return Err(CORRUPT);
        }
        for _ in 0..lengths & 0xffff {
            let byte = self.bits(8)?;
            self.put(byte as u8)?;
        }
        Ok(())
    }

    /// Reads a symbol (section 3.2.2). The codes of one length are consecutive, and follow those of the length before.
    fn symbol(&mut self, codes: &Codes) -> Result<usize, Outcome> {
        let (mut code, mut first) = (0, 0);
        for symbols in &codes[1..] {
            code = 2 * code + self.bits(1)?;
            if let Some(symbol) = symbols.get(code - first) {
                return Ok(*symbol);
            }
            first = 2 * (first + symbols.len());
        }
        Err(CORRUPT)
    }

    /// Reads the codes of a block (section 3.2.7).
    fn codes(&mut self) -> Result<(Codes, Codes), Outcome> {
        let sizes = self.bits(14)?;
        let (symbols, distances) = (257 + (sizes & 31), 1 + (sizes >> 5 & 31));
        if symbols > 286 || distances > 30 {
            return Err(CORRUPT);
        }
        let mut codes = [0; 19];
        for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
            .into_iter()
            .take(4 + (sizes >> 10))
        {
            codes[symbol] = self.bits(3)?;
        }
        if codes == [0; 19] {
            // zlib decodes each bit as a length of 0, and fails when all lengths are read.
            for _ in 0..symbols + distances {
                self.bits(1)?;
            }
            return Err(CORRUPT);
        }
        let codes = codes_of(&codes, false)?;
        let mut lengths = Vec::new();
        while lengths.len() < symbols + distances {
            let (length, times) = match self.symbol(&codes)? {
                16 => {
                    let times = self.bits(2).map(|more| 3 + more);
                    // The missing length is reported before missing bits.
                    (*lengths.last().ok_or(CORRUPT)?, times?)
                }
                17 => (0, 3 + self.bits(3)?),
                18 => (0, 11 + self.bits(7)?),
                length => (length, 1),
            };
            lengths.extend(std::iter::repeat_n(length, times));
        }
        if lengths.len() > symbols + distances || lengths[256] == 0 {
            return Err(CORRUPT);
        }
        let distances = lengths.split_off(symbols);
        Ok((codes_of(&lengths, true)?, codes_of(&distances, true)?))
    }

    fn tokens(&mut self, symbols: &Codes, distances: &Codes) -> Result<(), Outcome> {
        loop {
            let symbol = self.symbol(symbols)?;
            match symbol {
                ..256 => self.put(symbol as u8)?,
                256 => return Ok(()),
                286.. => return Err(CORRUPT),
                _ => {
                    const LENGTHS: [usize; 29] = [
                        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99,
                        115, 131, 163, 195, 227, 258,
                    ];
                    const DISTANCES: [usize; 30] = [
                        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025,
                        1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
                    ];
                    let number = symbol - 257;
                    let extra = if number < 8 || number == 28 { 0 } else { number / 4 - 1 };
                    let length = LENGTHS[number] + self.bits(extra)?;
                    let number = self.symbol(distances)?;
                    let base = DISTANCES.get(number).ok_or(CORRUPT)?;
                    let distance = base + self.bits((number / 2).saturating_sub(1))?;
                    if distance > WINDOW || distance > self.out.len() {
                        return Err(CORRUPT);
                    }
                    for _ in 0..length {
                        self.put(self.out[self.out.len() - distance])?;
                    }
                }
            }
        }
    }
}

/// Assigns codes by their lengths. The code must be complete and must not be oversubscribed. With `lone`, a single code
/// of one bit, or no code, is valid too.
fn codes_of(lengths: &[usize], lone: bool) -> Result<Codes, Outcome> {
    let used: usize = lengths.iter().filter(|&&length| length > 0).map(|length| 1 << (15 - length)).sum();
    let is_lone = lengths.iter().sum::<usize>() < 2;
    if used != 1 << 15 && !(lone && is_lone) {
        return Err(CORRUPT);
    }
    let mut codes = Codes::default();
    for (symbol, &length) in lengths.iter().enumerate() {
        codes[length].push(symbol);
    }
    Ok(codes)
}
