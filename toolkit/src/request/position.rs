//! The position of a request within the routes, and the captures of its path.

use percent_encoding::percent_decode;
use stelo_core::http::RequestHead;
use stelo_core::routing::{Captures, Match, Matched};

use super::site::NodeId;

/// The protocol that a request asks for, or that a route answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Protocol {
    Http,
    WebSocket,
}

/// The position of a request within the routes.
#[derive(Clone)]
pub(crate) struct Position {
    /// The mount or the route that matched last.
    pub(crate) node: NodeId,
    /// `None` if the path needs no decoding, and no host has captures. Boxed, because a position is moved often, and few
    /// requests need it.
    decoded: Option<Box<Decoded>>,
    /// The end of the server's root path; 0 if the path does not begin with it.
    pub(crate) root: u32,
    /// The start of the part that no mount has matched yet.
    pub(crate) rest: u32,
    /// The values of the parameters, as ranges of the text, in the order of their names.
    pub(crate) params: Captured,
}

/// A path that was percent-decoded.
#[derive(Clone)]
struct Decoded {
    /// The path, followed by the captures of hosts.
    text: Box<str>,
    /// The length of the path within `text`.
    path_len: u32,
    /// The path with NUL for each `/` that is encoded in the request, so that it separates nothing; `None` without one.
    /// Ranges are the same as in `text`. No path has an encoded NUL (see `Target::parse`).
    routed: Option<Box<str>>,
    /// Whether the path was UTF-8. If not, the invalid bytes were replaced.
    is_text: bool,
}

/// Ranges of the path: start and end. Four fit without an allocation.
pub(crate) type Captured = smallvec::SmallVec<[(u32, u32); 4]>;

impl Position {
    /// A request that no route has seen yet.
    // Each request begins with it: 33 instructions less than a call.
    #[inline(always)]
    pub(crate) fn new(head: &RequestHead, root_path: &str) -> Self {
        let decoded = if head.is_encoded() { decode(head.path_bytes()) } else { None };
        let mut position = Self { node: NodeId::ROOT, decoded, root: 0, rest: 0, params: Captured::new() };
        if !root_path.is_empty() {
            let root = root_len(position.route_path_bytes(head), root_path.as_bytes());
            (position.root, position.rest) = (root, root);
        }
        position
    }

    /// Whether the decoded path is UTF-8. If not, the invalid bytes were replaced.
    pub(crate) fn is_text(&self) -> bool {
        self.decoded.as_ref().is_none_or(|decoded| decoded.is_text)
    }

    /// Returns the whole path, decoded.
    pub(crate) fn path<'a>(&'a self, head: &'a RequestHead) -> &'a str {
        match &self.decoded {
            Some(decoded) => slice(&decoded.text, 0, decoded.path_len),
            None => head.path(),
        }
    }

    /// As [`path`](Self::path), without the UTF-8 check.
    fn path_bytes<'a>(&'a self, head: &'a RequestHead) -> &'a [u8] {
        match &self.decoded {
            Some(_) => self.path(head).as_bytes(),
            None => head.path_bytes(),
        }
    }

    /// Returns the part of the path that no mount has matched, with NUL for each encoded `/`.
    pub(crate) fn route_path_bytes<'a>(&'a self, head: &'a RequestHead) -> &'a [u8] {
        let path = self.routed().map_or_else(|| self.path_bytes(head), str::as_bytes);
        path.get(self.rest as usize..).unwrap_or_default()
    }

    fn routed(&self) -> Option<&str> {
        self.decoded.as_ref()?.routed.as_deref()
    }

    /// Whether the part of the path that no mount has matched has an encoded `/`.
    pub(crate) fn has_encoded_slash(&self) -> bool {
        let rest = self.routed().and_then(|path| path.get(self.rest as usize..));
        rest.is_some_and(|rest| rest.contains('\0'))
    }

    /// Returns the part of the path, as received, that no mount has matched. `None` if a mount has matched bytes that are
    /// not UTF-8.
    pub(crate) fn raw_route_path<'a>(&self, head: &'a RequestHead) -> Option<&'a str> {
        let raw = head.path();
        let mut at = 0;
        for _ in 0..self.rest {
            at += if raw.as_bytes().get(at) == Some(&b'%') { 3 } else { 1 };
        }
        let (passed, rest) = raw.split_at_checked(at)?;
        let is_known = self.is_text() || percent_decode(passed.as_bytes()).decode_utf8().is_ok();
        is_known.then_some(rest)
    }

    /// Returns the text that [`params`](Self::params) are ranges of.
    pub(crate) fn full_text<'a>(&'a self, head: &'a RequestHead) -> &'a str {
        self.decoded.as_ref().map_or_else(|| head.path(), |decoded| &decoded.text)
    }

    /// As [`full_text`](Self::full_text), without the UTF-8 check.
    pub(crate) fn full_bytes<'a>(&'a self, head: &'a RequestHead) -> &'a [u8] {
        self.decoded.as_ref().map_or_else(|| head.path_bytes(), |decoded| decoded.text.as_bytes())
    }

    /// Moves on to the node that matched.
    #[inline(always)]
    pub(crate) fn follow(&mut self, head: &RequestHead, found: &Match<'_, NodeId>, captures: &Captures) {
        self.node = *found.value;
        let offset = match found.part {
            Matched::Path => self.rest,
            part => self.pass(head, part, captures),
        };
        if !captures.is_empty() {
            self.keep(captures, offset);
        }
    }

    fn keep(&mut self, captures: &Captures, offset: u32) {
        let (few, more) = captures.spans();
        for (start, end) in few.iter().chain(more) {
            self.params.push((offset + start, offset + end));
        }
    }

    /// Passes a mount or a host. Returns the offset in the text from which its captures are counted.
    fn pass(&mut self, head: &RequestHead, part: Matched, captures: &Captures) -> u32 {
        let rest = self.rest;
        match part {
            Matched::Path => {}
            Matched::Prefix { length } => self.rest += length as u32,
            Matched::Host if captures.is_empty() => {}
            // The host is appended to the text, because its captures must be ranges of the text.
            Matched::Host => {
                let path = self.full_text(head);
                let (offset, host) = (path.len() as u32, head.authority().unwrap_or_default());
                let text = [path, host].concat().into();
                match &mut self.decoded {
                    Some(decoded) => decoded.text = text,
                    none => {
                        *none =
                            Some(Box::new(Decoded { text, path_len: offset, routed: None, is_text: true }));
                    }
                }
                return offset;
            }
        }
        rest
    }
}

/// Returns the decoded path with NUL for each encoded `/`, if it has one.
fn without_encoded_slashes(path: &[u8]) -> Option<Box<str>> {
    let is_slash = |piece: &[u8]| piece.eq_ignore_ascii_case(b"%2F");
    if !path.windows(3).any(is_slash) {
        return None;
    }
    let (mut marked, mut rest) = (Vec::with_capacity(path.len()), path);
    while let Some((first, behind)) = rest.split_first() {
        match rest.split_at_checked(3) {
            Some((piece, behind)) if is_slash(piece) => {
                marked.push(0);
                rest = behind;
            }
            _ => {
                marked.push(*first);
                rest = behind;
            }
        }
    }
    let text: Vec<u8> = percent_decode(&marked).collect();
    Some(String::from_utf8_lossy(&text).into())
}

/// Returns the decoded path if it differs from `path`.
#[inline(never)]
fn decode(path: &[u8]) -> Option<Box<Decoded>> {
    if !path.contains(&b'%') {
        return None;
    }
    let (text, is_text): (Box<str>, _) = match String::from_utf8(percent_decode(path).collect()) {
        Ok(text) => (text.into(), true),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into(), false),
    };
    let (path_len, routed) = (text.len() as u32, without_encoded_slashes(path));
    Some(Box::new(Decoded { text, path_len, routed, is_text }))
}

/// The length of the root path at the start of `path`: all of it if it ends at a segment boundary, or 0.
fn root_len(path: &[u8], root: &[u8]) -> u32 {
    match path.strip_prefix(root) {
        Some([] | [b'/', ..]) => root.len() as u32,
        _ => 0,
    }
}

/// A range of `text`; empty if it is out of bounds.
pub(crate) fn slice(text: &str, start: u32, end: u32) -> &str {
    text.get(start as usize..end as usize).unwrap_or_default()
}
