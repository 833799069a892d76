//! A built application: its routes and its hooks.

use std::sync::Arc;

use stelo_core::app::{BoxError, Reply};
use stelo_core::http::RequestHead;
use stelo_core::routing::{ReverseError, Values};
use stelo_core::ws;

use crate::lifespan::Lifespan;
use crate::request::position::{Position, Protocol};
use crate::request::shards::Sharded;
use crate::request::site::{Engine, NodeId, Site};
use crate::request::workers::Pool;
use crate::request::{Executor, UrlPath};
use crate::routing::BuildError;
use crate::routing::arrival::Arrival;
use crate::routing::plan::{Draft, Plan, Planned};
use crate::routing::shown::Shown;
use crate::routing::table::Routes;

/// An application that can run.
pub(crate) struct Built {
    /// Every request holds a reference to the site, so its count is sharded.
    site: Sharded<Site>,
    routes: Arc<Routes>,
    lifespan: Lifespan,
    warnings: Vec<String>,
    /// The declarations, for the `Debug` form of the application.
    shown: Vec<Shown>,
}

impl Built {
    pub(crate) fn new(draft: Draft) -> Result<Self, BuildError> {
        let shown = Shown::of(&draft.router);
        let Planned { site, routes, hooks, warnings } = Plan::of(draft)?;
        Ok(Self { site: Sharded::new(site), routes, lifespan: Lifespan::new(hooks), warnings, shown })
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) fn shown(&self) -> &[Shown] {
        &self.shown
    }

    pub(crate) fn url_path_for(&self, name: &str, params: &Values<'_>) -> Result<UrlPath, ReverseError> {
        self.routes.url_path_for(name, params).map(|(path, protocol)| UrlPath::new(path, protocol))
    }

    pub(crate) fn call(&self, request: stelo_core::app::Request) -> Reply {
        self.routes.enter(self.site.here(), Arrival::new(request), NodeId::ROOT, 0)
    }

    /// Returns the pattern of the route that answers a request. Middleware that changes the path has no say.
    pub(crate) fn route(&self, head: &RequestHead, root_path: &str) -> Option<&str> {
        let protocol = if ws::is_asked_for(head) { Protocol::WebSocket } else { Protocol::Http };
        let node = self.routes.destination_of(head, protocol, Position::new(head, root_path))?;
        let node = self.site.here().nodes.get(node.0)?;
        node.is_route.then_some(&*node.pattern)
    }

    pub(crate) async fn start(&self, executor: Executor) -> Result<(), BoxError> {
        let realms = &self.site.here().realms;
        if let Some(threads) = executor.blocking_threads() {
            realms
                .iter()
                .filter_map(|realm| realm.state.get::<Pool>())
                .for_each(|pool| pool.take_setting(threads));
        }
        if !executor.lifespan() {
            return Ok(());
        }
        let states = self.lifespan.start(executor, realms.len()).await?;
        for (realm, states) in realms.iter().zip(states) {
            // A second start finds no hooks left to run, and so makes no states.
            let _ = realm.started.set(states);
        }
        Ok(())
    }

    pub(crate) async fn stop(&self) -> Result<(), BoxError> {
        self.lifespan.stop().await
    }
}
