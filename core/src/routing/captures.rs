//! What the parameters of a route have captured, as ranges of the text that was matched.

use alloc::vec::Vec;
use core::ops::Range;

use super::Param;

/// The ranges that the parameters of the last match cover, in the order of the pattern.
///
/// A caller keeps one and gives it to every look-up. Up to six parameters need no memory besides it.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    count: usize,
    few: [(usize, usize); Self::FEW],
    /// In place of `few` where there are more.
    many: Vec<(usize, usize)>,
}

impl Captures {
    const FEW: usize = 6;

    /// No captures.
    pub const fn new() -> Self {
        Self { count: 0, few: [(0, 0); Self::FEW], many: Vec::new() }
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
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        self.slots().iter().map(|&(start, end)| start..end)
    }

    /// Names and values: `params` are those of the match, `text` is the path (or the host) that was looked up.
    pub fn values<'a>(
        &'a self,
        params: &'a [Param],
        text: &'a str,
    ) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> {
        params
            .iter()
            .zip(self.ranges())
            .map(|(param, range)| (param.name(), text.get(range).unwrap_or_default()))
    }

    fn slots(&self) -> &[(usize, usize)] {
        if self.count <= Self::FEW { &self.few[..self.count] } else { &self.many }
    }

    /// Makes room for `count` ranges, to be [`set`](Self::set) one by one.
    pub(super) fn reset(&mut self, count: usize) {
        self.count = count;
        if count > Self::FEW {
            self.many.clear();
            self.many.resize(count, (0, 0));
        }
    }

    pub(super) fn set(&mut self, position: usize, start: usize, end: usize) {
        let slots = if self.count <= Self::FEW { &mut self.few[..] } else { &mut self.many };
        slots[position] = (start, end);
    }
}
