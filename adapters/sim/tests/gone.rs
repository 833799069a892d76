//! A client that leaves is noticed while its unread input fills the buffers, and while the application reads nothing.

mod common;

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use stelo_core::app::{App, Peer, Reply, Request, Response, WebSocket};
use stelo_runtime::{Address, Runtime as _, Stream as _};
use stelo_server::Config;
use stelo_sim::{Client, Network, Sim, Simulation};

use crate::common::serve;

const SECOND: Duration = Duration::from_secs(1);

/// Counts what runs.
#[derive(Default)]
struct Counts {
    running: AtomicUsize,
    half_closed: AtomicUsize,
}

/// Counts down when it is dropped.
struct Counted(Arc<Counts>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

/// Never answers, and never reads.
struct Stuck(Arc<Counts>);

impl App for Stuck {
    fn call(&self, request: Request) -> Reply {
        self.0.running.fetch_add(1, Relaxed);
        let (counts, counted) = (self.0.clone(), Counted(self.0.clone()));
        if request.is_websocket() {
            return Response::websocket(async move |socket: WebSocket| {
                let _counted = counted;
                // Another task could receive, so the end reaches this one only through the context.
                request.context().disconnected().await;
                while socket.receive().await.is_ok() {}
            })
            .into();
        }
        Reply::future(async move {
            let _counted = counted;
            if request.context().disconnected().await == Peer::HalfClosed {
                counts.half_closed.fetch_add(1, Relaxed);
            }
            pending().await
        })
    }
}

/// Runs a server, and `main` with its address, on several networks.
fn run<F: Future<Output = ()>>(main: impl Fn(Sim, Address, Arc<Counts>) -> F + Send + Sync) {
    let networks = [Network::perfect(), Network::default(), Network { resets: 0.0, ..Network::rough() }];
    for seed in 0..30 {
        let config = Config::new().timeout_graceful_shutdown(SECOND);
        let simulation = Simulation::new(seed).network(networks[seed as usize % 3].clone());
        let app = |_: &Sim| Stuck(Arc::default());
        serve(simulation, &config, app, async |sim, app, address| main(sim, address, app.0.clone()).await);
    }
}

/// Sends as much as the server takes: the rest stays with the client.
async fn flood(sim: &Sim, client: &mut Client, bytes: &[u8]) {
    assert!(sim.timeout(5 * SECOND, client.send(bytes)).await.is_none(), "the server reads all");
}

/// An upload that is not read, and pipelined requests behind one that is not answered.
fn floods() -> [Vec<u8>; 2] {
    let upload = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", 4 << 20);
    [
        [upload.into_bytes(), vec![b'x'; 4 << 20]].concat(),
        "GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(150_000).into_bytes(),
    ]
}

#[test]
fn a_client_that_resets_with_its_input_unread_ends_its_handler() {
    for flood_of in floods() {
        run(async |sim, address, counts| {
            let mut client = Client::connect(&sim, &address).await.expect("it listens");
            flood(&sim, &mut client, &flood_of).await;
            assert_eq!(counts.running.load(Relaxed), 1);
            client.reset();
            sim.pause(2 * SECOND).await;
            assert_eq!((counts.running.load(Relaxed), sim.accepted()), (0, 0));
        });
    }
}

#[test]
fn a_client_that_half_closes_with_its_input_unread_is_reported() {
    for flood_of in floods() {
        run(async |sim, address, counts| {
            let mut stream = sim.connect(&address).await.expect("it listens");
            // As much as the server takes, so that the end comes behind unread bytes.
            let mut rest = &flood_of[..];
            let all = async {
                while !rest.is_empty() {
                    rest = &rest[poll_fn(|cx| stream.poll_write(cx, rest)).await.expect("it is open")..];
                }
            };
            assert!(sim.timeout(5 * SECOND, all).await.is_none(), "the server reads all");
            assert_eq!(counts.half_closed.load(Relaxed), 0);
            poll_fn(|cx| stream.poll_close(cx)).await.expect("it is open");
            sim.pause(2 * SECOND).await;
            assert_eq!((counts.half_closed.load(Relaxed), counts.running.load(Relaxed)), (1, 1));
        });
    }
}

#[test]
fn a_websocket_client_that_resets_with_a_full_queue_ends_the_websocket() {
    const HANDSHAKE: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // A binary message of 1000 zeros, masked with zeros.
    let frame = [&[0x82, 0xfe, 0x03, 0xe8, 0, 0, 0, 0][..], &[0; 1000]].concat();
    run(async |sim, address, counts| {
        let mut client = Client::connect(&sim, &address).await.expect("it listens");
        client.send(HANDSHAKE).await.expect("it is open");
        assert_eq!(client.answer_to_connect().await.expect("an answer").status, 101);
        flood(&sim, &mut client, &frame.repeat(4000)).await;
        assert_eq!(counts.running.load(Relaxed), 1);
        client.reset();
        sim.pause(2 * SECOND).await;
        assert_eq!((counts.running.load(Relaxed), sim.accepted()), (0, 0));
    });
}
