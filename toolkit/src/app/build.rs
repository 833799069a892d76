//! A built application: its routes and its hooks.

use stelo_core::app::{BoxError, Reply};

use crate::lifespan::Lifespan;
use crate::request::Executor;
use crate::request::shards::Sharded;
use crate::routing::BuildError;
use crate::routing::arrival::Arrival;
use crate::routing::plan::{Draft, Plan};
use crate::routing::table::{NodeId, Routes};

/// An application that can run.
pub(crate) struct Site {
    routes: Sharded<Routes>,
    lifespan: Lifespan,
}

impl Site {
    pub(crate) fn build(draft: Draft) -> Result<Self, BuildError> {
        let (routes, hooks) = Plan::of(draft)?;
        Ok(Self { routes: Sharded::new(routes), lifespan: Lifespan::new(hooks) })
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
