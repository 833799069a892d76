//! Choices from bytes: an input is read from its front, and every input is valid.
//!
//! Inputs are meant to be written by hand too: choices are digits, `0` being the plainest one, and lengths are letters,
//! `A` being one.

/// The rest of an input.
pub(crate) struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte; behind the end of the input there are zeros, as digits.
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

    /// Up to 31 bytes, behind a byte that says how many.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte() & 31);
        let (bytes, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// All that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}
