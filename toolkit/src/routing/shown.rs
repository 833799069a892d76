//! The `Debug` form of applications, routers and routes: a list of the declarations, for logs and failing tests.
//!
//! An application keeps the list when it is built, because the declarations are then gone.

use std::fmt;

use stelo_core::routing::Methods;

use super::mount::{Mounted, MountedKind};
use super::{Entry, EntryKind, MethodRouter, Router};

/// A declaration of a router.
pub(crate) struct Shown {
    kind: &'static str,
    path: String,
    name: Option<String>,
    handlers: Handlers,
    /// The declarations behind a prefix or a host; `None` if the value that answers there does not list them.
    routes: Option<Vec<Self>>,
}

/// The handlers of a route: the methods, and the path of the handler as the compiler prints it.
struct Handlers(Vec<(String, &'static str)>);

impl Shown {
    /// Lists the declarations of a router.
    pub(crate) fn of(router: &Router) -> Vec<Self> {
        router.entries.iter().map(Self::entry).collect()
    }

    fn entry(Entry { pattern, name, kind, .. }: &Entry) -> Self {
        let no_handlers = Handlers(Vec::new());
        let (kind, handlers, routes) = match kind {
            EntryKind::Route(route) => ("Route", Handlers::of(route), None),
            EntryKind::Include(router) => ("Include", no_handlers, Some(Self::of(router))),
            EntryKind::Mount(mounted) => ("Mount", no_handlers, Self::mounted(mounted)),
            EntryKind::Host(mounted) => ("Host", no_handlers, Self::mounted(mounted)),
        };
        Self { kind, path: pattern.clone(), name: name.clone(), handlers, routes }
    }

    fn mounted(mounted: &Mounted) -> Option<Vec<Self>> {
        match &mounted.0 {
            MountedKind::Router(router) => Some(Self::of(router)),
            MountedKind::App(draft) => Some(Self::of(&draft.router)),
            MountedKind::Endpoint { .. } | MountedKind::Foreign(_) => None,
        }
    }
}

impl Handlers {
    fn of(route: &MethodRouter) -> Self {
        let by_method = route.handlers.iter().map(|(methods, handler)| {
            let is_any = methods.contains_all(&Methods::ANY);
            let methods = if is_any { "any method".to_owned() } else { methods.to_string() };
            (methods, handler.operation.name())
        });
        let websocket =
            route.websocket.iter().map(|handler| ("WebSocket".to_owned(), handler.operation.name()));
        Self(by_method.chain(websocket).collect())
    }

    fn add_to(&self, form: &mut fmt::DebugStruct<'_, '_>) {
        for (methods, handler) in &self.0 {
            form.field(methods, &format_args!("{handler}"));
        }
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut form = f.debug_struct(self.kind);
        form.field(if self.kind == "Host" { "host" } else { "path" }, &self.path);
        if let Some(name) = &self.name {
            form.field("name", name);
        }
        self.handlers.add_to(&mut form);
        match &self.routes {
            Some(routes) => form.field("routes", routes).finish(),
            None if self.kind == "Route" => form.finish(),
            None => form.finish_non_exhaustive(),
        }
    }
}

/// Lists the routes, with the paths of their handlers.
impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("routes", &Shown::of(self)).finish_non_exhaustive()
    }
}

/// Lists the methods, with the paths of their handlers.
impl fmt::Debug for MethodRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut form = f.debug_struct("MethodRouter");
        Handlers::of(self).add_to(&mut form);
        form.finish_non_exhaustive()
    }
}
