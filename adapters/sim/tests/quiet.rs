//! Responses that are quiet for a long time, and what ends them.

use std::sync::Arc;
use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::body::{Body, Length};
use stelo_runtime::Runtime as _;
use stelo_server::{Config, Server};
use stelo_sim::{Client, Network, Simulation};

const HOUR: Duration = Duration::from_secs(3600);

/// Answers `/hour` after an hour of silence in the body, and other paths when the server stops.
struct Quiet;

impl App for Quiet {
    fn call(&self, request: Request) -> Reply {
        let (sender, body) = Body::channel(Length::Unknown);
        let executor = request.connection().executor.clone();
        let wait = match request.head().path() {
            "/hour" => executor.sleep(HOUR),
            _ => executor.shutdown(),
        };
        executor.spawn(Box::pin(async move {
            wait.await;
            let _ = sender.send("late").await;
            sender.finish();
        }));
        Response::new(body).into()
    }
}

#[test]
fn a_quiet_response_outlives_every_idle_timeout_and_ends_with_the_server() {
    let run = async |sim: stelo_sim::Sim| {
        let server = Server::new(Config::new().port(0).threads(1));
        let handle = server.handle();
        let serving = sim.start(server.serve_on(sim.clone(), Arc::new(Quiet)));
        let address = handle.listening().await.expect("it starts").remove(0);
        for path in ["/hour", "/shutdown"] {
            let mut client = Client::connect(&sim, &address).await.expect("it listens");
            client.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")).await.expect("it is open");
            let start = sim.now();
            if path == "/shutdown" {
                sim.pause(HOUR).await;
                handle.stop();
            }
            assert_eq!(client.answer().await.expect("an answer").body, b"late", "{path}");
            assert!(sim.now() - start >= HOUR, "{path}");
        }
        // Long before the graceful timeout.
        let stopping = sim.now();
        serving.await.expect("it ends");
        assert!(sim.now() - stopping < Duration::from_secs(5));
    };
    Simulation::new(1).network(Network::perfect()).run(run).expect("it ends");
}
