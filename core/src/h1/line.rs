//! Lines that end with CR LF, found without looking at a byte twice.

use crate::fault::FaultKind;

/// Finds lines in bytes that come piece by piece, and remembers how far it has looked.
#[derive(Default)]
pub(super) struct Lines {
    scanned: usize,
}

impl Lines {
    /// Whether nothing of the next line has been looked at.
    pub(super) fn is_fresh(&self) -> bool {
        self.scanned == 0
    }

    /// The first line of `input`, without its line end; `None` if it is not complete yet. `input` has to begin where
    /// it began last time until a line was found.
    ///
    /// # Errors
    /// `too_long` if the line, its end included, is longer than `limit`; a line end without its CR.
    pub(super) fn next<'a>(
        &mut self,
        input: &'a [u8],
        limit: usize,
        too_long: FaultKind,
    ) -> Result<Option<&'a [u8]>, FaultKind> {
        let unseen = input.get(self.scanned..).unwrap_or_default();
        let Some(at) = line_feed(unseen) else {
            self.scanned = input.len();
            return if input.len() < limit { Ok(None) } else { Err(too_long) };
        };
        let end = self.scanned + at;
        self.scanned = 0;
        if end >= limit {
            return Err(too_long);
        }
        match input.get(..end) {
            Some([line @ .., b'\r']) => Ok(Some(line)),
            _ => Err(FaultKind::LineEnding),
        }
    }
}

/// Where the first line feed is.
fn line_feed(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // Most lines end within a few words: less than the way into `memchr` costs.
    let (words, _) = bytes.as_chunks::<8>();
    let near = words.len().min(8);
    for (i, word) in words.iter().take(near).enumerate() {
        // A byte of zero is where a line feed was; the lowest one that is found is never a false one.
        let zeroed = u64::from_le_bytes(*word) ^ (ONES * b'\n' as u64);
        let found = zeroed.wrapping_sub(ONES) & !zeroed & (ONES << 7);
        if found != 0 {
            return Some(i * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let far = bytes.get(near * 8..)?;
    memchr::memchr(b'\n', far).map(|at| near * 8 + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_line_feed_is_found(bytes in proptest::collection::vec(0u8..16, 0..80)) {
            prop_assert_eq!(line_feed(&bytes), bytes.iter().position(|&b| b == b'\n'));
        }
    }
}
