//! A server that is stopped under load: no request is lost whose client obeys `connection: close`.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::body::{Body, Length};
use stelo_runtime::{Address, Runtime as _, Signal};
use stelo_server::{Config, Server};
use stelo_sim::{Broken, Client, Network, Sim, Simulation};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const CLIENTS: usize = 8;

/// Answers at once, after a pause, or in pieces with pauses.
struct Slow(Sim);

impl App for Slow {
    fn call(&self, request: Request) -> Reply {
        let sim = self.0.clone();
        match request.head().path() {
            "/now" => Response::new("now").into(),
            "/later" => Reply::future(async move {
                sim.pause(20 * MILLISECOND).await;
                Response::new("later")
            }),
            _ => {
                let (sender, body) = Body::channel(Length::Unknown);
                self.0.start(async move {
                    for _ in 0..3 {
                        if sender.send("piece").await.is_err() {
                            return;
                        }
                        sim.pause(20 * MILLISECOND).await;
                    }
                    sender.finish();
                });
                Response::new(body).into()
            }
        }
    }
}

/// The counts of all clients.
#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    announced: AtomicUsize,
    lost: AtomicUsize,
}

/// Sends requests with pauses of at most `pause`, and connects again after each announced close, until no server listens.
async fn ask(sim: Sim, address: Address, path: &'static str, pause: Duration, seen: Arc<Seen>) {
    while let Ok(mut client) = Client::connect(&sim, &address).await {
        loop {
            if !pause.is_zero() {
                sim.pause(sim.duration(Duration::ZERO..pause)).await;
            }
            client.queue(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"));
            match client.answer().await {
                Ok(answer) => {
                    seen.answered.fetch_add(1, Relaxed);
                    if answer.field("connection") == Some("close") {
                        seen.announced.fetch_add(1, Relaxed);
                        break;
                    }
                }
                Err(Broken::Closed | Broken::Reset | Broken::Cut) => {
                    seen.lost.fetch_add(1, Relaxed);
                    break;
                }
                Err(broken) => panic!("{broken}"),
            }
        }
    }
}

/// Stops a server after about `load`, while clients send with pauses of at most `pause`. Returns what they have seen.
fn restart(seed: u64, network: &Network, pause: Duration, load: Duration) -> Arc<Seen> {
    let run = async |sim: Sim| {
        let server = Server::new(Config::new().port(0).threads(1));
        let handle = server.handle();
        let serving = sim.start(server.serve_on(sim.clone(), Arc::new(Slow(sim.clone()))));
        let address = handle.listening().await.expect("it starts").remove(0);
        let seen = Arc::new(Seen::default());
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let path = ["/now", "/later", "/pieces"][n % 3];
                sim.start(ask(sim.clone(), address.clone(), path, pause, seen.clone()))
            })
            .collect();
        sim.pause(load + sim.duration(Duration::ZERO..load)).await;
        let start = sim.now();
        sim.signal(Signal::Terminate);
        serving.await.expect("it ends");
        assert!(sim.now() - start < 3 * SECOND);
        for client in clients {
            client.await;
        }
        seen
    };
    let report = Simulation::new(seed).network(network.clone()).run(run).expect("it ends");
    assert_eq!((report.tasks, report.sockets), (0, 0));
    report.output
}

fn none_is_lost(network: &Network, pause: Duration, load: Duration) {
    for seed in 0..100 {
        let seen = restart(seed, network, pause, load);
        let [answered, announced, lost] =
            [&seen.answered, &seen.announced, &seen.lost].map(|n| n.load(Relaxed));
        assert!(answered > CLIENTS, "seed {seed}");
        assert_eq!((announced, lost), (CLIENTS, 0), "seed {seed}");
    }
}

#[test]
fn no_request_is_lost_of_clients_that_never_pause() {
    none_is_lost(&Network::perfect(), Duration::ZERO, 20 * MILLISECOND);
}

#[test]
fn no_request_is_lost_on_a_slow_network() {
    none_is_lost(&Network::default(), Duration::ZERO, SECOND);
}

#[test]
fn no_request_is_lost_of_clients_that_pause() {
    none_is_lost(&Network::default(), 700 * MILLISECOND, 2 * SECOND);
}
