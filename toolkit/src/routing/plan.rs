//! From declarations to the routes that run: resolves mounts, hands limits down, and finds mistakes.

use std::any::TypeId;

use super::declare::{Around, Convertors, Layers, Tables, Target};
use super::mount::{Foreign, MountedKind};
use super::table::{self, Inside, Node, NodeId, Realm, Routes, Table};
use super::{BuildError, Declared, Router};
use crate::handler::{ErrorHandlers, Leaf, Needs};
use crate::lifespan::{self, Open};
use crate::request::Extensions;

/// How many bytes of a body are held at most where nothing else is said: enough for forms and JSON documents, too
/// little for a client to fill the memory with.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// What has been declared.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) router: Router,
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
#[derive(Clone, Default)]
struct Inherited {
    pattern: String,
    params: Vec<Box<str>>,
    realm: usize,
    body_limit: usize,
    /// The middleware of the routers that include the place, and of its route.
    layers: Layers,
    /// Whether the place is behind a mount point.
    is_mounted: bool,
}

impl Plan {
    /// The routes of an application, and its hooks, each with the realm that its state belongs to.
    pub(crate) fn of(draft: Draft) -> Result<(Routes, Vec<(usize, Open)>), BuildError> {
        let mut plan = Self::default();
        let start = Inherited { body_limit: BODY_LIMIT, ..Inherited::default() };
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
        let Draft { mut router, hooks, promised } = draft;
        let (state, errors) = (std::mem::take(&mut router.state), std::mem::take(&mut router.errors));
        self.realms.push(Realm { outer, is_app: true, state, errors, ..Realm::default() });
        self.hooks.extend(hooks.into_iter().map(|hook| (realm, hook)));
        self.promised.extend(promised.into_iter().map(|id| (realm, id)));
        self.router(id, router, Inherited { realm, ..place }, convertors)
    }

    /// The realm of a router: one of its own if it has state or error handlers.
    pub(super) fn realm(&mut self, outer: usize, state: Extensions, errors: ErrorHandlers) -> usize {
        if state.is_empty() && errors.is_empty() {
            return outer;
        }
        self.realms.push(Realm { outer: Some(outer), state, errors, ..Realm::default() });
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
        place.realm = self.realm(place.realm, router.state, router.errors);

        let mut tables = Tables::new(redirect_slashes, place.is_mounted, [outer, &convertors].concat());
        tables.declare(self, entries, &Around::table(place.realm, place.body_limit))?;
        let Tables { http, websocket, mut lines, convertors } = tables;
        let http = http.build().map_err(BuildError::Route)?;
        let websocket = websocket.build().map_err(BuildError::Route)?;

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
        let mut fallback_id = None;
        if let Some(handler) = fallback {
            let id = self.reserve();
            self.needs.push((place.realm, place.pattern.clone(), handler.needs));
            let place = Inherited { layers: Layers::new(), ..place.clone() };
            self.put(id, place, Inside::Endpoint(handler.leaf));
            fallback_id = Some(id);
        }
        place.layers.extend(layers);
        let table = Table { http, websocket: Box::new(websocket), fallback: fallback_id };
        self.put(id, place, Inside::Table(Box::new(table)));
        Ok(())
    }

    fn target(
        &mut self,
        id: NodeId,
        target: Target,
        place: Inherited,
        convertors: &Convertors,
    ) -> Result<(), BuildError> {
        let mounted = match target {
            Target::Handler(Declared { leaf, needs }) => {
                self.needs.push((place.realm, place.pattern.clone(), needs));
                self.put(id, place, Inside::Handler(leaf));
                return Ok(());
            }
            Target::Mounted(mounted) | Target::Host(mounted) => mounted,
        };
        match mounted.0 {
            MountedKind::Router(router) => self.router(id, *router, place, convertors)?,
            MountedKind::App(app) => self.app(id, app.into_draft(), Some(place.realm), place, convertors)?,
            MountedKind::Endpoint(endpoint) => {
                self.put(id, place, Inside::Endpoint(Leaf::Endpoint(endpoint)));
            }
            MountedKind::Foreign(app) => {
                self.hooks.push((place.realm, lifespan::foreign(app.clone())));
                self.put(id, place, Inside::Endpoint(Leaf::Endpoint(Box::new(Foreign(app)))));
            }
        }
        Ok(())
    }

    pub(super) fn reserve(&mut self) -> NodeId {
        self.nodes.push(None);
        NodeId(self.nodes.len() - 1)
    }

    fn put(&mut self, id: NodeId, place: Inherited, inside: Inside) {
        let Inherited { pattern, params, realm, body_limit, layers, .. } = place;
        let is_guarded = table::own_realms(&self.realms, realm).any(|realm| !realm.errors.is_empty());
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
