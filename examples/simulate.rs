//! An application in the simulator, as in a unit test. The customers of a shop repeat an order when the connection breaks,
//! and must not pay twice. Hundreds of runs on a bad network, each determined by its seed, run in virtual time.
//! `docs/guide/simulator.md` explains the parts.
//!
//! `cargo run --example simulate`. With `FORGETFUL=` in the environment the shop ignores the orders that it has already
//! recorded. The example then prints the first run that shows the mistake.

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stelo::request::Address;
use stelo::server::LogLevel;
use stelo::{App, Config, Path, Request, Server, State, post};
use stelo_sim::{Client, Failure, Network, Report, Sim, Simulation};

/// The number of times that each order was paid.
type Orders = Arc<Mutex<BTreeMap<u64, u32>>>;

/// Takes an order. Payment takes a second.
async fn order(Path(key): Path<u64>, State(orders): State<Orders>, request: Request) -> String {
    let pays = {
        let mut orders = orders.lock().expect("no thread panics");
        let paid = orders.entry(key).or_default();
        let pays = *paid == 0 || env::var_os("FORGETFUL").is_some();
        *paid += u32::from(pays);
        pays
    };
    if pays {
        request.sleep(Duration::from_secs(1)).await;
    }
    format!("order {key} is paid\n")
}

fn shop(orders: Orders) -> App {
    App::new().state(orders).route("/orders/{key:int}", post(order))
}

/// Repeats an order until it is confirmed.
async fn customer(sim: Sim, address: Address, key: u64) {
    loop {
        if let Ok(mut client) = Client::connect(&sim, &address).await {
            let answer = client.post(&format!("/orders/{key}")).send().await;
            if answer.is_ok_and(|answer| answer.status == 200) {
                return;
            }
        }
        sim.pause(Duration::from_secs(10)).await;
    }
}

/// One run: starts the server and the customers, waits for them, and asserts that each order is paid once.
fn run(seed: u64) -> Result<Report<()>, Failure> {
    let network = Network { resets: 0.05, ..Network::rough() };
    Simulation::new(seed).network(network).run(async |sim| {
        let orders = Orders::default();
        let quiet = Config::new().port(0).access_log(false).log_level(LogLevel::Error);
        let server = Server::new(quiet);
        let handle = server.handle();
        let serving = sim.start(server.serve_on(sim.clone(), shop(orders.clone())));
        let address = handle.listening().await.expect("it starts").remove(0);

        let customers: Vec<_> =
            (1..=10).map(|key| sim.start(customer(sim.clone(), address.clone(), key))).collect();
        for customer in customers {
            customer.await;
        }
        handle.stop();
        serving.await.expect("it ends");

        let orders = orders.lock().expect("no thread panics");
        assert_eq!(orders.len(), 10, "an order is lost");
        assert!(orders.values().all(|paid| *paid == 1), "an order is paid twice: {orders:?}");
    })
}

fn main() -> ExitCode {
    let mut elapsed = Duration::ZERO;
    for seed in 0..200 {
        match run(seed) {
            Ok(report) => elapsed += report.elapsed,
            Err(failure) => {
                eprintln!("{failure}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("200 runs, {} minutes of virtual time: every order is paid once", elapsed.as_secs() / 60);
    ExitCode::SUCCESS
}
