//! From declarations to the routes that run: resolves mounts, hands limits down, and finds mistakes.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;

use stelo_core::http::Method;
use stelo_core::routing::{Builder, Convertor, Declaration, Methods};

use super::mount::{Foreign, Mounted, MountedKind};
use super::table::{Inside, Node, NodeId, Realm, Routes, Table};
use super::{BuildError, Declared, Entry, EntryKind, MethodRouter, Router};
use crate::handler::{ErrorHandlers, Leaf, Needs};
use crate::lifespan::{self, Open};
use crate::middleware::Middleware;
use crate::request::Extensions;

/// How many bytes of a body are held at most where nothing else is said: enough for forms and JSON documents, too
/// little for a client to fill the memory with.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// What has been declared.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) router: Router,
    pub(crate) state: Extensions,
    pub(crate) errors: ErrorHandlers,
    pub(crate) hooks: Vec<Open>,
    /// The types of the states that the hooks will make.
    pub(crate) promised: Vec<TypeId>,
}

/// What has been planned so far.
#[derive(Default)]
pub(crate) struct Plan {
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
struct Inherited {
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
    /// The routes of an application, and its hooks, each with the realm that its state belongs to.
    pub(crate) fn of(draft: Draft) -> Result<(Routes, Vec<(usize, Open)>), BuildError> {
        let mut plan = Self::default();
        let start =
            Inherited { pattern: String::new(), params: Vec::new(), realm: 0, body_limit: BODY_LIMIT };
        let root = plan.reserve();
        plan.app(root, draft, None, start, &[])?;
        plan.check_needs()?;
        let routes = Routes { nodes: plan.nodes.into_iter().flatten().collect(), realms: plan.realms };
        Ok((routes, plan.hooks))
    }

    fn app(
        &mut self,
        id: NodeId,
        draft: Draft,
        outer: Option<usize>,
        place: Inherited,
        convertors: &Convertors,
    ) -> Result<(), BuildError> {
        let realm = self.realms.len();
        let Draft { router, state, errors, hooks, promised } = draft;
        self.realms.push(Realm { outer, state, errors, ..Realm::default() });
        self.hooks.extend(hooks.into_iter().map(|hook| (realm, hook)));
        self.promised.extend(promised.into_iter().map(|id| (realm, id)));
        self.router(id, router, Inherited { realm, ..place }, convertors)
    }

    fn router(
        &mut self,
        id: NodeId,
        router: Router,
        mut place: Inherited,
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
        mut place: Inherited,
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

    fn put(&mut self, id: NodeId, place: Inherited, layers: Layers, inside: Inside) {
        let Inherited { pattern, params, realm, body_limit } = place;
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
