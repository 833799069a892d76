//! WebSocket handlers that only send: they learn that the client has left, and do not outlive it by more than a timer.

mod common;

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU16, AtomicUsize};
use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response, WebSocket};
use stelo_core::ws::CloseCode;
use stelo_runtime::{Address, Runtime as _, Stream as _};
use stelo_server::Config;
use stelo_sim::{Client, Network, Sim, Simulation};

use crate::common::serve;

const SECOND: Duration = Duration::from_secs(1);

const HANDSHAKE: &str = "GET /PATH HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A close frame of 1001, masked with zeros.
const CLOSE: [u8; 8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9];

/// A text of three bytes, masked with zeros.
const TEXT: [u8; 9] = [0x81, 0x83, 0, 0, 0, 0, b'a', b'b', b'c'];

/// The way in which a client leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Leave {
    Reset,
    /// Ends its side without a close frame.
    End,
    /// Completes the closing handshake.
    Close,
}

const WAYS: [Leave; 3] = [Leave::Reset, Leave::End, Leave::Close];

#[derive(Default)]
struct Counts {
    running: AtomicUsize,
    code: AtomicU16,
}

/// Counts down when it is dropped.
struct Counted(Arc<Counts>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

/// Handlers that wait for something to send, which never comes. That of `/closed` waits for the end too.
struct Quiet(Arc<Counts>);

impl App for Quiet {
    fn call(&self, request: Request) -> Reply {
        let counts = self.0.clone();
        let waits = request.head().path() == "/closed";
        Response::websocket(async move |socket: WebSocket| {
            counts.running.fetch_add(1, Relaxed);
            let counted = Counted(counts);
            match waits {
                true => counted.0.code.store(socket.closed().await.code.0, Relaxed),
                false => pending().await,
            }
        })
        .into()
    }
}

/// Runs a server, and `main` with its address, on several networks.
fn run<F: Future<Output = ()>>(config: &Config, main: impl Fn(Sim, Address, Arc<Counts>) -> F + Send + Sync) {
    let slow = Network { resets: 0.0, accept_failures: 0.0, ..Network::rough() };
    let networks = [Network::perfect(), Network::default(), slow];
    for seed in 0..12 {
        let simulation = Simulation::new(seed).network(networks[seed as usize % 3].clone());
        let app = |_: &Sim| Quiet(Arc::default());
        serve(simulation, config, app, async |sim, app, address| main(sim, address, app.0.clone()).await);
    }
}

/// Opens a WebSocket. Returns the status of the answer, too.
async fn open(sim: &Sim, address: &Address, path: &str) -> (Client, u16) {
    let mut client = Client::connect(sim, address).await.expect("it listens");
    client.send(HANDSHAKE.replace("PATH", path)).await.expect("it is open");
    let status = client.answer_to_connect().await.expect("an answer").status;
    (client, status)
}

async fn leave(mut client: Client, way: Leave) {
    match way {
        Leave::Reset => client.reset(),
        Leave::End => {
            client.finish().await.expect("it is open");
            client.drain().await;
        }
        Leave::Close => {
            client.send(CLOSE).await.expect("it is open");
            client.drain().await;
        }
    }
}

#[test]
fn a_handler_that_only_sends_is_dropped_after_its_client_has_left() {
    for way in WAYS {
        run(&Config::new(), async |sim, address, counts| {
            let (client, status) = open(&sim, &address, "quiet").await;
            assert_eq!(status, 101);
            leave(client, way).await;
            sim.pause(8 * SECOND).await;
            // The connection is gone, and the handler has its time.
            assert_eq!((counts.running.load(Relaxed), sim.accepted()), (1, 0), "{way:?}");
            sim.pause(4 * SECOND).await;
            assert_eq!(counts.running.load(Relaxed), 0, "{way:?}");
        });
    }
}

#[test]
fn a_handler_that_waits_for_the_end_learns_of_it_at_once() {
    for (way, code) in WAYS.into_iter().zip([
        CloseCode::ABNORMAL_CLOSURE,
        CloseCode::ABNORMAL_CLOSURE,
        CloseCode::GOING_AWAY,
    ]) {
        // Messages that the handler does not receive do not delay it.
        for messages in [0, 3, 30] {
            run(&Config::new(), async |sim, address, counts| {
                let (mut client, _) = open(&sim, &address, "closed").await;
                client.send(TEXT.repeat(messages)).await.expect("it is open");
                leave(client, way).await;
                sim.pause(3 * SECOND).await;
                let heard = (counts.running.load(Relaxed), counts.code.load(Relaxed));
                assert_eq!(heard, (0, code.0), "{way:?} after {messages} messages");
            });
        }
    }
}

#[test]
fn a_handler_that_waits_for_the_end_learns_of_it_behind_a_full_queue() {
    run(&Config::new(), async |sim, address, counts| {
        let mut stream = sim.connect(&address).await.expect("it listens");
        let bytes = [HANDSHAKE.replace("PATH", "closed").into_bytes(), TEXT.repeat(300_000)].concat();
        let mut rest = &bytes[..];
        let all = async {
            while !rest.is_empty() {
                rest = &rest[poll_fn(|cx| stream.poll_write(cx, rest)).await.expect("it is open")..];
            }
        };
        assert!(sim.timeout(5 * SECOND, all).await.is_none(), "the server reads all");
        assert_eq!(counts.running.load(Relaxed), 1);
        poll_fn(|cx| stream.poll_close(cx)).await.expect("it is open");
        sim.pause(2 * SECOND).await;
        assert_eq!((counts.running.load(Relaxed), sim.accepted()), (0, 0));
    });
}

#[test]
fn clients_that_come_and_go_leave_no_handlers() {
    run(&Config::new(), async |sim, address, counts| {
        for n in 0..300 {
            let (client, status) = open(&sim, &address, "quiet").await;
            assert_eq!(status, 101);
            leave(client, WAYS[n % 3]).await;
        }
        sim.pause(12 * SECOND).await;
        assert_eq!((counts.running.load(Relaxed), sim.accepted()), (0, 0));
    });
}

#[test]
fn handlers_whose_clients_have_left_count_as_connections() {
    run(&Config::new().limit_concurrency(5), async |sim, address, counts| {
        for n in 0..5 {
            let (client, status) = open(&sim, &address, "quiet").await;
            assert_eq!(status, 101);
            leave(client, WAYS[n % 3]).await;
        }
        // On a slow network the first may have been dropped meanwhile.
        let running = counts.running.load(Relaxed);
        let (client, status) = open(&sim, &address, "quiet").await;
        assert_eq!(status, if running == 5 { 503 } else { 101 });
        client.reset();
        sim.pause(12 * SECOND).await;
        assert_eq!(counts.running.load(Relaxed), 0);
        assert_eq!(open(&sim, &address, "closed").await.1, 101);
    });
}

#[test]
fn a_shutdown_does_not_wait_for_them_longer() {
    run(&Config::new().timeout_graceful_shutdown(60 * SECOND), async |sim, address, counts| {
        let (client, _) = open(&sim, &address, "quiet").await;
        leave(client, Leave::Close).await;
        let server_stops = sim.now();
        sim.signal(stelo_runtime::Signal::Terminate);
        while counts.running.load(Relaxed) > 0 {
            sim.pause(SECOND / 10).await;
        }
        assert!(sim.now() - server_stops < 12 * SECOND);
    });
}
