//! Clients on a slow line: what they are still sending, or reading, is not taken for silence.

mod common;

use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response, WebSocket};
use stelo_core::http::Status;
use stelo_runtime::{Address, Runtime as _};
use stelo_server::Config;
use stelo_sim::{Client, Network, Sim, Simulation};

use crate::common::serve;

const SECOND: Duration = Duration::from_secs(1);

/// The size of a body or a message: 20 s on the line.
const LARGE: usize = 2_000_000;

struct Tester;

impl App for Tester {
    fn call(&self, request: Request) -> Reply {
        match request.head().path() {
            "/ws" => Response::websocket(async |socket: WebSocket| {
                while let Ok(message) = socket.receive().await {
                    if socket.send(message).await.is_err() {
                        return;
                    }
                }
            })
            .into(),
            _ => Response::text(Status::NOT_FOUND, "Not Found").into(),
        }
    }
}

/// Runs a server behind a line of 100 kB a second, and `main` with its address, for some seeds.
fn run<F: Future<Output = ()>>(main: impl Fn(Sim, Address) -> F + Send + Sync) {
    for seed in 0..5 {
        let network = Network { bandwidth: 100_000, window: 64 << 10, ..Network::perfect() };
        let config = Config::new().ws_ping_interval(Some(SECOND)).ws_ping_timeout(Some(SECOND));
        let simulation = Simulation::new(seed).network(network);
        serve(simulation, &config, |_| Tester, async |sim, _, address| main(sim, address).await);
    }
}

#[test]
fn a_refusal_reaches_a_client_that_writes_its_whole_body_first() {
    run(async |sim, address| {
        for framing in [format!("content-length: {LARGE}"), "transfer-encoding: chunked".into()] {
            let mut client = Client::connect(&sim, &address).await.expect("it listens");
            client
                .send(format!("POST / HTTP/1.1\r\nhost: a\r\n{framing}\r\n\r\n"))
                .await
                .expect("it is open");
            if framing.starts_with('t') {
                client.send(format!("{LARGE:x}\r\n")).await.expect("it is open");
            }
            client.send(vec![b'x'; LARGE]).await.expect("the server reads");
            let answer = client.answer().await.expect("an answer");
            assert_eq!((answer.status, answer.field("connection")), (404, Some("close")));
        }
    });
}

/// A frame of a client, masked with zeros.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut frame = vec![0x80 | opcode];
    match length {
        0..=125 => frame.push(0x80 | length as u8),
        126..=0xffff => frame.extend([&[0xfe][..], &(length as u16).to_be_bytes()].concat()),
        _ => frame.extend([&[0xff][..], &(length as u64).to_be_bytes()].concat()),
    }
    [&frame, &[0; 4][..], payload].concat()
}

/// Opens a WebSocket.
async fn open(sim: &Sim, address: &Address) -> Client {
    let mut client = Client::connect(sim, address).await.expect("it listens");
    let request = "GET /ws HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    client.send(request).await.expect("it is open");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(client.bytes(1).await.expect("a response"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    client
}

/// Reads a frame: its opcode and its payload.
async fn read(client: &mut Client) -> (u8, Vec<u8>) {
    let head = client.bytes(2).await.expect("a frame");
    let more = match head[1] {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let length = client.bytes(more).await.expect("a frame");
    let length = match more {
        0 => usize::from(head[1]),
        _ => length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
    };
    (head[0] & 15, client.bytes(length).await.expect("a frame"))
}

/// Reads to the next message, and returns the pings before it too.
async fn message(client: &mut Client) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut pings = Vec::new();
    loop {
        match read(client).await {
            (9, payload) => pings.push(payload),
            (2, payload) => return (pings, payload),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_websocket_stays_open_while_a_large_message_makes_progress() {
    run(async |sim, address| {
        let mut client = open(&sim, &address).await;
        // 20 s in one frame, in which no pong can be sent.
        client.send(frame(2, &vec![b'x'; LARGE])).await.expect("it is open");
        // And 20 s back. The client looks at pings when it has the message.
        let (pings, echo) = message(&mut client).await;
        assert_eq!((pings.len(), echo.len()), (1, LARGE));
        client.send(frame(10, &pings[0])).await.expect("it is open");
        client.send(frame(2, b"small")).await.expect("it is open");
        assert_eq!(message(&mut client).await.1, b"small");
    });
}

#[test]
fn a_websocket_that_stops_inside_a_frame_is_closed() {
    run(async |sim, address| {
        let mut client = open(&sim, &address).await;
        client.send(&frame(2, &[b'x'; 1000])[..500]).await.expect("it is open");
        let start = sim.now();
        assert_eq!(read(&mut client).await.0, 9);
        let (opcode, payload) = read(&mut client).await;
        assert_eq!((opcode, &payload[..2]), (8, &1011_u16.to_be_bytes()[..]));
        assert!(sim.now() - start < 3 * SECOND);
    });
}
