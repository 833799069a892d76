//! The tree of a compiled table of routes.
//!
//! Literal text is a radix tree over bytes, with one table look-up at each fork. Parameters are separate edges, one for
//! each convertor at a node. Each node has the smallest declared index at or below it. A search tries branches in the
//! order of declaration, and skips those with a larger index than its best match.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Methods;
use super::convertor::{Class, Convertors};
use super::pattern::{Part, Pattern};

/// No index, and no node.
pub(super) const NONE: u32 = u32::MAX;

/// The patterns of a table, as one tree. Node 0 is the root.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
}

/// A position between two bytes of a pattern.
#[derive(Debug)]
pub(super) struct Node {
    /// The literal text between the parent and this node; empty after a parameter.
    pub(super) label: Box<[u8]>,
    /// The children by the first byte of their label, from `base`; `NONE` in the gaps.
    literals: Box<[u32]>,
    /// The parameters after this node, in the order of their smallest index.
    pub(super) params: Box<[Edge]>,
    /// The patterns that end here.
    pub(super) ends: Option<Box<Ends>>,
    /// The smallest index of an entry at or below this node.
    pub(super) min: u32,
    /// The first byte of the first child.
    base: u8,
    /// Whether a search stops here even before the end of the text: there are parameters, or a mount.
    pub(super) is_stop: bool,
}

/// The patterns that end at a node.
#[derive(Debug)]
pub(super) struct Ends {
    /// The mount whose prefix and slash end here, or `NONE`.
    pub(super) mount: u32,
    /// The routes that end here: index and methods, in the order of declaration.
    pub(super) routes: Vec<(u32, Methods)>,
    /// The number of parameters of each of these patterns.
    pub(super) params: usize,
}

/// A parameter between two nodes.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) class: Class,
    /// The node after the parameter.
    pub(super) node: u32,
    /// The smallest index below.
    pub(super) min: u32,
    /// The number of parameters before it.
    pub(super) position: usize,
    /// Whether the edge is settled, unambiguous, and has a built-in convertor: the search needs no backtracking.
    pub(super) direct: bool,
    /// Whether only the longest value can match.
    pub(super) settled: bool,
    /// Whether the same path can reach the edge in more than one way, because an earlier parameter is not settled.
    pub(super) ambiguous: bool,
}

impl Node {
    fn new(label: &[u8], min: u32) -> Self {
        let (literals, params) = (Box::default(), Box::default());
        Self { label: label.into(), literals, params, ends: None, min, base: 0, is_stop: false }
    }

    /// Returns the child whose label begins with `byte`, or `NONE`.
    #[inline]
    pub(super) fn literal(&self, byte: u8) -> u32 {
        let slot = usize::from(byte.wrapping_sub(self.base));
        self.literals.get(slot).copied().unwrap_or(NONE)
    }

    pub(super) fn has_no_literals(&self) -> bool {
        self.literals.is_empty()
    }

    fn set_literal(&mut self, byte: u8, node: u32) {
        let mut literals = core::mem::take(&mut self.literals).into_vec();
        if literals.is_empty() {
            self.base = byte;
        }
        if byte < self.base {
            let gap = usize::from(self.base - byte);
            literals.splice(..0, core::iter::repeat_n(NONE, gap));
            self.base = byte;
        }
        let slot = usize::from(byte - self.base);
        if slot >= literals.len() {
            literals.resize(slot + 1, NONE);
        }
        literals[slot] = node;
        self.literals = literals.into();
    }

    /// Returns the first bytes of the children.
    fn first_bytes(&self) -> impl Iterator<Item = u8> {
        let used = self.literals.iter().zip(self.base..=u8::MAX).filter(|&(&node, _)| node != NONE);
        used.map(|(_, byte)| byte)
    }

    /// Returns whether the end of the text (`None`) or this byte can follow here.
    pub(super) fn can_go_on(&self, next: Option<u8>) -> bool {
        !self.params.is_empty() || next.map_or(self.ends.is_some(), |byte| self.literal(byte) != NONE)
    }
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { nodes: Vec::from([Node::new(b"", NONE)]) }
    }

    /// Returns whether there are no entries.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes[0].min == NONE
    }

    /// Adds a route. Entries are added in the order of their indices.
    pub(super) fn add_route(&mut self, index: u32, pattern: &Pattern, methods: Methods) {
        let node = self.add_pattern(index, pattern);
        self.ends(node, pattern).routes.push((index, methods));
    }

    /// Adds a mount: the pattern, a slash, and then anything.
    pub(super) fn add_mount(&mut self, index: u32, pattern: &Pattern) {
        let node = self.add_pattern(index, pattern);
        let node = self.add_literal(node, b"/", index);
        let mount = &mut self.ends(node, pattern).mount;
        *mount = index.min(*mount);
    }

    fn ends(&mut self, node: usize, pattern: &Pattern) -> &mut Ends {
        let params = pattern.params.len();
        self.nodes[node]
            .ends
            .get_or_insert_with(|| Box::new(Ends { mount: NONE, routes: Vec::new(), params }))
    }

    fn add_pattern(&mut self, index: u32, pattern: &Pattern) -> usize {
        self.nodes[0].min = self.nodes[0].min.min(index);
        pattern.parts.iter().fold(0, |node, part| match part {
            Part::Literal(text) => self.add_literal(node, text.as_bytes(), index),
            Part::Param(position) => self.add_param(node, pattern.params[*position].class, *position, index),
        })
    }

    fn add_node(&mut self, label: &[u8], min: u32) -> usize {
        self.nodes.push(Node::new(label, min));
        self.nodes.len() - 1
    }

    fn add_param(&mut self, node: usize, class: Class, position: usize, index: u32) -> usize {
        if let Some(edge) = self.nodes[node].params.iter().find(|edge| edge.class == class) {
            return edge.node as usize;
        }
        let below = self.add_node(b"", index);
        let (node_below, params) = (number(below), &mut self.nodes[node].params);
        let (direct, settled, ambiguous) = (false, false, false);
        let edge = Edge { class, node: node_below, min: index, position, direct, settled, ambiguous };
        *params = core::mem::take(params).into_iter().chain([edge]).collect();
        below
    }

    fn add_literal(&mut self, mut node: usize, mut text: &[u8], index: u32) -> usize {
        while let Some(&first) = text.first() {
            let below = self.nodes[node].literal(first);
            if below == NONE {
                let below = self.add_node(text, index);
                self.nodes[node].set_literal(first, number(below));
                return below;
            }
            let label = &self.nodes[below as usize].label;
            let common = label.iter().zip(text).take_while(|(a, b)| a == b).count();
            node =
                if common < label.len() { self.split(node, below as usize, common) } else { below as usize };
            text = &text[common..];
        }
        node
    }

    /// Inserts a node between two others, `at` bytes into the label of the lower one.
    fn split(&mut self, above: usize, below: usize, at: usize) -> usize {
        let label = core::mem::take(&mut self.nodes[below].label);
        let between = self.add_node(&label[..at], self.nodes[below].min);
        self.nodes[between].set_literal(label[at], number(below));
        self.nodes[above].set_literal(label[0], number(between));
        self.nodes[below].label = label[at..].into();
        between
    }

    /// Computes the stops, and which parameters are settled or ambiguous, after all entries were added.
    pub(super) fn finish(&mut self, convertors: &Convertors) {
        // A node, and whether an unsettled parameter above it can end in this segment, or anywhere.
        let mut open = Vec::from([(0, false, false)]);
        while let Some((number, mut in_segment, anywhere)) = open.pop() {
            let node = &mut self.nodes[number];
            let is_mount = node.ends.as_ref().is_some_and(|ends| ends.mount != NONE);
            node.is_stop = is_mount || !node.params.is_empty();
            in_segment &= !node.label.contains(&b'/');
            let below = &self.nodes[number].literals;
            open.extend(
                below.iter().filter(|&&node| node != NONE).map(|&n| (n as usize, in_segment, anywhere)),
            );
            for i in 0..self.nodes[number].params.len() {
                let Edge { class, node, .. } = self.nodes[number].params[i];
                let behind = &self.nodes[node as usize];
                let settled = class == Class::Uuid
                    || (behind.params.is_empty()
                        && !behind.first_bytes().any(|byte| convertors.takes(class, byte)));
                let edge = &mut self.nodes[number].params[i];
                edge.settled = settled;
                edge.ambiguous = in_segment || anywhere;
                edge.direct = settled && !edge.ambiguous && !matches!(class, Class::Custom(_));
                let spans = convertors.spans(class);
                open.push((node as usize, in_segment || !settled, anywhere || (!settled && spans)));
            }
        }
    }
}

/// Converts the index of a node. There are fewer nodes than bytes of patterns.
fn number(node: usize) -> u32 {
    u32::try_from(node).expect("a table of routes has less than 4 GiB of patterns")
}
