//! Requests that arrive in time are answered, even if the server was held up and sees them late.

mod common;

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::h1::Timeouts;
use stelo_runtime::{Address, Signal};
use stelo_server::Config;
use stelo_sim::{Broken, Client, Network, Sim, Simulation};

use crate::common::serve;

const SECOND: Duration = Duration::from_secs(1);
const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

struct Echo;

impl App for Echo {
    fn call(&self, request: Request) -> Reply {
        let (_, body, _) = request.into_parts();
        Response::new(body).into()
    }
}

/// Runs a server, and `main` with its address, for some seeds.
fn run<F: Future<Output = ()>>(config: &Config, main: impl Fn(Sim, Address) -> F + Send + Sync) {
    for seed in 0..20 {
        let simulation = Simulation::new(seed).network(Network::perfect());
        serve(simulation, config, |_| Echo, async |sim, _, address| main(sim, address).await);
    }
}

fn config() -> Config {
    let timeouts = Timeouts::DEFAULT.keep_alive(SECOND).head(SECOND).body(SECOND);
    Config::new().port(0).threads(1).http_timeouts(timeouts)
}

#[test]
fn a_request_that_arrives_before_the_keep_alive_timeout_is_answered() {
    run(&config(), async |sim, address| {
        let mut client = Client::connect(&sim, &address).await.expect("it listens");
        client.send(GET).await.expect("it is open");
        assert_eq!(client.answer().await.expect("an answer").status, 200);
        sim.pause(SECOND / 2).await;
        client.send(GET).await.expect("it is open");
        sim.block(2 * SECOND);
        assert_eq!(client.answer().await.expect("an answer").status, 200);
        // The timeout begins again.
        sim.pause(2 * SECOND).await;
        client.queue(GET);
        assert!(matches!(client.answer().await, Err(Broken::Closed | Broken::Reset)));
    });
}

#[test]
fn a_head_that_is_complete_before_its_timeout_is_answered() {
    run(&config(), async |sim, address| {
        let mut client = Client::connect(&sim, &address).await.expect("it listens");
        client.send(&GET[..10]).await.expect("it is open");
        sim.pause(SECOND / 2).await;
        client.send(&GET[10..]).await.expect("it is open");
        sim.block(2 * SECOND);
        assert_eq!(client.answer().await.expect("an answer").status, 200);
    });
}

#[test]
fn a_head_that_is_not_complete_is_timed_out_whatever_arrives() {
    run(&config(), async |sim, address| {
        let mut client = Client::connect(&sim, &address).await.expect("it listens");
        client.send(&GET[..10]).await.expect("it is open");
        sim.pause(SECOND / 2).await;
        client.send(&GET[10..12]).await.expect("it is open");
        sim.block(2 * SECOND);
        assert_eq!(client.answer().await.expect("an answer").status, 408);
    });
}

#[test]
fn a_piece_of_a_body_that_arrives_before_the_timeout_counts() {
    run(&config(), async |sim, address| {
        let mut client = Client::connect(&sim, &address).await.expect("it listens");
        client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab").await.expect("it is open");
        sim.pause(SECOND / 2).await;
        client.send("c").await.expect("it is open");
        sim.block(2 * SECOND);
        sim.pause(SECOND / 2).await;
        client.send("d").await.expect("it is open");
        assert_eq!(client.answer().await.expect("an answer").body, b"abcd");
    });
}

#[test]
fn a_request_that_arrives_before_the_signal_is_answered() {
    // The server can see the request before it sees the signal. Then it does not announce the end.
    let announced = AtomicUsize::new(0);
    run(&config(), async |sim, address| {
        let mut kept = Client::connect(&sim, &address).await.expect("it listens");
        kept.send(GET).await.expect("it is open");
        assert_eq!(kept.answer().await.expect("an answer").status, 200);
        let mut idle = Client::connect(&sim, &address).await.expect("it listens");
        sim.pause(SECOND / 2).await;
        // This connection waits in the queue of the listener.
        let mut new = Client::connect(&sim, &address).await.expect("it listens");
        for client in [&mut kept, &mut new] {
            client
                .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi")
                .await
                .expect("it is open");
        }
        sim.block(Duration::from_millis(1));
        sim.signal(Signal::Terminate);
        for client in [&mut kept, &mut new] {
            let answer = client.answer().await.expect("an answer");
            assert_eq!((answer.status, &*answer.body), (200, &b"hi"[..]));
            announced.fetch_add(usize::from(answer.field("connection") == Some("close")), Relaxed);
        }
        assert_eq!(idle.answer().await.expect_err("no request, no answer"), Broken::Closed);
    });
    assert!(announced.load(Relaxed) > 0, "{announced:?} of 40");
}
