//! The machine of HTTP/2, without a socket.

use std::hint::black_box;
use std::sync::Arc;

use stelo_benches::Result;
use stelo_core::Instant;
use stelo_core::h2::frame::{PREFACE, write};
use stelo_core::h2::hpack::{Encoder, Indexing};
use stelo_core::h2::{Config, Connection};
use stelo_core::http::{Headers, Status};
use stelo_core::proto::{Command, Defaults, Event, HttpMachine, Machine};

const NOW: Instant = Instant::ZERO;

/// The fields of h2load.
const SMALL: &[(&[u8], &[u8])] = &[
    (b":method", b"GET"),
    (b":scheme", b"http"),
    (b":path", b"/plaintext"),
    (b":authority", b"127.0.0.1:8080"),
    (b"user-agent", b"h2load nghttp2/1.52.0"),
];

/// Twelve fields beside those of every request.
const MANY: &[(&[u8], &[u8])] = &[
    (b":method", b"GET"),
    (b":scheme", b"https"),
    (b":path", b"/users/12345/posts/hello-world?page=2"),
    (b":authority", b"www.example.com"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"),
    (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    (b"accept-language", b"en-GB,en;q=0.9,de;q=0.7"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"referer", b"https://www.example.com/users/12345/posts"),
    (b"cookie", b"session=0123456789abcdef0123456789abcdef"),
    (b"cookie", b"theme=dark"),
    (b"upgrade-insecure-requests", b"1"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-dest", b"document"),
    (b"sec-fetch-site", b"same-origin"),
    (b"cache-control", b"max-age=0"),
];

pub(crate) fn exchange(rounds: usize) -> Result<()> {
    answer(rounds, SMALL)
}

pub(crate) fn head(rounds: usize) -> Result<()> {
    answer(rounds, MANY)
}

/// Such requests on one connection, each answered with a short text. From the second on, the fields are in the table.
fn answer(rounds: usize, fields: &[(&[u8], &[u8])]) -> Result<()> {
    let mut headers = Headers::new();
    headers.append("content-type", "text/plain; charset=utf-8");
    let defaults = Defaults::default();
    let mut machine = Connection::new(Arc::new(Config::DEFAULT), NOW);
    let mut begin = PREFACE.to_vec();
    write::settings(&mut begin, &[]);
    write::settings_ack(&mut begin);
    write::window_update(&mut begin, 0, 0x7000_0000);
    machine.receive(NOW, &begin);

    let mut encoder = Encoder::new(4_096);
    let mut request = |stream: u32| {
        let mut out = Vec::new();
        let at = write::begin_headers(&mut out);
        encoder.begin(&mut out);
        for (name, value) in fields {
            encoder.field(&mut out, name, value, Indexing::Add);
        }
        write::end_headers(&mut out, at, stream, true, 16_384);
        out
    };
    let first = request(1);
    let mut next = request(3);
    for round in 0..=rounds {
        let id = 2 * round as u32 + 1;
        next[5..9].copy_from_slice(&id.to_be_bytes());
        machine.receive(NOW, black_box(if round == 0 { &first } else { &next }));
        let stream = match machine.next_event() {
            Event::Request { stream, head, .. } => {
                machine.reuse(black_box(head));
                stream
            }
            other => return Err(format!("{other:?} where a request was due").into()),
        };
        let mut body = black_box("Hello, World!").into();
        let (status, body) = (Status::OK, Some(&mut body));
        machine.send(NOW, stream, Command::Whole { status, headers: &headers, defaults: &defaults, body })?;
        let mut slices = [&[][..]; 4];
        let n = machine.poll_transmit(&mut slices).slices;
        let len = black_box(&slices)[..n].iter().map(|slice| slice.len()).sum();
        machine.transmitted(NOW, len);
        if !matches!(machine.next_event(), Event::NeedData) {
            return Err("more than one request".into());
        }
    }
    Ok(())
}
