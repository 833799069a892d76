//! Tunnels: they count as connections, and close when no bytes move for some time.

mod common;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response, Tunnel, Upgrade};
use stelo_core::http::Status;
use stelo_runtime::{Address, Runtime as _};
use stelo_server::Config;
use stelo_sim::{Client, Network, Sim, Simulation};

use crate::common::serve;

const SECOND: Duration = Duration::from_secs(1);

/// Counts down when it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Opens tunnels of several kinds, by the path.
#[derive(Clone)]
struct Tunnels {
    sim: Sim,
    running: Arc<AtomicUsize>,
}

impl Tunnels {
    async fn run(self, mut tunnel: Tunnel, kind: String) {
        self.running.fetch_add(1, Relaxed);
        let counted = Counted(self.running.clone());
        match kind.as_str() {
            "/echo" => echo(tunnel, counted).await,
            // Another task has the tunnel.
            "/handed" => drop(self.sim.start(echo(tunnel, counted))),
            // Neither reads nor writes.
            "/stuck" => {
                let _kept = (tunnel, counted);
                pending().await
            }
            // Has more to do after the tunnel.
            "/after" => {
                let _ = tunnel.close().await;
                drop(tunnel);
                let _counted = counted;
                pending().await
            }
            other => panic!("not a kind: {other}"),
        }
    }
}

async fn echo(mut tunnel: Tunnel, _counted: Counted) {
    let mut buf = [0; 100];
    while let Ok(n @ 1..) = tunnel.read(&mut buf).await {
        if tunnel.write_all(&buf[..n]).await.is_err() {
            return;
        }
    }
}

impl App for Tunnels {
    fn call(&self, request: Request) -> Reply {
        let kind = request.head().path().to_owned();
        if kind == "/" {
            return Response::new("hello").into();
        }
        let mut response = Response::empty(Status::SWITCHING_PROTOCOLS);
        for (name, value) in [("connection", "upgrade"), ("upgrade", "bytes")] {
            response.headers.try_append(name, value).expect("a constant is valid");
        }
        let this = self.clone();
        Response { upgrade: Some(Upgrade::tunnel(|tunnel| this.run(tunnel, kind))), ..response }.into()
    }
}

/// Runs a server, and `main` with its address, for some seeds.
fn run<F: Future<Output = ()>>(config: &Config, main: impl Fn(Tunnels, Address) -> F + Send + Sync) {
    for seed in 0..10 {
        let app = |sim: &Sim| Tunnels { sim: sim.clone(), running: Arc::default() };
        let simulation = Simulation::new(seed).network(Network::perfect());
        serve(simulation, config, app, async |_, app, address| main(Tunnels::clone(&app), address).await);
    }
}

/// Asks for a tunnel. Returns the status of the answer, too.
async fn open(app: &Tunnels, address: &Address, kind: &str) -> (Client, u16) {
    let mut client = Client::connect(&app.sim, address).await.expect("it listens");
    let request =
        format!("GET {kind} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: bytes\r\n\r\nahead");
    client.send(request).await.expect("it is open");
    let status = client.answer_to_connect().await.expect("an answer").status;
    (client, status)
}

#[test]
fn an_idle_tunnel_is_closed() {
    for kind in ["/echo", "/handed", "/stuck"] {
        run(&Config::new(), async |app, address| {
            let (mut client, status) = open(&app, &address, kind).await;
            assert_eq!(status, 101);
            app.sim.pause(599 * SECOND).await;
            assert_eq!((app.running.load(Relaxed), app.sim.accepted()), (1, 1), "{kind}");
            client.drain().await;
            app.sim.pause(SECOND).await;
            assert_eq!((app.running.load(Relaxed), app.sim.accepted()), (0, 0), "{kind}");
        });
    }
}

#[test]
fn bytes_keep_a_tunnel_open() {
    for kind in ["/echo", "/handed"] {
        run(&Config::new(), async |app, address| {
            let (mut client, _) = open(&app, &address, kind).await;
            assert_eq!(client.bytes(5).await.expect("what was sent ahead"), b"ahead");
            for _ in 0..10 {
                app.sim.pause(500 * SECOND).await;
                client.send("ping").await.expect("it is open");
                assert_eq!(client.bytes(4).await.expect("an echo"), b"ping", "{kind}");
            }
            drop(client);
            app.sim.pause(SECOND).await;
            assert_eq!((app.running.load(Relaxed), app.sim.accepted()), (0, 0), "{kind}");
        });
    }
}

#[test]
fn the_timer_can_be_off() {
    run(&Config::new().timeout_tunnel_idle(None), async |app, address| {
        let (mut client, _) = open(&app, &address, "/echo").await;
        app.sim.pause(100_000 * SECOND / 2).await;
        client.send("ping").await.expect("it is open");
        assert_eq!(client.bytes(9).await.expect("an echo"), b"aheadping");
    });
}

#[test]
fn tunnels_count_as_connections() {
    for kind in ["/echo", "/handed"] {
        run(&Config::new().limit_concurrency(3), async |app, address| {
            let mut open_ones = Vec::new();
            for _ in 0..3 {
                let (client, status) = open(&app, &address, kind).await;
                assert_eq!(status, 101);
                open_ones.push(client);
            }
            assert_eq!(open(&app, &address, kind).await.1, 503, "{kind}");
            drop(open_ones);
            app.sim.pause(SECOND).await;
            assert_eq!(open(&app, &address, kind).await.1, 101, "{kind}");
        });
    }
}

#[test]
fn an_application_does_not_outlive_its_tunnel() {
    run(&Config::new(), async |app, address| {
        let (mut client, _) = open(&app, &address, "/after").await;
        client.drain().await;
        app.sim.pause(9 * SECOND).await;
        assert_eq!((app.running.load(Relaxed), app.sim.accepted()), (1, 0));
        app.sim.pause(2 * SECOND).await;
        assert_eq!(app.running.load(Relaxed), 0);
    });
}

#[test]
fn the_end_of_the_server_closes_tunnels() {
    for kind in ["/echo", "/handed", "/stuck"] {
        let config = Config::new().timeout_graceful_shutdown(5 * SECOND);
        run(&config, async |app, address| {
            let (mut client, _) = open(&app, &address, kind).await;
            let start = app.sim.now();
            app.sim.signal(stelo_runtime::Signal::Terminate);
            client.drain().await;
            let took = app.sim.now() - start;
            assert!((5 * SECOND..6 * SECOND).contains(&took), "{kind}: {took:?}");
            app.sim.pause(SECOND).await;
            assert_eq!(app.running.load(Relaxed), 0, "{kind}");
        });
    }
}
