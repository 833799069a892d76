//! A request on its way through the routes: as the server gives it, or boxed as a [`Request`].
//!
//! Middleware and handlers with arguments take a [`Request`]. Without middleware, a handler without arguments skips
//! its allocation.

use stelo_core::http::RequestHead;

use crate::request::Request;
use crate::request::position::{Position, Protocol};
use crate::request::site::SiteRef;

/// A request as the server gives it, and its position.
pub(crate) struct Arrival {
    request: stelo_core::app::Request,
    position: Position,
}

impl Arrival {
    pub(crate) fn new(request: stelo_core::app::Request) -> Self {
        let position = Position::new(request.head(), request.context().root_path());
        Self { request, position }
    }
}

/// A request that can be routed.
pub(crate) trait Arriving: Sized {
    fn head_and_position(&mut self) -> (&RequestHead, &mut Position);

    fn protocol(&self) -> Protocol;

    /// Boxes the request, unless it is boxed.
    fn boxed(self, site: &SiteRef) -> Request;
}

impl Arriving for Arrival {
    fn head_and_position(&mut self) -> (&RequestHead, &mut Position) {
        (self.request.head(), &mut self.position)
    }

    fn protocol(&self) -> Protocol {
        if self.request.is_websocket() { Protocol::WebSocket } else { Protocol::Http }
    }

    fn boxed(self, site: &SiteRef) -> Request {
        let protocol = self.protocol();
        let number = self.request.number();
        let (head, body, context) = self.request.into_parts();
        Request::new(head, body, (context, number), protocol, site.clone(), self.position)
    }
}

impl Arriving for Request {
    fn head_and_position(&mut self) -> (&RequestHead, &mut Position) {
        let parts = &mut **self;
        (&parts.head, &mut parts.position)
    }

    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn boxed(self, _: &SiteRef) -> Request {
        self
    }
}
