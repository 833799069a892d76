//! Tunnels over real sockets: their timer, and the limit of connections.

use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response, Upgrade};
use stelo_core::http::Status;
use stelo_tests::{Client, News, On, Running, cases, config};

cases!(
    an_idle_tunnel_is_closed,
    a_tunnel_that_carries_bytes_stays_open,
    tunnels_over_the_limit_are_refused,
    a_tunnel_that_another_task_has_is_closed_when_it_is_idle,
);

/// Opens a tunnel that echoes, at `/handed` in a task of its own. Tells its end.
struct Tunnels(News);

impl App for Tunnels {
    fn call(&self, request: Request) -> Reply {
        let mut response = Response::empty(Status::SWITCHING_PROTOCOLS);
        for (name, value) in [("connection", "upgrade"), ("upgrade", "bytes")] {
            response.headers.try_append(name, value).expect("a constant is valid");
        }
        let news = self.0.clone();
        let executor = request.context().connection().executor.clone();
        let handed = request.head().path() == "/handed";
        let upgrade = Upgrade::tunnel(move |mut tunnel| async move {
            let told = news.last_word("ended");
            let echo = async move {
                let _told = told;
                let mut buf = [0; 100];
                while let Ok(n @ 1..) = tunnel.read(&mut buf).await {
                    if tunnel.write_all(&buf[..n]).await.is_err() {
                        return;
                    }
                }
            };
            match handed {
                true => executor.spawn(Box::pin(echo)),
                false => echo.await,
            }
        });
        Response { upgrade: Some(upgrade), ..response }.into()
    }
}

/// Asks for a tunnel. Returns the status of the answer, too.
fn open(server: &Running, path: &str) -> (Client, u16) {
    let mut client = server.connect();
    client.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: bytes\r\n\r\n"));
    let status = client.head().expect("an answer").status;
    (client, status)
}

fn closes_when_idle(on: On, path: &str) {
    let news = News::new();
    let config = config().timeout_tunnel_idle(Some(Duration::from_millis(100)));
    let server = on.serve_with(config, Tunnels(news.clone()));
    let (mut client, status) = open(&server, path);
    assert_eq!(status, 101);
    client.expect_end();
    news.expect("ended");
}

fn an_idle_tunnel_is_closed(on: On) {
    closes_when_idle(on, "/");
}

fn a_tunnel_that_another_task_has_is_closed_when_it_is_idle(on: On) {
    closes_when_idle(on, "/handed");
}

fn a_tunnel_that_carries_bytes_stays_open(on: On) {
    let news = News::new();
    let server = on.serve(Tunnels(news.clone()));
    let (mut client, _) = open(&server, "/");
    for _ in 0..3 {
        client.send("ping");
        assert_eq!(client.exactly(4), b"ping");
    }
    drop(client);
    news.expect("ended");
}

fn tunnels_over_the_limit_are_refused(on: On) {
    let news = News::new();
    let server = on.serve_with(config().limit_concurrency(3), Tunnels(news.clone()));
    let tunnels: Vec<_> = (0..3).map(|_| open(&server, "/")).collect();
    assert!(tunnels.iter().all(|(_, status)| *status == 101));
    let mut fourth = server.connect();
    assert_eq!(fourth.get("/").status, 503);
    drop(tunnels);
    for _ in 0..3 {
        news.expect("ended");
    }
}
