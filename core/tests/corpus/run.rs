//! Runs a case: a connection, a client that sends the bytes in given pieces, and an application that answers each
//! request at its end.

use std::sync::Arc;

use stelo_core::Instant;
use stelo_core::body::Length;
use stelo_core::h1::{Config, Connection};
use stelo_core::http::{Headers, Status};
use stelo_core::proto::{CloseState, Command, Defaults, Event, HttpMachine, Machine, ResetCause, StreamId};

use crate::escape::escape;
use crate::notation::{Case, Ending};

/// The outcome of a case.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct Outcome {
    /// The events and answers, in the notation of a case.
    pub(crate) lines: Vec<String>,
    /// The bytes of the answer.
    pub(crate) written: Vec<u8>,
    /// The offset of each fault.
    places: Vec<u64>,
}

/// Runs a case with its bytes in these pieces.
pub(crate) fn run<'a>(case: &Case, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let config = Config::DEFAULT.limits(case.limits);
    let mut run = Run {
        case,
        machine: Connection::new(Arc::new(config), Instant::ZERO),
        now: Instant::ZERO,
        body: Vec::new(),
        is_over: false,
        outcome: Outcome::default(),
    };
    for mut piece in pieces {
        while !piece.is_empty() && !run.is_over {
            let taken = run.machine.receive(run.now, piece);
            piece = &piece[taken..];
            run.events();
        }
        run.stays_closed(piece);
    }
    run.end();
    run.outcome
}

struct Run<'a> {
    case: &'a Case,
    machine: Connection,
    now: Instant,
    body: Vec<u8>,
    /// The case is over.
    is_over: bool,
    outcome: Outcome,
}

impl Run<'_> {
    fn say(&mut self, line: String) {
        self.outcome.lines.push(line);
    }

    /// Records the end of the connection, the last line of an outcome.
    fn connection(&mut self, state: &str) {
        self.say(format!("= {state}"));
        self.is_over = true;
    }

    /// Input after the end is ignored.
    fn stays_closed(&mut self, bytes: &[u8]) {
        if self.outcome.lines.last().is_some_and(|line| line == "= closed") {
            self.machine.receive(self.now, bytes);
            assert!(matches!(self.machine.next_event(), Event::Closed));
            assert!(!self.write());
        }
    }

    fn events(&mut self) {
        while !self.is_over {
            match self.machine.next_event() {
                Event::Request { head, length, .. } => {
                    if self.case.ending.is_none() && head.target() == Case::NEXT {
                        return self.connection("open");
                    }
                    let target = escape(head.target().as_bytes());
                    self.say(format!("= request {} {target} {}", head.method(), head.version()));
                    for (name, value) in head.headers().iter() {
                        self.say(format!("= field {}: {}", escape(name.as_bytes()), escape(value)));
                    }
                    self.machine.reuse(head);
                    self.begin(length != Length::None);
                }
                Event::Data { data, .. } => self.body.extend_from_slice(data),
                Event::Trailers { trailers, .. } => {
                    self.end_body();
                    for (name, value) in trailers.iter() {
                        self.say(format!("= trailer {}: {}", escape(name.as_bytes()), escape(value)));
                    }
                }
                Event::End { .. } => {
                    self.end_body();
                    if self.case.application.reads {
                        self.answer();
                    }
                }
                Event::Fault { fault, .. } => {
                    self.end_body();
                    self.say(format!("= fault {:?}", fault.kind));
                    self.outcome.places.push(fault.at);
                    match fault.status() {
                        _ if self.machine.has_responded(StreamId::ONLY) => {}
                        Some(status) => {
                            let refused =
                                self.machine.refuse(self.now, StreamId::ONLY, fault, &Defaults::default());
                            refused.expect("no response has begun");
                            self.write();
                            self.say(format!("< {}", status.code()));
                        }
                        None => self.send(Command::Reset(ResetCause::Internal)),
                    }
                }
                Event::Writable { .. } => {}
                Event::Reset { fault, .. } => unreachable!("HTTP/1.1 resets no stream: {fault}"),
                Event::NeedData | Event::Paused => return,
                Event::Closed => {
                    assert_ne!(self.machine.close_state(), CloseState::Open);
                    self.connection("closed");
                }
            }
        }
    }

    /// Handles the head of a request.
    fn begin(&mut self, has_body: bool) {
        if !self.case.application.reads {
            self.machine.discard_body(self.now, StreamId::ONLY);
            self.answer();
        } else if has_body {
            self.machine.want_body(self.now, StreamId::ONLY, true);
            if self.write() {
                self.say("< 100".into());
            }
        } else {
            self.answer();
        }
    }

    fn end_body(&mut self) {
        if !self.body.is_empty() {
            let body = std::mem::take(&mut self.body);
            self.say(format!("= body {}", escape(&body)));
        }
    }

    /// Answers each request alike: with `OK` as the body, if the status may have one.
    fn answer(&mut self) {
        let status = Status::new(self.case.application.status).expect("a case asks for a status");
        let length = match status.code() {
            101 | 204 | 205 | 304 => Length::None,
            _ => Length::Known(2),
        };
        let (headers, defaults) = (Headers::new(), Defaults::default());
        self.send(Command::Response { status, headers: &headers, length, defaults: &defaults });
        self.write();
        let switched = self.machine.close_state() == CloseState::Switched;
        if !switched {
            if self.machine.wants_data(StreamId::ONLY) && length != Length::None {
                self.send(Command::Data("OK".into()));
            }
            self.send(Command::End);
            self.write();
        }
        self.say(format!("< {}", status.code()));
        if switched {
            self.connection("switched");
        }
    }

    fn send(&mut self, what: Command<'_>) {
        self.machine.send(self.now, StreamId::ONLY, what).expect("an ordinary answer");
    }

    /// Writes all output. Returns whether there was any.
    fn write(&mut self) -> bool {
        let before = self.outcome.written.len();
        loop {
            let mut slices = [&[][..]; 4];
            let n = self.machine.poll_transmit(&mut slices).slices;
            if n == 0 {
                return self.outcome.written.len() > before;
            }
            let bytes = slices[..n].concat();
            self.machine.transmitted(self.now, bytes.len());
            self.outcome.written.extend(bytes);
        }
    }

    /// Handles the end of the input.
    fn end(&mut self) {
        match self.case.ending {
            _ if self.is_over => {}
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
        self.events();
        if !self.is_over {
            self.connection("waiting");
        }
    }
}
