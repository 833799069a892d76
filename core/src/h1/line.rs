//! Lines that end with CR LF, found without looking at a byte twice.

use crate::fault::FaultKind;

/// Finds lines in bytes that come piece by piece, and remembers how far it has looked.
#[derive(Default)]
pub(super) struct Lines {
    scanned: usize,
}

impl Lines {
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
        let Some(at) = memchr::memchr(b'\n', unseen) else {
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
