//! What the parameters of a route have captured, as ranges of the text that was matched.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use super::Param;
use super::search::Memory;

/// The ranges that the parameters of the last match cover, in the order of the pattern.
///
/// A caller keeps one and gives it to every look-up. Up to four parameters need no memory besides it.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    count: usize,
    kept: Spans,
    /// What the search has captured on the way to where it is now.
    noted: Spans,
    /// Belongs to the search that is going on.
    pub(super) memory: Option<Box<Memory>>,
}

/// Start and end by the position of the parameter.
#[derive(Clone, Debug, Default)]
struct Spans {
    few: [(usize, usize); Self::FEW],
    more: Vec<(usize, usize)>,
}

impl Spans {
    const FEW: usize = 4;

    const fn new() -> Self {
        Self { few: [(0, 0); Self::FEW], more: Vec::new() }
    }
}

impl Captures {
    /// No captures.
    pub const fn new() -> Self {
        Self { count: 0, kept: Spans::new(), noted: Spans::new(), memory: None }
    }

    /// How many parameters the last match had.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether the last match had no parameters, or there was none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The ranges in the path; in the host, where a host has matched.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.kept.few.iter().chain(&self.kept.more).take(self.count).map(|&(start, end)| start..end)
    }

    /// Names and values: `params` are those of the match, `text` is the path (or the host) that was looked up.
    pub fn values<'a>(
        &'a self,
        params: &'a [Param],
        text: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        params
            .iter()
            .zip(self.ranges())
            .map(|(param, range)| (param.name(), text.get(range).unwrap_or_default()))
    }

    /// Forgets the last match.
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Notes what the parameter at this position takes.
    #[inline]
    pub(super) fn note(&mut self, position: usize, start: usize, end: usize) {
        match self.noted.few.get_mut(position) {
            Some(slot) => *slot = (start, end),
            None => self.note_more(position - Spans::FEW, start, end),
        }
    }

    #[cold]
    fn note_more(&mut self, position: usize, start: usize, end: usize) {
        self.noted.more.truncate(position);
        self.noted.more.push((start, end));
    }

    /// Keeps what was last noted for the first `count` parameters.
    #[inline]
    pub(super) fn keep(&mut self, count: usize) {
        self.count = count;
        if count > 0 {
            self.kept.few = self.noted.few;
        }
        if count > Spans::FEW {
            self.keep_more();
        }
    }

    #[cold]
    fn keep_more(&mut self) {
        self.kept.more.clone_from(&self.noted.more);
    }
}
