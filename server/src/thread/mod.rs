//! One thread of the server, which its connections share.
//!
//! | file | contents |
//! |---|---|
//! | `shared.rs` | what all threads share |
//! | `date.rs` | the default fields of responses and their date |
//! | `executor.rs` | the executor as applications see it |
//! | `registry.rs` | the connections and tasks that run |
//! | `drain.rs` | graceful shutdown |

mod date;
pub(crate) mod drain;
mod executor;
pub(crate) mod registry;
mod shared;

use std::sync::Arc;

use stelo_core::app::Executor;
use stelo_runtime::Runtime;

use executor::Handle;
use registry::Registry;
pub(crate) use shared::Shared;

/// The runtime, the registry and the executor that the connections of one thread share.
pub(crate) struct Thread<R: Runtime> {
    pub(crate) runtime: R,
    pub(crate) shared: Arc<Shared>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) executor: Arc<dyn Executor>,
}

impl<R: Runtime> Thread<R> {
    pub(crate) fn new(runtime: R, shared: Arc<Shared>) -> Arc<Self> {
        let registry = Registry::new();
        let executor = Arc::new(Handle {
            runtime: runtime.clone(),
            registry: registry.clone(),
            blocking_threads: shared.blocking_threads,
            lifespan: shared.lifespan,
        });
        Arc::new(Self { runtime, shared, registry, executor })
    }
}
