//! The values that the parameters of a route have captured, as ranges of the matched text.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use super::Param;
use super::search::Memory;

/// The ranges that the parameters of the last match cover, in the order of the pattern.
///
/// A caller reuses one for every look-up. Up to four parameters need no allocation.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    count: usize,
    kept: [Span; FEW],
    /// The captures on the current path of the search.
    noted: [Span; FEW],
    /// The parts that most matches do not need.
    extra: Option<Box<Extra>>,
}

/// Start and end, by the position of the parameter. Texts of 4 GiB and more are not searched.
type Span = (u32, u32);

const FEW: usize = 4;

#[derive(Clone, Debug, Default)]
struct Extra {
    /// The spans after the first four.
    kept: Vec<Span>,
    noted: Vec<Span>,
    /// The memory of the current search.
    memory: Memory,
}

impl Captures {
    /// Creates an empty value.
    pub const fn new() -> Self {
        Self { count: 0, kept: [(0, 0); FEW], noted: [(0, 0); FEW], extra: None }
    }

    /// Returns the number of parameters of the last match.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns whether the last match had no parameters, or there was no match.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the captured ranges of the path, or of the host if a host has matched.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let (few, more) = self.spans();
        few.iter().chain(more).map(|&(start, end)| start as usize..end as usize)
    }

    /// Returns start and end of each range: of the first four parameters, and of the others.
    pub fn spans(&self) -> (&[Span], &[Span]) {
        match self.kept.get(..self.count) {
            Some(few) => (few, &[]),
            None => (&self.kept, self.more()),
        }
    }

    #[cold]
    fn more(&self) -> &[Span] {
        let more = self.extra.as_ref().map_or(&[][..], |extra| &extra.kept);
        more.get(..self.count - FEW).unwrap_or_default()
    }

    /// Returns names and values. `params` are the parameters of the match, `text` is the path or host that was looked
    /// up.
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

    /// Clears the last match.
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Returns the memory of the search.
    pub(super) fn memory(&mut self) -> &mut Memory {
        &mut self.extra.get_or_insert_default().memory
    }

    /// Clears the memory for another search.
    #[inline]
    pub(super) fn forget(&mut self) {
        if let Some(extra) = &mut self.extra {
            extra.memory = Memory::default();
        }
    }

    /// Records the range of the parameter at this position.
    #[inline]
    pub(super) fn note(&mut self, position: usize, start: usize, end: usize) {
        let span = (start as u32, end as u32);
        match self.noted.get_mut(position) {
            Some(slot) => *slot = span,
            None => self.note_more(position - FEW, span),
        }
    }

    #[cold]
    fn note_more(&mut self, position: usize, span: Span) {
        let noted = &mut self.extra.get_or_insert_default().noted;
        noted.truncate(position);
        noted.push(span);
    }

    /// Sets the captures to the recorded ranges of the first `count` parameters.
    #[inline]
    pub(super) fn keep(&mut self, count: usize) {
        self.count = count;
        if count > 0 {
            self.kept = self.noted;
        }
        if count > FEW {
            self.keep_more();
        }
    }

    #[cold]
    fn keep_more(&mut self) {
        let extra = self.extra.get_or_insert_default();
        extra.kept.clone_from(&extra.noted);
    }
}
