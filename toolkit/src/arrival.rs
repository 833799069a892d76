//! A request that has just come in, on its way through the routes. Middleware and handlers hold it as a [`Request`], in a
//! box; where there is none, and the handler asks for nothing, it is spared that.

use percent_encoding::percent_decode;
use stelo_core::http::RequestHead;
use stelo_core::routing::{Captures, Match, Matched};

use crate::request::Request;
use crate::routes::{NodeId, Protocol, RoutesRef};

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
    /// The beginning of the way, for a server with this root path.
    fn start(head: &RequestHead, root_path: &str) -> Self {
        let mut place = Self {
            node: NodeId::ROOT,
            decoded: None,
            decoded_len: 0,
            root: 0,
            rest: 0,
            params: Captured::new(),
        };
        if head.is_encoded() && head.path_bytes().contains(&b'%') {
            let text = percent_decode(head.path_bytes()).decode_utf8_lossy();
            place.decode_to(text.into());
        }
        if !root_path.is_empty() {
            place.root = root_len(place.path_bytes(head), root_path.as_bytes()) as u32;
            place.rest = place.root;
        }
        place
    }

    fn decode_to(&mut self, path: Box<str>) {
        self.decoded_len = path.len() as u32;
        self.decoded = Some(path);
    }

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
        if found.part != Matched::Path || !captures.is_empty() {
            self.note(head, found.part, captures);
        }
    }

    /// Notes what else than a route there was in a match.
    fn note(&mut self, head: &RequestHead, part: Matched, captures: &Captures) {
        let mut offset = self.rest;
        match part {
            Matched::Path => {}
            Matched::Prefix { length } => self.rest += length as u32,
            // The values of the host get a place behind the path.
            Matched::Host if captures.is_empty() => {}
            Matched::Host => {
                if self.decoded.is_none() {
                    self.decode_to(head.path().into());
                }
                let mut text = self.full_text(head).to_owned();
                offset = text.len() as u32;
                text.push_str(head.authority().unwrap_or_default());
                self.decoded = Some(text.into());
            }
        }
        let (few, more) = captures.spans();
        for (start, end) in few.iter().chain(more) {
            self.params.push((offset + start, offset + end));
        }
    }
}

/// A stretch of the decoded path.
pub(crate) fn slice(text: &str, start: u32, end: u32) -> &str {
    text.get(start as usize..end as usize).unwrap_or_default()
}

/// The length of the root path at the start of `path`: all of it, at the boundary of a segment, or nothing.
fn root_len(path: &[u8], root: &[u8]) -> usize {
    match path.strip_prefix(root) {
        Some([] | [b'/', ..]) => root.len(),
        _ => 0,
    }
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
        let place = Place::start(request.head(), &request.connection().root_path);
        Self { request, place }
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
