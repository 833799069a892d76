//! The connections of a server share its thread fairly.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::http::Status;
use stelo_runtime::{Instant, Runtime};
use stelo_server::{Config, Server};
use stelo_sim::{Client, Network, Sim, Simulation};

/// Counts the requests at each time. The clock advances between polls, and not within one.
struct Turns {
    sim: Sim,
    requests: Arc<Mutex<BTreeMap<Instant, usize>>>,
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
        let main = async |sim: Sim| {
            let requests = Arc::new(Mutex::new(BTreeMap::new()));
            let app = Arc::new(Turns { sim: sim.clone(), requests: requests.clone() });
            let server = Server::new(Config::new().port(0));
            let handle = server.handle();
            let serving = sim.start(server.serve_on(sim.clone(), app));
            let address = handle.listening().await.expect("it starts").remove(0);
            let mut client = Client::connect(&sim, &address).await.expect("it listens");
            client.queue("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(AHEAD));
            for _ in 0..AHEAD {
                assert_eq!(client.answer().await.expect("nothing breaks").status, 200);
            }
            handle.stop();
            serving.await.expect("it ends");
            requests.lock().unwrap().clone()
        };
        let turns = Simulation::new(seed).network(Network::perfect()).run(main).expect("it ends").output;
        assert_eq!(turns.values().sum::<usize>(), AHEAD);
        assert!(turns.values().all(|requests| *requests <= 32), "{turns:?}");
    }
}
