//! Derives choices from the bytes of an input, from its beginning. Every input is valid.
//!
//! Inputs can be written by hand: a choice is a digit, and `0` is the simplest choice. A length is a letter, and `A` is
//! one byte.

/// The rest of an input.
pub(crate) struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a byte. After the end of the input it is the digit `0`.
    pub(crate) fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&b'0', &[]));
        self.0 = rest;
        *first
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte().wrapping_sub(b'0')) % choices.len()]
    }

    /// Takes up to 31 bytes. The byte before them is their number.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte() & 31);
        let (bytes, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// Returns the remaining bytes.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}
