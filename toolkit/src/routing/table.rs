//! The routes of a running application: one list of places, through which each request goes from the root to its
//! handler. Made by [`build`](crate::app::build); matching is the core's ([`stelo_core::routing`]).

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use pin_project_lite::pin_project;
use stelo_core::app::{Reply, Response};
use stelo_core::http::{Method, Status, header};
use stelo_core::routing::{Captures, Found, ReverseError, Router, Slash, UrlPath, Values};

use crate::handler::Leaf;
use crate::handler::errors::{self, ErrorHandlers};
use crate::middleware::{Middleware, Next};
use crate::request::Request;
use crate::request::extensions::Extensions;
use crate::request::shards::Apart;
use crate::response::panics::panicked;
use crate::response::{Failure, HttpError, IntoResponse, Redirect};
use crate::routing::arrival::Arriving;

/// The place of a [`Node`] in the list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct NodeId(pub(crate) usize);

impl NodeId {
    /// The application as a whole.
    pub(crate) const ROOT: Self = Self(0);
}

/// The routes of an application and of all that is mounted in it.
pub(crate) struct Routes {
    pub(crate) nodes: Vec<Node>,
    pub(crate) realms: Vec<Realm>,
}

/// What each request holds of them.
pub(crate) type RoutesRef = Arc<Apart<Routes>>;

/// A place to which a request can come: a route, a mount, or the application as a whole.
pub(crate) struct Node {
    /// The pattern, mounts included.
    pub(crate) pattern: String,
    /// The names of the path parameters, those of the mounts first.
    pub(crate) params: Vec<Box<str>>,
    pub(crate) realm: usize,
    /// Whether its realm has error handlers.
    pub(crate) is_guarded: bool,
    pub(crate) body_limit: usize,
    pub(crate) layers: Vec<Arc<dyn Middleware>>,
    pub(crate) inside: Inside,
}

/// What stands inside the middleware of a place.
pub(crate) enum Inside {
    /// A route: its handler.
    Handler(Leaf),
    /// A mount of something that finds its own way, or a fallback.
    Endpoint(Leaf),
    /// A mount of a router.
    Table(Box<Table>),
}

/// The routes of a router. A mount or a host stands in both tables.
pub(crate) struct Table {
    pub(crate) http: Router<NodeId>,
    /// Those for the handshakes of WebSockets.
    pub(crate) websocket: Box<Router<NodeId>>,
    /// Where requests go for which there is no route.
    pub(crate) fallback: Option<NodeId>,
}

impl Table {
    fn of(&self, protocol: Protocol) -> &Router<NodeId> {
        match protocol {
            Protocol::Http => &self.http,
            Protocol::WebSocket => &self.websocket,
        }
    }

    /// Finds the place to which a request goes on, and writes into the request what led there.
    fn find(&self, request: &mut impl Arriving) -> Result<NodeId, Found<'_, NodeId>> {
        let router = self.of(request.protocol());
        let (head, place) = request.head_and_place();
        let host = if router.has_hosts() { head.authority().unwrap_or_default() } else { "" };
        let mut captures = Captures::new();
        match router.find(host, place.route_path_bytes(head), head.method(), &mut captures) {
            Found::Match(found) => {
                place.follow(head, &found, &captures);
                Ok(*found.value)
            }
            other => Err(other),
        }
    }
}

/// What a request wants to speak, and a route speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Protocol {
    Http,
    WebSocket,
}

/// State and error handlers of an application, or of a router that has some.
#[derive(Default)]
pub(crate) struct Realm {
    /// The realm around this one.
    pub(crate) outer: Option<usize>,
    /// Whether it belongs to an application. Error handlers further out are not asked.
    pub(crate) is_app: bool,
    pub(crate) state: Extensions,
    /// The state that was made at start-up.
    pub(crate) started: OnceLock<Extensions>,
    pub(crate) errors: ErrorHandlers,
}

/// A realm and those around it in the same application, the innermost first.
pub(super) fn own_realms(realms: &[Realm], realm: usize) -> impl Iterator<Item = &Realm> + Clone {
    std::iter::successors(realms.get(realm), |realm| realms.get(realm.outer.filter(|_| !realm.is_app)?))
}

impl Routes {
    /// The middleware of a place at this depth, if it has so many.
    #[inline]
    pub(crate) fn layer(&self, id: NodeId, depth: usize) -> Option<&dyn Middleware> {
        self.nodes[id.0].layers.get(depth).map(|layer| &**layer)
    }

    /// Sends a request on: through the middleware of a place from `depth` on, then to what is inside.
    pub(crate) fn enter(
        routes: &RoutesRef,
        mut request: impl Arriving,
        mut id: NodeId,
        mut depth: usize,
    ) -> Reply {
        loop {
            if let Some(layer) = routes.layer(id, depth) {
                return layer.call(request.boxed(routes), Next { node: id, depth: depth + 1 });
            }
            let node = &routes.nodes[id.0];
            match &node.inside {
                Inside::Handler(leaf) | Inside::Endpoint(leaf) => {
                    return match leaf {
                        Leaf::Endpoint(endpoint) => endpoint.call(request.boxed(routes)),
                        Leaf::Plain(answer) if node.is_guarded => {
                            answer(Scope::keeping(request.boxed(routes)))
                        }
                        Leaf::Plain(answer) => answer(Scope::unguarded(routes.clone(), id)),
                    };
                }
                Inside::Table(table) => match table.find(&mut request) {
                    Ok(inner) => (id, depth) = (inner, 0),
                    Err(found) => return Self::miss(routes, request.boxed(routes), table, found),
                },
            }
        }
    }

    /// Answers a request for which there is no route.
    #[cold]
    fn miss(routes: &RoutesRef, mut request: Request, table: &Table, found: Found<'_, NodeId>) -> Reply {
        match found {
            Found::MethodNotAllowed { allow } => {
                let error = HttpError::new(Status::METHOD_NOT_ALLOWED);
                let error = error.try_with_header(header::ALLOW, allow.to_string());
                routes.fail(request, error.expect("methods are tokens"))
            }
            // CONNECT has no path that could be redirected.
            Found::Redirect(slash) if *request.method() != Method::Connect => {
                redirect(&request, slash).into()
            }
            _ if request.is_websocket() => Response::empty(Status::FORBIDDEN).into(),
            _ => match table.fallback {
                Some(node) => {
                    request.0.place.node = node;
                    Self::enter(routes, request, node, 0)
                }
                None => routes.fail(request, HttpError::new(Status::NOT_FOUND)),
            },
        }
    }

    fn fail(&self, request: Request, error: HttpError) -> Reply {
        errors::answer(self.error_handlers(request.0.place.node), request, Failure::new(error))
    }

    /// The error handlers around a place, the innermost first.
    fn error_handlers(&self, node: NodeId) -> impl Iterator<Item = &ErrorHandlers> + Clone {
        own_realms(&self.realms, self.nodes[node.0].realm).map(|realm| &realm.errors)
    }

    /// The pattern of a route; `None` for other places.
    pub(crate) fn matched_path(&self, node: NodeId) -> Option<&str> {
        let node = &self.nodes[node.0];
        matches!(node.inside, Inside::Handler(_)).then_some(&node.pattern)
    }

    pub(crate) fn param_names(&self, node: NodeId) -> &[Box<str>] {
        &self.nodes[node.0].params
    }

    pub(crate) fn body_limit(&self, node: NodeId) -> usize {
        self.nodes[node.0].body_limit
    }

    /// A state of the application to which the place belongs, or of one around it.
    pub(crate) fn state<T: 'static>(&self, node: NodeId) -> Option<&T> {
        self.realms_from(self.nodes[node.0].realm)
            .find_map(|realm| realm.state.get().or_else(|| realm.started.get()?.get()))
    }

    /// A realm and those around it.
    fn realms_from(&self, realm: usize) -> impl Iterator<Item = &Realm> {
        std::iter::successors(self.realms.get(realm), |realm| self.realms.get(realm.outer?))
    }

    /// The path, and the host where there is one, of the route of that name, and what it speaks.
    pub(crate) fn url_path_for(
        &self,
        name: &str,
        params: &Values<'_>,
    ) -> Result<(UrlPath, Protocol), ReverseError> {
        let find = |protocol| Ok((self.url_path_below(NodeId::ROOT, protocol, name, params)?, protocol));
        find(Protocol::Http).or_else(|error| find(Protocol::WebSocket).map_err(|_: ReverseError| error))
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
            Inside::Handler(_) | Inside::Endpoint(_) => {
                let params = params.iter().map(|(name, _)| (*name).into()).collect();
                Err(ReverseError::NoMatch { name: name.into(), params })
            }
        }
    }

    /// A place as the log calls it.
    pub(crate) fn describe(&self, node: NodeId) -> &str {
        match &*self.nodes[node.0].pattern {
            "" => "the application",
            pattern => pattern,
        }
    }
}

/// What is percent-encoded when a decoded path becomes part of a URL again (RFC 3986 section 3.3).
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A decoded path as it stands in a URL.
pub(crate) fn encode_path(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

fn redirect(request: &Request, slash: Slash) -> Response {
    let path = format!("{}{}", request.root_path(), slash.apply(request.route_path()));
    Redirect::to(request.url().with_path(encode_path(&path)).to_string()).into_response()
}

/// What is kept of a request that is handed to a handler or a middleware, for the case that it fails.
pub struct Scope {
    routes: RoutesRef,
    node: NodeId,
    /// The request for the error handlers, if there are any.
    request: Option<Request>,
}

impl Scope {
    #[inline]
    pub(crate) fn of(request: &Request) -> Self {
        let (routes, node) = (request.0.routes.clone(), request.0.place.node);
        let kept = routes.nodes[node.0].is_guarded.then(|| request.without_body());
        Self { routes, node, request: kept }
    }

    /// For who has no need of the request.
    fn keeping(mut request: Request) -> Self {
        request.strip();
        Self { routes: request.0.routes.clone(), node: request.0.place.node, request: Some(request) }
    }

    /// Where there are no error handlers.
    fn unguarded(routes: RoutesRef, node: NodeId) -> Self {
        Self { routes, node, request: None }
    }

    /// Runs a handler or a middleware to its response: its error is answered, its panic too.
    pub(crate) fn settle<F>(self, work: F) -> Settle<F>
    where
        F: Future<Output = Result<Response, Failure>>,
    {
        Settle::Working { work, scope: self }
    }

    /// The pattern of the place, for the log.
    fn place(&self) -> &str {
        self.routes.describe(self.node)
    }

    /// The answer to an error. It may panic, too: then that is answered.
    fn answer(&mut self, failure: Failure) -> Reply {
        let request = self.request.take();
        let answer = catch_unwind(AssertUnwindSafe(|| match request {
            Some(request) => errors::answer(self.routes.error_handlers(self.node), request, failure),
            None => failure.into_response().into(),
        }));
        answer.unwrap_or_else(|panic| panicked(self.place(), &*panic).into_response().into())
    }

    /// An answer whose panic is contained.
    pub(crate) fn contain(self, reply: Reply) -> Reply {
        match reply {
            Reply::Future(future) => Reply::future(self.settle(async { Ok(future.await) })),
            ready => ready,
        }
    }
}

pin_project! {
    /// A handler or a middleware at work, and then what answers its error. Written by hand, because an `async fn` would
    /// hold `work` twice.
    #[project = Settling]
    pub(crate) enum Settle<F> {
        Working { #[pin] work: F, scope: Scope },
        Failed { answer: Box<Reply> },
    }
}

impl<F: Future<Output = Result<Response, Failure>>> Future for Settle<F> {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let mut answer = match self.as_mut().project() {
            Settling::Failed { answer } => return Pin::new(&mut **answer).poll(cx),
            Settling::Working { work, scope } => {
                let failure = match catch_unwind(AssertUnwindSafe(|| work.poll(cx))) {
                    Ok(Poll::Pending) => return Poll::Pending,
                    Ok(Poll::Ready(Ok(response))) => return Poll::Ready(response),
                    Ok(Poll::Ready(Err(failure))) => failure,
                    Err(panic) => Failure::new(panicked(scope.place(), &*panic)),
                };
                Box::new(scope.answer(failure))
            }
        };
        let poll = Pin::new(&mut *answer).poll(cx);
        self.set(Self::Failed { answer });
        poll
    }
}
