//! The memory of idle connections, and of connections that have ended.

#[path = "../examples/soak/heap.rs"]
mod heap;
#[path = "../examples/soak/metered.rs"]
mod metered;

use std::sync::Arc;
use std::time::Duration;

use metered::Metered;
use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::h1::{Limits, Timeouts};
use stelo_runtime::Address;
use stelo_server::{Config, Server};
use stelo_sim::{Client, Network, Sim, Simulation};

/// The size of the buffer that a connection reads into.
const BUFFER: usize = 16 << 10;

struct Hello;

impl App for Hello {
    fn call(&self, _: Request) -> Reply {
        Response::new("hello").into()
    }
}

/// Runs a server whose memory is counted, and `main` with its address.
fn run<F: Future<Output = ()>>(main: impl Fn(Sim, Address) -> F + Send + Sync) {
    let run = async |sim: Sim| {
        let timeouts = Timeouts::DEFAULT.keep_alive(Duration::from_secs(600));
        let server = Server::new(Config::new().port(0).threads(1).http_timeouts(timeouts));
        let handle = server.handle();
        let metered = Metered::new(sim.clone(), &Limits::DEFAULT);
        let serving = server.serve_on(metered.clone(), Arc::new(metered.aside(Hello)));
        let serving = sim.start(metered.serving(serving));
        let address = handle.listening().await.expect("it starts").remove(0);
        main(sim.clone(), address).await;
        handle.stop();
        serving.await.expect("it ends");
        assert!(metered.peak() > BUFFER, "the memory is counted");
    };
    Simulation::new(1).network(Network::perfect()).run(run).expect("it ends");
}

/// Opens a connection, and gets an answer on it.
async fn ask(sim: &Sim, address: &Address) -> Client {
    let mut client = Client::connect(sim, address).await.expect("it listens");
    assert_eq!(client.get("/").send().await.expect("an answer").body, b"hello");
    client
}

#[test]
fn idle_connections_hold_no_buffers() {
    const CLIENTS: usize = 100;
    run(async |sim, address| {
        drop(ask(&sim, &address).await);
        sim.pause(Duration::from_secs(1)).await;
        let before = heap::held();
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(ask(&sim, &address).await);
        }
        sim.pause(Duration::from_secs(1)).await;
        let each = (heap::held() - before) / CLIENTS;
        assert!(each < BUFFER / 3, "{each} bytes for each idle connection");
    });
}

#[test]
fn connections_that_have_ended_leave_nothing() {
    run(async |sim, address| {
        let mut held = Vec::new();
        for _ in 0..2 {
            for _ in 0..1000 {
                drop(ask(&sim, &address).await);
            }
            sim.pause(Duration::from_secs(1)).await;
            held.push(heap::held());
        }
        assert_eq!(held[0], held[1]);
    });
}
