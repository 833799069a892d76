//! A toy protocol with many streams on a connection: enough to drive a table of exchanges.
//!
//! A frame is `stream kind length payload`, an octet each but for the payload. The client sends `H` (a request without
//! a body, its payload `METHOD /target`), `B` (one with a body), `U` (one that asks for another protocol), `D` (data),
//! `E` (end of the body), `R` (reset), `W` (payload: how many more bytes the client accepts on the stream). The server
//! sends `I` and `S` (the payload is the status), `D`, `E` and `R`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use stelo_core::body::Length;
use stelo_core::http::{Method, RequestHead, Status};
use stelo_core::proto::{
    CloseState, Command, Defaults, Event, HttpMachine, Machine, Reason, StreamId, Transmit,
};
use stelo_core::{Bytes, Fault, FaultKind, Instant};

use crate::connection::pool::Pooled;

/// The bytes of a response that a client accepts at first.
pub(super) const WINDOW: usize = 8;

#[derive(Default)]
pub(super) struct Toy {
    spare: Vec<u8>,
    input: VecDeque<u8>,
    output: Vec<u8>,
    streams: BTreeMap<u32, Stream>,
    events: VecDeque<Told>,
    data: Vec<u8>,
    eof: bool,
    stopping: bool,
    /// Every call of `want_body`, for the tests.
    pub(super) wants: Vec<(u32, bool)>,
}

struct Stream {
    upgrade: bool,
    wanted: bool,
    received: Vec<u8>,
    ended: bool,
    window: usize,
    responded: bool,
    finished: bool,
}

enum Told {
    Request(StreamId, Arc<RequestHead>, Length),
    Writable(StreamId),
    Reset(StreamId),
}

pub(super) struct Memory;

impl Pooled for Memory {
    fn with_pool<T>(f: impl FnOnce(&mut Vec<Self>) -> T) -> T {
        f(&mut Vec::new())
    }
}

impl Toy {
    fn parse(&mut self) {
        while let (Some(&stream), Some(&kind), Some(&length)) =
            (self.input.front(), self.input.get(1), self.input.get(2))
        {
            if self.input.len() < 3 + length as usize {
                return;
            }
            let payload: Vec<u8> = self.input.drain(..3 + length as usize).skip(3).collect();
            self.frame(u32::from(stream), kind, &payload);
        }
    }

    fn frame(&mut self, id: u32, kind: u8, payload: &[u8]) {
        match kind {
            b'H' | b'B' | b'U' if !self.stopping => self.request(id, kind, payload),
            b'R' if self.streams.remove(&id).is_some() => self.events.push_back(Told::Reset(StreamId(id))),
            _ => {}
        }
        let Some(stream) = self.streams.get_mut(&id) else { return };
        match kind {
            b'D' => stream.received.extend_from_slice(payload),
            b'E' => stream.ended = true,
            b'W' => {
                let was_full = stream.window == 0;
                let text = std::str::from_utf8(payload).expect("a number");
                stream.window += text.parse::<usize>().expect("a number");
                if was_full {
                    self.events.push_back(Told::Writable(StreamId(id)));
                }
            }
            _ => {}
        }
    }

    fn request(&mut self, id: u32, kind: u8, payload: &[u8]) {
        let text = std::str::from_utf8(payload).expect("a request");
        let (method, target) = text.split_once(' ').expect("a method and a target");
        let method = if method == "GET" { Method::Get } else { Method::Post };
        let mut head = RequestHead::new(method, target).expect("a target");
        if kind == b'U' {
            for (name, value) in [
                ("connection", "upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ] {
                head.headers_mut().try_append(name, value).expect("a field");
            }
        }
        let length = if kind == b'B' { Length::Unknown } else { Length::None };
        let stream = Stream {
            upgrade: kind == b'U',
            wanted: false,
            received: Vec::new(),
            ended: kind == b'H',
            window: WINDOW,
            responded: false,
            finished: false,
        };
        self.streams.insert(id, stream);
        self.events.push_back(Told::Request(StreamId(id), Arc::new(head), length));
    }

    fn write(&mut self, id: StreamId, kind: u8, payload: &[u8]) {
        for piece in payload.chunks(255).chain(payload.is_empty().then_some(&[][..])) {
            self.output.extend([id.0 as u8, kind, piece.len() as u8]);
            self.output.extend_from_slice(piece);
        }
    }

    fn stream(&mut self, id: StreamId) -> Result<&mut Stream, Fault> {
        self.streams.get_mut(&id.0).ok_or(Fault { kind: FaultKind::State, at: 0 })
    }
}

impl Machine for Toy {
    type Memory = Memory;

    fn spare(&mut self) -> &mut [u8] {
        self.spare.resize(1000, 0);
        &mut self.spare
    }

    fn received(&mut self, _: Instant, n: usize) {
        self.input.extend(&self.spare[..n]);
        self.parse();
    }

    fn receive_eof(&mut self, _: Instant) {
        self.eof = true;
    }

    fn peer_gone(&mut self, _: Instant) {
        self.eof = true;
        self.output.clear();
    }

    fn poll_transmit<'a>(&'a mut self, slices: &mut [&'a [u8]]) -> Transmit<'a> {
        let slices = match slices {
            [slot, ..] if !self.output.is_empty() => {
                *slot = &self.output;
                1
            }
            _ => 0,
        };
        Transmit { slices, region: None }
    }

    fn transmitted(&mut self, _: Instant, n: usize) -> bool {
        self.output.drain(..n);
        self.output.is_empty()
    }

    fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        None
    }

    fn handle_timeout(&mut self, _: Instant) {}

    fn close_state(&self) -> CloseState {
        let busy = self.streams.values().any(|stream| !stream.finished);
        match (self.eof || self.stopping) && !busy && self.output.is_empty() {
            true => CloseState::Close,
            false => CloseState::Open,
        }
    }

    fn half_closed(&mut self, _: Instant) {}

    fn shutdown(&mut self, _: Instant) {
        self.stopping = true;
    }

    fn release(&mut self) -> Option<Memory> {
        None
    }

    fn adopt(&mut self, _: Memory) {}

    fn is_bare(&self) -> bool {
        false
    }
}

impl HttpMachine for Toy {
    const MULTIPLEXED: bool = true;

    fn next_event(&mut self) -> Event<'_> {
        match self.events.pop_front() {
            Some(Told::Request(stream, head, length)) => return Event::Request { stream, head, length },
            Some(Told::Writable(stream)) => return Event::Writable { stream },
            Some(Told::Reset(stream)) => {
                return Event::Reset { stream, fault: Fault { kind: FaultKind::Gone, at: 0 } };
            }
            None => {}
        }
        for (id, stream) in &mut self.streams {
            let id = StreamId(*id);
            if stream.wanted && !stream.received.is_empty() {
                self.data = std::mem::take(&mut stream.received);
                return Event::Data { stream: id, data: &self.data };
            }
            if stream.wanted && stream.ended {
                stream.wanted = false;
                return Event::End { stream: id };
            }
        }
        Event::NeedData
    }

    fn send(&mut self, _: Instant, id: StreamId, command: Command<'_>) -> Result<(), Fault> {
        let stream = self.stream(id)?;
        match command {
            Command::Informational { status, .. } => {
                self.write(id, b'I', status.code().to_string().as_bytes());
            }
            Command::Response { status, .. } => {
                stream.responded = true;
                self.write(id, b'S', status.code().to_string().as_bytes());
            }
            Command::Whole { status, body, .. } => {
                stream.responded = true;
                stream.finished = true;
                self.write(id, b'S', status.code().to_string().as_bytes());
                if let Some(body) = body {
                    self.write(id, b'D', body);
                }
                self.write(id, b'E', b"");
            }
            Command::Data(bytes) => {
                stream.window = stream.window.saturating_sub(bytes.len());
                self.write(id, b'D', &bytes);
            }
            Command::Region(_) | Command::Trailers(_) => {}
            Command::End => {
                stream.finished = true;
                self.write(id, b'E', b"");
            }
            Command::Reset(_) => {
                stream.finished = true;
                self.write(id, b'R', b"");
            }
        }
        Ok(())
    }

    fn want_body(&mut self, _: Instant, id: StreamId, wanted: bool) {
        self.wants.push((id.0, wanted));
        if let Ok(stream) = self.stream(id) {
            stream.wanted = wanted;
        }
    }

    fn take_body(&mut self, id: StreamId) -> Option<Bytes> {
        let stream = self.streams.get_mut(&id.0).filter(|stream| stream.ended)?;
        Some(std::mem::take(&mut stream.received).into())
    }

    fn discard_body(&mut self, _: Instant, _: StreamId) {}

    fn refuse(&mut self, _: Instant, _: StreamId, _: Fault, _: &Defaults) -> Result<(), Fault> {
        Ok(())
    }

    fn capacity(&self, id: StreamId) -> usize {
        self.streams.get(&id.0).map_or(0, |stream| stream.window)
    }

    fn wants_data(&self, id: StreamId) -> bool {
        self.streams.contains_key(&id.0)
    }

    fn has_responded(&self, id: StreamId) -> bool {
        self.streams.get(&id.0).is_some_and(|stream| stream.responded)
    }

    fn acceptance(&self, id: StreamId) -> Option<Status> {
        self.streams.get(&id.0).filter(|stream| stream.upgrade).map(|_| Status::OK)
    }

    fn take_data(&mut self, _: usize) -> Bytes {
        std::mem::take(&mut self.data).into()
    }

    fn is_held_up(&self) -> bool {
        false
    }

    fn take_input(&mut self, _: StreamId) -> Vec<u8> {
        Vec::new()
    }

    fn reuse(&mut self, _: Arc<RequestHead>) {}
}
