//! Whole connections: bytes in pieces, what the application decides, time that passes.

use std::time::Duration;

use stelo_core::event::{Defaults, Length, Send, StreamId};
use stelo_core::h1::{CloseState, Config, Connection};
use stelo_core::http::{Headers, Status};
use stelo_core::limits::Reason;
use stelo_core::{Fault, FaultKind, Instant};

use crate::peer::{Cut, Heard, MOST, Meter, Next, alike, config, unsent};
use crate::reference::response::End;
use crate::reference::{Exchange, Halt, chunked, head, response};
use crate::source::Source;

const NO_FIELDS: Headers = Headers::new();
const CLOSE: Headers = Headers::constant("connection: close").expect("a field");

/// A connection hears the requests that a plain reader finds in the same bytes, and every request that it has taken is
/// answered once, as the application said. Left alone it ends.
///
/// The input: tight limits or not; whether the peer ends its side; whether it reads as soon as it can; two sizes of
/// pieces; three answers; three stretches of bytes and what happens after each; the bytes.
pub fn connection(input: &[u8]) {
    let mut source = Source::new(input);
    let (config, eof, lazy) = (config(source.flag()), source.flag(), source.flag());
    let sizes = [source.byte(), source.byte()];
    let answers = [(); 3].map(|()| Answer::read(&mut source));
    let pauses = [(); 3].map(|()| (usize::from(source.byte()), source.pick(&Pause::ALL)));
    let bytes = source.rest();
    let bytes = &bytes[..bytes.len().min(MOST)];
    let script = Script { config, eof, lazy, answers, pauses, bytes };

    let outcome = alike(sizes, |cut| Driver::new(&script, cut).run());
    script.check_written(&outcome);
    script.check_heard(&outcome);
}

/// What the application and the peer do.
struct Script<'a> {
    config: Config,
    /// The peer ends its side after the last byte; else it falls silent.
    eof: bool,
    /// The peer takes what was written only at pauses.
    lazy: bool,
    /// One for each request, over and over.
    answers: [Answer; 3],
    pauses: [(usize, Pause); 3],
    bytes: &'a [u8],
}

#[derive(Clone, Copy)]
struct Answer {
    when: When,
    what: What,
    /// Who waits for `100 Continue` gets it.
    invite: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// When the body is complete.
    End,
    /// At the next pause.
    Pause,
    /// When the head is there; the body is left unread.
    Head,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Known,
    Unknown,
    /// Leaves HTTP, if the client has asked for it.
    Switch,
    /// The last response.
    Close,
    /// Breaks off.
    Broken,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pause {
    Nothing,
    Wait(u64),
    Shutdown,
    /// The peer resets the connection.
    Gone,
    /// Another connection uses the memory of this one.
    Lend,
}

impl Pause {
    const ALL: [Self; 8] = [
        Self::Nothing,
        Self::Lend,
        Self::Wait(1),
        Self::Wait(6),
        Self::Wait(11),
        Self::Wait(31),
        Self::Shutdown,
        Self::Gone,
    ];
}

impl Answer {
    fn read(source: &mut Source<'_>) -> Self {
        let when = source.pick(&[When::End, When::Pause, When::Head]);
        let what = source.pick(&[What::Known, What::Unknown, What::Switch, What::Close, What::Broken]);
        Self { when, what, invite: !source.flag() }
    }
}

/// A final response as the application has said it.
#[derive(PartialEq, Debug)]
struct Said {
    method: String,
    status: Status,
    body: Vec<u8>,
    end: bool,
}

#[derive(PartialEq, Debug)]
struct Outcome {
    heard: Heard,
    said: Vec<Said>,
    written: Vec<u8>,
    /// What came behind a switch of protocols.
    tunnel: Option<Vec<u8>>,
    gone: bool,
}

impl Script<'_> {
    /// Whether every body is read before it is answered, and nothing else keeps a request from being taken.
    fn is_calm(&self) -> bool {
        let harmless = |pause| matches!(pause, Pause::Nothing | Pause::Lend | Pause::Wait(1));
        self.answers.iter().all(|answer| answer.when != When::Head)
            && self.pauses.iter().all(|(_, pause)| harmless(*pause))
    }

    /// What there is to be heard, as a plain reader finds it.
    fn read(&self) -> Reading {
        let mut reading = Reading { exchanges: Vec::new(), refused: false, tunnel: None };
        let mut rest = self.bytes;
        for answer in self.answers.iter().cycle() {
            let limits = &self.config.limits;
            let ((head, meaning), after) = match head::read(rest, limits) {
                Ok(read) => read,
                Err(halt) => {
                    reading.refused = halt == Halt::Refused;
                    break;
                }
            };
            let mut exchange = Exchange::new(head, meaning.length);
            rest = after;
            match meaning.length {
                Length::None => {}
                Length::Known(length) => {
                    let taken = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
                    exchange.body = rest[..taken].to_vec();
                    exchange.ended = taken as u64 == length;
                    rest = &rest[taken..];
                }
                Length::Unknown => match chunked::read(rest, limits, &mut exchange.body) {
                    Ok((trailers, after)) => {
                        (exchange.trailers, exchange.ended, rest) = (trailers, true, after);
                    }
                    Err(halt) => reading.refused = halt == Halt::Refused,
                },
            }
            let connect = exchange.head.method == "CONNECT";
            let asked = if connect {
                answer.what != What::Switch
            } else {
                answer.what == What::Switch && meaning.upgrade
            };
            let switched = asked && (answer.when != When::Head || meaning.length == Length::None);
            // Without chunks, only its end can end a body of unknown length.
            let close = exchange.head.old && answer.what == What::Unknown && exchange.head.method != "HEAD";
            let last = close || !meaning.keep_alive || matches!(answer.what, What::Close | What::Broken);
            let ended = exchange.ended;
            reading.exchanges.push(exchange);
            if switched && ended {
                reading.tunnel = Some(rest.to_vec());
                break;
            }
            if last || !ended || limits.requests == Some(reading.exchanges.len() as u64) {
                break;
            }
        }
        reading
    }

    fn check_heard(&self, outcome: &Outcome) {
        let (heard, reading) = (&outcome.heard, self.read());
        let slow = Some(Status::REQUEST_TIMEOUT);
        let refused =
            heard.faults.iter().any(|fault| fault.status().is_some_and(|status| Some(status) != slow));
        if self.is_calm() {
            assert_eq!(heard.exchanges, reading.exchanges);
            assert_eq!((refused, &outcome.tunnel), (reading.refused, &reading.tunnel), "{:?}", heard.faults);
            return;
        }
        assert!(heard.exchanges.len() <= reading.exchanges.len(), "{heard:?} is more than {reading:?}");
        for (heard, read) in heard.exchanges.iter().zip(&reading.exchanges) {
            assert!(heard.is_part_of(read), "{heard:?} is not of {read:?}");
        }
        assert!(reading.refused || !refused, "{:?}", heard.faults);
        assert!(outcome.tunnel.is_none() || outcome.tunnel == reading.tunnel);
    }

    /// What was written says what was said, and nothing else.
    fn check_written(&self, outcome: &Outcome) {
        if outcome.gone {
            return;
        }
        let mut invitations = outcome.heard.exchanges.len();
        let mut rest = &*outcome.written;
        for said in &outcome.said {
            let found = loop {
                let (found, after) = response::read(rest, &said.method).expect("what was said is written");
                rest = after;
                if found.status != 100 {
                    break found;
                }
                assert!(invitations > 0, "more invitations than requests");
                invitations -= 1;
            };
            let body: &[u8] = if said.method == "HEAD" { &[] } else { &said.body };
            assert_eq!((found.status, &*found.body), (said.status.code(), body));
            let cut_off = !said.end && said.method != "HEAD";
            assert_eq!(found.end == End::CutOff, cut_off, "{found:?} of {said:?}");
        }
        while let Some((found, after)) = response::read(rest, "") {
            assert_eq!(found.status, 100, "said by nobody");
            rest = after;
        }
    }
}

/// What a plain reader finds.
#[derive(Debug)]
struct Reading {
    exchanges: Vec<Exchange>,
    refused: bool,
    tunnel: Option<Vec<u8>>,
}

/// Plays a script.
struct Driver<'a> {
    script: &'a Script<'a>,
    cut: Cut,
    connection: Connection,
    now: Instant,
    meter: Meter,
    /// The answer to the current request, not given yet.
    pending: Option<Answer>,
    said: Vec<Said>,
    written: Vec<u8>,
    gone: bool,
}

impl<'a> Driver<'a> {
    fn new(script: &'a Script<'a>, cut: Cut) -> Self {
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
    fn run(mut self) -> Outcome {
        let mut rest = self.script.bytes;
        for (length, pause) in self.script.pauses {
            let (stretch, after) = rest.split_at(rest.len().min(length));
            rest = after;
            self.receive(stretch);
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
                CloseState::Switched => Some(self.connection.take_input()),
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

    fn receive(&mut self, stretch: &[u8]) {
        for piece in self.cut.pieces(stretch) {
            let taken = self.connection.receive(self.now, piece);
            // Who closes may hold the peer back.
            let closing = self.connection.close_state() != CloseState::Open;
            assert!(taken == piece.len() || closing, "there is always room");
            self.meter.received(taken);
            self.events();
        }
    }

    /// What happens where the bytes pause: in the same places, however they are cut.
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

    /// Does all that can be done before more bytes come.
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

    /// Takes all events, and answers where it is time to.
    fn events(&mut self) {
        loop {
            match self.meter.next(&mut self.connection) {
                Next::Nothing => break,
                Next::Body => {}
                Next::Request => {
                    let answer = self.script.answers[(self.meter.heard.exchanges.len() - 1) % 3];
                    self.pending = Some(answer);
                    if answer.invite {
                        self.send(Send::Continue);
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
            return self.send(Send::Reset);
        };
        let refused = self.connection.refuse(self.now, fault, &Defaults::default());
        refused.expect("a fault with a status is answered");
        let method = if unanswered { self.meter.method() } else { String::new() };
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
            let head = Send::Response { status, headers: &headers, length, defaults };
            self.connection.send(self.now, StreamId::ONLY, head)
        };
        // A client that has not asked for a switch, or is not ready for it, gets something else.
        if let Err(fault) = respond(status) {
            assert!(matches!(fault.kind, FaultKind::Status | FaultKind::State), "{fault}");
            status = Status::NOT_FOUND;
            respond(status).expect("the application keeps the rules");
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
            self.send(Send::Data(body.to_vec().into()));
            self.send(if end { Send::End } else { Send::Reset });
        }
    }

    fn send(&mut self, what: Send<'_>) {
        self.connection.send(self.now, StreamId::ONLY, what).expect("the application keeps the rules");
    }

    /// The peer takes all that is there for it.
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

    fn measure(&self) {
        self.meter.check(&self.connection, unsent(&self.connection));
    }
}
