//! HTTP/1.1 connections: however the bytes are cut into pieces, a connection sees the same requests and faults and
//! writes the same answers, in bounded memory; and left alone it ends.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use stelo_core::event::{Defaults, Event, Length, Send, StreamId};
use stelo_core::h1::{CloseState, Config, Connection};
use stelo_core::http::{Headers, Status};
use stelo_core::{Bytes, Fault, Instant};

/// More than the limits of a connection allow it to hold: its buffers, a head, trailers, with room to grow in.
const MEMORY: usize = 256 << 10;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    plan: Plan,
    /// The sizes of the pieces, less one, over and over.
    sizes: [u8; 4],
    bytes: &'a [u8],
}

/// What the application and the peer do.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Plan {
    /// Answer as soon as the head is there, and leave the body unread.
    early: bool,
    /// Send `100 Continue` to those who wait for it.
    invite: bool,
    /// Answer with a body of unknown length.
    unknown: bool,
    /// The peer ends its side after the last byte; else it falls silent.
    eof: bool,
}

/// What a connection has said.
#[derive(PartialEq, Debug)]
enum Seen {
    Request(String, Length),
    Body(Vec<u8>),
    Trailers(Headers),
    End,
    Fault(Fault),
}

struct Driver {
    connection: Connection,
    plan: Plan,
    now: Instant,
    seen: Vec<Seen>,
    written: Vec<u8>,
}

fuzz_target!(|input: Input<'_>| {
    let Input { plan, sizes, bytes } = input;
    let whole = Driver::new(plan).run(std::iter::once(bytes));
    let single = Driver::new(plan).run(bytes.chunks(1));
    let mut rest = bytes;
    let pieces = sizes.iter().cycle().map_while(|&size| {
        let (piece, after) = rest.split_at(rest.len().min(usize::from(size) + 1));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    });
    let pieces = Driver::new(plan).run(pieces);
    assert_eq!(whole, single);
    assert_eq!(whole, pieces);
});

impl Driver {
    fn new(plan: Plan) -> Self {
        let (now, connection) = (Instant::ZERO, Connection::new(Arc::new(Config::default()), Instant::ZERO));
        Self { connection, plan, now, seen: Vec::new(), written: Vec::new() }
    }

    /// Drives a connection to its end: what it has said, and what it has written.
    fn run<'a>(mut self, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Seen>, Vec<u8>) {
        for mut piece in pieces {
            while !piece.is_empty() {
                let taken = self.connection.receive(self.now, piece);
                piece = &piece[taken..];
                let open = self.events();
                if !open {
                    break;
                }
                assert!(taken > 0, "no room, and nothing to be said");
            }
        }
        if self.plan.eof {
            self.connection.receive_eof(self.now);
            self.events();
        }
        for _ in 0..8 {
            match self.connection.close_state() {
                CloseState::Close | CloseState::Switched => return (self.seen, self.written),
                CloseState::HalfClose => self.connection.half_closed(self.now),
                CloseState::Open | CloseState::Linger => {
                    let (when, _) =
                        self.connection.poll_timeout().expect("a silent connection has a deadline");
                    self.now = when;
                    self.connection.handle_timeout(when);
                    self.events();
                }
            }
        }
        panic!("the connection does not end: {:?}", self.connection);
    }

    /// Takes all events and answers them; says whether the connection wants more bytes.
    fn events(&mut self) -> bool {
        loop {
            let mut answer = false;
            match self.connection.next_event() {
                Event::Request { head, length, .. } => {
                    answer = self.plan.early || length == Length::None;
                    self.seen.push(Seen::Request(format!("{head:?}"), length));
                    if self.plan.invite && !answer {
                        self.send(Send::Continue);
                    }
                }
                Event::Data { data, .. } => {
                    assert!(!data.is_empty());
                    match self.seen.last_mut() {
                        Some(Seen::Body(body)) => body.extend_from_slice(data),
                        _ => self.seen.push(Seen::Body(data.to_vec())),
                    }
                }
                Event::Trailers { trailers, .. } => self.seen.push(Seen::Trailers(trailers)),
                Event::End { .. } => {
                    answer = true;
                    self.seen.push(Seen::End);
                }
                Event::Fault { fault, .. } => {
                    self.seen.push(Seen::Fault(fault));
                    if self.connection.has_responded(StreamId::ONLY) || fault.status().is_none() {
                        self.send(Send::Reset);
                    } else {
                        let refused = self.connection.refuse(self.now, fault, &Defaults::default());
                        refused.expect("a fault with a status is answered");
                    }
                }
                Event::NeedData => return true,
                Event::Paused | Event::Closed => return false,
            }
            if answer {
                self.answer();
            }
            self.write();
            assert!(self.connection.held() <= MEMORY);
        }
    }

    fn answer(&mut self) {
        let headers = Headers::new();
        let length = if self.plan.unknown { Length::Unknown } else { Length::Known(2) };
        let defaults = Defaults::default();
        self.send(Send::Response { status: Status::OK, headers: &headers, length, defaults: &defaults });
        if self.connection.wants_body(StreamId::ONLY) {
            self.send(Send::Data(Bytes::from("hi")));
        }
        self.write();
        // After 2xx to CONNECT the connection belongs to the tunnel.
        if self.connection.close_state() != CloseState::Switched {
            self.send(Send::End);
        }
    }

    fn send(&mut self, what: Send<'_>) {
        self.connection.send(self.now, StreamId::ONLY, what).expect("the application keeps the rules");
    }

    fn write(&mut self) {
        loop {
            let mut slices = [&[][..]; 4];
            let filled = self.connection.poll_transmit(&mut slices);
            if filled == 0 {
                return;
            }
            let bytes = slices[..filled].concat();
            self.connection.transmitted(self.now, bytes.len());
            self.written.extend(bytes);
        }
    }
}
