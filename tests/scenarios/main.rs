//! The same scenarios with the test client in memory, over a simulated network with faults, and over real sockets on each
//! executor: an application must not notice the difference.

mod app;
mod cases;

use std::sync::Arc;

use stelo_core::app::{Address, App};
use stelo_runtime::Runtime;
use stelo_server::{Config, Server};
use stelo_sim::{Gateway, Network, Sim, Simulation};
use stelo_tests::On;
use stelo_toolkit::TestClient;

use crate::app::{Folder, Record, app};
use crate::cases::{CASES, Case, Lost};

/// Starts a client that returns errors of the application as responses.
fn client(app: impl App) -> TestClient {
    TestClient::without_start(app).raise_server_errors(false)
}

/// Runs a scenario in which nothing may be lost.
async fn run((name, case): &Case, client: &TestClient) {
    if let Err(Lost) = case(client).await {
        panic!("{name}: the connection has broken");
    }
}

/// Checks that nothing of the scenarios remains.
fn check(record: &Record, folder: &Folder) {
    assert_eq!(record.running(), 0, "handlers or streams live");
    assert_eq!(record.unclean(), 0, "work after the response has not run");
    assert_eq!(folder.uploads(), 0, "files of uploads are left");
}

#[test]
fn in_memory() {
    let (record, folder) = (Record::default(), Folder::new());
    futures_lite::future::block_on(async {
        let client = TestClient::start(app(&record, &folder)).await.raise_server_errors(false);
        for case in CASES {
            run(case, &client).await;
        }
        client.stop().await.expect("there is no hook");
    });
    check(&record, &folder);
    assert_eq!(record.background(), 1);
}

/// Runs all scenarios over sockets: the server on the executor of the case, the client on that of `R`.
fn over_sockets<R: Runtime>(on: On) {
    let (record, folder) = (Record::default(), Folder::new());
    let server = on.serve(app(&record, &folder));
    let address = server.addresses()[0].clone();
    R::block_on(|runtime| async {
        let client = client(Gateway::new(runtime, address));
        for case in CASES {
            run(case, &client).await;
        }
    })
    .expect("the executor runs");
    server.stop().expect("an ordinary end");
    check(&record, &folder);
    assert_eq!(record.background(), 1);
}

#[test]
fn over_sockets_on_tokio() {
    over_sockets::<stelo_tokio::Tokio>(On::Tokio);
}

#[test]
fn over_sockets_on_smol() {
    over_sockets::<stelo_smol::Smol>(On::Smol);
}

#[test]
fn over_sockets_on_async_std() {
    over_sockets::<stelo_async_std::AsyncStd>(On::AsyncStd);
}

/// The number of seeds of each network.
const SEEDS: u64 = 100;

/// Runs scenarios on a simulated network for each seed. Returns the number of those that were lost.
fn simulated(network: impl Fn(u64) -> Network, cases: &[Case], calm: bool) -> usize {
    let mut lost = 0;
    for seed in 0..SEEDS {
        let (record, folder) = (Record::default(), Folder::new());
        let main = async |sim: Sim| {
            let server = Server::new(Config::new().port(0).threads(1).access_log(false));
            let handle = server.handle();
            let app = app(&record, &folder);
            let serving = sim.start(server.serve_on(sim.clone(), Arc::new(app)));
            let address: Address = handle.listening().await.expect("it starts").remove(0);
            let mut lost = 0;
            for (name, case) in cases {
                // Each scenario has cookies and connections of its own.
                let client = client(Gateway::new(sim.clone(), address.clone()));
                let outcome = case(&client).await;
                assert!(outcome.is_ok() || !calm, "{name}: the connection has broken");
                lost += usize::from(outcome.is_err());
            }
            handle.stop();
            serving.await.expect("an ordinary end");
            lost
        };
        let report = match Simulation::new(seed).network(network(seed)).run(main) {
            Ok(report) => report,
            Err(failure) => panic!("{failure}"),
        };
        check(&record, &folder);
        assert_eq!((report.tasks, report.sockets), (0, 0), "seed {seed}: tasks and sockets are left");
        lost += report.output;
    }
    lost
}

#[test]
fn on_a_network_with_short_and_late_reads_and_writes() {
    let network = Network { partial: 0.8, late: 0.3, window: 1500, ..Network::default() };
    assert_eq!(simulated(|_| network.clone(), CASES, true), 0);
}

#[test]
fn on_a_network_that_carries_a_few_bytes_at_a_time() {
    // From one byte on, so that heads, chunk sizes, frames and boundaries are split at each position.
    let network =
        |seed| Network { window: 1 + seed as usize % 25, partial: 0.2, late: 0.2, ..Network::perfect() };
    // Those without large bodies.
    let brief =
        ["json_", "forms_", "a_login", "redirects_", "a_preflight", "events_", "lines_", "head_", "hints_"];
    let cases: Vec<Case> =
        CASES.iter().filter(|(name, _)| brief.iter().any(|brief| name.starts_with(brief))).copied().collect();
    assert_eq!(cases.len(), brief.len());
    assert_eq!(simulated(network, &cases, true), 0);
}

#[test]
fn on_a_network_that_breaks_connections() {
    let network =
        Network { resets: 0.02, accept_failures: 0.05, partial: 0.5, late: 0.1, ..Network::default() };
    let lost = simulated(|_| network.clone(), CASES, false);
    let all = SEEDS as usize * CASES.len();
    assert!((all / 20..all * 9 / 10).contains(&lost), "{lost} of {all} were lost");
}
