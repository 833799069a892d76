//! The connections of a server share its thread fairly.

mod common;

use std::collections::BTreeMap;
use std::sync::Mutex;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::http::Status;
use stelo_runtime::{Instant, Runtime};
use stelo_server::Config;
use stelo_sim::{Client, Network, Sim, Simulation};

use crate::common::serve;

/// Counts the requests at each time. The clock advances between polls, and not within one.
struct Turns {
    sim: Sim,
    requests: Mutex<BTreeMap<Instant, usize>>,
}

impl App for Turns {
    fn call(&self, _: Request) -> Reply {
        *self.requests.lock().expect("it runs").entry(self.sim.now()).or_default() += 1;
        Response::text(Status::OK, "").into()
    }
}

#[test]
fn a_poll_answers_a_limited_number_of_pipelined_requests() {
    const AHEAD: usize = 400;
    for seed in 0..10 {
        let app = |sim: &Sim| Turns { sim: sim.clone(), requests: Mutex::default() };
        let simulation = Simulation::new(seed).network(Network::perfect());
        let turns = serve(simulation, &Config::new(), app, async |sim, app, address| {
            let mut client = Client::connect(&sim, &address).await.expect("it listens");
            client.queue("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(AHEAD));
            for _ in 0..AHEAD {
                assert_eq!(client.answer().await.expect("nothing breaks").status, 200);
            }
            app.requests.lock().expect("no thread panics").clone()
        });
        assert_eq!(turns.values().sum::<usize>(), AHEAD);
        assert!(turns.values().all(|requests| *requests <= 32), "{turns:?}");
    }
}
