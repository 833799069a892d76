//! Outgoing connections, name resolution and hang-ups, simulated.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use stelo_runtime::{Address, Bind, Hangup, Listener, Runtime, Stream};
use stelo_sim::{Network, Report, Route, Sim, Simulation};

fn run<T: Send, F: Future<Output = T>>(seed: u64, main: impl FnOnce(Sim) -> F + Send) -> Report<T> {
    Simulation::new(seed).network(Network::perfect()).run(main).expect("it completes")
}

fn address(port: u16) -> Address {
    Address::Ip(SocketAddr::from(([10, 0, 0, 1], port)))
}

/// Accepts one connection at the address.
async fn accept(sim: &Sim, port: u16) -> stelo_sim::Stream {
    let socket = sim.bind(&Bind::Tcp(SocketAddr::from(([10, 0, 0, 1], port)))).expect("the address is free");
    let mut listener = sim.listen(socket, 8).expect("it is bound");
    poll_fn(|cx| listener.poll_accept(cx)).await.expect("a client connects")
}

/// Returns a connection, the accepted end first.
async fn pair(sim: &Sim) -> (stelo_sim::Stream, stelo_sim::Stream) {
    let server = sim.start({
        let sim = sim.clone();
        async move { accept(&sim, 80).await }
    });
    let mut client = sim.connect(&address(80)).await;
    while client.is_err() {
        // The server has not started to listen yet.
        client = sim.connect(&address(80)).await;
    }
    (server.await, client.expect("checked by the loop"))
}

async fn hangup(stream: &mut stelo_sim::Stream) -> Hangup {
    poll_fn(|cx| stream.poll_hangup(cx)).await
}

async fn write(stream: &mut stelo_sim::Stream, bytes: &[u8]) {
    let n = poll_fn(|cx| stream.poll_write(cx, bytes)).await.expect("the peer is there");
    assert_eq!(n, bytes.len());
}

#[test]
fn attempts_fail_as_the_route_says() {
    let report = run(1, async |sim| {
        for (route, kind, at_least) in [
            (Route::Open, ErrorKind::ConnectionRefused, Duration::ZERO),
            (Route::Unreachable, ErrorKind::HostUnreachable, Duration::ZERO),
            (Route::Silent, ErrorKind::TimedOut, Duration::from_secs(127)),
        ] {
            sim.set_route(&address(80), route);
            let start = sim.now();
            assert_eq!(sim.connect(&address(80)).await.unwrap_err().kind(), kind, "{route:?}");
            assert!(sim.now() - start >= at_least, "{route:?}");
        }
        let missing = Address::Unix("missing".into());
        assert_eq!(sim.connect(&missing).await.unwrap_err().kind(), ErrorKind::NotFound);
        sim.set_route(&address(80), Route::Open);
        pair(&sim).await;
    });
    assert_eq!(report.sockets, 0);
}

#[test]
fn a_dropped_attempt_leaves_nothing() {
    let report = run(2, async |sim| {
        let socket = sim.bind(&Bind::Tcp(SocketAddr::from(([10, 0, 0, 1], 80)))).unwrap();
        let mut listener = sim.listen(socket, 8).unwrap();
        let mut connecting = Box::pin(sim.connect(&address(80)));
        poll_fn(|cx| {
            assert!(connecting.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(connecting);
        let accepted = sim.timeout(Duration::from_secs(60), poll_fn(|cx| listener.poll_accept(cx))).await;
        assert!(accepted.is_none());
    });
    assert_eq!(report.sockets, 0);
}

#[test]
fn names_come_from_the_table() {
    run(3, async |sim| {
        let hosts = ["10.0.0.1", "10.0.0.2"].map(|host| host.parse().unwrap());
        assert!(sim.resolve("db.test", 1).await.is_err());
        sim.set_host("db.test", &hosts);
        assert_eq!(sim.resolve("db.test", 1).await.unwrap(), hosts.map(|host| SocketAddr::new(host, 1)));
        let local = sim.resolve("localhost", 2).await.unwrap();
        assert!(local.iter().all(|address| address.ip().is_loopback() && address.port() == 2));
        assert_eq!(sim.resolve("::1", 3).await.unwrap(), ["[::1]:3".parse().unwrap()]);
    });
}

#[test]
fn a_hangup_is_seen_with_unread_bytes() {
    run(4, async |sim| {
        let (mut server, mut client) = pair(&sim).await;
        write(&mut client, b"unread").await;
        assert!(sim.timeout(Duration::from_secs(60), hangup(&mut server)).await.is_none());
        drop(client);
        assert_eq!(hangup(&mut server).await, Hangup::HalfClosed);
        let mut buf = [0; 8];
        assert_eq!(poll_fn(|cx| server.poll_read(cx, &mut buf)).await.unwrap(), 6);
        assert_eq!(hangup(&mut server).await, Hangup::HalfClosed);

        let (mut server, client) = pair(&sim).await;
        client.reset();
        assert_eq!(hangup(&mut server).await, Hangup::Gone);
    });
}

#[test]
fn a_connection_closed_on_both_sides_is_gone() {
    run(5, async |sim| {
        let (mut server, mut client) = pair(&sim).await;
        poll_fn(|cx| client.poll_close(cx)).await.unwrap();
        assert_eq!(hangup(&mut server).await, Hangup::HalfClosed);
        write(&mut server, b"answer").await;
        poll_fn(|cx| server.poll_close(cx)).await.unwrap();
        assert_eq!((hangup(&mut server).await, hangup(&mut client).await), (Hangup::Gone, Hangup::Gone));
    });
}
