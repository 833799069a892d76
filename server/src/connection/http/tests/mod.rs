//! A table of exchanges, driven by a toy protocol over the simulated network.

mod toy;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use stelo_core::app::{App, BoxFuture, Reply, Request, Response, Tunnel, Upgrade, WebSocket};
use stelo_core::body::{Body, Length};
use stelo_core::http::{Headers, Status};
use stelo_runtime::{Bind, Listener as _, Runtime, Stream as _};
use stelo_sim::{Sim, Simulation, Stream};

use super::HttpProtocol;
use super::table::Table;
use crate::Config;
use crate::connection::link::Link;
use crate::connection::transport::Transport;
use crate::stop::Stop;
use crate::thread::{Shared, Thread};
use toy::{Toy, WINDOW};

/// Answers by path.
#[derive(Default)]
struct Site {
    /// Polls of the handler of `/wait`, and wake-ups of the tasks of `/gone`.
    polls: AtomicUsize,
    /// Handlers that were dropped before they had responded.
    dropped: AtomicUsize,
}

/// Counts that it is dropped.
struct Guard(Arc<Site>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// The application, with the counters that the tests look at.
struct Serve(Arc<Site>);

impl App for Serve {
    fn call(&self, request: Request) -> Reply {
        let site = self.0.clone();
        match request.head().path() {
            "/now" => Response::new("now").into(),
            "/wait" => Reply::future(Counted { site, inner: wait(request) }),
            "/echo" => Response::new(request.into_parts().1).into(),
            "/hang" => Reply::future(async move {
                let _guard = Guard(site);
                std::future::pending().await
            }),
            "/hints" => Reply::future(async move {
                let early = Status::new(103).expect("a status");
                for _ in 0..2 {
                    request.interim().send(early, Headers::new()).await.expect("the client is there");
                }
                Response::new("late")
            }),
            "/panic" => panic!("on purpose"),
            "/gone" => Reply::future(async move {
                // Two tasks wait for the same client.
                for _ in 0..2 {
                    let (site, context) = (site.clone(), request.context().clone());
                    request.connection().executor.spawn(Box::pin(async move {
                        context.disconnected().await;
                        site.polls.fetch_add(1, Ordering::Relaxed);
                    }));
                }
                std::future::pending().await
            }),
            "/long" => Response::new(long()).into(),
            "/tunnel" => Response {
                upgrade: Some(Upgrade::tunnel(shout)),
                status: Status::SWITCHING_PROTOCOLS,
                ..Response::default()
            }
            .into(),
            "/socket" => Response::websocket(async |socket: WebSocket| {
                while let Ok(message) = socket.receive().await {
                    if socket.send(message).await.is_err() {
                        break;
                    }
                }
            })
            .into(),
            _ => Response::empty(Status::NOT_FOUND).into(),
        }
    }
}

/// Waits for a second of virtual time.
fn wait(request: Request) -> BoxFuture<Response> {
    let sleep = request.connection().executor.sleep(std::time::Duration::from_secs(1));
    Box::pin(async move {
        sleep.await;
        Response::new("waited")
    })
}

/// Counts the polls of a handler.
struct Counted {
    site: Arc<Site>,
    inner: BoxFuture<Response>,
}

impl Future for Counted {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        self.site.polls.fetch_add(1, Ordering::Relaxed);
        self.inner.as_mut().poll(cx)
    }
}

/// A body of three pieces, each as large as the window.
fn long() -> Body {
    let (sender, body) = Body::channel(Length::Unknown);
    for piece in [b'a', b'b', b'c'] {
        let frame = stelo_core::body::Frame::Data(vec![piece; WINDOW].into());
        assert!(sender.try_send(frame).is_ok());
    }
    sender.finish();
    body
}

/// Answers in capitals.
async fn shout(mut tunnel: Tunnel) {
    let mut buf = [0; 100];
    while let Ok(n @ 1..) = tunnel.read(&mut buf).await {
        if tunnel.write_all(&buf[..n].to_ascii_uppercase()).await.is_err() {
            return;
        }
    }
    let _ = tunnel.close().await;
}

/// A client of the toy protocol.
struct Client(Stream);

impl Client {
    async fn send(&mut self, stream: u8, kind: u8, payload: &[u8]) {
        let mut frame = vec![stream, kind, payload.len() as u8];
        frame.extend_from_slice(payload);
        let mut rest = &frame[..];
        while !rest.is_empty() {
            let n = poll_fn(|cx| self.0.poll_write(cx, rest)).await.expect("the server reads");
            rest = &rest[n..];
        }
    }

    async fn octets<const N: usize>(&mut self) -> [u8; N] {
        let mut buf = [0; N];
        let mut filled = 0;
        while filled < N {
            filled += match poll_fn(|cx| self.0.poll_read(cx, &mut buf[filled..])).await {
                Ok(n @ 1..) => n,
                other => panic!("no more frames: {other:?}"),
            };
        }
        buf
    }

    /// Receives a frame, as `stream kind payload`.
    async fn frame(&mut self) -> String {
        let [stream, kind, length] = self.octets().await;
        let mut payload = String::new();
        for _ in 0..length {
            let [byte] = self.octets().await;
            payload.push(byte as char);
        }
        format!("{stream}{}{payload}", kind as char)
    }

    async fn frames<const N: usize>(&mut self) -> [String; N] {
        let mut frames = [const { String::new() }; N];
        for frame in &mut frames {
            *frame = self.frame().await;
        }
        frames
    }
}

/// Runs a server of the toy protocol and a client that does `visit`.
fn run<F>(visit: impl FnOnce(Sim, Client, Arc<Site>) -> F + Send)
where
    F: Future<Output = ()> + Send,
{
    let report = Simulation::new(7).run(async move |sim: Sim| {
        let bind = Bind::Tcp(([127, 0, 0, 1], 0).into());
        let socket = sim.bind(&bind).expect("a free port");
        let address = sim.local_address(&socket).expect("an address");
        let mut listener = sim.listen(socket, 10).expect("a listener");
        let site = Arc::new(Site::default());
        let shared = Arc::new(
            Shared::new(&Config::new(), Arc::new(Serve(site.clone())), Arc::new(Stop::default()), None, None)
                .unwrap(),
        );
        let thread = Thread::new(sim.clone(), shared);
        let server = sim.start(async move {
            let io = poll_fn(|cx| listener.poll_accept(cx)).await.expect("a client");
            let mut link = Link::new(thread, Some(Transport::Plain(io)));
            let mut http: HttpProtocol<Toy, Table> = HttpProtocol::new(Toy::default(), false);
            poll_fn(|cx| link.drive(&mut http, cx)).await;
        });
        let client = Client(sim.connect(&address).await.expect("a server"));
        visit(sim.clone(), client, site).await;
        server.await;
    });
    report.expect("the simulation ends");
}

#[test]
fn streams_are_answered_as_they_become_ready() {
    run(async move |_, mut client, site| {
        client.send(1, b'H', b"GET /wait").await;
        client.send(2, b'H', b"GET /now").await;
        client.send(3, b'H', b"GET /nothing").await;
        assert_eq!(client.frames().await, ["2S200", "2Dnow", "2E", "3S404", "3E"]);
        assert_eq!(client.frames().await, ["1S200", "1Dwaited", "1E"]);
        // Once at the request, once when its timer has fired: other streams do not poll it.
        assert_eq!(site.polls.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn bodies_go_both_ways_side_by_side() {
    run(async move |_, mut client, _| {
        client.send(1, b'B', b"POST /echo").await;
        client.send(2, b'B', b"POST /echo").await;
        assert_eq!(client.frames().await, ["1S200", "2S200"]);
        client.send(2, b'D', b"two").await;
        assert_eq!(client.frame().await, "2Dtwo");
        client.send(1, b'D', b"one").await;
        client.send(1, b'E', b"").await;
        assert_eq!(client.frames().await, ["1Done", "1E"]);
        client.send(2, b'E', b"").await;
        assert_eq!(client.frame().await, "2E");
    });
}

#[test]
fn a_stream_without_a_window_waits_alone() {
    run(async move |_, mut client, _| {
        client.send(1, b'H', b"GET /long").await;
        assert_eq!(client.frames().await, ["1S200", "1Daaaaaaaa"]);
        client.send(2, b'H', b"GET /now").await;
        assert_eq!(client.frames().await, ["2S200", "2Dnow", "2E"]);
        client.send(1, b'W', b"8").await;
        assert_eq!(client.frame().await, "1Dbbbbbbbb");
        client.send(1, b'W', b"100").await;
        assert_eq!(client.frames().await, ["1Dcccccccc", "1E"]);
    });
}

#[test]
fn a_reset_drops_its_handler_and_no_other() {
    run(async move |sim, mut client, site| {
        client.send(1, b'H', b"GET /hang").await;
        client.send(2, b'H', b"GET /wait").await;
        client.send(3, b'H', b"GET /gone").await;
        client.send(1, b'R', b"").await;
        client.send(3, b'R', b"").await;
        client.send(4, b'H', b"GET /now").await;
        assert_eq!(client.frames().await, ["4S200", "4Dnow", "4E"]);
        assert_eq!(site.dropped.load(Ordering::Relaxed), 1);
        assert_eq!(client.frames().await, ["2S200", "2Dwaited", "2E"]);
        sim.pause(std::time::Duration::from_secs(1)).await;
        // Two polls of `/wait`, and the two tasks that were told that the client of stream 3 has left.
        assert_eq!(site.polls.load(Ordering::Relaxed), 4);
    });
}

#[test]
fn a_panic_ends_its_stream_only() {
    run(async move |_, mut client, _| {
        client.send(1, b'H', b"GET /wait").await;
        client.send(2, b'H', b"GET /panic").await;
        assert_eq!(client.frames().await, ["2S500", "2DInternal Server Error", "2E"]);
        assert_eq!(client.frames().await, ["1S200", "1Dwaited", "1E"]);
    });
}

#[test]
fn interim_responses_belong_to_their_stream() {
    run(async move |_, mut client, _| {
        client.send(1, b'H', b"GET /hints").await;
        assert_eq!(client.frames().await, ["1I103", "1I103", "1S200", "1Dlate", "1E"]);
    });
}

#[test]
fn entries_are_used_again() {
    run(async move |_, mut client, _| {
        for _ in 0..200 {
            client.send(9, b'H', b"GET /now").await;
            assert_eq!(client.frames().await, ["9S200", "9Dnow", "9E"]);
        }
        // More than one group of wakers.
        for stream in 0..100 {
            client.send(stream, b'H', b"GET /wait").await;
        }
        let mut answered: Vec<String> = Vec::new();
        for _ in 0..100 {
            let [head, body, end] = client.frames().await;
            assert!(head.ends_with("S200") && body.ends_with("Dwaited") && end.ends_with('E'));
            answered.push(head);
        }
        answered.sort();
        answered.dedup();
        assert_eq!(answered.len(), 100);
    });
}

#[test]
fn a_tunnel_runs_over_its_stream() {
    run(async move |_, mut client, _| {
        client.send(1, b'U', b"GET /tunnel").await;
        assert_eq!(client.frame().await, "1S101");
        client.send(1, b'D', b"hello").await;
        assert_eq!(client.frame().await, "1DHELLO");
        client.send(2, b'H', b"GET /now").await;
        assert_eq!(client.frames().await, ["2S200", "2Dnow", "2E"]);
        client.send(1, b'E', b"").await;
        assert_eq!(client.frame().await, "1E");
    });
}

#[test]
fn a_websocket_runs_over_its_stream() {
    run(async move |_, mut client, _| {
        client.send(1, b'U', b"GET /socket").await;
        // The machine says that 200 accepts, not the application.
        assert_eq!(client.frame().await, "1S200");
        // A masked text frame, and its echo.
        client.send(1, b'D', b"\x81\x82\0\0\0\0hi").await;
        assert_eq!(client.frame().await, "1D\u{81}\u{2}hi");
        client.send(1, b'D', b"\x88\x80\0\0\0\0").await;
        assert_eq!(client.frame().await, "1D\u{88}\u{0}");
        client.send(1, b'E', b"").await;
        assert_eq!(client.frame().await, "1E");
    });
}
