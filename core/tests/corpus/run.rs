//! Runs a case: a connection, a client that sends the bytes of the case in given pieces, and an application that answers
//! each request at its end.

use std::sync::Arc;

use stelo_core::Instant;
use stelo_core::h1::{CloseState, Config, Connection};
use stelo_core::http::{Headers, Status};
use stelo_core::proto::{Command, Defaults, Event, Length, StreamId};

use crate::escape::escape;
use crate::notation::{Case, Ending};

/// What has become of a case.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct Outcome {
    /// What was understood and answered, in the notation of a case.
    pub(crate) lines: Vec<String>,
    /// Every byte that went out.
    pub(crate) written: Vec<u8>,
    /// Where each fault was found.
    places: Vec<u64>,
}

/// Sends the bytes of a case in these pieces.
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
    /// Nothing more can become of it.
    is_over: bool,
    outcome: Outcome,
}

impl Run<'_> {
    fn say(&mut self, line: String) {
        self.outcome.lines.push(line);
    }

    /// What becomes of the connection, which is the last thing to be said of it.
    fn connection(&mut self, state: &str) {
        self.say(format!("= {state}"));
        self.is_over = true;
    }

    /// Nothing that comes behind the end is looked at.
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
                    self.say(format!("= request {} {} {}", head.method(), head.target(), head.version()));
                    for (name, value) in head.headers().iter() {
                        self.say(format!("= field {}: {}", escape(name), escape(value)));
                    }
                    self.machine.reuse(head);
                    self.begin(length != Length::None);
                }
                Event::Data { data, .. } => self.body.extend_from_slice(data),
                Event::Trailers { trailers, .. } => {
                    self.end_body();
                    for (name, value) in trailers.iter() {
                        self.say(format!("= trailer {}: {}", escape(name), escape(value)));
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
                            let refused = self.machine.refuse(self.now, fault, &Defaults::default());
                            refused.expect("no response has begun");
                            self.write();
                            self.say(format!("< {}", status.code()));
                        }
                        None => self.send(Command::Reset),
                    }
                }
                Event::NeedData | Event::Paused => return,
                Event::Closed => {
                    assert_ne!(self.machine.close_state(), CloseState::Open);
                    self.connection("closed");
                }
            }
        }
    }

    /// The head of a request has come.
    fn begin(&mut self, has_body: bool) {
        if !self.case.application.reads {
            self.machine.discard_body(self.now);
            self.answer();
        } else if has_body {
            self.send(Command::Continue);
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

    /// The same answer to each request: `OK`, where the status leaves room for it.
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
            if self.machine.wants_body(StreamId::ONLY) && length != Length::None {
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

    /// Writes what there is; says whether there was anything.
    fn write(&mut self) -> bool {
        let before = self.outcome.written.len();
        loop {
            let mut slices = [&[][..]; 4];
            let n = self.machine.poll_transmit(&mut slices);
            if n == 0 {
                return self.outcome.written.len() > before;
            }
            let bytes = slices[..n].concat();
            self.machine.transmitted(self.now, bytes.len());
            self.outcome.written.extend(bytes);
        }
    }

    /// The client has sent its last byte.
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
