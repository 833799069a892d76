//! From what has been declared to what runs: mounts are resolved, limits inherited, mistakes found.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use stelo_core::app::{BoxError, Reply};
use stelo_core::http::Method;
use stelo_core::routing::{Builder, Convertor, Declaration, Methods, RouteError};

use crate::app::Draft;
use crate::handler::{Leaf, Needs};
use crate::lifespan::{self, Lifespan, Open};
use crate::middleware::Middleware;
use crate::request::executor::Executor;
use crate::request::shards::Sharded;
use crate::routing::arrival::Arrival;
use crate::routing::mount::{Foreign, Mounted, MountedKind};
use crate::routing::table::{Inside, Node, NodeId, Realm, Routes, Table};
use crate::routing::{Declared, Entry, EntryKind, MethodRouter, Router};

/// How many bytes of a body are held at most where nothing else is said: enough for forms and JSON documents, too
/// little for a client to fill the memory with.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// An application that can run.
pub(crate) struct Site {
    routes: Sharded<Routes>,
    lifespan: Lifespan,
}

impl Site {
    pub(crate) fn build(draft: Draft) -> Result<Self, BuildError> {
        let mut plan = Plan::default();
        let start = Place { pattern: String::new(), params: Vec::new(), realm: 0, body_limit: BODY_LIMIT };
        let root = plan.reserve();
        plan.app(root, draft, None, start, &[])?;
        plan.check_needs()?;
        let routes = Routes { nodes: plan.nodes.into_iter().flatten().collect(), realms: plan.realms };
        Ok(Self { routes: Sharded::new(routes), lifespan: Lifespan::new(plan.hooks) })
    }

    pub(crate) fn call(&self, request: stelo_core::app::Request) -> Reply {
        let routes = self.routes.here();
        Routes::enter(routes, Arrival::new(request), NodeId::ROOT, 0)
    }

    pub(crate) async fn start(&self, executor: Executor) -> Result<(), BoxError> {
        let realms = &self.routes.here().realms;
        let states = self.lifespan.start(executor, realms.len()).await?;
        for (realm, states) in realms.iter().zip(states) {
            // A second start has no hooks left to run, and so no states to give.
            let _ = realm.started.set(states);
        }
        Ok(())
    }

    pub(crate) async fn stop(&self) -> Result<(), BoxError> {
        self.lifespan.stop().await
    }
}

/// What has been planned so far.
#[derive(Default)]
struct Plan {
    /// `None` for a place that is reserved and not yet known.
    nodes: Vec<Option<Node>>,
    realms: Vec<Realm>,
    hooks: Vec<(usize, Open)>,
    /// The states that the hooks of a realm will make.
    promised: Vec<(usize, TypeId)>,
    /// What a handler of a realm asks for, and the pattern of its route.
    needs: Vec<(usize, String, Needs)>,
}

/// What a place has from those around it.
#[derive(Clone)]
struct Place {
    pattern: String,
    params: Vec<Box<str>>,
    realm: usize,
    body_limit: usize,
}

type Layers = Vec<Arc<dyn Middleware>>;
type Convertors = [(String, Arc<dyn Convertor>)];

/// A convertor that several tables share.
struct Shared(Arc<dyn Convertor>);

impl Convertor for Shared {
    fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }

    fn spans_segments(&self) -> bool {
        self.0.spans_segments()
    }
}

/// What a line of a table leads to.
enum Target {
    Handler {
        handler: Declared,
        layers: Layers,
        body_limit: Option<usize>,
    },
    Mounted(Mounted),
    /// As a mount, but the patterns inside begin anew.
    Host(Mounted),
}

impl Plan {
    fn app(
        &mut self,
        id: NodeId,
        draft: Draft,
        outer: Option<usize>,
        place: Place,
        convertors: &Convertors,
    ) -> Result<(), BuildError> {
        let realm = self.realms.len();
        let Draft { router, state, errors, hooks, promised } = draft;
        self.realms.push(Realm { outer, state, errors, ..Realm::default() });
        self.hooks.extend(hooks.into_iter().map(|hook| (realm, hook)));
        self.promised.extend(promised.into_iter().map(|id| (realm, id)));
        self.router(id, router, Place { realm, ..place }, convertors)
    }

    fn router(
        &mut self,
        id: NodeId,
        router: Router,
        mut place: Place,
        outer: &Convertors,
    ) -> Result<(), BuildError> {
        if let Some(name) = router.stray_name {
            return Err(BuildError::StrayName { name });
        }
        place.body_limit = router.body_limit.unwrap_or(place.body_limit);
        let convertors = [outer, &router.convertors].concat();

        let (mut http, mut websocket) = (Builder::new(), Builder::new());
        http.redirect_slashes(router.redirect_slashes);
        websocket.redirect_slashes(false);
        for (name, convertor) in &convertors {
            http.convertor(name, Shared(convertor.clone()));
            websocket.convertor(name, Shared(convertor.clone()));
        }
        let mut targets = self.declare(&mut http, &mut websocket, router.entries);
        let http = http.build().map_err(BuildError::Route)?;
        let websocket = websocket.build().map_err(BuildError::Route)?;

        for table in [&http, &websocket] {
            for (route, &inner) in table.routes().zip(table.values()) {
                // A mount stands in both tables.
                let Some(target) = targets.remove(&inner) else { continue };
                let mut place = place.clone();
                place.params.extend(table.params(route).iter().map(|param| Box::from(param.name())));
                if !matches!(target, Target::Host(_)) {
                    place.pattern.push_str(table.pattern(route));
                }
                self.target(inner, target, place, &convertors)?;
            }
        }
        let mut fallback = None;
        if let Some(handler) = router.fallback {
            let id = self.reserve();
            self.needs.push((place.realm, place.pattern.clone(), handler.needs));
            self.put(id, place.clone(), Layers::new(), Inside::Endpoint(handler.leaf));
            fallback = Some(id);
        }
        let table = Table { http, websocket: Box::new(websocket), fallback };
        self.put(id, place, router.layers, Inside::Table(Box::new(table)));
        Ok(())
    }

    /// Declares entries in the tables; gives what each of their lines leads to.
    fn declare(
        &mut self,
        http: &mut Builder<NodeId>,
        websocket: &mut Builder<NodeId>,
        entries: Vec<Entry>,
    ) -> HashMap<NodeId, Target> {
        let mut targets = HashMap::new();
        for Entry { pattern, name, kind } in entries {
            let named = |declaration: &mut Declaration<NodeId>| {
                if let Some(name) = &name {
                    declaration.named(name);
                }
            };
            match kind {
                EntryKind::Route(route) => {
                    let MethodRouter { handlers, websocket: socket, layers, body_limit } = route;
                    // A handler for HEAD alone comes before one for GET, which would answer HEAD too.
                    let (head, others): (Vec<_>, Vec<_>) = handlers.into_iter().partition(|(methods, _)| {
                        methods.contains(&Method::Head) && !methods.contains(&Method::Get)
                    });
                    for (methods, handler) in head.into_iter().chain(others) {
                        let id = self.reserve();
                        named(http.route(&pattern, methods, id));
                        targets.insert(id, Target::Handler { handler, layers: layers.clone(), body_limit });
                    }
                    if let Some(handler) = socket {
                        let id = self.reserve();
                        named(websocket.route(&pattern, Methods::ANY, id));
                        targets.insert(id, Target::Handler { handler, layers, body_limit });
                    }
                }
                EntryKind::Mount(mounted) => {
                    let id = self.reserve();
                    named(http.mount(&pattern, id));
                    named(websocket.mount(&pattern, id));
                    targets.insert(id, Target::Mounted(mounted));
                }
                EntryKind::Host(mounted) => {
                    let id = self.reserve();
                    named(http.host(&pattern, id));
                    named(websocket.host(&pattern, id));
                    targets.insert(id, Target::Host(mounted));
                }
            }
        }
        targets
    }

    fn target(
        &mut self,
        id: NodeId,
        target: Target,
        mut place: Place,
        convertors: &Convertors,
    ) -> Result<(), BuildError> {
        let mounted = match target {
            Target::Handler { handler: Declared { leaf, needs }, layers, body_limit } => {
                self.needs.push((place.realm, place.pattern.clone(), needs));
                place.body_limit = body_limit.unwrap_or(place.body_limit);
                self.put(id, place, layers, Inside::Handler(leaf));
                return Ok(());
            }
            Target::Mounted(mounted) | Target::Host(mounted) => mounted,
        };
        match mounted.0 {
            MountedKind::Router(router) => self.router(id, *router, place, convertors)?,
            MountedKind::App(app) => self.app(id, app.into_draft(), Some(place.realm), place, convertors)?,
            MountedKind::Endpoint(endpoint) => {
                self.put(id, place, Layers::new(), Inside::Endpoint(Leaf::Endpoint(endpoint)));
            }
            MountedKind::Foreign(app) => {
                self.hooks.push((place.realm, lifespan::foreign(app.clone())));
                self.put(id, place, Layers::new(), Inside::Endpoint(Leaf::Endpoint(Box::new(Foreign(app)))));
            }
        }
        Ok(())
    }

    fn reserve(&mut self) -> NodeId {
        self.nodes.push(None);
        NodeId(self.nodes.len() - 1)
    }

    fn put(&mut self, id: NodeId, place: Place, layers: Layers, inside: Inside) {
        let Place { pattern, params, realm, body_limit } = place;
        let is_guarded = !self.realms[realm].errors.is_empty();
        self.nodes[id.0] = Some(Node { pattern, params, realm, is_guarded, body_limit, layers, inside });
    }

    fn check_needs(&self) -> Result<(), BuildError> {
        for (realm, route, needs) in &self.needs {
            for (id, state) in needs.states() {
                let mut realms = std::iter::successors(Some(*realm), |&realm| self.realms[realm].outer);
                if !realms.any(|r| self.realms[r].state.contains(id) || self.promised.contains(&(r, id))) {
                    return Err(BuildError::MissingState { state, route: route.clone() });
                }
            }
        }
        Ok(())
    }
}

/// Why an application cannot run.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// A pattern that is none, or cannot be matched.
    Route(RouteError),
    /// A name was given before there was a route to name.
    StrayName {
        /// The name.
        name: String,
    },
    /// A handler asks for a state that the application does not have.
    MissingState {
        /// The type of the state.
        state: &'static str,
        /// The pattern of the handler's route.
        route: String,
    },
    /// The application was changed after it had been built.
    Changed,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route(error) => error.fmt(f),
            Self::StrayName { name } => {
                write!(
                    f,
                    "the name `{name}` names nothing: call `.name(..)` after the `.route(..)` that it is for"
                )
            }
            Self::MissingState { state, route } => {
                write!(f, "the handler of `{route}` asks for `State<{state}>`: give it to `App::state`")
            }
            Self::Changed => f.write_str("the application was changed after `build`: build it last"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Route(error) => Some(error),
            _ => None,
        }
    }
}
