//! The beginning and the end of a test: a simulated server, and the check that it leaves nothing.

use std::sync::Arc;

use stelo_core::app::App;
use stelo_runtime::Address;
use stelo_server::{Config, Server};
use stelo_sim::{Sim, Simulation};

/// Runs a server on one thread, and `main` with its application and its address. Stops the server then.
///
/// # Panics
/// If the run does not end, or a task or a socket is left.
pub(crate) fn serve<A: App, T: Send>(
    simulation: Simulation,
    config: &Config,
    app: impl Fn(&Sim) -> A + Sync,
    main: impl AsyncFn(Sim, Arc<A>, Address) -> T + Sync,
) -> T {
    let run = async |sim: Sim| {
        let server = Server::new(config.clone().port(0).threads(1));
        let handle = server.handle();
        let app = Arc::new(app(&sim));
        let serving = sim.start(server.serve_on(sim.clone(), app.clone()));
        let address = handle.listening().await.expect("it starts").remove(0);
        let output = main(sim, app, address).await;
        handle.stop();
        serving.await.expect("it ends");
        output
    };
    let report = simulation.run(run).expect("it ends");
    assert_eq!((report.tasks, report.sockets), (0, 0), "something is left");
    report.output
}
