//! The machines of the core, without a socket.

use std::hint::black_box;
use std::sync::Arc;

use stelo_benches::Result;
use stelo_core::Instant;
use stelo_core::body::Length;
use stelo_core::h1::{Config, Connection};
use stelo_core::http::{Headers, Method, Status};
use stelo_core::proto::{Command, Defaults, Event, HttpMachine, Machine, StreamId};
use stelo_core::routing::{Builder, Captures, Found};
use stelo_core::ws;

const NOW: Instant = Instant::ZERO;
/// The request of wrk.
const SMALL: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
const BROWSER: &[u8] = b"GET /users/12345/posts/hello-world?page=2 HTTP/1.1\r\n\
    Host: www.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.7\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: https://www.example.com/users/12345/posts\r\n\
    Connection: keep-alive\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=analytics%3Dno\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Cache-Control: max-age=0\r\n\r\n";

const PLAIN: [(&str, &str); 1] = [("content-type", "text/plain; charset=utf-8")];

/// Passes a request head to the machine and returns its stream.
fn request(machine: &mut Connection, bytes: &[u8]) -> Result<StreamId> {
    machine.receive(NOW, black_box(bytes));
    match machine.next_event() {
        Event::Request { stream, head, .. } => {
            machine.reuse(black_box(head));
            Ok(stream)
        }
        other => Err(format!("{other:?} where a request was due").into()),
    }
}

pub(crate) fn exchange(rounds: usize) -> Result<()> {
    answer(rounds, SMALL, &PLAIN)
}

pub(crate) fn head(rounds: usize) -> Result<()> {
    answer(rounds, BROWSER, &PLAIN)
}

pub(crate) fn response(rounds: usize) -> Result<()> {
    answer(
        rounds,
        SMALL,
        &[
            ("content-type", "text/html; charset=utf-8"),
            ("etag", "\"0123456789abcdef\""),
            ("last-modified", "Fri, 20 Nov 2026 22:55:06 GMT"),
            ("cache-control", "public, max-age=3600"),
            ("vary", "accept-encoding"),
            ("content-language", "en"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=63072000"),
            ("set-cookie", "session=0123456789abcdef0123456789abcdef; Path=/; HttpOnly"),
            ("x-request-id", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ],
    )
}

/// Such requests on one connection, each answered with these fields and a short text.
fn answer(rounds: usize, asked: &[u8], fields: &[(&str, &str)]) -> Result<()> {
    let mut headers = Headers::new();
    for (name, value) in fields {
        headers.try_append(name, value).map_err(|_| "a field that cannot be")?;
    }
    let defaults = Defaults::default();
    let mut machine = Connection::new(Arc::new(Config::default()), NOW);
    for _ in 0..rounds {
        let stream = request(&mut machine, asked)?;
        let length = Length::Known(13);
        let head = Command::Response {
            status: Status::OK,
            headers: black_box(&headers),
            length,
            defaults: &defaults,
        };
        for send in [head, Command::Data("Hello, World!".into()), Command::End] {
            machine.send(NOW, stream, send)?;
        }
        transmit(&mut machine)?;
        while !matches!(machine.next_event(), Event::NeedData) {}
    }
    Ok(())
}

/// Writes the whole output.
fn transmit(machine: &mut impl Machine) -> Result<()> {
    let mut slices = [&[][..]; 4];
    let n = machine.poll_transmit(&mut slices).slices;
    let bytes = black_box(&slices[..n]).iter().map(|slice| slice.len()).sum();
    if bytes == 0 {
        return Err("nothing to write".into());
    }
    machine.transmitted(NOW, bytes);
    Ok(())
}

pub(crate) fn routing(rounds: usize) -> Result<()> {
    let mut builder = Builder::new();
    for n in 0..200 {
        builder.route(&format!("/table{n}/{{id:int}}/posts/{{slug}}"), Method::Get, n);
    }
    let router = builder.build()?;
    let mut captures = Captures::new();
    for _ in 0..rounds {
        let path = black_box("/table150/12345/posts/hello-world");
        let found = router.find("example.org", path, &Method::Get, &mut captures);
        if !matches!(found, Found::Match(_)) {
            return Err(format!("{found:?}").into());
        }
        black_box((&found, &captures));
    }
    Ok(())
}

pub(crate) fn frame(rounds: usize) -> Result<()> {
    websocket(rounds, false)
}

pub(crate) fn echo(rounds: usize) -> Result<()> {
    websocket(rounds, true)
}

/// Masked messages on one WebSocket.
fn websocket(rounds: usize, echo: bool) -> Result<()> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let mut frame = vec![0x82, 0x80 | 64];
    frame.extend(mask);
    frame.extend((0..64).map(|i| i as u8 ^ mask[i % 4]));
    let mut machine = ws::Connection::server(Arc::new(ws::Config::default()), ws::Agreed::default(), NOW);
    for _ in 0..rounds {
        machine.receive(NOW, black_box(&frame));
        let ws::Event::Binary(payload) = machine.next_event() else { return Err("no message".into()) };
        if echo {
            let message = ws::Message::Binary(payload.into_owned().into());
            machine.send(NOW, message.into())?;
            transmit(&mut machine)?;
        } else {
            black_box(payload);
        }
        while !matches!(machine.next_event(), ws::Event::NeedData) {}
    }
    Ok(())
}
