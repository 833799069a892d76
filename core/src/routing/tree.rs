//! The tree that a table of routes is compiled into.
//!
//! Literal text is a radix tree over bytes, with one table look-up at each fork; parameters are edges of their own,
//! one for each convertor that stands at the place. Each node knows the smallest declared index at or below it, so
//! that a search can take the branches in the order of declaration and leave out those that come too late.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Methods;
use super::convertor::{Class, Convertors};
use super::pattern::{Part, Pattern};

/// Instead of an index or of the number of a node.
pub(super) const NONE: u32 = u32::MAX;

/// The patterns of a table, as one tree. Node 0 is the root.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
}

/// A place between two bytes of a pattern.
#[derive(Debug)]
pub(super) struct Node {
    /// The literal text that leads here from the node above; empty behind a parameter.
    pub(super) label: Box<[u8]>,
    /// The smallest index of an entry at or below this node.
    pub(super) min: u32,
    /// The mount whose prefix and slash end here, or `NONE`.
    pub(super) mount: u32,
    /// The first byte of the first literal below.
    base: u8,
    /// The nodes below by the first byte of their label, counted from `base`; `NONE` in the gaps.
    literals: Vec<u32>,
    /// The parameters below, in the order of their smallest index.
    pub(super) params: Vec<Edge>,
    /// The routes that end here.
    pub(super) leaf: Option<Box<Leaf>>,
}

/// The routes that end at a node.
#[derive(Debug, Default)]
pub(super) struct Leaf {
    /// Index and methods, in the order of declaration.
    pub(super) routes: Vec<(u32, Methods)>,
    /// The methods of all of them.
    pub(super) methods: Methods,
}

/// A parameter between two nodes.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) class: Class,
    /// The node behind the parameter.
    pub(super) node: u32,
    /// The smallest index below.
    pub(super) min: u32,
    /// How many parameters stand before it.
    pub(super) position: usize,
    /// Whether only the longest value can be followed by what comes behind.
    pub(super) settled: bool,
    /// Whether it can be reached in more than one way in the same path, because a parameter before it is not
    /// settled.
    pub(super) ambiguous: bool,
}

impl Node {
    fn new(label: &[u8], min: u32) -> Self {
        let (literals, params) = (Vec::new(), Vec::new());
        Self { label: label.into(), min, mount: NONE, base: 0, literals, params, leaf: None }
    }

    /// The node below whose label begins with `byte`.
    pub(super) fn literal(&self, byte: u8) -> Option<u32> {
        let slot = usize::from(byte.wrapping_sub(self.base));
        self.literals.get(slot).copied().filter(|&node| node != NONE)
    }

    fn set_literal(&mut self, byte: u8, node: u32) {
        if self.literals.is_empty() {
            self.base = byte;
        }
        if byte < self.base {
            let gap = usize::from(self.base - byte);
            self.literals.splice(..0, core::iter::repeat_n(NONE, gap));
            self.base = byte;
        }
        let slot = usize::from(byte - self.base);
        if slot >= self.literals.len() {
            self.literals.resize(slot + 1, NONE);
        }
        self.literals[slot] = node;
    }

    /// The first bytes of the literals below.
    fn first_bytes(&self) -> impl Iterator<Item = u8> {
        let used = self.literals.iter().zip(self.base..=u8::MAX).filter(|&(&node, _)| node != NONE);
        used.map(|(_, byte)| byte)
    }

    /// Whether something can follow here: the end of the text (`None`), or this byte.
    pub(super) fn can_go_on(&self, next: Option<u8>) -> bool {
        !self.params.is_empty() || next.map_or(self.leaf.is_some(), |byte| self.literal(byte).is_some())
    }
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { nodes: Vec::from([Node::new(b"", NONE)]) }
    }

    /// Whether there is no entry.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes[0].min == NONE
    }

    /// Adds a route. Entries are added in the order of their indices.
    pub(super) fn add_route(&mut self, index: u32, pattern: &Pattern, methods: Methods) {
        let node = self.add_pattern(index, pattern);
        let leaf = self.nodes[node].leaf.get_or_insert_default();
        leaf.methods.merge(&methods);
        leaf.routes.push((index, methods));
    }

    /// Adds a mount: the pattern, a slash, and then anything.
    pub(super) fn add_mount(&mut self, index: u32, pattern: &Pattern) {
        let node = self.add_pattern(index, pattern);
        let node = self.add_literal(node, b"/", index);
        let node = &mut self.nodes[node];
        node.mount = node.mount.min(index);
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
        let edge =
            Edge { class, node: number(below), min: index, position, settled: false, ambiguous: false };
        self.nodes[node].params.push(edge);
        below
    }

    fn add_literal(&mut self, mut node: usize, mut text: &[u8], index: u32) -> usize {
        while let Some(&first) = text.first() {
            let Some(below) = self.nodes[node].literal(first) else {
                let below = self.add_node(text, index);
                self.nodes[node].set_literal(first, number(below));
                return below;
            };
            let label = &self.nodes[below as usize].label;
            let common = label.iter().zip(text).take_while(|(a, b)| a == b).count();
            node =
                if common < label.len() { self.split(node, below as usize, common) } else { below as usize };
            text = &text[common..];
        }
        node
    }

    /// Puts a node between two others, `at` bytes into the label of the lower one.
    fn split(&mut self, above: usize, below: usize, at: usize) -> usize {
        let label = core::mem::take(&mut self.nodes[below].label);
        let between = self.add_node(&label[..at], self.nodes[below].min);
        self.nodes[between].set_literal(label[at], number(below));
        self.nodes[above].set_literal(label[0], number(between));
        self.nodes[below].label = label[at..].into();
        between
    }

    /// Finds out which parameters are settled and which are ambiguous, once all entries are there.
    pub(super) fn finish(&mut self, convertors: &Convertors) {
        // A node, and whether a parameter above it that is not settled can end in this segment, or anywhere.
        let mut open = Vec::from([(0, false, false)]);
        while let Some((number, mut in_segment, anywhere)) = open.pop() {
            in_segment &= !self.nodes[number].label.contains(&b'/');
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
                let spans = convertors.spans(class);
                open.push((node as usize, in_segment || !settled, anywhere || (!settled && spans)));
            }
        }
    }
}

/// The number of a node. There are fewer nodes than bytes of patterns.
fn number(node: usize) -> u32 {
    u32::try_from(node).expect("a table of routes has less than 4 GiB of patterns")
}
