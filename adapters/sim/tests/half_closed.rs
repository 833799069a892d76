//! A client that has ended its side: the responses that it still gets, and the end of its handler.

mod common;

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::body::{Body, Length};
use stelo_runtime::{Address, Runtime as _, Stream as _};
use stelo_server::Config;
use stelo_sim::{Client, Network, Sim, Simulation};

use crate::common::serve;

const SECOND: Duration = Duration::from_secs(1);

/// The pieces of a streamed body, one every 3 seconds.
const PIECES: usize = 8;

#[derive(Clone)]
struct Slow {
    sim: Sim,
    running: Arc<AtomicUsize>,
}

/// Counts down when it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Slow {
    /// Streams pieces; the task ends when the body is dropped.
    fn stream(&self, length: Length) -> Response {
        let (sender, body) = Body::channel(length);
        let (sim, counted) = (self.sim.clone(), self.counted());
        self.sim.start(async move {
            let _counted = counted;
            for _ in 0..PIECES {
                if sender.send("piece").await.is_err() {
                    return;
                }
                sim.pause(3 * SECOND).await;
            }
            sender.finish();
        });
        Response::new(body)
    }

    fn counted(&self) -> Counted {
        self.running.fetch_add(1, Relaxed);
        Counted(self.running.clone())
    }
}

impl App for Slow {
    fn call(&self, request: Request) -> Reply {
        let (this, counted) = (self.clone(), self.counted());
        let path = request.head().path().to_owned();
        Reply::future(async move {
            let _counted = (counted, request);
            match path.as_str() {
                "/known" => this.stream(Length::Known(5 * PIECES as u64)),
                "/unknown" => this.stream(Length::Unknown),
                "/allowed" => {
                    let response = this.stream(Length::Unknown);
                    Response { body: response.body.allow_half_closed(), ..response }
                }
                "/large" => Response::new(vec![b'x'; 4 << 20]),
                "/forever" => pending().await,
                _ => {
                    this.sim.pause(9 * SECOND).await;
                    Response::new("late")
                }
            }
        })
    }
}

/// Runs a server, and `main` with its address, for some seeds.
fn run<F: Future<Output = ()>>(main: impl Fn(Slow, Address) -> F + Send + Sync) {
    for seed in 0..10 {
        let app = |sim: &Sim| Slow { sim: sim.clone(), running: Arc::default() };
        let simulation = Simulation::new(seed).network(Network::perfect());
        serve(simulation, &Config::new(), app, async |_, app, address| {
            main(Slow::clone(&app), address).await
        });
    }
}

/// Sends a request and ends the client's side.
async fn ask(app: &Slow, address: &Address, path: &str) -> Client {
    let mut client = Client::connect(&app.sim, address).await.expect("it listens");
    client.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")).await.expect("it is open");
    client.finish().await.expect("it is open");
    client
}

#[test]
fn an_answer_within_the_time_is_sent() {
    run(async |app, address| {
        let mut client = ask(&app, &address, "/late").await;
        assert_eq!(client.answer().await.expect("an answer").body, b"late");
    });
}

#[test]
fn a_handler_that_is_not_ready_in_time_is_dropped() {
    run(async |app, address| {
        let client = ask(&app, &address, "/forever").await;
        app.sim.pause(9 * SECOND).await;
        assert_eq!((app.running.load(Relaxed), app.sim.accepted()), (1, 1));
        app.sim.pause(2 * SECOND).await;
        assert_eq!((app.running.load(Relaxed), app.sim.accepted()), (0, 0));
        drop(client);
    });
}

#[test]
fn a_request_behind_the_time_is_not_waited_for() {
    run(async |app, address| {
        let mut client = Client::connect(&app.sim, &address).await.expect("it listens");
        client.send("GET /late HTTP/1.1\r\nhost: a\r\n\r\n".repeat(3)).await.expect("it is open");
        client.finish().await.expect("it is open");
        assert_eq!(client.answer().await.expect("an answer").body, b"late");
        client.answer().await.expect_err("the second comes too late");
        assert_eq!((app.running.load(Relaxed), app.sim.accepted()), (0, 0));
    });
}

#[test]
fn a_body_of_known_length_is_sent_to_its_end() {
    run(async |app, address| {
        let mut client = ask(&app, &address, "/known").await;
        assert_eq!(client.answer().await.expect("an answer").body, b"piece".repeat(PIECES));
    });
}

#[test]
fn a_body_that_is_ready_is_sent_to_its_end() {
    run(async |app, address| {
        let mut client = ask(&app, &address, "/large").await;
        // The client reads nothing for longer than the timeout, which only a slow write may end.
        app.sim.pause(15 * SECOND).await;
        assert_eq!(client.answer().await.expect("an answer").body.len(), 4 << 20);
    });
}

#[test]
fn a_stream_of_unknown_length_is_dropped_after_the_time() {
    run(async |app, address| {
        let mut client = ask(&app, &address, "/unknown").await;
        client.answer().await.expect_err("it is cut off");
        app.sim.pause(4 * SECOND).await;
        assert_eq!((app.running.load(Relaxed), app.sim.accepted()), (0, 0));
    });
}

#[test]
fn a_stream_that_allows_half_closed_clients_is_sent_to_its_end() {
    run(async |app, address| {
        let mut client = ask(&app, &address, "/allowed").await;
        assert_eq!(client.answer().await.expect("an answer").body, b"piece".repeat(PIECES));
    });
}

#[test]
fn a_stream_that_allows_half_closed_clients_ends_with_the_next_write_to_a_lost_one() {
    run(async |app, address| {
        let client = ask(&app, &address, "/allowed").await;
        app.sim.pause(SECOND).await;
        client.reset();
        // The producer learns of it with its next piece.
        app.sim.pause(7 * SECOND).await;
        assert_eq!((app.running.load(Relaxed), app.sim.accepted()), (0, 0));
    });
}

#[test]
fn the_time_runs_while_the_input_is_unread() {
    run(async |app, address| {
        let mut stream = app.sim.connect(&address).await.expect("it listens");
        let bytes = "GET /forever HTTP/1.1\r\nhost: a\r\n\r\n".repeat(4000);
        let mut rest = bytes.as_bytes();
        while !rest.is_empty() {
            rest = &rest[poll_fn(|cx| stream.poll_write(cx, rest)).await.expect("it is open")..];
        }
        poll_fn(|cx| stream.poll_close(cx)).await.expect("it is open");
        app.sim.pause(9 * SECOND).await;
        assert_eq!((app.running.load(Relaxed), app.sim.accepted()), (1, 1));
        app.sim.pause(2 * SECOND).await;
        assert_eq!((app.running.load(Relaxed), app.sim.accepted()), (0, 0));
    });
}
