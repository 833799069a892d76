//! Repetitions: a message as literals and references to what came before (RFC 1951 section 4).

use alloc::vec;
use alloc::vec::Vec;

use super::{LONGEST, SHORTEST};

/// How hard to look.
#[derive(Clone, Copy)]
struct Effort {
    /// How many candidates are tried.
    candidates: u16,
    /// From this length on, no longer repetition is looked for.
    enough: usize,
    /// Below this length, the next byte may begin a longer repetition, and is tried too.
    patience: usize,
}

impl Effort {
    /// Levels 1 to 9, much as zlib has them.
    const fn of(level: u8) -> Self {
        let (candidates, enough, patience) = match level {
            0 | 1 => (4, 8, 0),
            2 => (8, 16, 0),
            3 => (32, 32, 0),
            4 => (16, 16, 4),
            5 => (32, 32, 16),
            6 => (128, 128, 16),
            7 => (256, 128, 32),
            8 => (1024, 258, 128),
            _ => (4096, 258, 258),
        };
        Self { candidates, enough, patience }
    }
}

/// A repetition of what stands `distance` bytes before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Repetition {
    pub(super) length: usize,
    pub(super) distance: usize,
}

/// What a message is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Token(u32);

impl Token {
    pub(super) fn literal(byte: u8) -> Self {
        Self(u32::from(byte))
    }

    pub(super) fn repetition(Repetition { length, distance }: Repetition) -> Self {
        Self(((distance as u32) << 8) | (length - SHORTEST) as u32)
    }

    /// The byte of a literal, or how much longer than the shortest a repetition is.
    pub(super) fn low(self) -> u8 {
        self.0 as u8
    }

    /// The distance of a repetition; zero for a literal.
    pub(super) fn distance(self) -> u32 {
        self.0 >> 8
    }
}

/// The window, and where in it three bytes have been seen last.
pub(super) struct Finder {
    effort: Effort,
    /// The largest distance.
    reach: usize,
    /// What came before, and what is being looked at: at most twice the size of the window.
    text: Vec<u8>,
    /// The next byte to be made a token of.
    at: usize,
    /// The next place to be entered into the chains.
    entered: usize,
    /// The last place of each hash; zero if there is none.
    last: Vec<u16>,
    /// The place before that one with the same hash, for each place by its number within the window.
    before: Vec<u16>,
}

impl Finder {
    /// A smaller window than this would not spare much memory.
    const LEAST: usize = 1 << 12;

    /// `reach` is a power of two up to 32 KiB.
    pub(super) fn new(reach: usize, level: u8) -> Self {
        let window = reach.max(Self::LEAST);
        Self {
            effort: Effort::of(level),
            reach,
            text: Vec::new(),
            at: 0,
            entered: 0,
            last: vec![0; window],
            before: vec![0; window],
        }
    }

    /// Forgets what came before.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        (self.at, self.entered) = (0, 0);
        self.last.fill(0);
    }

    /// The memory held, in bytes.
    pub(super) fn held(&self) -> usize {
        self.text.capacity() + 2 * (self.last.capacity() + self.before.capacity())
    }

    /// Tells `tell` what the message is made of: tokens, and for each how many bytes it stands for.
    pub(super) fn tokens(&mut self, mut message: &[u8], mut tell: impl FnMut(Token, usize)) {
        let window = self.before.len();
        while !message.is_empty() {
            if self.text.len() == 2 * window {
                self.slide();
            }
            let (now, later) = message.split_at(message.len().min(2 * window - self.text.len()));
            self.append(now);
            // What is long could go on in what comes later.
            let ahead = if later.is_empty() { 0 } else { LONGEST };
            let end = self.text.len() - ahead.min(self.text.len() - self.at);
            while self.at < end {
                let (token, length) = self.next(&mut tell);
                tell(token, length);
                self.at += length;
            }
            message = later;
        }
    }

    /// The next token that is not a literal before a better repetition.
    fn next(&mut self, tell: &mut impl FnMut(Token, usize)) -> (Token, usize) {
        let Some(mut found) = self.find(SHORTEST - 1) else {
            return (Token::literal(self.text[self.at]), 1);
        };
        while found.length < self.effort.patience {
            self.at += 1;
            let Some(better) = self.find(found.length) else {
                self.at -= 1;
                break;
            };
            tell(Token::literal(self.text[self.at - 1]), 1);
            found = better;
        }
        (Token::repetition(found), found.length)
    }

    /// The longest repetition that begins here and is longer than `best`, which is at least 1.
    fn find(&mut self, mut best: usize) -> Option<Repetition> {
        self.enter();
        let text = &*self.text;
        let here = text.get(self.at..)?;
        let here = here.get(..LONGEST).unwrap_or(here);
        let mut candidate = usize::from(self.last[hash(here, self.last.len())?]);
        let oldest = self.at.saturating_sub(self.reach).max(1);
        let mut found = None;
        for _ in 0..self.effort.candidates {
            if candidate < oldest || best >= here.len().min(self.effort.enough) {
                break;
            }
            // What is longer has the next byte in common, too, and most often the one before it tells.
            if text[candidate + best] == here[best] && text[candidate + best - 1] == here[best - 1] {
                let length = common(here, &text[candidate..][..here.len()]);
                if length > best {
                    best = length;
                    found = Some(Repetition { length, distance: self.at - candidate });
                }
            }
            candidate = usize::from(self.before[candidate & (self.before.len() - 1)]);
        }
        found
    }

    /// Enters all places before this one into the chains. Those whose third byte is not known yet wait for it.
    fn enter(&mut self) {
        while let (true, Some(bytes)) = (self.entered < self.at, self.text.get(self.entered..)) {
            let Some(hash) = hash(bytes, self.last.len()) else { break };
            let place = self.entered & (self.before.len() - 1);
            self.before[place] = core::mem::replace(&mut self.last[hash], self.entered as u16);
            self.entered += 1;
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        let len = self.text.len() + bytes.len();
        if len > self.text.capacity() {
            self.text.reserve_exact(len.next_power_of_two() - self.text.len());
        }
        self.text.extend_from_slice(bytes);
    }

    /// Drops the older half of the text.
    fn slide(&mut self) {
        let window = self.before.len();
        self.text.copy_within(window.., 0);
        self.text.truncate(window);
        self.at -= window;
        self.entered -= window;
        for place in self.last.iter_mut().chain(&mut self.before) {
            *place = place.saturating_sub(window as u16);
        }
    }
}

/// A number below `size`, a power of two, for the first three bytes.
fn hash(bytes: &[u8], size: usize) -> Option<usize> {
    let [a, b, c, ..] = *bytes else { return None };
    let bits = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1);
    Some((bits >> (32 - size.trailing_zeros())) as usize)
}

/// How many bytes two slices have in common at the front.
fn common(a: &[u8], b: &[u8]) -> usize {
    let (a_words, a_rest) = a.as_chunks::<8>();
    let (b_words, b_rest) = b.as_chunks::<8>();
    let mut n = 0;
    for (a, b) in a_words.iter().zip(b_words) {
        let differing = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differing != 0 {
            return n + (differing.trailing_zeros() / 8) as usize;
        }
        n += 8;
    }
    n + a_rest.iter().zip(b_rest).take_while(|(a, b)| a == b).count()
}
