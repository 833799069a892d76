//! Finds lines that end with CR LF, scanning each byte once.

use crate::fault::FaultKind;

/// Finds lines in bytes that arrive in pieces, and remembers the scanned length.
#[derive(Default)]
pub(super) struct Lines {
    scanned: usize,
}

impl Lines {
    /// Returns whether no byte of the next line has been scanned.
    pub(super) fn is_fresh(&self) -> bool {
        self.scanned == 0
    }

    /// Returns the first line of `input` without its end, or `None` if it is incomplete. Until a line was found, each
    /// call must pass input with the same beginning.
    ///
    /// # Errors
    /// `too_long` if the line with its end is longer than `limit`; [`FaultKind::LineEnding`] if the CR is missing.
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

/// Returns the offset of the first line feed.
fn line_feed(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // Most lines end within a few words, which costs less than a call of `memchr`.
    let (words, _) = bytes.as_chunks::<8>();
    let near = words.len().min(8);
    for (i, word) in words.iter().take(near).enumerate() {
        // A line feed is a zero byte here. The lowest one found is never a false positive.
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
