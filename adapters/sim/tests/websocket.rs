//! WebSockets on a network with faults: a server with four applications, and clients that send and leave in random ways.
//!
//! Messages come back in order, and all of them on a network without faults. Every application receives the end. No task
//! or socket is left after the server has stopped. Equal seeds give equal runs.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response, WebSocket};
use stelo_core::proto::Machine;
use stelo_core::ws::{ClientHandshake, CloseCode, Closed, Command, Config, Connection, Event, Message};
use stelo_runtime::{Address, Runtime as _, Stream as _};
use stelo_server::Server;
use stelo_sim::{Failure, Network, Report, Sim, Simulation, Stream};

const SECOND: Duration = Duration::from_secs(1);

/// The messages of `/talk`.
const PIECES: usize = 100;

struct Tester {
    sim: Sim,
    witness: Arc<Witness>,
}

/// The number of applications that have begun, and of those that have ended.
#[derive(Default)]
struct Witness {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl App for Tester {
    fn call(&self, request: Request) -> Reply {
        let (sim, witness, path) = (self.sim.clone(), self.witness.clone(), request.head().path().to_owned());
        Response::websocket(async move |socket: WebSocket| {
            witness.begun.fetch_add(1, Ordering::Relaxed);
            match path.as_str() {
                "/echo" => echo(&sim, &socket, Duration::ZERO).await,
                "/slow" => echo(&sim, &socket, 2 * SECOND).await,
                "/split" => split(&sim, &socket).await,
                _ => talk(&socket).await,
            }
            witness.ended.fetch_add(1, Ordering::Relaxed);
        })
        .into()
    }
}

/// Echoes after a pause, and then checks the end.
async fn echo(sim: &Sim, socket: &WebSocket, pause: Duration) {
    while let Ok(message) = socket.receive().await {
        if !pause.is_zero() {
            sim.pause(sim.duration(Duration::ZERO..pause)).await;
        }
        if socket.send(message).await.is_err() {
            break;
        }
    }
    // Messages that arrived before the end are received first.
    let closed = loop {
        if let Err(closed) = socket.receive().await {
            break closed;
        }
    };
    assert_eq!(socket.receive().await, Err(closed.clone()), "always the same");
    assert_eq!(socket.send("too late").await, Err(closed));
}

/// Receives in one task and sends in another.
async fn split(sim: &Sim, socket: &WebSocket) {
    let queue = Arc::new(Mutex::new((VecDeque::new(), false)));
    let (receiver, filled) = (socket.clone(), queue.clone());
    let receiving = sim.start(async move {
        while let Ok(message) = receiver.receive().await {
            filled.lock().expect("no test thread panics").0.push_back(message);
        }
        filled.lock().expect("no test thread panics").1 = true;
    });
    let (sender, waits) = (socket.clone(), sim.clone());
    let sending = sim.start(async move {
        loop {
            let (message, ended) = {
                let mut queue = queue.lock().expect("no test thread panics");
                (queue.0.pop_front(), queue.1)
            };
            match message {
                Some(message) => {
                    if sender.send(message).await.is_err() {
                        return;
                    }
                }
                None if ended => return,
                None => waits.pause(SECOND / 10).await,
            }
        }
    });
    receiving.await;
    sending.await;
}

/// Sends its messages, and returns.
async fn talk(socket: &WebSocket) {
    for _ in 0..PIECES {
        if socket.send(vec![7; 1000]).await.is_err() {
            return;
        }
    }
}

/// A client of one WebSocket that reads while it writes.
struct Client {
    sim: Sim,
    stream: Stream,
    machine: Connection,
    unsent: VecDeque<Message>,
    received: Vec<Message>,
    closed: Option<Closed>,
    /// The connection is broken.
    broken: bool,
}

impl Client {
    async fn connect(sim: &Sim, address: &Address, path: &str, config: Config) -> io::Result<Self> {
        let mut stream = sim.connect(address).await?;
        let mut handshake =
            ClientHandshake::new("a", path, &[], *b"the sample nonce", &config).expect("a valid request");
        let mut rest = handshake.request();
        while !rest.is_empty() {
            let n = poll_fn(|cx| stream.poll_write(cx, rest)).await?;
            rest = &rest[n..];
        }
        let mut buf = [0; 1000];
        let opened = loop {
            match poll_fn(|cx| stream.poll_read(cx, &mut buf)).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => match handshake.receive(&buf[..n]) {
                    Ok(Some(opened)) => break opened,
                    Ok(None) => {}
                    Err(error) => panic!("not accepted: {error}"),
                },
            }
        };
        let seed = *b"as random as it gets";
        let mut machine = Connection::client(Arc::new(config), opened.agreed, seed, sim.now());
        assert_eq!(machine.receive(sim.now(), &opened.ahead), opened.ahead.len());
        let (unsent, received) = (VecDeque::new(), Vec::new());
        Ok(Self { sim: sim.clone(), stream, machine, unsent, received, closed: None, broken: false })
    }

    /// Sends and receives until `done`, or until the connection is over.
    async fn run(&mut self, done: impl Fn(&Self) -> bool) {
        poll_fn(|cx| {
            while !done(self) && !self.broken {
                match ready!(self.poll_step(cx)) {
                    Ok(true) => {}
                    Ok(false) => return Poll::Ready(()),
                    Err(_) => self.broken = true,
                }
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Sends and receives once; returns `false` once the connection is over.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let now = self.sim.now();
        while self.machine.capacity() > 0
            && let Some(message) = self.unsent.pop_front()
        {
            self.machine.send(now, message.into()).expect("there is room");
        }
        loop {
            let mut slices = [&[][..]; 1];
            if self.machine.poll_transmit(&mut slices).is_empty() {
                break;
            }
            match self.stream.poll_write(cx, slices[0])? {
                Poll::Ready(n) if self.machine.transmitted(now, n) => break,
                Poll::Ready(_) => {}
                Poll::Pending => break,
            }
        }
        match self.machine.next_event() {
            Event::Text(text) => self.received.push(text.into_owned().into()),
            Event::Binary(bytes) => self.received.push(bytes.into_owned().into()),
            Event::Closed(closed) => self.closed = Some(closed),
            Event::NeedData | Event::Ended => {
                let n = match self.machine.spare() {
                    [] => return Poll::Ready(Ok(false)),
                    room => ready!(self.stream.poll_read(cx, room))?,
                };
                self.machine.received(now, n);
                return Poll::Ready(Ok(n > 0));
            }
            _ => {}
        }
        Poll::Ready(Ok(true))
    }
}

/// Returns a message of a random size.
fn message(sim: &Sim, n: u64, large: u64) -> Message {
    let size = sim.number(0..if sim.chance(0.1) { large } else { 200 });
    match sim.chance(0.5) {
        true => format!("{n}: {}", "ĝis ".repeat(size as usize / 5)).into(),
        false => (0..size).map(|i| (i * n) as u8).collect::<Vec<_>>().into(),
    }
}

/// Exchanges messages with an application and leaves, in random ways.
async fn visit(sim: Sim, address: Address, calm: bool, large: u64) {
    let path = ["/echo", "/echo", "/slow", "/split", "/talk"][sim.number(0..5) as usize];
    let mut config = Config::default();
    config.timeouts.ping_interval = None;
    if sim.chance(0.5) {
        config.deflate = None;
    }
    let Ok(mut client) = Client::connect(&sim, &address, path, config).await else {
        return assert!(!calm, "not accepted");
    };
    if path == "/talk" {
        client.run(|client| client.closed.is_some()).await;
        assert!(client.received.len() == PIECES || !calm, "{} pieces", client.received.len());
        assert!(!calm || client.closed.is_some_and(|closed| closed.code == CloseCode::NORMAL_CLOSURE));
        return;
    }
    let sent: Vec<_> = (0..sim.number(0..30)).map(|n| message(&sim, n, large)).collect();
    client.unsent.extend(sent.iter().cloned());
    let wanted = match calm {
        true => sent.len(),
        false => sim.number(0..sent.len() as u64 + 1) as usize,
    };
    client.run(|client| client.received.len() >= wanted || client.closed.is_some()).await;
    assert!(sent.starts_with(&client.received), "{path}: what came back is not what was sent");
    if calm {
        assert_eq!(client.received.len(), sent.len(), "{path}: {:?}", client.closed);
    }
    match sim.number(0..4) {
        // Leaves without a close frame.
        0 => client.stream.reset(),
        1 => drop(client.stream),
        // Closes, and receives the close frame of the server.
        _ => {
            let close = Command::Close { code: CloseCode(4000), reason: "done" };
            let _ = client.machine.send(sim.now(), close);
            client.run(|_| false).await;
            assert!(sent.starts_with(&client.received));
        }
    }
}

fn run(seed: u64) -> Result<Report<()>, Failure> {
    Simulation::new(seed).network(network(seed)).run(async |sim| {
        let calm = seed.is_multiple_of(2);
        let mut config = stelo_server::Config::new().port(0).threads(1).access_log(false);
        config = config.ws_max_queue(sim.number(1..40) as usize);
        config.websocket.protocol.timeouts.ping_interval = None;
        if !calm {
            let short = || sim.duration(SECOND / 10..30 * SECOND);
            let timeouts = &mut config.websocket.protocol.timeouts;
            timeouts.ping_interval = Some(short());
            timeouts.ping_timeout = Some(short());
            (timeouts.close, timeouts.write) = (short(), short());
            config.websocket.protocol.limits.message = sim.number(100..100_000) as usize;
        }
        let witness = Arc::new(Witness::default());
        let server = Server::new(config);
        let handle = server.handle();
        let app = Tester { sim: sim.clone(), witness: witness.clone() };
        let server = sim.start(server.serve_on(sim.clone(), Arc::new(app)));
        let address = handle.listening().await.and_then(|all| all.into_iter().next()).expect("it listens");

        // A slow network needs more time for large messages.
        let large = if calm { 50_000 } else { 5_000 };
        let visits: Vec<_> = (0..sim.number(1..6))
            .map(|_| sim.start(visit(sim.clone(), address.clone(), calm, large)))
            .collect();
        if calm {
            for visit in visits {
                visit.await;
            }
            handle.stop();
        } else {
            sim.pause(sim.duration(Duration::ZERO..20 * SECOND)).await;
            handle.stop();
            for visit in visits {
                visit.await;
            }
        }
        server.await.expect("an ordinary end");
        let (begun, ended) = (&witness.begun, &witness.ended);
        assert!(begun.load(Ordering::Relaxed) >= ended.load(Ordering::Relaxed));
        if calm {
            assert_eq!(
                begun.load(Ordering::Relaxed),
                ended.load(Ordering::Relaxed),
                "an application has not received the end"
            );
        }
    })
}

/// Even seeds have a network without faults, odd seeds a bad one.
fn network(seed: u64) -> Network {
    match seed % 4 {
        0 => Network::perfect(),
        2 => Network::default(),
        1 => Network { resets: 0.02, ..Network::default() },
        _ => Network::rough(),
    }
}

#[test]
fn websockets_on_a_bad_network() {
    let failures: Vec<String> = (0..200)
        .filter_map(|seed| match run(seed) {
            Ok(report) if (report.tasks, report.sockets) == (0, 0) => None,
            Ok(report) => {
                Some(format!("seed {seed}: left {} tasks, {} sockets", report.tasks, report.sockets))
            }
            Err(failure) => Some(failure.to_string()),
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn equal_seeds_give_equal_websockets() {
    for seed in 0..40 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}
