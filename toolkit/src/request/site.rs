//! `Site`: the application, as a request sees it: patterns, states, and the engine that routes.
//!
//! [`routing`](crate::routing) builds a [`Site`] and sends requests through it. A request holds a reference to the site
//! and the [`NodeId`] that it has reached. The engine is a trait object, so that this folder imports nothing from those
//! above it.

use std::sync::{Arc, OnceLock};

use stelo_core::app::Reply;
use stelo_core::routing::{ReverseError, UrlPath, Values};

use super::extensions::Extensions;
use super::position::Protocol;
use super::shards::Shard;
use super::{Parts, Request};
use crate::response::Failure;

/// The index of a node: the application, a mount or a route.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct NodeId(pub(crate) usize);

impl NodeId {
    /// The application as a whole.
    pub(crate) const ROOT: Self = Self(0);
}

/// The reference to the site that each request holds.
pub(crate) type SiteRef = Arc<Shard<Site>>;

/// An application and everything that is mounted in it, as requests see it.
pub(crate) struct Site {
    pub(crate) nodes: Vec<NodeInfo>,
    pub(crate) realms: Vec<Realm>,
    pub(crate) engine: Arc<dyn Engine>,
}

/// The part of a node that requests can ask about.
pub(crate) struct NodeInfo {
    /// The pattern, mounts included.
    pub(crate) pattern: String,
    /// The names of the path parameters, those of the mounts first.
    pub(crate) params: Vec<Box<str>>,
    pub(crate) realm: usize,
    /// Whether there are error handlers around the node.
    pub(crate) is_guarded: bool,
    /// Whether the node is a route, and not a mount, a fallback or the application.
    pub(crate) is_route: bool,
    pub(crate) body_limit: usize,
    /// The middleware, so that one reaches the next without a call of the engine.
    pub(crate) layers: Vec<Step>,
}

/// A middleware whose type has been erased. It takes the request, its node, and the number of middlewares of the node
/// that have been called, itself included.
pub(crate) type Step = Arc<dyn Fn(Request, NodeId, usize) -> Reply + Send + Sync>;

/// The states of an application, or of a router that has some.
#[derive(Default)]
pub(crate) struct Realm {
    /// The realm around this one.
    pub(crate) outer: Option<usize>,
    pub(crate) state: Extensions,
    /// The states that the start-up hooks have made.
    pub(crate) started: OnceLock<Extensions>,
}

/// The routes that run, with the error handlers around them.
pub(crate) trait Engine: Send + Sync {
    /// Sends a request on from a node, past the first `depth` of its middlewares.
    fn resume(&self, site: &SiteRef, request: Request, node: NodeId, depth: usize) -> Reply;

    /// Returns the node at which the routes below would answer a request. `None` if none does.
    fn destination(&self, parts: &Parts) -> Option<NodeId>;

    /// Answers an error of a request by the error handlers around its node.
    fn answer(&self, request: Request, failure: Failure) -> Reply;

    /// Returns the path, and the host if there is one, of the route of that name, and its protocol.
    fn url_path_for(&self, name: &str, params: &Values<'_>) -> Result<(UrlPath, Protocol), ReverseError>;
}

impl Site {
    pub(crate) fn node(&self, id: NodeId) -> &NodeInfo {
        &self.nodes[id.0]
    }

    /// Returns a state of the realm that the node belongs to, or of one around it.
    pub(crate) fn state<T: 'static>(&self, id: NodeId) -> Option<&T> {
        self.realms_from(self.node(id).realm)
            .find_map(|realm| realm.state.get().or_else(|| realm.started.get()?.get()))
    }

    /// A realm and those around it.
    fn realms_from(&self, realm: usize) -> impl Iterator<Item = &Realm> {
        std::iter::successors(self.realms.get(realm), |realm| self.realms.get(realm.outer?))
    }

    /// Returns the name of a node for the log.
    pub(crate) fn label(&self, id: NodeId) -> &str {
        match &*self.node(id).pattern {
            "" => "the application",
            pattern => pattern,
        }
    }
}
