//! From declarations to the routes that run: resolves mounts, hands limits down, and finds mistakes.

use std::any::TypeId;
use std::sync::Arc;

use stelo_core::http::Status;

use super::check;
use super::declare::{Around, Convertors, Tables, Target};
use super::mount::{MountedKind, foreign};
use super::table::{Inside, Level, Node, Routes, Table, error_handlers};
use super::{BuildError, Declared, Router};
use crate::dependencies;
use crate::describe::Operation;
use crate::handler::ErrorHandlers;
use crate::lifespan::{self, Open};
use crate::middleware::Layer;
use crate::request::Extensions;
use crate::request::position::Protocol;
use crate::request::site::{NodeId, NodeInfo, Realm, Site};
use crate::request::workers::Pool;

/// The default limit of collected bodies, in bytes: enough for forms and JSON documents, too little for a client to
/// fill the memory with.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// The declarations of an application.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) router: Router,
    pub(crate) hooks: Vec<Open>,
    /// The types of the states that the start-up hooks make.
    pub(crate) promised: Vec<TypeId>,
    /// Whether the debug page was asked for in a release build.
    pub(crate) hides_debug: bool,
}

/// An application that has been planned.
pub(crate) struct Planned {
    pub(crate) site: Site,
    pub(crate) routes: Arc<Routes>,
    /// Each with the realm that its state belongs to.
    pub(crate) hooks: Vec<(usize, Open)>,
    pub(crate) warnings: Vec<String>,
}

/// The routes of an application while they are planned.
#[derive(Default)]
pub(crate) struct Plan {
    /// `None` for a node that is reserved and not yet planned.
    nodes: Vec<Option<(NodeInfo, Node)>>,
    realms: Vec<Realm>,
    levels: Vec<Level>,
    hooks: Vec<(usize, Open)>,
    /// The types of the states that the start-up hooks of a realm make.
    promised: Vec<(usize, TypeId)>,
    operations: Vec<Described>,
    pub(super) warnings: Vec<String>,
}

/// A handler or a middleware, and its place.
struct Described {
    realm: usize,
    pattern: String,
    params: Vec<Box<str>>,
    operation: Operation,
}

/// The part of a node that it inherits from those around it.
#[derive(Clone, Default)]
struct Inherited {
    pattern: String,
    params: Vec<Box<str>>,
    realm: usize,
    body_limit: usize,
    /// The middleware of the routers that include the node, and of its route.
    layers: Vec<Layer>,
    /// Whether the node is behind a mount point.
    is_mounted: bool,
    /// The node that answers below if no route matches.
    fallback: Option<NodeId>,
    /// Whether the handler or a middleware of the node registers work for after the response.
    after_response: bool,
}

impl Plan {
    /// Plans an application.
    pub(crate) fn of(draft: Draft) -> Result<Planned, BuildError> {
        let mut plan = Self::default();
        let start = Inherited { body_limit: BODY_LIMIT, ..Inherited::default() };
        let root = plan.reserve();
        plan.app(root, draft, None, start, &[])?;
        plan.check_operations()?;
        let (infos, nodes) = plan.nodes.into_iter().flatten().unzip();
        let routes = Arc::new(Routes { nodes, levels: plan.levels });
        let site = Site { nodes: infos, realms: plan.realms, engine: routes.clone() };
        Ok(Planned { site, routes, hooks: plan.hooks, warnings: plan.warnings })
    }

    fn app(
        &mut self,
        id: NodeId,
        draft: Draft,
        outer: Option<usize>,
        place: Inherited,
        convertors: &Convertors,
    ) -> Result<(), BuildError> {
        let Draft { mut router, hooks, promised, hides_debug } = draft;
        if hides_debug {
            let warning = "`App::debug(true)` has no effect in a release build: remove it, or build with debug assertions";
            self.warnings.push(warning.to_owned());
        }
        let (mut state, errors) = (std::mem::take(&mut router.state), std::mem::take(&mut router.errors));
        if outer.is_none() && !state.contains(TypeId::of::<Pool>()) {
            state.insert(Pool::default());
        }
        let realm = self.put_realm(Realm { outer, state, ..Realm::default() }, Level { errors, outer: None });
        self.hooks.extend(hooks.into_iter().map(|hook| (realm, hook)));
        self.promised.extend(promised.into_iter().map(|id| (realm, id)));
        // An application answers its own errors, so it does not inherit a fallback.
        self.router(id, router, Inherited { realm, fallback: None, ..place }, convertors)
    }

    /// Returns the realm of a router: a new one if it has state or error handlers.
    pub(super) fn realm(&mut self, outer: usize, state: Extensions, errors: ErrorHandlers) -> usize {
        if state.is_empty() && errors.is_empty() {
            return outer;
        }
        let outer = Some(outer);
        self.put_realm(Realm { outer, state, ..Realm::default() }, Level { errors, outer })
    }

    fn put_realm(&mut self, realm: Realm, level: Level) -> usize {
        self.realms.push(realm);
        self.levels.push(level);
        self.realms.len() - 1
    }

    fn router(
        &mut self,
        id: NodeId,
        router: Router,
        mut place: Inherited,
        outer: &Convertors,
    ) -> Result<(), BuildError> {
        let Router { entries, layers, body_limit, redirect_slashes, convertors, fallback, .. } = router;
        if let Some(name) = router.stray_name {
            return Err(BuildError::StrayName { name });
        }
        place.body_limit = body_limit.unwrap_or(place.body_limit);
        if router.errors.for_status(Status::NOT_FOUND).is_some() {
            // Nearer than the fallback of a router around this one.
            place.fallback = None;
        }
        place.realm = self.realm(place.realm, router.state, router.errors);
        if let Some(handler) = fallback {
            let id = self.reserve();
            let mut inside = Inherited { layers: Vec::new(), ..place.clone() };
            self.describe(&mut inside, handler.operation);
            self.put(id, inside, false, Inside::Leaf(handler.leaf));
            place.fallback = Some(id);
        }

        let mut tables = Tables::new(redirect_slashes, place.is_mounted, [outer, &convertors].concat());
        tables.declare(self, entries, &Around::table(place.realm, place.body_limit))?;
        let Tables { http, websocket, mut lines, convertors } = tables;
        let http = http.build().map_err(BuildError::Route)?;
        let websocket = websocket.build().map_err(BuildError::Route)?;

        for (table, protocol) in [(&http, Protocol::Http), (&websocket, Protocol::WebSocket)] {
            let found =
                check::Lines { table, protocol, prefix: &place.pattern }.check(|id| lines.get(&id))?;
            for warning in found {
                // A mount is in both tables.
                if !self.warnings.contains(&warning) {
                    self.warnings.push(warning);
                }
            }
        }
        for table in [&http, &websocket] {
            for (route, &inner) in table.routes().zip(table.values()) {
                // A mount is in both tables.
                let Some(line) = lines.remove(&inner) else { continue };
                let mut place = Inherited { realm: line.realm, body_limit: line.body_limit, ..place.clone() };
                place.params.extend(table.params(route).iter().map(|param| Box::from(param.name())));
                place.layers = line.layers;
                place.is_mounted = matches!(line.target, Target::Mounted(_));
                if !matches!(line.target, Target::Host(_)) {
                    place.pattern.push_str(table.pattern(route));
                }
                self.target(inner, line.target, place, &convertors)?;
            }
        }
        place.layers.extend(layers);
        let table = Table { http, websocket: Box::new(websocket), fallback: place.fallback };
        self.put(id, place, false, Inside::Table(Box::new(table)));
        Ok(())
    }

    fn target(
        &mut self,
        id: NodeId,
        target: Target,
        mut place: Inherited,
        convertors: &Convertors,
    ) -> Result<(), BuildError> {
        let mounted = match target {
            Target::Handler(Declared { leaf, operation }) => {
                self.describe(&mut place, operation);
                self.put(id, place, true, Inside::Leaf(leaf));
                return Ok(());
            }
            Target::Mounted(mounted) | Target::Host(mounted) => mounted,
        };
        match mounted.0 {
            MountedKind::Router(router) => self.router(id, *router, place, convertors)?,
            MountedKind::App(app) => self.app(id, *app, Some(place.realm), place, convertors)?,
            MountedKind::Endpoint { leaf, describe } => {
                self.describe(&mut place, describe());
                self.put(id, place, false, Inside::Leaf(leaf));
            }
            MountedKind::Foreign(app) => {
                self.hooks.push((place.realm, lifespan::foreign(app.clone())));
                self.put(id, place, false, Inside::Leaf(foreign(app)));
            }
        }
        Ok(())
    }

    pub(super) fn reserve(&mut self) -> NodeId {
        self.nodes.push(None);
        NodeId(self.nodes.len() - 1)
    }

    fn describe(&mut self, place: &mut Inherited, operation: Operation) {
        place.after_response |= operation.has_after_response();
        let Inherited { realm, pattern, params, .. } = place;
        self.operations.push(Described {
            realm: *realm,
            pattern: pattern.clone(),
            params: params.clone(),
            operation,
        });
    }

    fn put(&mut self, id: NodeId, mut place: Inherited, is_route: bool, inside: Inside) {
        let mut layers = Vec::new();
        for Layer { step, operation } in std::mem::take(&mut place.layers) {
            self.describe(&mut place, operation);
            layers.push(step);
        }
        let Inherited { pattern, params, realm, body_limit, after_response, .. } = place;
        if after_response {
            layers.insert(0, dependencies::step());
        }
        let is_guarded = error_handlers(&self.levels, realm).any(|errors| !errors.is_empty());
        let info =
            NodeInfo { pattern, params, realm, is_guarded, is_route, body_limit, layers: layers.clone() };
        self.nodes[id.0] = Some((info, Node { realm, is_guarded, layers, inside }));
    }

    /// Checks that the handlers and middlewares find the states and the path parameters that they take.
    fn check_operations(&mut self) -> Result<(), BuildError> {
        for Described { realm, pattern, params, operation } in &self.operations {
            let (route, handler) = (pattern, operation.name());
            if let Some(reason) = operation.first_mistake() {
                return Err(BuildError::Middleware { middleware: handler, reason: reason.to_owned() });
            }
            for (id, state) in operation.states() {
                let mut realms = std::iter::successors(Some(*realm), |&realm| self.realms[realm].outer);
                if !realms.any(|r| self.realms[r].state.contains(id) || self.promised.contains(&(r, id))) {
                    return Err(BuildError::MissingState { state, route: route.clone(), handler });
                }
            }
            let params: Vec<_> = params.iter().map(|name| &**name).collect();
            if let Err(reason) = operation.check(&params) {
                return Err(BuildError::PathParams { route: route.clone(), handler, reason });
            }
            self.warnings.extend(operation.warnings().iter().map(|warning| format!("`{route}`: {warning}")));
        }
        Ok(())
    }
}
