//! Runs a case: a connection, a client that sends the bytes in given pieces, and an application that answers each
//! request at its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use stelo_core::body::Length;
use stelo_core::h2::{Config, Connection, Violation};
use stelo_core::http::{Headers, Status};
use stelo_core::proto::{CloseState, Command, Defaults, Event, HttpMachine, Machine, StreamId};
use stelo_core::{Bytes, Instant};

use crate::escape::escape;
use crate::frames::Written;
use crate::notation::{Case, Ending};

/// The outcome of a case.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct Outcome {
    /// The events of each stream, and the frames on it, in the notation of a case.
    pub(crate) lines: BTreeMap<(u32, char), Vec<String>>,
    /// The state of the connection at the end.
    pub(crate) state: String,
    pub(crate) violation: Option<Violation>,
}

impl Outcome {
    pub(crate) fn say(&mut self, stream: u32, line: String) {
        let mark = line.chars().next().expect("a line has a mark");
        self.lines.entry((stream, mark)).or_default().push(line);
    }
}

/// Runs a case with its bytes in these pieces.
pub(crate) fn run<'a>(case: &Case, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let config = Config::DEFAULT.limits(case.limits);
    let mut run = Run {
        case,
        machine: Connection::new(Arc::new(config), Instant::ZERO),
        now: Instant::ZERO,
        bodies: BTreeMap::new(),
        written: Written::default(),
        outcome: Outcome::default(),
    };
    run.turn();
    for mut piece in pieces {
        while !piece.is_empty() && run.outcome.state.is_empty() {
            let taken = run.machine.receive(run.now, piece);
            piece = &piece[taken..];
            run.turn();
        }
        run.stays_closed(piece);
    }
    run.end();
    run.outcome.violation = run.machine.violation();
    run.outcome
}

struct Run<'a> {
    case: &'a Case,
    machine: Connection,
    now: Instant,
    bodies: BTreeMap<u32, Vec<u8>>,
    written: Written,
    outcome: Outcome,
}

impl Run<'_> {
    /// Takes all events and writes all output, until there is no more of either.
    fn turn(&mut self) {
        loop {
            let is_over = self.events();
            let wrote = self.write();
            if is_over {
                assert_ne!(self.machine.close_state(), CloseState::Open);
                assert!(self.outcome.state.is_empty(), "the last request was answered");
                self.outcome.state = "closed".into();
            }
            if !wrote || is_over {
                return;
            }
        }
    }

    /// Input after the end is ignored.
    fn stays_closed(&mut self, bytes: &[u8]) {
        if self.outcome.state == "closed" {
            self.machine.receive(self.now, bytes);
            assert!(matches!(self.machine.next_event(), Event::Closed));
            assert!(!self.write());
        }
    }

    /// Takes events. Returns whether nothing will happen any more.
    fn events(&mut self) -> bool {
        loop {
            match self.machine.next_event() {
                Event::Request { stream, head, length } => {
                    if self.case.ending.is_none() && head.target() == Case::NEXT {
                        self.outcome.state = "open".into();
                        continue;
                    }
                    let target = escape(head.target().as_bytes());
                    let request = format!("{} {target} {}", head.method(), head.version());
                    self.outcome.say(stream.0, format!("= request {} {request}", stream.0));
                    for (name, value) in head.headers().iter() {
                        let field = format!("{}: {}", escape(name.as_bytes()), escape(value));
                        self.outcome.say(stream.0, format!("= field {} {field}", stream.0));
                    }
                    if let Some(protocol) = head.protocol() {
                        self.outcome.say(stream.0, format!("= protocol {} {protocol}", stream.0));
                    }
                    self.machine.reuse(head);
                    self.begin(stream, length != Length::None);
                }
                Event::Data { stream, data } => {
                    self.bodies.entry(stream.0).or_default().extend_from_slice(data);
                }
                Event::Trailers { stream, trailers } => {
                    self.end_body(stream);
                    for (name, value) in trailers.iter() {
                        let field = format!("{}: {}", escape(name.as_bytes()), escape(value));
                        self.outcome.say(stream.0, format!("= trailer {} {field}", stream.0));
                    }
                }
                Event::End { stream } => {
                    self.end_body(stream);
                    self.answer(stream);
                }
                Event::Fault { stream, fault } => {
                    self.end_body(stream);
                    self.outcome.say(stream.0, format!("= fault {} {:?}", stream.0, fault.kind));
                    if !self.machine.has_responded(stream) {
                        let refused = self.machine.refuse(self.now, stream, fault, &Defaults::default());
                        refused.expect("no response has begun");
                    }
                }
                Event::Reset { stream, fault } => {
                    self.end_body(stream);
                    self.outcome.say(stream.0, format!("= reset {} {:?}", stream.0, fault.kind));
                }
                Event::Writable { .. } => {}
                Event::NeedData | Event::Paused => return false,
                Event::Closed => return true,
            }
        }
    }

    /// Handles the head of a request.
    fn begin(&mut self, stream: StreamId, has_body: bool) {
        if !self.case.application.reads {
            self.machine.discard_body(self.now, stream);
            self.answer(stream);
        } else if has_body {
            self.machine.want_body(self.now, stream, true);
        } else {
            self.answer(stream);
        }
    }

    fn end_body(&mut self, stream: StreamId) {
        if let Some(body) = self.bodies.remove(&stream.0) {
            let text = match body.len() {
                0..=100 => escape(&body),
                len => format!("of {len} bytes"),
            };
            self.outcome.say(stream.0, format!("= body {} {text}", stream.0));
        }
    }

    /// Answers each request alike, with `OK` or as many bytes as the case says.
    fn answer(&mut self, stream: StreamId) {
        let status = Status::new(self.case.application.status).expect("a case asks for a status");
        let (headers, defaults) = (Headers::new(), Defaults::default());
        let mut body = match self.case.application.body {
            2 => Bytes::from("OK"),
            len => Bytes::from(vec![b'a'; len]),
        };
        let body = (!status.forbids_body()).then_some(&mut body);
        let whole = Command::Whole { status, headers: &headers, defaults: &defaults, body };
        self.machine.send(self.now, stream, whole).expect("an ordinary answer");
    }

    /// Writes all output. Returns whether there was any.
    fn write(&mut self) -> bool {
        let mut any = false;
        loop {
            let mut slices = [&[][..]; 4];
            let n = self.machine.poll_transmit(&mut slices).slices;
            if n == 0 {
                break;
            }
            let bytes = slices[..n].concat();
            self.machine.transmitted(self.now, bytes.len());
            self.written.push(&bytes);
            any = true;
        }
        for (stream, line) in self.written.lines() {
            self.outcome.say(stream, line);
        }
        any
    }

    /// Handles the end of the input.
    fn end(&mut self) {
        match self.case.ending {
            _ if !self.outcome.state.is_empty() => return,
            Some(Ending::Ends) => self.machine.receive_eof(self.now),
            Some(Ending::Leaves) => self.machine.peer_gone(self.now),
            Some(Ending::Waits) => {
                if let Some((at, _)) = self.machine.poll_timeout() {
                    self.now = at;
                    self.machine.handle_timeout(at);
                }
            }
            None => {}
        }
        self.turn();
        if self.outcome.state.is_empty() {
            self.outcome.state = "waiting".into();
        }
    }
}
