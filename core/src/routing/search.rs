//! The search for the first route that matches.
//!
//! Parameters are greedy and give back from the end, as in a backtracking regular expression, so they capture the
//! same text. The work is bounded nevertheless: after each parameter, the search continues from each offset once, even
//! if several ways lead to it. (After an `int` it is up to 20 times.) The bound is the path length times the
//! parameters that the path reaches, plus the literals after them.

use alloc::collections::BTreeMap;
use core::ops::Range;

use super::convertor::{Class, Convertors, digits_end, int_end, uuid_end};
use super::tree::{Edge, Ends, NONE, Node, Tree};
use super::{Captures, Methods};
use crate::http::Method;

/// A search in one tree.
pub(super) struct Search<'t, 's> {
    tree: &'t Tree,
    convertors: &'t Convertors,
    pub(super) text: &'s [u8],
    method: &'s Method,
    captures: &'s mut Captures,
    /// The index of the first matching entry so far.
    pub(super) best: u32,
    /// The end of the prefix of `best`, if it is a mount.
    pub(super) prefix: usize,
    /// The methods of the routes that match the path but not the method. Complete if no route matches.
    pub(super) allow: Option<Methods>,
}

/// Results that the search keeps to avoid repeated work.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// The offsets from which the search has continued after a parameter: from node and last offset to first offset.
    entered: BTreeMap<(u32, usize), usize>,
    segment: Measured,
    whole: Measured,
    fraction: Measured,
}

/// The range of the last measurement. A value that begins in the range ends with it.
#[derive(Clone, Debug, Default)]
struct Measured(Range<usize>);

impl Measured {
    fn end(&mut self, at: usize, measure: impl FnOnce() -> usize) -> usize {
        if !self.0.contains(&at) {
            self.0 = at..measure();
        }
        self.0.end
    }
}

impl<'t, 's> Search<'t, 's> {
    /// Creates a search for entries before the index `best`, or for all entries with `NONE`.
    #[inline]
    pub(super) fn new(
        tree: &'t Tree,
        convertors: &'t Convertors,
        text: &'s [u8],
        method: &'s Method,
        best: u32,
        captures: &'s mut Captures,
    ) -> Self {
        Self { tree, convertors, text, method, captures, best, prefix: 0, allow: None }
    }

    /// Runs the search. The result is in the public fields and in the captures.
    #[inline]
    pub(super) fn run(&mut self) {
        self.captures.forget();
        // Captures are counted in 32 bits.
        if u32::try_from(self.text.len()).is_ok() {
            self.walk(&self.tree.nodes[0], 0);
        }
    }

    /// Returns whether a route matches, at least with another method.
    pub(super) fn matched(&self) -> bool {
        self.best != NONE || self.allow.is_some()
    }

    /// Continues from `node` at the offset `at`.
    fn walk(&mut self, mut node: &'t Node, mut at: usize) {
        loop {
            if let Some(ends) = &node.ends {
                self.arrive(ends, at);
                if at == self.text.len() && !node.is_stop {
                    return;
                }
            }
            let next = match &*node.params {
                [] => self.descend(node, at),
                [edge] if edge.direct && node.has_no_literals() => self.pass(edge, at),
                edges => self.fork(node, edges, at),
            };
            match next {
                Some((below, end)) if below.min < self.best => (node, at) = (below, end),
                _ => return,
            }
        }
    }

    /// Follows literals to the end of the text, or to a node with parameters or a mount.
    #[inline(always)]
    fn descend(&self, mut node: &'t Node, mut at: usize) -> Option<(&'t Node, usize)> {
        let mut rest = self.text.get(at..)?;
        let mut first = *rest.first()?;
        loop {
            node = self.tree.nodes.get(node.literal(first) as usize)?;
            rest = strip_label(rest, &node.label)?;
            at += node.label.len();
            match rest.first() {
                Some(&byte) if !node.is_stop => first = byte,
                _ => return Some((node, at)),
            }
        }
    }

    /// Matches a direct parameter, greedily.
    #[inline(always)]
    fn pass(&mut self, edge: &Edge, at: usize) -> Option<(&'t Node, usize)> {
        let end = self.longest(edge.class, at)?;
        self.captures.note(edge.position, at, end);
        Some((self.behind(edge), end))
    }

    fn behind(&self, edge: &Edge) -> &'t Node {
        &self.tree.nodes[edge.node as usize]
    }

    /// Tries the branches in the order of declaration. Returns the last one to the caller if possible, which saves a
    /// recursion.
    #[inline(never)]
    fn fork(&mut self, node: &'t Node, edges: &'t [Edge], at: usize) -> Option<(&'t Node, usize)> {
        let mut literal = self.descend(node, at);
        for (i, edge) in edges.iter().enumerate() {
            if let Some((below, end)) = literal.take_if(|(below, _)| below.min < edge.min) {
                self.walk(below, end);
            }
            if edge.min >= self.best {
                break;
            }
            if edge.direct && literal.is_none() && i + 1 == edges.len() {
                return self.pass(edge, at);
            }
            self.cross(edge, at);
        }
        literal
    }

    /// Handles a node at which patterns end.
    #[inline]
    fn arrive(&mut self, ends: &Ends, at: usize) {
        if ends.mount < self.best {
            (self.best, self.prefix) = (ends.mount, at - 1);
            self.captures.keep(ends.params);
        }
        if at == self.text.len() {
            match ends.routes.iter().find(|(_, methods)| methods.contains(self.method)) {
                Some(&(index, _)) if index < self.best => {
                    self.best = index;
                    self.captures.keep(ends.params);
                }
                Some(_) => {}
                None => self.refuse(ends),
            }
        }
    }

    /// Collects the methods of routes that do not answer this one.
    #[cold]
    fn refuse(&mut self, ends: &Ends) {
        for (_, methods) in &ends.routes {
            self.allow.get_or_insert_default().merge(methods);
        }
    }

    /// Returns the end of the longest value of a built-in convertor that begins at `at`.
    #[inline(always)]
    fn longest(&self, class: Class, at: usize) -> Option<usize> {
        let text = self.text;
        let end = match class {
            Class::Path => return Some(text.len()),
            Class::Uuid => return uuid_end(text, at),
            Class::Str | Class::Custom(_) => segment_end(text, at),
            Class::Int => int_end(text, at),
            Class::Float => match digits_end(text, at) {
                whole if whole > at && text.get(whole) == Some(&b'.') => match digits_end(text, whole + 1) {
                    fraction if fraction > whole + 1 => fraction,
                    _ => whole,
                },
                whole => whole,
            },
        };
        (end > at).then_some(end)
    }

    /// Tries the values of a parameter, longest first.
    fn cross(&mut self, edge: &'t Edge, at: usize) {
        let text = self.text;
        match edge.class {
            _ if edge.direct => {
                if let Some((below, end)) = self.pass(edge, at) {
                    self.walk(below, end);
                }
            }
            Class::Str => {
                let end = self.segment_end(edge, at);
                self.enter(edge, at, at + 1, end);
            }
            Class::Path => self.enter(edge, at, at, text.len()),
            Class::Int => self.enter(edge, at, at + 1, int_end(text, at)),
            Class::Float => {
                let whole = self.measure(edge, |memory| &mut memory.whole, at, digits_end);
                if whole > at && text.get(whole) == Some(&b'.') {
                    let fraction = self.measure(edge, |memory| &mut memory.fraction, whole + 1, digits_end);
                    self.enter(edge, at, whole + 2, fraction);
                }
                self.enter(edge, at, at + 1, whole);
            }
            Class::Uuid => {
                if let Some(end) = uuid_end(text, at) {
                    self.enter(edge, at, end, end);
                }
            }
            Class::Custom(_) => {
                let spans = self.convertors.spans(edge.class);
                let end = if spans { text.len() } else { self.segment_end(edge, at) };
                self.ask(edge, at, end);
            }
        }
    }

    fn segment_end(&mut self, edge: &Edge, at: usize) -> usize {
        self.measure(edge, |memory| &mut memory.segment, at, segment_end)
    }

    /// Returns the end of a value, from the last measurement if that covers it.
    fn measure(
        &mut self,
        edge: &Edge,
        measured: fn(&mut Memory) -> &mut Measured,
        at: usize,
        end: fn(&[u8], usize) -> usize,
    ) -> usize {
        let text = self.text;
        if !edge.ambiguous {
            return end(text, at);
        }
        measured(self.captures.memory()).end(at, || end(text, at))
    }

    /// Tries the values of a custom convertor, longest first, up to `last`.
    fn ask(&mut self, edge: &'t Edge, at: usize, last: usize) {
        let first = if edge.settled { last } else { at };
        for end in (first..=last).rev() {
            if edge.min >= self.best {
                return;
            }
            if self.can_go_on(edge, end)
                && core::str::from_utf8(&self.text[at..end])
                    .is_ok_and(|text| self.convertors.matches(edge.class, text))
            {
                self.enter(edge, at, end, end);
            }
        }
    }

    fn can_go_on(&self, edge: &Edge, end: usize) -> bool {
        let next = self.text.get(end).copied();
        let is_char_boundary = next.is_none_or(|byte| byte & 0b1100_0000 != 0b1000_0000);
        self.behind(edge).can_go_on(next) && is_char_boundary
    }

    /// Continues after a parameter that begins at `start`, with its end from `last` down to `first`.
    fn enter(&mut self, edge: &'t Edge, start: usize, first: usize, last: usize) {
        if first > last {
            return;
        }
        let first = if edge.settled { last } else { first };
        let until = if edge.ambiguous { self.not_entered(edge, first, last) } else { last + 1 };
        for end in (first..until).rev() {
            if edge.min >= self.best {
                return;
            }
            if self.can_go_on(edge, end) {
                self.captures.note(edge.position, start, end);
                self.walk(self.behind(edge), end);
            }
        }
    }

    /// Returns the offset below which the search has not yet continued after `edge`, and records `first` as the new
    /// one.
    ///
    /// The offsets for one `last` are a range without gaps, so its start is enough.
    fn not_entered(&mut self, edge: &Edge, first: usize, last: usize) -> usize {
        let memory = self.captures.memory();
        let entered = memory.entered.entry((edge.node, last)).or_insert(last + 1);
        let until = *entered;
        *entered = first.min(until);
        until
    }
}

/// Returns the offset of the first `/` from `at`, or the end. Segments are short: a call of `memchr` costs more than
/// it saves.
#[inline]
fn segment_end(text: &[u8], at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let mut rest = &text[at..];
    while let Some((eight, others)) = rest.split_first_chunk() {
        // A slash is a zero byte here, and the lowest bit that remains belongs to the first one.
        let other = u64::from_le_bytes(*eight) ^ (ONES * u64::from(b'/'));
        let slashes = other.wrapping_sub(ONES) & !other & (ONES << 7);
        if slashes != 0 {
            return text.len() - rest.len() + slashes.trailing_zeros() as usize / 8;
        }
        rest = others;
    }
    text.len() - rest.len() + rest.iter().take_while(|&&byte| byte != b'/').count()
}

/// Removes the label from the beginning of the text. The caller knows that the first byte is equal.
///
/// Most labels are so short that a call of `memcmp` would cost more than comparing their ends.
#[inline]
fn strip_label<'a>(text: &'a [u8], label: &[u8]) -> Option<&'a [u8]> {
    let (text, rest) = text.split_at_checked(label.len())?;
    let same = match label.len() {
        1 => true,
        4..=8 => {
            text.first_chunk::<4>() == label.first_chunk() && text.last_chunk::<4>() == label.last_chunk()
        }
        9..=16 => {
            text.first_chunk::<8>() == label.first_chunk() && text.last_chunk::<8>() == label.last_chunk()
        }
        _ => text == label,
    };
    same.then_some(rest)
}
