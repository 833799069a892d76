//! Tunnels over real sockets: their timer, and the limit of connections.

use std::sync::Arc;
use std::time::Duration;

use stelo_core::app::{App, Executor, Reply, Request, Response, Upgrade};
use stelo_core::http::Status;
use stelo_tests::{Client, News, On, Running, cases, config};
use stelo_toolkit::dependencies::{Dependency, Depends};
use stelo_toolkit::request::Parts;
use stelo_toolkit::{HttpError, State, get};

cases!(
    an_idle_tunnel_is_closed,
    a_tunnel_that_carries_bytes_stays_open,
    tunnels_over_the_limit_are_refused,
    a_tunnel_that_another_task_has_is_closed_when_it_is_idle,
    the_work_after_a_tunnel_runs_at_its_end,
);

/// Opens a tunnel that echoes, at `/handed` in a task of its own. Tells its end.
struct Tunnels(News);

impl App for Tunnels {
    fn call(&self, request: Request) -> Reply {
        let executor = request.context().connection().executor.clone();
        tunnel(self.0.clone(), (request.head().path() == "/handed").then_some(executor)).into()
    }
}

/// Opens a tunnel that echoes, in a task of its own if there is an executor.
fn tunnel(news: News, executor: Option<Arc<dyn Executor>>) -> Response {
    let mut response = Response::empty(Status::SWITCHING_PROTOCOLS);
    for (name, value) in [("connection", "upgrade"), ("upgrade", "bytes")] {
        response.headers.try_append(name, value).expect("a constant is valid");
    }
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
        match executor {
            Some(executor) => executor.spawn(Box::pin(echo)),
            None => echo.await,
        }
    });
    Response { upgrade: Some(upgrade), ..response }
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

/// A dependency that tells when its work after the response runs.
#[derive(Clone)]
struct Lease;

impl Dependency for Lease {
    type Rejection = HttpError;

    async fn resolve(parts: &mut Parts) -> Result<Self, HttpError> {
        let news = parts.state::<News>().expect("the test gives one").clone();
        parts.after_response(async move { news.tell("returned") })?;
        Ok(Self)
    }
}

fn the_work_after_a_tunnel_runs_at_its_end(on: On) {
    async fn leased(_: Depends<Lease>, State(news): State<News>) -> Response {
        tunnel(news, None)
    }
    let news = News::new();
    let server = on.serve(stelo_toolkit::App::new().state(news.clone()).route("/", get(leased)));
    let (mut client, status) = open(&server, "/");
    assert_eq!(status, 101);
    client.send("ping");
    assert_eq!(client.exactly(4), b"ping");
    news.expect_silence();
    drop(client);
    news.expect("ended");
    news.expect("returned");
}
