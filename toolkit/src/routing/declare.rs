//! Declares the entries of a router, and of the routers that it includes, in the tables of the core.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;

use stelo_core::http::Method;
use stelo_core::routing::{Builder, Convertor, Methods, RouteError};

use super::mount::{Mounted, MountedKind};
use super::plan::Plan;
use super::{BuildError, Declared, Entry, EntryKind, MethodRouter, Router, check};
use crate::handler::ErrorHandlers;
use crate::middleware::Layer;
use crate::request::site::NodeId;

pub(super) type Convertors = [(String, Arc<dyn Convertor>)];

/// The convertors of the core, which an included router may not replace.
const BUILT_IN: [&str; 5] = ["str", "int", "float", "uuid", "path"];

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

/// The tables of a router while its entries are declared.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) http: Builder<NodeId>,
    pub(super) websocket: Builder<NodeId>,
    /// The target of each line of the tables.
    pub(super) lines: HashMap<NodeId, Line>,
    pub(super) convertors: Vec<(String, Arc<dyn Convertor>)>,
}

/// A line of a table.
pub(super) struct Line {
    pub(super) target: Target,
    pub(super) realm: usize,
    pub(super) body_limit: usize,
    /// The middleware of the routers that include the line, and of its route.
    pub(super) layers: Vec<Layer>,
    pub(super) place: &'static Location<'static>,
}

/// The target of a line of a table.
pub(super) enum Target {
    Handler(Declared),
    Mounted(Mounted),
    /// Like a mount, but the patterns inside do not continue that of the host.
    Host(Mounted),
}

/// The settings that the entries of a router take from the routers that include it.
#[derive(Clone, Default)]
pub(super) struct Around {
    pub(super) realm: usize,
    pub(super) body_limit: usize,
    prefix: String,
    /// The name of the included router and a colon.
    names: String,
    layers: Vec<Layer>,
}

impl Around {
    /// Creates the value for a router that is not included.
    pub(super) fn table(realm: usize, body_limit: usize) -> Self {
        Self { realm, body_limit, ..Self::default() }
    }

    fn line(
        &self,
        target: Target,
        layers: &[Layer],
        body_limit: Option<usize>,
        place: &'static Location<'static>,
    ) -> Line {
        Line {
            place,
            target,
            realm: self.realm,
            body_limit: body_limit.unwrap_or(self.body_limit),
            layers: [&*self.layers, layers].concat(),
        }
    }

    /// The pattern of an entry behind the prefix. An entry may have the path of the prefix itself.
    fn pattern(&self, pattern: &str) -> Result<String, BuildError> {
        let is_asterisk = pattern == "*" && self.prefix.is_empty();
        if !(pattern.is_empty() || pattern.starts_with('/') || is_asterisk) {
            return Err(BuildError::Route(RouteError::MissingSlash { pattern: pattern.into() }));
        }
        Ok([&*self.prefix, pattern].concat())
    }

    fn name(&self, name: Option<String>) -> Option<String> {
        name.map(|name| self.names.clone() + &name)
    }
}

impl Tables {
    /// Registers the convertors of the router that has the tables, and of those around it.
    pub(super) fn new(
        redirect_slashes: bool,
        nested: bool,
        convertors: Vec<(String, Arc<dyn Convertor>)>,
    ) -> Self {
        let mut tables = Self::default();
        tables.http.redirect_slashes(redirect_slashes).nested(nested);
        tables.websocket.redirect_slashes(false).nested(nested);
        for (name, convertor) in convertors {
            tables.convertor(name, convertor);
        }
        tables
    }

    fn convertor(&mut self, name: String, convertor: Arc<dyn Convertor>) {
        self.http.convertor(&name, Shared(convertor.clone()));
        self.websocket.convertor(&name, Shared(convertor.clone()));
        self.convertors.push((name, convertor));
    }

    /// Declares the entries of a router.
    pub(super) fn declare(
        &mut self,
        plan: &mut Plan,
        entries: Vec<Entry>,
        around: &Around,
    ) -> Result<(), BuildError> {
        for Entry { pattern, name, kind, place } in entries {
            plan.warnings.extend(check::syntax(&pattern, place)?);
            match kind {
                EntryKind::Route(route) => {
                    let (pattern, name) = (around.pattern(&pattern)?, around.name(name));
                    self.route(plan, &pattern, name.as_deref(), (route, place), around);
                }
                EntryKind::Mount(mounted) => {
                    let pattern = around.pattern(&pattern)?;
                    // Names inside an unnamed mount have those of the routers around it alone.
                    let outer = around.names.strip_suffix(':').map(str::to_owned);
                    self.mount(plan, &pattern, around.name(name).or(outer), (mounted, place), around);
                }
                EntryKind::Host(mounted) => {
                    if !around.prefix.is_empty() {
                        return Err(BuildError::IncludedHost {
                            host: pattern,
                            prefix: around.prefix.clone(),
                        });
                    }
                    let (id, name) = (plan.reserve(), around.name(name));
                    for table in [&mut self.http, &mut self.websocket] {
                        named(table.host(&pattern, id), name.as_deref());
                    }
                    self.lines.insert(id, around.line(Target::Host(mounted), &[], None, place));
                }
                EntryKind::Include(router) => self.include(plan, &pattern, name, *router, around)?,
            }
        }
        Ok(())
    }

    fn route(
        &mut self,
        plan: &mut Plan,
        pattern: &str,
        name: Option<&str>,
        (route, place): (MethodRouter, &'static Location<'static>),
        around: &Around,
    ) {
        let MethodRouter { handlers, websocket, layers, body_limit, state } = route;
        let realm = plan.realm(around.realm, state, ErrorHandlers::default());
        let line =
            |handler| Line { realm, ..around.line(Target::Handler(handler), &layers, body_limit, place) };
        // A handler for HEAD alone comes before one for GET, which would answer HEAD too.
        let (head, others): (Vec<_>, Vec<_>) = handlers
            .into_iter()
            .partition(|(methods, _)| methods.contains(&Method::Head) && !methods.contains(&Method::Get));
        for (methods, handler) in head.into_iter().chain(others) {
            let id = plan.reserve();
            named(self.http.route(pattern, methods, id), name);
            self.lines.insert(id, line(handler));
        }
        if let Some(handler) = websocket {
            let id = plan.reserve();
            named(self.websocket.route(pattern, Methods::ANY, id), name);
            self.lines.insert(id, line(handler));
        }
    }

    fn mount(
        &mut self,
        plan: &mut Plan,
        pattern: &str,
        name: Option<String>,
        (mounted, place): (Mounted, &'static Location<'static>),
        around: &Around,
    ) {
        let (id, has_point) = (plan.reserve(), mounted.answers_mount_point());
        for table in [&mut self.http, &mut self.websocket] {
            named(table.mount(pattern, id), name.as_deref());
            if has_point {
                table.mount_point(pattern, id);
            }
        }
        self.lines.insert(id, around.line(Target::Mounted(mounted), &[], None, place));
    }

    /// Declares the entries of a router behind a prefix.
    fn include(
        &mut self,
        plan: &mut Plan,
        prefix: &str,
        name: Option<String>,
        router: Router,
        around: &Around,
    ) -> Result<(), BuildError> {
        let prefix = around.pattern(prefix.trim_end_matches('/'))?;
        let Router { entries, layers, body_limit, convertors, fallback, stray_name, state, errors, .. } =
            router;
        if let Some(name) = stray_name {
            return Err(BuildError::StrayName { name });
        }
        if fallback.is_some() {
            return Err(BuildError::IncludedFallback { prefix });
        }
        for (name, convertor) in convertors {
            match self.convertors.iter().find(|(other, _)| *other == name) {
                Some((_, other)) if Arc::ptr_eq(other, &convertor) => {}
                None if !BUILT_IN.contains(&&*name) => self.convertor(name, convertor),
                _ => return Err(BuildError::IncludedConvertor { name, prefix }),
            }
        }
        let around = Around {
            realm: plan.realm(around.realm, state, errors),
            body_limit: body_limit.unwrap_or(around.body_limit),
            names: name.map_or_else(|| around.names.clone(), |name| [&*around.names, &name, ":"].concat()),
            layers: [&*around.layers, &layers].concat(),
            prefix,
        };
        self.declare(plan, entries, &around)
    }
}

fn named(declaration: &mut stelo_core::routing::Declaration<NodeId>, name: Option<&str>) {
    if let Some(name) = name {
        declaration.named(name);
    }
}

impl Router {
    /// Whether a route answers the path of the mount point itself.
    pub(crate) fn answers_mount_point(&self) -> bool {
        self.entries.iter().any(|entry| {
            entry.pattern.trim_end_matches('/').is_empty()
                && match &entry.kind {
                    EntryKind::Route(_) => entry.pattern.is_empty(),
                    EntryKind::Mount(mounted) => mounted.answers_mount_point(),
                    EntryKind::Include(router) => router.answers_mount_point(),
                    EntryKind::Host(_) => false,
                }
        })
    }
}

impl Mounted {
    /// Whether a route inside answers the path of the mount point itself.
    fn answers_mount_point(&self) -> bool {
        match &self.0 {
            MountedKind::Router(router) => router.answers_mount_point(),
            MountedKind::App(draft) => draft.router.answers_mount_point(),
            MountedKind::Endpoint { .. } | MountedKind::Foreign(_) => false,
        }
    }
}
