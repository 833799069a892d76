//! The time that a proxy has for its header.

use std::sync::Arc;
use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_runtime::Runtime as _;
use stelo_server::{Config, ProxyProtocol, Server};
use stelo_sim::{Client, Network, Sim, Simulation};

/// Answers with the client.
struct ShowClient;

impl App for ShowClient {
    fn call(&self, request: Request) -> Reply {
        Response::new(request.context().client().map(ToString::to_string).unwrap_or_default()).into()
    }
}

#[test]
fn a_header_that_does_not_arrive_in_time_ends_the_connection() {
    let run = async |sim: Sim| {
        let config = Config::new().port(0).threads(1).proxy_protocol(ProxyProtocol::Any);
        let server = Server::new(config);
        let handle = server.handle();
        let serving = sim.start(server.serve_on(sim.clone(), Arc::new(ShowClient)));
        let address = handle.listening().await.expect("it starts").remove(0);
        // Nothing, a part of a header, and one that comes too slowly.
        for (beginning, pause) in [("", 0), ("PROXY TCP4", 0), ("PROXY TCP4 192.0.2.1", 1)] {
            let mut client = Client::connect(&sim, &address).await.expect("it listens");
            let start = sim.now();
            // Sending fails once the connection has ended.
            let _ = client.trickle(beginning, 1, Duration::from_secs(pause)).await;
            assert_eq!(client.drain().await, 0);
            let time = sim.now() - start;
            // A slow sender learns of the end by the second piece after it.
            let expected = Duration::from_millis(4_900)..Duration::from_secs(8);
            assert!(expected.contains(&time), "{beginning}: {time:?}");
        }
        let mut client = Client::connect(&sim, &address).await.expect("it listens");
        let header = "PROXY TCP4 192.0.2.1 203.0.113.7 51234 443\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n";
        client.trickle(header, 1, Duration::from_millis(50)).await.expect("it is open");
        assert_eq!(client.answer().await.expect("an answer").body, b"192.0.2.1:51234");
        handle.stop();
        serving.await.expect("it ends");
    };
    Simulation::new(1).network(Network::perfect()).run(run).expect("it ends");
}
