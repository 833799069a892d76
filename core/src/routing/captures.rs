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
    kept: [Span; FEW],
    /// What the search has captured on the way to where it is now.
    noted: [Span; FEW],
    /// What most matches have no need of.
    extra: Option<Box<Extra>>,
}

/// Start and end, by the position of the parameter. No text that is looked up is longer.
type Span = (u32, u32);

const FEW: usize = 4;

#[derive(Clone, Debug, Default)]
struct Extra {
    /// The spans behind the first few.
    kept: Vec<Span>,
    noted: Vec<Span>,
    /// Belongs to the search that is going on.
    memory: Memory,
}

impl Captures {
    /// No captures.
    pub const fn new() -> Self {
        Self { count: 0, kept: [(0, 0); FEW], noted: [(0, 0); FEW], extra: None }
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
        let (few, more) = self.spans();
        few.iter().chain(more).map(|&(start, end)| start as usize..end as usize)
    }

    /// Start and end of each range: those of the first few parameters, and of the others.
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

    /// What the search has to remember.
    pub(super) fn memory(&mut self) -> &mut Memory {
        &mut self.extra.get_or_insert_default().memory
    }

    /// Another search begins.
    #[inline]
    pub(super) fn forget(&mut self) {
        if let Some(extra) = &mut self.extra {
            extra.memory = Memory::default();
        }
    }

    /// Notes what the parameter at this position takes.
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

    /// Keeps what was last noted for the first `count` parameters.
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
