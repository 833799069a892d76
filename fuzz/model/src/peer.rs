//! The other side of a connection, and the properties of every connection.
//!
//! There are three. The result does not depend on the pieces of the input. The memory after n bytes is at most a
//! multiple of n. The number of events is at most a multiple of n.

use std::fmt::Debug;

use stelo_core::Fault;
use stelo_core::h1::Limits;
use stelo_core::h1::{Config, Connection};
use stelo_core::http::Headers;
use stelo_core::proto::{Event, HttpMachine, Machine, StreamId};

use crate::reference::{Exchange, Fields};

/// The maximum length of an input in bytes: less than the receive buffer, which so never fills up.
pub(crate) const MOST: usize = 8 << 10;

/// Limits so small that a short input can exceed each of them.
const TIGHT: Limits = Limits::DEFAULT
    .request_line(48)
    .method(8)
    .field_line(40)
    .head(96)
    .fields(5)
    .chunk_line(16)
    .chunk_extensions(20)
    .trailers(48)
    .trailer_fields(3)
    .body(Some(100))
    .linger(24)
    .requests(Some(4))
    .write_buffer(64);

pub(crate) fn config(tight: bool) -> Config {
    Config::DEFAULT.limits(if tight { TIGHT } else { Limits::DEFAULT })
}

/// The ways to cut bytes into pieces.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Cut {
    Not,
    /// Into single bytes.
    Bytes,
    /// Into pieces of these two sizes, alternately.
    Sizes([u8; 2]),
}

impl Cut {
    pub(crate) fn pieces<'a>(&self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let sizes = match *self {
            Self::Not => [MOST; 2],
            Self::Bytes => [1; 2],
            Self::Sizes(sizes) => sizes.map(|size| usize::from(size).max(1)),
        };
        let mut rest = bytes;
        let next = |size: &usize| {
            let (piece, after) = rest.split_at(rest.len().min(*size));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        };
        sizes.iter().cycle().map_while(next).collect()
    }
}

/// Returns the result of `run`, and checks that it does not depend on the pieces.
pub(crate) fn alike<T: PartialEq + Debug>(sizes: [u8; 2], run: impl Fn(Cut) -> T) -> T {
    let whole = run(Cut::Not);
    assert_eq!(whole, run(Cut::Bytes), "whole against byte by byte");
    assert_eq!(whole, run(Cut::Sizes(sizes)), "whole against pieces");
    whole
}

/// The events of a connection.
#[derive(PartialEq, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) faults: Vec<Fault>,
}

/// The result of [`Meter::next`].
pub(crate) enum Next {
    Request,
    /// A piece of a body, its trailers or its end.
    Body,
    Fault(Fault),
    /// There is no event now.
    Nothing,
}

/// Records the events of a connection, and checks its memory.
#[derive(Default)]
pub(crate) struct Meter {
    pub(crate) heard: Heard,
    /// The number of bytes that the connection has accepted.
    pub(crate) received: usize,
    events: usize,
}

impl Meter {
    /// The number of bytes in the buffers for input and output, and in an empty head.
    const KEPT: usize = (16 << 10) + (16 << 10) + 512;

    pub(crate) fn received(&mut self, n: usize) {
        self.received += n;
    }

    /// Takes the next event.
    pub(crate) fn next(&mut self, connection: &mut Connection) -> Next {
        let next = match connection.next_event() {
            Event::NeedData | Event::Paused | Event::Closed => return Next::Nothing,
            Event::Request { head, length, .. } => {
                self.heard.exchanges.push(Exchange::new((&*head).into(), length));
                connection.reuse(head);
                Next::Request
            }
            Event::Data { data, .. } => {
                assert!(!data.is_empty());
                self.current().body.extend_from_slice(data);
                Next::Body
            }
            Event::Trailers { trailers, .. } => {
                self.current().trailers = fields(&trailers);
                Next::Body
            }
            Event::End { .. } => {
                self.current().ended = true;
                Next::Body
            }
            Event::Writable { .. } => return self.next(connection),
            Event::Reset { fault, .. } => panic!("HTTP/1.1 resets no stream: {fault}"),
            Event::Fault { fault, .. } => {
                assert!(fault.at <= self.received as u64, "{fault:?} after {} bytes", self.received);
                self.heard.faults.push(fault);
                Next::Fault(fault)
            }
        };
        self.events += 1;
        // An event consumes at least one byte, except for an end and the one fault.
        assert!(self.events <= 2 * self.received + 2, "{} events of {} bytes", self.events, self.received);
        next
    }

    /// Whether the current request is complete.
    pub(crate) fn has_ended(&self) -> bool {
        self.heard.exchanges.last().is_some_and(|exchange| exchange.ended)
    }

    /// Returns the method of the current request.
    pub(crate) fn method(&self) -> String {
        self.heard.exchanges.last().map(|exchange| exchange.head.method.clone()).unwrap_or_default()
    }

    fn current(&mut self) -> &mut Exchange {
        self.heard.exchanges.last_mut().expect("a body follows a head")
    }

    /// Checks the memory of a connection that never had more than `unsent` bytes of unsent output.
    pub(crate) fn check(&self, connection: &Connection, unsent: usize) {
        let most = Self::KEPT + 16 * self.received + 4 * unsent;
        assert!(connection.held() <= most, "{} bytes held: {connection:?}", connection.held());
    }
}

/// Returns the number of bytes of unsent output.
pub(crate) fn unsent(connection: &mut Connection) -> usize {
    let mut slices = [&[][..]; 256];
    let filled = connection.poll_transmit(&mut slices).slices;
    slices[..filled].iter().map(|slice| slice.len()).sum()
}

pub(crate) fn fields(headers: &Headers) -> Fields {
    headers.iter().map(|(name, value)| (name.into(), value.to_vec())).collect()
}

/// Passes one request and sends no answer. Returns the events, and the number of unread bytes after the request.
pub(crate) fn listen(config: Config, bytes: &[u8], cut: Cut) -> (Heard, usize) {
    let now = stelo_core::Instant::ZERO;
    let mut connection = Connection::new(config.into(), now);
    let mut meter = Meter::default();
    for piece in cut.pieces(bytes) {
        assert_eq!(
            connection.receive(now, piece),
            piece.len(),
            "the receive buffer is larger than the input"
        );
        meter.received(piece.len());
        loop {
            match meter.next(&mut connection) {
                Next::Nothing => break,
                Next::Request => connection.want_body(now, StreamId::ONLY, true),
                Next::Body | Next::Fault(_) => {}
            }
            meter.check(&connection, 0);
        }
        meter.check(&connection, 0);
    }
    let left = if meter.has_ended() { connection.buffered() } else { 0 };
    (meter.heard, left)
}
