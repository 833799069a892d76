//! Runs a script: passes frames, sends the commands of the application, and advances the clock.

use std::collections::BTreeMap;
use std::time::Duration;

use stelo_core::body::Length;
use stelo_core::h2::{Connection, Violation};
use stelo_core::http::{Headers, Method, Status};
use stelo_core::proto::{CloseState, Command, Defaults, Event, HttpMachine, Machine, ResetCause, StreamId};
use stelo_core::{Bytes, Instant};

use super::client::{Client, Received};
use super::{Answer, Script, Step, What, When};
use crate::peer::Cut;

const NO_FIELDS: Headers = Headers::new();
const TRAILERS: Headers = Headers::constant("x-sum: 7").expect("a field");

/// A request as the application has heard it.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) stream: u32,
    pub(super) path: String,
    pub(super) body: Vec<u8>,
    pub(super) ended: bool,
}

/// A response as the application has sent it.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) stream: u32,
    pub(super) body: Vec<u8>,
    pub(super) ended: bool,
    pub(super) is_head: bool,
}

/// The requests, the responses, and the client's view of them.
pub(super) struct Outcome {
    pub(super) heard: Vec<Heard>,
    pub(super) said: Vec<Said>,
    pub(super) received: BTreeMap<u32, Received>,
    pub(super) violation: Option<Violation>,
}

/// Runs a script.
pub(super) struct Driver<'a> {
    script: &'a Script,
    cut: Cut,
    connection: Connection,
    now: Instant,
    client: Client,
    heard: Vec<Heard>,
    said: Vec<Said>,
    /// The answers that wait for the client to read.
    waiting: Vec<(u32, Answer)>,
    /// The bodies that wait for a window, with what is left of them.
    bodies: BTreeMap<u32, (Answer, usize)>,
    fed: usize,
    events: usize,
    is_gone: bool,
}

impl<'a> Driver<'a> {
    pub(super) fn new(script: &'a Script, cut: Cut) -> Self {
        Self {
            script,
            cut,
            connection: Connection::new(script.config.into(), Instant::ZERO),
            now: Instant::ZERO,
            client: Client::new(),
            heard: Vec::new(),
            said: Vec::new(),
            waiting: Vec::new(),
            bodies: BTreeMap::new(),
            fed: 0,
            events: 0,
            is_gone: false,
        }
    }

    pub(super) fn run(mut self) -> Outcome {
        for step in &self.script.steps {
            match step {
                Step::Bytes(bytes) => self.feed(bytes),
                Step::Read => self.read(),
                Step::Wait(seconds) => self.wait(Duration::from_secs(*seconds)),
                Step::Shutdown => self.connection.shutdown(self.now),
                Step::Gone => {
                    self.connection.peer_gone(self.now);
                    self.is_gone = true;
                }
                Step::Eof => self.connection.receive_eof(self.now),
            }
            self.turn();
        }
        self.read();
        let violation = self.connection.violation();
        // The client reads, and says nothing more.
        for _ in 0..40 {
            self.wait(Duration::from_secs(61));
            self.read();
        }
        let over = self.connection.close_state() == CloseState::Close;
        assert!(over, "no end: {:?}", self.connection);
        assert_eq!(self.connection.streams(), 0);
        Outcome { heard: self.heard, said: self.said, received: self.client.received, violation }
    }

    fn feed(&mut self, bytes: &[u8]) {
        for mut piece in self.cut.pieces(bytes) {
            while !piece.is_empty() {
                let taken = self.connection.receive(self.now, piece);
                piece = &piece[taken..];
                self.fed += taken;
                self.turn();
                if taken == 0 {
                    // A client that does not read is held back. The rest of its bytes is lost with it.
                    match self.script.lazy {
                        true => self.read(),
                        false => return,
                    }
                    if self.connection.receive(self.now, &piece[..0]) == 0
                        && self.connection.spare().is_empty()
                    {
                        return;
                    }
                }
            }
        }
    }

    /// Takes events, and writes unless the client reads at pauses only.
    fn turn(&mut self) {
        while self.events() | (!self.script.lazy && self.write()) {}
        // Bodies that the application has given wait for the windows of the client.
        let given: usize = self.said.iter().map(|said| said.body.len()).sum();
        let most = 120_000 + 8 * self.fed + self.script.config.limits.write_buffer + given;
        assert!(self.connection.held() <= most, "{} bytes after {}", self.connection.held(), self.fed);
    }

    /// Lets the client read all that there is.
    fn read(&mut self) {
        for (stream, answer) in std::mem::take(&mut self.waiting) {
            self.answer(stream, answer);
        }
        while self.write() | self.events() {}
    }

    /// Writes once. Returns whether there was anything.
    fn write(&mut self) -> bool {
        let mut slices = [&[][..]; 4];
        let n = self.connection.poll_transmit(&mut slices).slices;
        let bytes = slices[..n].concat();
        if bytes.is_empty() {
            if self.connection.close_state() == CloseState::HalfClose {
                self.connection.half_closed(self.now);
            }
            return false;
        }
        if !self.is_gone {
            self.client.take(&bytes);
        }
        self.connection.transmitted(self.now, bytes.len());
        true
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some((at, _)) = self.connection.poll_timeout().filter(|(at, _)| *at <= end) {
            self.now = at.max(self.now);
            self.connection.handle_timeout(self.now);
            let next = self.connection.poll_timeout();
            assert!(next.is_none_or(|(next, _)| next > self.now), "a deadline that has passed: {next:?}");
            self.turn();
        }
        self.now = end;
    }

    /// Takes all events. Returns whether there were any.
    fn events(&mut self) -> bool {
        let before = self.events;
        loop {
            match self.connection.next_event() {
                Event::NeedData | Event::Paused | Event::Closed => break,
                Event::Request { stream: StreamId(stream), head, length } => {
                    let answer = self.script.answers[self.heard.len() % 3];
                    let is_head = *head.method() == Method::Head;
                    self.said.push(Said { stream, body: Vec::new(), ended: false, is_head });
                    let ended = length == Length::None;
                    let path = head.path().to_owned();
                    self.heard.push(Heard { stream, path, body: Vec::new(), ended });
                    self.connection.reuse(head);
                    match answer.when {
                        When::Head => self.answer(stream, answer),
                        When::End if ended => self.answer(stream, answer),
                        When::End => self.connection.want_body(self.now, StreamId(stream), true),
                        When::Pause => self.waiting.push((stream, answer)),
                    }
                }
                Event::Data { stream, data } => {
                    assert!(!data.is_empty());
                    let data = data.to_vec();
                    assert!(*self.connection.take_data(data.len()) == data[..]);
                    self.heard(stream).body.extend(data);
                }
                Event::Trailers { stream, .. } => assert!(!self.heard(stream).ended),
                Event::End { stream } => {
                    self.heard(stream).ended = true;
                    let number =
                        self.heard.iter().position(|heard| heard.stream == stream.0).unwrap_or_default();
                    let answer = self.script.answers[number % 3];
                    if answer.when == When::End {
                        self.answer(stream.0, answer);
                    }
                }
                Event::Writable { stream } => self.more(stream.0),
                Event::Reset { stream, .. } => {
                    self.bodies.remove(&stream.0);
                    self.waiting.retain(|(waiting, _)| *waiting != stream.0);
                }
                Event::Fault { stream, fault } => {
                    // Answered with the status of the fault, if the application has not.
                    if self.connection.refuse(self.now, stream, fault, &Defaults::default()).is_ok() {
                        self.said.retain(|said| said.stream != stream.0);
                        self.waiting.retain(|(waiting, _)| *waiting != stream.0);
                    }
                }
            }
            self.events += 1;
            assert!(self.events <= 4 * self.fed + 2_000, "{} events of {} bytes", self.events, self.fed);
        }
        self.events > before
    }

    fn heard(&mut self, stream: StreamId) -> &mut Heard {
        self.heard.iter_mut().find(|heard| heard.stream == stream.0).expect("an event of a request")
    }

    /// Answers a request.
    fn answer(&mut self, stream: u32, answer: Answer) {
        let (id, now, defaults) = (StreamId(stream), self.now, Defaults::default());
        let len = usize::from(answer.len);
        let sent = match answer.what {
            What::Whole => {
                let mut body = Bytes::from(vec![7; len]);
                let (status, body) = (Status::OK, Some(&mut body));
                self.connection.send(
                    now,
                    id,
                    Command::Whole { status, headers: &NO_FIELDS, defaults: &defaults, body },
                )
            }
            What::Stream | What::Broken => {
                let (status, length) = (Status::OK, Length::Unknown);
                let head = Command::Response { status, headers: &NO_FIELDS, length, defaults: &defaults };
                self.connection.send(now, id, head)
            }
        };
        // Fails if the stream has ended meanwhile.
        let Ok(()) = sent else { return };
        let whole = answer.what == What::Whole;
        if let Some(said) = self.said.iter_mut().find(|said| said.stream == stream) {
            (said.body, said.ended) = (vec![7; len], answer.what != What::Broken);
        }
        if !whole {
            self.bodies.insert(stream, (answer, len));
            self.more(stream);
        }
    }

    /// Sends more of a body, as the capacity allows, and its end.
    fn more(&mut self, stream: u32) {
        let Some((answer, mut rest)) = self.bodies.remove(&stream) else { return };
        let (id, now) = (StreamId(stream), self.now);
        if self.connection.wants_data(id) {
            while rest > 0 {
                let room = self.connection.capacity(id).min(rest);
                if room == 0 {
                    self.bodies.insert(stream, (answer, rest));
                    return;
                }
                if self.connection.send(now, id, Command::Data(vec![7; room].into())).is_err() {
                    return;
                }
                rest -= room;
            }
        }
        let _ = match answer.what {
            What::Broken => self.connection.send(now, id, Command::Reset(ResetCause::Internal)),
            _ => self.connection.send(now, id, Command::Trailers(&TRAILERS)),
        };
    }
}
