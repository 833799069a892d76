//! Runs a script: passes input, sends the commands of the application, and advances the clock.

use std::time::Duration;

use stelo_core::body::Length;
use stelo_core::h1::Connection;
use stelo_core::http::{Headers, Status};
use stelo_core::proto::{CloseState, Command, Defaults, HttpMachine, Machine, Reason, ResetCause, StreamId};
use stelo_core::{Fault, FaultKind, Instant};

use super::{Answer, Pause, Script, What, When};
use crate::peer::{Cut, Heard, Meter, Next, unsent};

const NO_FIELDS: Headers = Headers::new();
const CLOSE: Headers = Headers::constant("connection: close").expect("a field");

/// A final response as the application sent it.
#[derive(PartialEq, Debug)]
pub(super) struct Said {
    pub(super) method: String,
    pub(super) status: Status,
    pub(super) body: Vec<u8>,
    /// Whether the response is complete.
    pub(super) end: bool,
}

/// The events, the answers and the written bytes.
#[derive(PartialEq, Debug)]
pub(super) struct Outcome {
    pub(super) heard: Heard,
    pub(super) said: Vec<Said>,
    pub(super) written: Vec<u8>,
    /// The input after a switch of protocols.
    pub(super) tunnel: Option<Vec<u8>>,
    /// Whether the peer is gone or does not read, so that some output is missing.
    pub(super) gone: bool,
}

/// Runs a script.
pub(super) struct Driver<'a> {
    script: &'a Script<'a>,
    cut: Cut,
    connection: Connection,
    now: Instant,
    meter: Meter,
    /// The answer to the current request, until it is sent.
    pending: Option<Answer>,
    said: Vec<Said>,
    written: Vec<u8>,
    gone: bool,
}

impl<'a> Driver<'a> {
    pub(super) fn new(script: &'a Script<'a>, cut: Cut) -> Self {
        Self {
            script,
            cut,
            connection: Connection::new(script.config.into(), Instant::ZERO),
            now: Instant::ZERO,
            meter: Meter::default(),
            pending: None,
            said: Vec::new(),
            written: Vec::new(),
            gone: false,
        }
    }

    /// Drives the connection to its end.
    pub(super) fn run(mut self) -> Outcome {
        let mut rest = self.script.bytes;
        for (length, pause) in self.script.pauses {
            let (segment, after) = rest.split_at(rest.len().min(length));
            rest = after;
            self.receive(segment);
            self.pause(pause);
        }
        self.receive(rest);
        self.pause(Pause::Nothing);
        if self.script.eof {
            self.connection.receive_eof(self.now);
            self.pause(Pause::Nothing);
        }
        for _ in 0..8 {
            let tunnel = match self.connection.close_state() {
                CloseState::Close => None,
                CloseState::Switched => Some(self.connection.take_input(StreamId::ONLY)),
                _ => {
                    let (when, _) =
                        self.connection.poll_timeout().expect("a silent connection has a deadline");
                    self.wait(when.max(self.now));
                    continue;
                }
            };
            let Self { meter, said, written, gone, .. } = self;
            return Outcome { heard: meter.heard, said, written, tunnel, gone };
        }
        panic!("the connection does not end: {:?}", self.connection);
    }

    fn receive(&mut self, segment: &[u8]) {
        for piece in self.cut.pieces(segment) {
            let taken = self.connection.receive(self.now, piece);
            // A closing machine may accept less.
            let closing = self.connection.close_state() != CloseState::Open;
            assert!(taken == piece.len() || closing, "the receive buffer is larger than the input");
            self.meter.received(taken);
            self.events();
        }
    }

    /// Runs the action at a pause. The offsets of the pauses do not depend on the pieces.
    fn pause(&mut self, pause: Pause) {
        self.settle();
        match pause {
            Pause::Nothing => {}
            Pause::Wait(seconds) => self.wait(self.now + Duration::from_secs(seconds)),
            Pause::Shutdown => self.connection.shutdown(self.now),
            Pause::Gone => {
                self.gone = true;
                self.connection.peer_gone(self.now);
            }
            Pause::Lend => {
                if let Some(buffers) = self.connection.release() {
                    assert!(self.connection.is_bare());
                    self.connection.adopt(buffers);
                }
            }
        }
        self.settle();
    }

    fn wait(&mut self, until: Instant) {
        while let Some((when, reason)) = self.connection.poll_timeout().filter(|(when, _)| *when <= until) {
            self.now = self.now.max(when);
            self.gone |= reason == Reason::Write;
            self.connection.handle_timeout(self.now);
            self.settle();
        }
        self.now = until;
    }

    /// Takes events, answers and writes, until only more input can cause progress.
    fn settle(&mut self) {
        self.events();
        while let Some(answer) = self.pending.take_if(|_| self.meter.has_ended()) {
            self.answer(answer);
            self.events();
        }
        self.write();
        if self.connection.close_state() == CloseState::HalfClose {
            self.connection.half_closed(self.now);
        }
    }

    /// Takes all events, and sends the answers that are due.
    fn events(&mut self) {
        loop {
            match self.meter.next(&mut self.connection) {
                Next::Nothing => break,
                Next::Body => {}
                Next::Request => {
                    let answer = self.script.answers[(self.meter.heard.exchanges.len() - 1) % 3];
                    self.pending = Some(answer);
                    if answer.invite || answer.when != When::Head {
                        self.connection.want_body(self.now, StreamId::ONLY, true);
                    }
                }
                Next::Fault(fault) => self.fault(fault),
            }
            let ended = self.meter.has_ended();
            let due = |answer: &mut Answer| answer.when == When::Head || (answer.when == When::End && ended);
            if let Some(answer) = self.pending.take_if(due) {
                self.answer(answer);
            }
            self.measure();
            if !self.script.lazy {
                self.write();
            }
        }
        self.measure();
    }

    fn fault(&mut self, fault: Fault) {
        let unanswered = self.pending.take().is_some();
        let Some(status) = fault.status().filter(|_| !self.connection.has_responded(StreamId::ONLY)) else {
            return self.send(Command::Reset(ResetCause::Internal));
        };
        let refused = self.connection.refuse(self.now, StreamId::ONLY, fault, &Defaults::default());
        refused.expect("a fault with a status is answered");
        // The refusal of a HEAD request has no content, even if the rest of its head is invalid.
        let number = self.meter.heard.exchanges.len();
        let method = match unanswered {
            true => self.meter.method(),
            false => self.script.refused_method(number, self.meter.received).to_owned(),
        };
        let body = format!("{}\n", fault.kind).into_bytes();
        self.said.push(Said { method, status, body, end: true });
    }

    fn answer(&mut self, answer: Answer) {
        let method = self.meter.method();
        let headers = if answer.what == What::Close { CLOSE } else { NO_FIELDS };
        let length = if answer.what == What::Unknown { Length::Unknown } else { Length::Known(2) };
        let mut status = if answer.what == What::Switch { Status::SWITCHING_PROTOCOLS } else { Status::OK };
        let mut respond = |status| {
            let defaults = &Defaults::default();
            let head = Command::Response { status, headers: &headers, length, defaults };
            self.connection.send(self.now, StreamId::ONLY, head)
        };
        // Without a request for an upgrade, or before the end of the request body, the answer is 404.
        if let Err(fault) = respond(status) {
            assert!(matches!(fault.kind, FaultKind::Status | FaultKind::State), "{fault}");
            status = Status::NOT_FOUND;
            respond(status).expect("the command is valid in this state");
        }
        let switched = status.code() == 101 || (method == "CONNECT" && status.is_success());
        let body: &[u8] = match answer.what {
            _ if switched => &[],
            What::Broken => b"h",
            _ => b"hi",
        };
        let end = switched || answer.what != What::Broken;
        self.said.push(Said { method, status, body: body.to_vec(), end });
        if !switched {
            self.send(Command::Data(body.to_vec().into()));
            self.send(if end { Command::End } else { Command::Reset(ResetCause::Internal) });
        }
    }

    fn send(&mut self, what: Command<'_>) {
        self.connection.send(self.now, StreamId::ONLY, what).expect("the command is valid in this state");
    }

    /// Passes all output to the peer.
    fn write(&mut self) {
        loop {
            let mut slices = [&[][..]; 4];
            let filled = self.connection.poll_transmit(&mut slices).slices;
            if filled == 0 {
                return;
            }
            let bytes = slices[..filled].concat();
            self.connection.transmitted(self.now, bytes.len());
            self.written.extend(bytes);
        }
    }

    fn measure(&mut self) {
        let unsent = unsent(&mut self.connection);
        self.meter.check(&self.connection, unsent);
    }
}
