//! Tests of whole exchanges: input, decisions of the application, output.

mod files;
mod holding;
mod hosts;
mod lingering;
mod misuse;
mod properties;
mod responses;

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Config, Connection};
use crate::body::Length;
use crate::fault::FaultKind;
use crate::h1::Limits;
use crate::http::{Headers, Status};
use crate::proto::Reason;
use crate::proto::{CloseState, Command, Defaults, Event, HttpMachine, Machine, ResetCause, StreamId};
use crate::{Bytes, Instant};

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

/// A connection and its events, in a short notation.
struct Pair {
    machine: Connection,
    now: Instant,
}

impl Pair {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        Self { machine: Connection::new(Arc::new(config), at(0)), now: at(0) }
    }

    fn limited(change: impl FnOnce(&mut Limits)) -> Self {
        let mut config = Config::default();
        change(&mut config.limits);
        Self::with(config)
    }

    /// Passes input, `step` bytes at a time, and collects all events.
    fn feed_by(&mut self, bytes: &str, step: usize) -> String {
        let mut events = String::new();
        for part in bytes.as_bytes().chunks(step) {
            let mut rest = part;
            while !rest.is_empty() {
                let taken = self.machine.receive(self.now, rest);
                events += &self.events();
                if taken == 0 {
                    return events + "full";
                }
                rest = &rest[taken..];
            }
        }
        events
    }

    fn feed(&mut self, bytes: &str) -> String {
        self.feed_by(bytes, usize::MAX)
    }

    /// Collects all events. Adjacent pieces of data are joined.
    fn events(&mut self) -> String {
        let mut text = String::new();
        loop {
            let event = match self.machine.next_event() {
                Event::Request { head, length, .. } => {
                    let length = match length {
                        Length::None => String::new(),
                        Length::Known(n) => format!(" {n}"),
                        Length::Unknown => " chunked".into(),
                    };
                    let request = format!("{} {}{length}; ", head.method(), head.target());
                    if !head.headers().contains("expect") {
                        self.want_body(true);
                    }
                    self.machine.reuse(head);
                    request
                }
                Event::Data { data, .. } => data.iter().copied().map(char::from).collect(),
                Event::Trailers { trailers, .. } => format!("; {trailers:?}"),
                Event::End { .. } => "; end; ".into(),
                Event::Fault { fault, .. } => format!("{:?}; ", fault.kind),
                Event::Writable { .. } => "writable; ".into(),
                Event::Reset { fault, .. } => format!("reset {:?}; ", fault.kind),
                Event::NeedData => return text,
                Event::Paused => return text + "paused",
                Event::Closed => return text + "closed",
            };
            text += &event;
        }
    }

    fn want_body(&mut self, wanted: bool) {
        self.machine.want_body(self.now, StreamId::ONLY, wanted);
    }

    fn send(&mut self, what: Command<'_>) -> Result<(), FaultKind> {
        self.machine.send(self.now, StreamId::ONLY, what).map_err(|fault| fault.kind)
    }

    fn head(&mut self, status: u16, fields: &[(&str, &str)], length: Length) -> Result<(), FaultKind> {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.try_append(name, value).unwrap();
        }
        let status = Status::new(status).unwrap();
        let defaults = Defaults::default();
        self.send(Command::Response { status, headers: &headers, length, defaults: &defaults })
    }

    /// Sends a whole response with a body of known length.
    fn respond(&mut self, status: u16, fields: &[(&str, &str)], body: &'static str) -> String {
        self.head(status, fields, Length::Known(body.len() as u64)).unwrap();
        self.send(Command::Data(body.into())).unwrap();
        self.send(Command::End).unwrap();
        self.written()
    }

    fn written(&mut self) -> String {
        let mut all = Vec::new();
        loop {
            let mut slices = [&[][..]; 3];
            let n = self.machine.poll_transmit(&mut slices).slices;
            if n == 0 {
                return String::from_utf8(all).unwrap();
            }
            let bytes = slices[..n].concat();
            self.machine.transmitted(self.now, bytes.len());
            all.extend(bytes);
        }
    }
}

#[test]
fn a_request_costs_the_same_events_however_it_comes() {
    let inputs = [
        GET,
        "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nt: 1\r\n\r\n",
        "\r\nGET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n",
    ];
    for input in inputs {
        let whole = Pair::new().feed(input);
        for step in 1..input.len() {
            assert_eq!(
                Pair::new().feed_by(input, step).replace("paused", ""),
                whole.replace("paused", ""),
                "{input:?} by {step}"
            );
        }
    }
}

#[test]
fn keep_alive_and_pipelining() {
    let mut pair = Pair::new();
    assert_eq!(pair.feed(&GET.repeat(2)), "GET /; paused");
    assert_eq!(pair.respond(200, &[], "one"), "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none");
    assert_eq!(pair.machine.close_state(), CloseState::Open);
    assert_eq!(pair.events(), "GET /; paused");
    assert_eq!(pair.respond(404, &[], ""), "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(pair.events(), "");
}

#[test]
fn connection_close_ends_with_a_lingering_close() {
    let mut pair = Pair::new();
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: Close\r\n\r\n";
    assert_eq!(pair.feed(&request.repeat(2)), "GET /; paused");
    assert_eq!(
        pair.respond(200, &[], "x"),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx"
    );
    assert_eq!((pair.events().as_str(), pair.machine.close_state()), ("closed", CloseState::HalfClose));
    pair.machine.half_closed(at(0));
    assert_eq!(pair.machine.close_state(), CloseState::Linger);
    assert_eq!(pair.machine.poll_timeout(), Some((at(1000), Reason::Linger)));
    assert_eq!(pair.feed(GET), "closed");
    pair.machine.receive_eof(at(1));
    assert_eq!(pair.machine.close_state(), CloseState::Close);
}

#[test]
fn nothing_lingers_for_a_peer_that_is_gone() {
    let mut pair = Pair::new();
    pair.feed("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    pair.respond(200, &[], "x");
    pair.machine.half_closed(at(0));
    pair.machine.peer_gone(at(1));
    assert_eq!((pair.machine.close_state(), pair.machine.poll_timeout()), (CloseState::Close, None));
    let mut pair = Pair::new();
    pair.feed(GET);
    pair.machine.peer_gone(at(1));
    assert_eq!(pair.events(), "Gone; closed");
    pair.send(Command::Reset(ResetCause::Internal)).unwrap();
    assert_eq!((pair.machine.close_state(), pair.machine.poll_timeout()), (CloseState::Close, None));
}

#[test]
fn continue_is_sent_once_and_only_when_the_body_is_wanted() {
    let request = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-Continue\r\ncontent-length: 2\r\n\r\n";
    let mut pair = Pair::new();
    assert_eq!(pair.feed(request), "POST / 2; paused");
    assert_eq!(pair.written(), "");
    for _ in 0..2 {
        pair.want_body(true);
    }
    assert_eq!(pair.written(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(pair.feed("ok"), "ok; end; paused");
    assert!(!pair.respond(200, &[], "").contains("close"));

    // Answered before 100: the client may send the body or not, so the connection ends.
    let mut pair = Pair::new();
    pair.feed(request);
    assert!(pair.respond(403, &[], "").contains("connection: close\r\n"));
    assert_eq!(pair.machine.close_state(), CloseState::HalfClose);
}

#[test]
fn a_fault_is_answered_and_the_answer_can_be_read() {
    let mut pair = Pair::new();
    pair.machine.receive(at(0), b"GET / HTTP/1.1\r\nhost : a\r\n\r\n");
    let Event::Fault { fault, .. } = pair.machine.next_event() else { panic!() };
    assert_eq!((fault.kind, fault.at), (FaultKind::FieldName, 16));
    pair.machine.refuse(at(0), StreamId::ONLY, fault, &Defaults::default()).unwrap();
    assert_eq!(
        pair.written(),
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 33\r\n\
         connection: close\r\n\r\ninvalid header field name\n"
            .replace("33", "26")
    );
    assert_eq!((pair.events().as_str(), pair.machine.close_state()), ("closed", CloseState::HalfClose));
}

#[test]
fn a_half_closed_client_gets_its_answer() {
    let mut pair = Pair::new();
    pair.feed(GET);
    pair.machine.receive_eof(at(0));
    assert_eq!(pair.events(), "paused");
    assert_eq!(
        pair.respond(200, &[], "x"),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx"
    );
    assert_eq!((pair.events().as_str(), pair.machine.close_state()), ("closed", CloseState::Close));
}

#[test]
fn the_end_inside_a_request_is_a_fault_without_an_answer() {
    for input in ["GET", "GET / HTTP/1.1\r\nhost: a\r\n"] {
        let mut pair = Pair::new();
        pair.feed(input);
        pair.machine.receive_eof(at(0));
        assert_eq!(pair.events(), "Incomplete; closed");
        assert_eq!(pair.machine.close_state(), CloseState::Close);
    }
    let mut pair = Pair::new();
    pair.machine.receive_eof(at(0));
    assert_eq!((pair.events().as_str(), pair.machine.close_state()), ("closed", CloseState::Close));
}

#[test]
fn timers() {
    // Without a head the connection closes silently. A slow head is answered with 408.
    let mut pair = Pair::new();
    assert_eq!(pair.machine.poll_timeout(), Some((at(10_000), Reason::Head)));
    pair.machine.handle_timeout(at(9_999));
    assert_eq!(pair.events(), "");
    pair.machine.handle_timeout(at(10_000));
    assert_eq!((pair.events().as_str(), pair.machine.close_state()), ("closed", CloseState::Close));
    let mut pair = Pair::new();
    pair.feed("G");
    pair.machine.handle_timeout(at(10_000));
    assert_eq!(pair.events(), "HeadTimeout; paused");

    // The timeout of the body runs only while the application waits for it.
    let mut pair = Pair::new();
    let post = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 20000\r\n\r\n";
    pair.machine.receive(at(0), post);
    assert!(matches!(pair.machine.next_event(), Event::Request { .. }));
    assert_eq!(pair.machine.poll_timeout(), None);
    pair.want_body(true);
    assert_eq!(pair.events(), "");
    // The rate: 10 s, and 2 ms for each byte. The time in which nothing is wanted does not count.
    assert_eq!(pair.machine.poll_timeout(), Some((at(10_000), Reason::Body)));
    pair.now = at(4_000);
    pair.feed(&"a".repeat(1_000));
    assert_eq!(pair.machine.poll_timeout(), Some((at(12_000), Reason::Body)));
    pair.want_body(false);
    assert_eq!(pair.machine.poll_timeout(), None);
    pair.now = at(60_000);
    pair.want_body(true);
    pair.events();
    assert_eq!(pair.machine.poll_timeout(), Some((at(68_000), Reason::Body)));
    // The longest time without a byte.
    pair.feed(&"a".repeat(15_000));
    assert_eq!(pair.machine.poll_timeout(), Some((at(90_000), Reason::Body)));
    // A response that has begun ends the rate.
    pair.head(200, &[], Length::Unknown).unwrap();
    pair.written();
    pair.now = at(80_000);
    pair.feed("a");
    assert_eq!(pair.machine.poll_timeout(), Some((at(110_000), Reason::Body)));
    pair.machine.handle_timeout(at(110_000));
    assert_eq!(pair.events(), "BodyTimeout; paused");

    // Keep-alive, and a client that does not read.
    let mut pair = Pair::new();
    pair.feed(GET);
    pair.now = at(1000);
    pair.head(200, &[], Length::Known(1)).unwrap();
    assert_eq!(pair.machine.poll_timeout(), Some((at(31_000), Reason::Write)));
    pair.send(Command::Data("x".into())).unwrap();
    pair.send(Command::End).unwrap();
    pair.now = at(2000);
    pair.written();
    assert_eq!(pair.machine.poll_timeout(), Some((at(7_000), Reason::KeepAlive)));
    pair.now = at(3000);
    pair.feed("G");
    assert_eq!(pair.machine.poll_timeout(), Some((at(13_000), Reason::Head)));

    let mut pair = Pair::new();
    pair.feed(GET);
    pair.head(200, &[], Length::Unknown).unwrap();
    pair.machine.handle_timeout(at(30_000));
    assert_eq!(pair.events(), "WriteTimeout; closed");
    assert_eq!((pair.written().as_str(), pair.machine.close_state()), ("", CloseState::Close));
}

#[test]
fn progress_extends_the_write_timeout() {
    let mut pair = Pair::new();
    pair.feed(GET);
    pair.head(200, &[], Length::Known(20)).unwrap();
    pair.send(Command::Data("x".repeat(20).into())).unwrap();
    pair.send(Command::End).unwrap();
    // A byte every 20 seconds; without progress the connection ends after 30.
    for _ in 0..40 {
        pair.now = pair.now + Duration::from_secs(20);
        pair.machine.handle_timeout(pair.now);
        assert!(!pair.machine.transmitted(pair.now, 1));
        let deadline = pair.now + Duration::from_secs(30);
        assert_eq!(pair.machine.poll_timeout(), Some((deadline, Reason::Write)));
    }
    // A write of nothing is no progress.
    let deadline = pair.machine.poll_timeout();
    pair.machine.transmitted(pair.now + Duration::from_secs(1), 0);
    assert_eq!(pair.machine.poll_timeout(), deadline);
}

#[test]
fn shutdown_lets_a_request_end() {
    let mut pair = Pair::new();
    pair.feed(&GET[..10]);
    pair.machine.shutdown(at(0));
    assert_eq!(pair.feed(&GET[10..]), "GET /; paused");
    assert!(pair.respond(200, &[], "").contains("connection: close\r\n"));
}

#[test]
fn a_switch_of_protocols_hands_over_what_was_sent_ahead() {
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: x\r\n\r\n";
    let mut pair = Pair::new();
    assert_eq!(pair.feed(&format!("{request}ahead")), "GET /; paused");
    assert!(pair.machine.acceptance(StreamId::ONLY).is_some());
    pair.head(101, &[("connection", "upgrade"), ("upgrade", "x")], Length::None).unwrap();
    assert_eq!(
        pair.written(),
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"
    );
    assert_eq!(pair.machine.close_state(), CloseState::Switched);
    assert_eq!(pair.machine.take_input(StreamId::ONLY), b"ahead");
    assert_eq!(pair.machine.poll_timeout(), None);

    let mut pair = Pair::new();
    assert_eq!(pair.feed("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n"), "CONNECT a:1; paused");
    pair.head(200, &[], Length::None).unwrap();
    assert_eq!(pair.written(), "HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(pair.machine.close_state(), CloseState::Switched);
}

#[test]
fn no_switch_of_protocols_while_the_request_is_still_coming() {
    let mut pair = Pair::new();
    pair.feed("POST / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\ncontent-length: 2\r\n\r\n");
    assert_eq!(pair.head(101, &[], Length::None), Err(FaultKind::Status));
    assert_eq!(pair.written(), "");
    assert_eq!(pair.feed("hi"), "hi; end; paused");
    pair.head(101, &[], Length::None).unwrap();
    assert_eq!(pair.machine.close_state(), CloseState::Open);
    assert_eq!(pair.written(), "HTTP/1.1 101 Switching Protocols\r\n\r\n");
    assert_eq!(pair.machine.close_state(), CloseState::Switched);
}

#[test]
fn the_preface_of_http2_switches_where_it_is_allowed() {
    const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for cut in 0..PREFACE.len() {
        let mut pair = Pair::with(Config::DEFAULT.http2(true));
        let (first, rest) = PREFACE.split_at(cut);
        pair.feed(first);
        // The caller takes the input before it reads more.
        let ended = pair.machine.close_state() == CloseState::Switched;
        assert_eq!(ended, cut >= "PRI * HTTP/2.0\r\n".len(), "after {cut} bytes");
        if !ended {
            pair.feed(rest);
        }
        assert_eq!(pair.machine.close_state(), CloseState::Switched);
        assert_eq!(pair.machine.take_input(StreamId::ONLY), if ended { first } else { PREFACE }.as_bytes());
        assert_eq!((pair.written(), pair.machine.poll_timeout()), (String::new(), None));
    }
    // It is the beginning of a connection, and no request.
    let mut pair = Pair::with(Config::DEFAULT.http2(true));
    pair.feed("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(pair.respond(200, &[], "").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(pair.feed(PREFACE).starts_with("Version;"));
    let mut pair = Pair::new();
    assert!(pair.feed(PREFACE).starts_with("Version;"));
}
