//! The routes of a running application: a list of nodes, through which each request goes from the root to its handler.
//!
//! [`plan`](super::plan) makes them from declarations. Matching is the core's ([`stelo_core::routing`]).

use stelo_core::app::{Reply, Response};
use stelo_core::http::{Method, RequestHead, Status, TargetForm, header};
use stelo_core::routing::{Captures, Found, ReverseError, Router, UrlPath, Values};

use super::arrival::Arriving;
use crate::handler::errors::{self, ErrorHandlers};
use crate::handler::{Leaf, LeafKind, Scope};
use crate::request::position::{Position, Protocol};
use crate::request::site::{Engine, NodeId, SiteRef, Step};
use crate::request::{Parts, Request};
use crate::response::{Failure, HttpError, IntoResponse, Redirect};

/// The routes of an application and of everything that is mounted in it.
pub(crate) struct Routes {
    pub(crate) nodes: Vec<Node>,
    /// At the index of their realm.
    pub(crate) levels: Vec<Level>,
}

/// The error handlers of a realm.
pub(crate) struct Level {
    pub(crate) errors: ErrorHandlers,
    /// The realm around this one in the same application. An application answers its errors itself.
    pub(crate) outer: Option<usize>,
}

/// The error handlers of a realm and of those around it in the same application, the innermost first.
pub(crate) fn error_handlers(levels: &[Level], realm: usize) -> impl Iterator<Item = &ErrorHandlers> + Clone {
    std::iter::successors(levels.get(realm), |level| levels.get(level.outer?)).map(|level| &level.errors)
}

/// A route, a mount, or the application as a whole. The [`Site`](crate::request::site::Site) has the part that requests
/// can ask about, at the same index.
pub(crate) struct Node {
    pub(crate) realm: usize,
    /// Whether there are error handlers around the node.
    pub(crate) is_guarded: bool,
    pub(crate) layers: Vec<Step>,
    pub(crate) inside: Inside,
}

/// The inside of the middleware of a node.
pub(crate) enum Inside {
    /// A handler, an endpoint or a fallback.
    Leaf(Leaf),
    /// A mounted router.
    Table(Box<Table>),
}

/// The routes of a router. A mount or a host is in both tables.
pub(crate) struct Table {
    pub(crate) http: Router<NodeId>,
    /// The routes for the handshakes of WebSockets.
    pub(crate) websocket: Box<Router<NodeId>>,
    /// The node that answers if no route matches.
    pub(crate) fallback: Option<NodeId>,
}

impl Table {
    fn of(&self, protocol: Protocol) -> &Router<NodeId> {
        match protocol {
            Protocol::Http => &self.http,
            Protocol::WebSocket => &self.websocket,
        }
    }

    /// Finds the node that matches, and moves the request there.
    #[inline(always)]
    fn find(&self, request: &mut impl Arriving) -> Result<NodeId, Found<'_, NodeId>> {
        let protocol = request.protocol();
        let (head, position) = request.head_and_position();
        self.find_from(head, protocol, position)
    }

    #[inline(always)]
    fn find_from(
        &self,
        head: &RequestHead,
        protocol: Protocol,
        position: &mut Position,
    ) -> Result<NodeId, Found<'_, NodeId>> {
        let router = self.of(protocol);
        let host = if router.has_hosts() { head.authority().unwrap_or_default() } else { "" };
        let mut captures = Captures::new();
        match router.find(host, position.route_path_bytes(head), head.method(), &mut captures) {
            Found::Match(found) => {
                position.follow(head, &found, &captures);
                Ok(*found.value)
            }
            other => Err(other),
        }
    }
}

impl Routes {
    /// Sends a request on: through the middlewares of a node from `depth` on, then to what is inside.
    #[inline(always)]
    pub(crate) fn enter(
        &self,
        site: &SiteRef,
        mut request: impl Arriving,
        mut id: NodeId,
        mut depth: usize,
    ) -> Reply {
        loop {
            let node = &self.nodes[id.0];
            if let Some(step) = node.layers.get(depth) {
                return step(request.boxed(site), id, depth + 1);
            }
            match &node.inside {
                Inside::Leaf(leaf) => {
                    return match &leaf.0 {
                        LeafKind::WithoutRequest(answer) if !node.is_guarded => {
                            answer(Scope::unguarded(site.clone(), id))
                        }
                        LeafKind::WithoutRequest(answer) => answer(Scope::keeping(request.boxed(site))),
                        LeafKind::WithRequest(answer) => {
                            let request = request.boxed(site);
                            let scope = Scope::of(&request);
                            answer(request, scope)
                        }
                    };
                }
                Inside::Table(table) => match table.find(&mut request) {
                    Ok(inner) => (id, depth) = (inner, 0),
                    Err(found) => return self.miss(site, request.boxed(site), table, found),
                },
            }
        }
    }

    /// Answers a request that no route matches.
    #[cold]
    fn miss(&self, site: &SiteRef, mut request: Request, table: &Table, found: Found<'_, NodeId>) -> Reply {
        let error = match found {
            Found::MethodNotAllowed { allow } => {
                let error = HttpError::new(Status::METHOD_NOT_ALLOWED);
                error.try_with_header(header::ALLOW, allow.to_string()).expect("methods are tokens")
            }
            // `OPTIONS *` asks about the server as a whole, which has nothing to say (RFC 9110 section 9.3.7).
            _ if request.head().form() == TargetForm::Asterisk => {
                return Response::empty(Status::NO_CONTENT).into();
            }
            // A CONNECT request has no path that could be redirected.
            Found::Redirect(slash) if *request.method() != Method::Connect => {
                return Redirect::to(request.location(slash)).into_response().into();
            }
            _ if request.is_websocket() => return Response::empty(Status::FORBIDDEN).into(),
            _ => match table.fallback {
                Some(node) => {
                    request.position.node = node;
                    return self.resume(site, request, node, 0);
                }
                None => HttpError::new(Status::NOT_FOUND),
            },
        };
        if self.nodes[request.position.node.0].is_guarded {
            self.answer(request, Failure::new(error))
        } else {
            // Without error handlers the error is its own response, and needs no box.
            error.into_response().into()
        }
    }

    /// Returns the node at which a request ends up, from a position on.
    pub(crate) fn destination_of(
        &self,
        head: &RequestHead,
        protocol: Protocol,
        mut position: Position,
    ) -> Option<NodeId> {
        while let Inside::Table(table) = &self.nodes.get(position.node.0)?.inside {
            table.find_from(head, protocol, &mut position).ok()?;
        }
        Some(position.node)
    }

    fn url_path_below(
        &self,
        node: NodeId,
        protocol: Protocol,
        name: &str,
        params: &Values<'_>,
    ) -> Result<UrlPath, ReverseError> {
        match &self.nodes[node.0].inside {
            Inside::Table(table) => {
                table.of(protocol).url_path_for_nested(name, params, |&node, name, params| {
                    self.url_path_below(node, protocol, name, params)
                })
            }
            Inside::Leaf(_) => {
                let params = params.iter().map(|(name, _)| (*name).into()).collect();
                Err(ReverseError::NoMatch { name: name.into(), params })
            }
        }
    }
}

impl Engine for Routes {
    fn resume(&self, site: &SiteRef, request: Request, node: NodeId, depth: usize) -> Reply {
        self.enter(site, request, node, depth)
    }

    #[cold]
    fn destination(&self, parts: &Parts) -> Option<NodeId> {
        self.destination_of(&parts.head, parts.protocol, parts.position.clone())
    }

    fn answer(&self, request: Request, failure: Failure) -> Reply {
        let realm = self.nodes[request.position.node.0].realm;
        errors::answer(error_handlers(&self.levels, realm), request, failure)
    }

    fn url_path_for(&self, name: &str, params: &Values<'_>) -> Result<(UrlPath, Protocol), ReverseError> {
        let find = |protocol| Ok((self.url_path_below(NodeId::ROOT, protocol, name, params)?, protocol));
        find(Protocol::Http).or_else(|error| find(Protocol::WebSocket).map_err(|_: ReverseError| error))
    }
}
