//! A request that has just come in, on its way through the routes. Middleware and handlers hold it as a [`Request`], in a
//! box; where there is none, and the handler asks for nothing, it is spared that.

use percent_encoding::percent_decode;
use stelo_core::http::RequestHead;
use stelo_core::routing::{Captures, Match, Matched};

use crate::request::Request;
use crate::routing::table::{NodeId, Protocol, RoutesRef};

/// A request as the server gives it, and where it is.
pub(crate) struct Arrival {
    request: stelo_core::app::Request,
    place: Place,
}

/// Where a request is on its way through the routes.
#[derive(Clone)]
pub(crate) struct Place {
    /// The mount or the route that it has come to.
    pub(crate) node: NodeId,
    /// The percent-decoded path, with captures of the host behind it; `None` where the path stands for itself.
    pub(crate) decoded: Option<Box<str>>,
    /// The length of the path in that text, if there is one.
    decoded_len: u32,
    /// Where the server's root path ends, if the path begins with it.
    pub(crate) root: u32,
    /// Where the part begins that no mount has matched yet.
    pub(crate) rest: u32,
    /// Where the values of the parameters stand in the text, in the order of the names.
    pub(crate) params: Captured,
}

/// Stretches of the path: start and end. Four are held without an allocation.
pub(crate) type Captured = smallvec::SmallVec<[(u32, u32); 4]>;

impl Place {
    /// The whole path, decoded.
    pub(crate) fn path<'a>(&'a self, head: &'a RequestHead) -> &'a str {
        match &self.decoded {
            Some(text) => slice(text, 0, self.decoded_len),
            None => head.path(),
        }
    }

    /// The whole path, for who only compares it.
    fn path_bytes<'a>(&'a self, head: &'a RequestHead) -> &'a [u8] {
        match &self.decoded {
            Some(_) => self.path(head).as_bytes(),
            None => head.path_bytes(),
        }
    }

    /// What the mounts have left of the path, for who only compares it.
    pub(crate) fn route_path_bytes<'a>(&'a self, head: &'a RequestHead) -> &'a [u8] {
        self.path_bytes(head).get(self.rest as usize..).unwrap_or_default()
    }

    /// The decoded path, with the captures of the host behind it.
    pub(crate) fn full_text<'a>(&'a self, head: &'a RequestHead) -> &'a str {
        self.decoded.as_deref().unwrap_or_else(|| head.path())
    }

    pub(crate) fn full_bytes<'a>(&'a self, head: &'a RequestHead) -> &'a [u8] {
        self.decoded.as_deref().map_or_else(|| head.path_bytes(), str::as_bytes)
    }

    /// Goes on to where a match leads.
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

    /// Passes a mount or a host. Gives the place in the text from which its captures are counted.
    fn pass(&mut self, head: &RequestHead, part: Matched, captures: &Captures) -> u32 {
        let rest = self.rest;
        match part {
            Matched::Path => {}
            Matched::Prefix { length } => self.rest += length as u32,
            Matched::Host if captures.is_empty() => {}
            // The values of the host get a place behind the path.
            Matched::Host => {
                let path = self.full_text(head);
                let (offset, host) = (path.len() as u32, head.authority().unwrap_or_default());
                let text = [path, host].concat();
                if self.decoded.is_none() {
                    self.decoded_len = offset;
                }
                self.decoded = Some(text.into());
                return offset;
            }
        }
        rest
    }
}

/// A stretch of the decoded path.
pub(crate) fn slice(text: &str, start: u32, end: u32) -> &str {
    text.get(start as usize..end as usize).unwrap_or_default()
}

/// A request on its way: as it has come in, or in its box.
pub(crate) trait Arriving: Sized {
    fn head_and_place(&mut self) -> (&RequestHead, &mut Place);

    fn protocol(&self) -> Protocol;

    /// Puts it into its box.
    fn boxed(self, routes: &RoutesRef) -> Request;
}

impl Arrival {
    pub(crate) fn new(request: stelo_core::app::Request) -> Self {
        let head = request.head();
        let decoded = if head.is_encoded() { decode(head.path_bytes()) } else { None };
        let decoded_len = decoded.as_ref().map_or(0, |text| text.len() as u32);
        let root = match request.connection().root_path.as_bytes() {
            [] => 0,
            root => root_len(decoded.as_deref().map_or_else(|| head.path_bytes(), str::as_bytes), root),
        };
        let (node, params) = (NodeId::ROOT, Captured::new());
        Self { request, place: Place { node, decoded, decoded_len, root, rest: root, params } }
    }
}

/// The path as text, where that is something else.
fn decode(path: &[u8]) -> Option<Box<str>> {
    path.contains(&b'%').then(|| percent_decode(path).decode_utf8_lossy().into())
}

/// The length of the root path at the start of `path`: all of it, at the boundary of a segment, or nothing.
fn root_len(path: &[u8], root: &[u8]) -> u32 {
    match path.strip_prefix(root) {
        Some([] | [b'/', ..]) => root.len() as u32,
        _ => 0,
    }
}

impl Arriving for Arrival {
    fn head_and_place(&mut self) -> (&RequestHead, &mut Place) {
        (self.request.head(), &mut self.place)
    }

    fn protocol(&self) -> Protocol {
        if self.request.is_websocket() { Protocol::WebSocket } else { Protocol::Http }
    }

    fn boxed(self, routes: &RoutesRef) -> Request {
        let protocol = self.protocol();
        let (head, body, connection) = self.request.into_parts();
        Request::new(head, body, connection, protocol, routes.clone(), self.place)
    }
}

impl Arriving for Request {
    fn head_and_place(&mut self) -> (&RequestHead, &mut Place) {
        (&self.0.head, &mut self.0.place)
    }

    fn protocol(&self) -> Protocol {
        self.0.protocol
    }

    fn boxed(self, _: &RoutesRef) -> Request {
        self
    }
}
