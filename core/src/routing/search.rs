//! The search for the first route that matches.
//!
//! Parameters take as much as they can and give back from the end, as in a backtracking regular expression; so what
//! they capture is what such an expression would. The work is bounded all the same: behind each parameter, the
//! search goes on from each place of the path once (from up to 20 ways of reaching it behind an `int`), however
//! many ways lead there. It is at most the length of the path times the parameters that the path reaches in the
//! table (and the length of the literals that follow them).

use alloc::collections::BTreeMap;

use memchr::memchr;

use super::convertor::{Class, Convertors, digits_end, int_end, uuid_end};
use super::tree::{Edge, NONE, Node, Tree};
use super::{Captures, Methods};
use crate::http::Method;

/// A search in one tree.
pub(super) struct Search<'t, 's> {
    tree: &'t Tree,
    convertors: &'t Convertors,
    text: &'s str,
    method: &'s Method,
    captures: &'s mut Captures,
    /// The index of the first entry found so far that matches.
    pub(super) best: u32,
    /// Where the prefix of `best` ends, if it is a mount.
    pub(super) prefix: usize,
    /// The methods of the routes that match but for the method. Complete if nothing matches altogether.
    pub(super) allow: Methods,
    /// Where the search has gone on behind ambiguous parameters: node and last place, to the first place.
    entered: BTreeMap<(u32, usize), usize>,
    segment: Run,
    whole: Run,
    fraction: Run,
}

/// A stretch of the text that was measured before.
#[derive(Clone, Copy)]
struct Run {
    start: usize,
    end: usize,
}

impl Run {
    const UNKNOWN: Self = Self { start: 1, end: 0 };

    /// The end of the stretch that begins at `at`; measured only if it is not part of the last one.
    fn end(&mut self, at: usize, measure: impl FnOnce() -> usize) -> usize {
        if !(self.start..=self.end).contains(&at) {
            *self = Self { start: at, end: measure() };
        }
        self.end
    }
}

/// A parameter on the way to where the search is now.
struct Step<'a> {
    before: Option<&'a Step<'a>>,
    position: usize,
    start: usize,
    end: usize,
}

impl<'t, 's> Search<'t, 's> {
    /// Searches for entries before the one with the index `best`.
    pub(super) fn run(
        tree: &'t Tree,
        convertors: &'t Convertors,
        text: &'s str,
        method: &'s Method,
        best: u32,
        captures: &'s mut Captures,
    ) -> Self {
        let mut search = Self {
            tree,
            convertors,
            text,
            method,
            captures,
            best,
            prefix: 0,
            allow: Methods::new(),
            entered: BTreeMap::new(),
            segment: Run::UNKNOWN,
            whole: Run::UNKNOWN,
            fraction: Run::UNKNOWN,
        };
        search.walk(&tree.nodes[0], 0, None);
        search
    }

    /// Whether the text belongs to a route, at least with another method.
    pub(super) fn matched(&self) -> bool {
        self.best != NONE || !self.allow.is_empty()
    }

    /// Goes on from `node` at the place `at`: first into the branch that was declared first.
    fn walk(&mut self, mut node: &'t Node, mut at: usize, steps: Option<&Step<'_>>) {
        loop {
            if node.mount < self.best {
                self.found(node.mount, steps);
                self.prefix = at - 1;
            }
            if at == self.text.len() {
                self.arrive(node, steps);
            }
            let mut literal = self.literal(node, at);
            for edge in &node.params {
                if let Some(below) = literal.take_if(|below| below.min < edge.min) {
                    self.walk(below, at + below.label.len(), steps);
                }
                if edge.min >= self.best {
                    break;
                }
                self.cross(edge, at, steps);
            }
            match literal {
                Some(below) if below.min < self.best => (node, at) = (below, at + below.label.len()),
                _ => return,
            }
        }
    }

    /// The node below whose label stands at `at`, if it is worth going there.
    fn literal(&self, node: &Node, at: usize) -> Option<&'t Node> {
        let rest = &self.text.as_bytes()[at..];
        let below = &self.tree.nodes[node.literal(*rest.first()?)? as usize];
        (below.min < self.best && rest.starts_with(&below.label)).then_some(below)
    }

    /// The text ends at `node`.
    fn arrive(&mut self, node: &Node, steps: Option<&Step<'_>>) {
        let Some(leaf) = &node.leaf else { return };
        if !leaf.methods.contains(self.method) {
            self.allow.merge(&leaf.methods);
            return;
        }
        let route = leaf.routes.iter().find(|(_, methods)| methods.contains(self.method));
        if let Some(&(index, _)) = route.filter(|(index, _)| *index < self.best) {
            self.found(index, steps);
        }
    }

    fn found(&mut self, index: u32, steps: Option<&Step<'_>>) {
        self.best = index;
        self.captures.reset(steps.map_or(0, |last| last.position + 1));
        let mut step = steps;
        while let Some(&Step { before, position, start, end }) = step {
            self.captures.set(position, start, end);
            step = before;
        }
    }

    /// Lets a parameter take what it can.
    fn cross(&mut self, edge: &'t Edge, at: usize, steps: Option<&Step<'_>>) {
        let text = self.text.as_bytes();
        let segment_end = || memchr(b'/', &text[at..]).map_or(text.len(), |found| at + found);
        match edge.class {
            Class::Str => {
                let end = self.segment.end(at, segment_end);
                self.enter(edge, at, at + 1, end, steps);
            }
            Class::Path => self.enter(edge, at, at, text.len(), steps),
            Class::Int => self.enter(edge, at, at + 1, int_end(text, at), steps),
            Class::Float => {
                let whole = self.whole.end(at, || digits_end(text, at));
                if whole > at && text.get(whole) == Some(&b'.') {
                    let fraction = self.fraction.end(whole + 1, || digits_end(text, whole + 1));
                    self.enter(edge, at, whole + 2, fraction, steps);
                }
                self.enter(edge, at, at + 1, whole, steps);
            }
            Class::Uuid => {
                if let Some(end) = uuid_end(text, at) {
                    self.enter(edge, at, end, end, steps);
                }
            }
            Class::Custom(_) => {
                let spans = self.convertors.spans(edge.class);
                let end = if spans { text.len() } else { self.segment.end(at, segment_end) };
                self.ask(edge, at, end, steps);
            }
        }
    }

    /// Lets a parameter with a convertor of the user's take what it can, up to `last`.
    fn ask(&mut self, edge: &'t Edge, at: usize, last: usize, steps: Option<&Step<'_>>) {
        let first = if edge.settled { last } else { at };
        for end in (first..=last).rev() {
            if edge.min >= self.best {
                return;
            }
            if self.can_go_on(edge, end) && self.convertors.matches(edge.class, &self.text[at..end]) {
                self.enter(edge, at, end, end, steps);
            }
        }
    }

    fn can_go_on(&self, edge: &Edge, end: usize) -> bool {
        let next = self.text.as_bytes().get(end).copied();
        self.tree.nodes[edge.node as usize].can_go_on(next) && self.text.is_char_boundary(end)
    }

    /// Goes on behind a parameter that begins at `start`: from `last` down to `first`.
    fn enter(&mut self, edge: &'t Edge, start: usize, first: usize, last: usize, steps: Option<&Step<'_>>) {
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
                let step = Step { before: steps, position: edge.position, start, end };
                self.walk(&self.tree.nodes[edge.node as usize], end, Some(&step));
            }
        }
    }

    /// Before which place the search has not yet gone on behind `edge`; notes that it now will, down to `first`.
    ///
    /// What was entered up to the same `last` has no gaps, so one number says it all.
    fn not_entered(&mut self, edge: &Edge, first: usize, last: usize) -> usize {
        let entered = self.entered.entry((edge.node, last)).or_insert(last + 1);
        let until = *entered;
        *entered = first.min(until);
        until
    }
}
