//! The timers of a connection, the background tasks of its responses, and pauses of the accept loop.

mod common;

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;
use stelo_core::app::{App, BoxError, Reply, Request, Response};
use stelo_core::body::{Body, BodyError, File, Length, Piece, Region};
use stelo_core::h1::Timeouts;
use stelo_core::http::date;
use stelo_runtime::{Address, Runtime as _};
use stelo_server::Config;
use stelo_sim::{Broken, Client, Handle, Network, Sim, Simulation, Sleep};

use crate::common::serve;

const SECOND: Duration = Duration::from_secs(1);
const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// The size of a response that exceeds the buffers of server and network.
const LARGE: usize = 1 << 20;

/// Answers by path.
#[derive(Clone)]
struct Site {
    sim: Sim,
    /// The background tasks that have completed.
    done: Arc<AtomicUsize>,
}

impl App for Site {
    fn call(&self, request: Request) -> Reply {
        let path = request.head().path().to_owned();
        let (_, body, _) = request.into_parts();
        match path.as_str() {
            "/large" => Response::new(vec![b'x'; LARGE]).into(),
            "/background" | "/background/large" => {
                let (sim, done) = (self.sim.clone(), self.done.clone());
                let task = async move {
                    sim.pause(SECOND).await;
                    done.fetch_add(1, Relaxed);
                };
                let size = if path == "/background" { 1 } else { LARGE };
                Response { background: Some(Box::pin(task)), ..Response::new(vec![b'x'; size]) }.into()
            }
            "/interrupted" => Response::new(interrupted(&self.sim, body)).into(),
            "/never" => Reply::future(pending()),
            // The request body, if there is one.
            _ => Reply::future(async move {
                let body = body.collect(100).await.unwrap_or_default();
                Response::new(body)
            }),
        }
    }
}

/// Runs a server, and `main` with its address, for some seeds.
fn run<F: Future<Output = ()>>(
    config: &Config,
    network: &Network,
    main: impl Fn(Site, Address) -> F + Send + Sync,
) {
    for seed in 0..5 {
        let app = |sim: &Sim| Site { sim: sim.clone(), done: Arc::default() };
        let simulation = Simulation::new(seed).network(network.clone());
        serve(simulation, config, app, async |_, site, address| main(Site::clone(&site), address).await);
    }
}

async fn connect(sim: &Sim, address: &Address) -> Client {
    Client::connect(sim, address).await.expect("it listens")
}

/// Whether a timer of `timeout` has fired at its time. Network and system calls take some microseconds.
fn in_time(took: Duration, timeout: Duration) -> bool {
    took + Duration::from_millis(2) >= timeout && took < timeout + Duration::from_millis(100)
}

#[test]
fn each_timer_fires_at_its_time_whatever_the_others_are() {
    for [head, keep_alive, body] in [[2, 5, 9], [2, 9, 5], [5, 2, 9], [5, 9, 2], [9, 2, 5], [9, 5, 2]] {
        let [head, keep_alive, body] = [head, keep_alive, body].map(Duration::from_secs);
        let timeouts = Timeouts::DEFAULT.head(head).keep_alive(keep_alive).body(body);
        let config = Config::new().http_timeouts(timeouts);
        run(&config, &Network::perfect(), async |Site { sim, .. }, address| {
            let answered = async |request: &str| {
                let mut client = connect(&sim, &address).await;
                if !request.is_empty() {
                    client.send(request).await.expect("it is open");
                    assert_eq!(client.answer().await.expect("an answer").status, 200);
                }
                (client, sim.now())
            };
            // The timer of an idle connection is earlier or later than that of the first head, or of the body.
            let upload = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi";
            for (request, timeout) in [("", head), (GET, keep_alive), (upload, keep_alive)] {
                let (mut client, since) = answered(request).await;
                assert_eq!(client.answer().await.expect_err("no request"), Broken::Closed);
                let took = sim.now() - since;
                assert!(in_time(took, timeout), "{request:?}: {took:?}, {timeouts:?}");
            }
            // A request that stops, in its head or its body, behind another or not.
            for before in ["", GET] {
                for (part, timeout) in [(GET.len() - 4, head), (upload.len() - 1, body)] {
                    let (mut client, _) = answered(before).await;
                    sim.pause(SECOND).await;
                    let since = sim.now();
                    let request = if timeout == head { GET } else { upload };
                    client.send(&request[..part]).await.expect("it is open");
                    let answer = client.answer().await.expect("an answer");
                    let mut took = sim.now() - since;
                    if timeout == head && before.is_empty() {
                        // The time of the first head begins with the connection.
                        took += SECOND;
                    }
                    assert!(in_time(took, timeout), "{before:?} {part}: {took:?}, {timeouts:?}");
                    assert_eq!(answer.status, if timeout == head { 408 } else { 200 });
                }
            }
        });
    }
}

#[test]
fn a_slow_reader_gets_a_response_that_takes_longer_than_the_write_timeout() {
    run(&Config::new(), &Network::perfect(), async |Site { sim, .. }, address| {
        let mut client = connect(&sim, &address).await;
        client.send("GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is open");
        let (since, mut left) = (sim.now(), LARGE);
        while left > 0 {
            let n = left.min(50_000);
            client.bytes(n).await.expect("the response goes on");
            left -= n;
            sim.pause(Timeouts::DEFAULT.write - 5 * SECOND).await;
        }
        assert!(sim.now() - since > 10 * Timeouts::DEFAULT.write);
    });
}

#[test]
fn a_reader_that_stops_ends_the_response() {
    run(&Config::new(), &Network::perfect(), async |Site { sim, .. }, address| {
        let mut client = connect(&sim, &address).await;
        client.send("GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is open");
        client.bytes(1000).await.expect("the response begins");
        sim.pause(Timeouts::DEFAULT.write + SECOND).await;
        assert_eq!(sim.accepted(), 0);
    });
}

#[test]
fn background_tasks_run_when_the_client_leaves_before_the_response_is_written() {
    run(&Config::new(), &Network::perfect(), async |Site { sim, done }, address| {
        for (number, path) in ["/background", "/background/large"].into_iter().enumerate() {
            let mut client = connect(&sim, &address).await;
            client.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")).await.expect("it is open");
            sim.pause(SECOND / 2).await;
            client.reset();
            sim.pause(2 * SECOND).await;
            assert_eq!((done.load(Relaxed), sim.accepted()), (number + 1, 0), "{path}");
        }
        // A handler that is dropped has no response, and no background task.
        let mut client = connect(&sim, &address).await;
        client.send("GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is open");
        client.reset();
        sim.pause(2 * SECOND).await;
        assert_eq!((done.load(Relaxed), sim.accepted()), (2, 0));
    });
}

#[test]
fn the_date_is_that_of_the_response() {
    run(&Config::new(), &Network::perfect(), async |Site { sim, .. }, address| {
        let mut client = connect(&sim, &address).await;
        for pause in [1, 300, 999, 2500, 50, 4000, 700] {
            let seconds = || sim.unix_time().as_secs();
            let earliest = seconds();
            client.send(GET).await.expect("it is open");
            let answer = client.answer().await.expect("an answer");
            let date = answer.field("date").expect("a date").as_bytes().to_vec();
            assert!(
                (earliest..=seconds()).any(|at| date::format(at)[..] == date),
                "{:?}",
                answer.field("date")
            );
            sim.pause(Duration::from_millis(pause)).await;
        }
    });
}

#[test]
fn the_last_request_that_the_limit_allows_stops_the_server() {
    run(&Config::new().limit_max_requests(3), &Network::perfect(), async |Site { sim, .. }, address| {
        let mut client = connect(&sim, &address).await;
        for _ in 0..3 {
            client.send(GET).await.expect("it is open");
            assert_eq!(client.answer().await.expect("an answer").status, 200);
            sim.pause(SECOND).await;
        }
        client.queue(GET);
        client.answer().await.expect_err("the server has stopped");
        Client::connect(&sim, &address).await.expect_err("it listens no more");
    });
}

#[test]
fn a_failed_accept_is_tried_again_after_a_pause() {
    // No accept succeeds: half of them fail for the lack of a descriptor, the others lose their connection.
    let network = Network { accept_failures: 1.0, ..Network::perfect() };
    run(&Config::new(), &network, async |Site { sim, .. }, address| {
        const CLIENTS: usize = 20;
        let since = sim.now();
        for _ in 0..CLIENTS {
            let mut client = connect(&sim, &address).await;
            assert_eq!(client.answer().await.expect_err("nothing is accepted"), Broken::Reset);
        }
        // Some 20 failures, with pauses from 100 ms to 1.6 s. Without them all of it takes 2 ms.
        assert!(sim.now() - since > 2 * SECOND, "{:?}", sim.now() - since);
    });
}

/// A request body that two parties read: a file while the connection writes it, then the response.
type Shared = Arc<Mutex<Body>>;

/// Takes all pieces of the body that have arrived. Returns whether it is complete.
fn read(body: &Shared, cx: &mut Context<'_>) -> Poll<()> {
    let mut body = body.lock().expect("no panic");
    loop {
        match body.poll_frame(cx) {
            Poll::Ready(Some(frame)) => drop(frame.expect("the body is complete")),
            Poll::Ready(None) => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
    }
}

/// A file of one byte. Reading it takes the request body.
struct Reads(Shared);

impl File for Reads {
    fn read_at(&self, buf: &mut [u8], _: u64) -> Result<usize, BoxError> {
        // Without a waker, as a reader in another task has its own.
        let _ = read(&self.0, &mut Context::from_waker(Waker::noop()));
        buf[0] = b'x';
        Ok(1)
    }
}

/// A response body: the file after a second, and the end when another task has read the request body.
struct Interrupted {
    body: Shared,
    file: Option<Sleep>,
    rest: Handle<()>,
}

fn interrupted(sim: &Sim, body: Body) -> Body {
    let body = Arc::new(Mutex::new(body));
    let (shared, pause) = (body.clone(), sim.pause(2 * SECOND));
    // A task of its own, so that nothing but the demand wakes the connection.
    let rest = sim.start(async move {
        pause.await;
        poll_fn(|cx| read(&shared, cx)).await;
    });
    let pieces = Interrupted { body, file: Some(sim.pause(SECOND)), rest };
    Body::from_pieces(pieces, Length::Unknown)
}

impl Stream for Interrupted {
    type Item = Result<Piece, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(sleep) = &mut this.file {
            if pin!(sleep).poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.file = None;
            let file = Arc::new(Reads(this.body.clone()));
            return Poll::Ready(Some(Ok(Piece::Region(Region::new(file, 0, 1)))));
        }
        pin!(&mut this.rest).poll(cx).map(|()| None)
    }
}

/// Another thread can read the request body after the connection has looked at the demand, and before it waits. Here
/// the file that the connection writes does so.
#[test]
fn a_reader_that_asks_just_before_the_connection_waits_gets_the_body() {
    run(&Config::new(), &Network::perfect(), async |Site { sim, .. }, address| {
        let mut client = connect(&sim, &address).await;
        client.queue(format!("POST /interrupted HTTP/1.1\r\nhost: a\r\ncontent-length: {LARGE}\r\n\r\n"));
        client.queue(vec![b'x'; LARGE]);
        // Two seconds for the pauses. A connection whose wake-up is lost wakes up for its first timer, after ten.
        let answer = sim.timeout(4 * SECOND, client.answer()).await.expect("it does not hang");
        assert_eq!(answer.expect("an answer").body, b"x");
    });
}
