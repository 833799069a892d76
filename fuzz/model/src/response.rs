//! The response encoder: parsing its output returns the response that the application sent.

use stelo_core::body::Length;
use stelo_core::h1::{Config, Connection};
use stelo_core::http::{Headers, Status, date};
use stelo_core::proto::{CloseState, Command, Defaults, Event, HttpMachine, Machine, ResetCause, StreamId};
use stelo_core::{Fault, Instant};

use crate::peer::{Meter, fields, unsent};
use crate::reference::response::{End, read};
use crate::reference::{Fields, chunked::is_dropped, get, is_text, is_token, list, trim};
use crate::source::Source;

const NOW: Instant = Instant::ZERO;
const DATE: [u8; date::LEN] = *b"Sun, 06 Nov 1994 08:49:37 GMT";

/// Checks the encoder with commands in any order. A rejected command changes nothing. A client parses the accepted
/// commands from the output, even if the peer pauses reading. Memory is bounded.
///
/// The input: method, version and fields of the request; whether there are default fields; then commands, until the end
/// of the input.
pub fn response(input: &[u8]) {
    let mut source = Source::new(input);
    let Some(mut speaker) = Speaker::new(&mut source) else { return };
    for _ in 0..64 {
        if source.is_empty() {
            break;
        }
        speaker.step(&mut source);
    }
    speaker.transmit(usize::MAX);
    speaker.check();
}

/// The progress of a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Nothing,
    Head,
    End,
    /// The response or the connection was aborted.
    Reset,
}

/// An application that sends arbitrary commands, and a record of the accepted ones.
struct Speaker {
    connection: Connection,
    method: &'static str,
    old: bool,
    /// Whether the request has a body. The client never sends it.
    waits: bool,
    /// Whether the client waits for `100 Continue`.
    expects: bool,
    defaults: Option<Defaults>,
    stage: Stage,
    /// Whether the response is complete.
    ended: bool,
    informational: Vec<(u16, Fields)>,
    status: u16,
    fields: Fields,
    length: Length,
    body: Vec<u8>,
    trailers: Fields,
    meter: Meter,
    /// The largest number of unsent bytes so far.
    peak: usize,
    /// The bytes that the peer has read.
    written: Vec<u8>,
}

impl Speaker {
    /// Creates a connection with one request. Returns `None` if the request is invalid: CONNECT with a body.
    fn new(source: &mut Source<'_>) -> Option<Self> {
        let method = source.pick(&["GET", "HEAD", "POST", "CONNECT"]);
        let old = source.flag();
        let fields = source.pick(&[
            "",
            "connection: close\r\n",
            "connection: keep-alive\r\n",
            "connection: upgrade\r\nupgrade: x\r\n",
            "content-length: 4\r\nexpect: 100-continue\r\n",
            "content-length: 4\r\nconnection: upgrade\r\nupgrade: x\r\n",
        ]);
        let defaults = source.flag().then(|| Defaults::new(Some(&DATE), Some("stelo"), &Headers::new()));
        let target = if method == "CONNECT" { "a:1" } else { "/" };
        let version = if old { "1.0" } else { "1.1" };
        let request = format!("{method} {target} HTTP/{version}\r\nhost: a\r\n{fields}\r\n");
        let mut connection = Connection::new(Config::default().into(), NOW);
        let mut meter = Meter::default();
        meter.received(connection.receive(NOW, request.as_bytes()));
        let Event::Request { .. } = connection.next_event() else { return None };
        Some(Self {
            connection,
            method,
            old,
            waits: fields.contains("content-length"),
            expects: fields.contains("expect") && !old,
            defaults: defaults.map(|defaults| defaults.expect("fields")),
            stage: Stage::Nothing,
            ended: false,
            informational: Vec::new(),
            status: 0,
            fields: Fields::new(),
            length: Length::None,
            body: Vec::new(),
            trailers: Fields::new(),
            meter,
            peak: 0,
            written: Vec::new(),
        })
    }

    /// Sends one command, or lets the peer read.
    fn step(&mut self, source: &mut Source<'_>) {
        let before = unsent(&mut self.connection);
        let what = ["head", "data", "end", "trailers", "read", "informational", "continue", "reset"];
        let accepted = match source.pick(&what) {
            "head" => self.head(source),
            "data" => {
                let length = source.pick(&[1, 2, 0, 16, 31, 4096, 4097, 9000]);
                let bytes = vec![source.byte(); length];
                let accepted = self.send(Command::Data(bytes.clone().into()));
                self.accept(accepted, Stage::Head, Stage::Head, |said| said.body.extend(bytes))
            }
            "end" => {
                let accepted = self.send(Command::End);
                self.accept(accepted, Stage::Head, Stage::End, |_| {})
            }
            "trailers" => {
                let trailers = headers(source);
                let accepted = self.send(Command::Trailers(&trailers));
                self.accept(accepted, Stage::Head, Stage::End, |said| said.trailers = fields(&trailers))
            }
            "informational" => {
                let status = status(source.pick(&[103, 102, 100, 101, 199, 200]));
                let headers = headers(source);
                let accepted = self.send(Command::Informational { status, headers: &headers });
                self.accept(accepted, Stage::Nothing, Stage::Nothing, |said| {
                    assert!(status.is_informational() && !matches!(status.code(), 100 | 101));
                    // HTTP/1.0 has no informational responses.
                    let message = (status.code(), unframed(&fields(&headers)));
                    said.informational.extend((!said.old).then_some(message));
                })
            }
            "continue" => {
                self.connection.want_body(NOW, StreamId::ONLY, true);
                if self.expects && self.stage == Stage::Nothing {
                    self.expects = false;
                    self.informational.push((100, Fields::new()));
                }
                true
            }
            "reset" => {
                self.send(Command::Reset(ResetCause::Internal)).expect("a reset is always accepted");
                self.stage = Stage::Reset;
                true
            }
            _ => {
                self.transmit(usize::from(source.byte()) * 32);
                true
            }
        };
        let unsent = unsent(&mut self.connection);
        assert!(accepted || unsent == before, "a rejected command changes nothing");
        self.peak = self.peak.max(unsent);
        self.meter.check(&self.connection, self.peak);
    }

    fn send(&mut self, what: Command<'_>) -> Result<(), Fault> {
        self.connection.send(NOW, StreamId::ONLY, what)
    }

    /// Records an accepted command. It must be valid in the stage `from` only.
    fn accept(
        &mut self,
        result: Result<(), Fault>,
        from: Stage,
        to: Stage,
        note: impl FnOnce(&mut Self),
    ) -> bool {
        if result.is_ok() {
            assert_eq!(self.stage, from);
            self.stage = to;
            self.ended = to == Stage::End;
            note(self);
        }
        result.is_ok()
    }

    fn head(&mut self, source: &mut Source<'_>) -> bool {
        let status = status(source.pick(&[200, 404, 204, 304, 205, 206, 101, 100, 103, 299, 600, 999]));
        let length = match source.byte() & 31 {
            16 => Length::Unknown,
            17 => Length::None,
            n => Length::Known(n.into()),
        };
        let headers = headers(source);
        let defaults = self.defaults.clone().unwrap_or_default();
        let accepted =
            self.send(Command::Response { status, headers: &headers, length, defaults: &defaults });
        self.accept(accepted, Stage::Nothing, Stage::Head, |said| {
            (said.status, said.fields, said.length) = (status.code(), fields(&headers), length);
        })
    }

    /// Passes up to `most` bytes of output to the peer.
    fn transmit(&mut self, mut most: usize) {
        while most > 0 {
            let mut slices = [&[][..]; 3];
            let filled = self.connection.poll_transmit(&mut slices).slices;
            if filled == 0 {
                return;
            }
            let mut bytes = slices[..filled].concat();
            bytes.truncate(most);
            most -= bytes.len();
            self.connection.transmitted(NOW, bytes.len());
            self.written.extend(bytes);
        }
    }

    /// Parses the output and compares it with the accepted commands.
    fn check(&self) {
        let mut rest = &*self.written;
        for (status, fields) in &self.informational {
            let (found, after) = read(rest, self.method).expect("an informational response");
            assert_eq!((found.status, &found.fields), (*status, fields));
            rest = after;
        }
        let Some((found, rest)) = read(rest, self.method) else {
            return assert_eq!(self.status, 0, "the response is missing");
        };
        assert_eq!((found.status, rest), (self.status, &[][..]), "the response, and nothing else");
        let switched = found.end == End::Switch;
        let bare = switched || self.method == "HEAD" || matches!(self.status, 204 | 205 | 304);
        assert_eq!(found.body, if bare { &[][..] } else { &*self.body });

        let own = unframed(&self.fields);
        let has = |name: &str| get(&own, name).is_some();
        let default = |name: &str, value: &[u8]| {
            let due = self.defaults.is_some() && !has(name);
            due.then(|| (name.into(), value.to_vec()))
        };
        let given = default("date", &DATE).into_iter().chain(default("server", b"stelo"));
        let expected: Fields = given.chain(own.iter().cloned()).collect();
        let fields = unframed(&found.fields);
        let added = fields.strip_prefix(&*expected).expect("the fields that were set, in order");
        match added {
            [] => {}
            [(name, _)] => assert_eq!(name, b"connection"),
            [connection, timeout] => {
                assert_eq!((&*connection.0, &*connection.1), (&b"connection"[..], &b"keep-alive"[..]));
                assert_eq!((&*timeout.0, &*timeout.1), (&b"keep-alive"[..], &b"timeout=5"[..]));
            }
            _ => panic!("unexpected fields: {added:?}"),
        }

        let chunks = get(&found.fields, "transfer-encoding").is_some();
        assert!(!(chunks && self.old), "HTTP/1.0 has no chunks");
        if chunks && !bare && self.ended {
            let mut trailers = unframed(&self.trailers);
            trailers.retain(|(name, _)| !is_dropped(name));
            assert_eq!(found.trailers, trailers);
        }
        match (self.length, get(&found.fields, "content-length")) {
            (Length::Known(n), Some(stated)) if !bare => assert_eq!(stated, n.to_string().into_bytes()),
            _ => {}
        }
        match found.end {
            End::CutOff => assert!(!self.ended),
            End::Complete => assert!(bare || !chunks || self.ended),
            End::Close => assert!(self.old),
            End::Switch => assert!(!self.ended && self.body.is_empty()),
        }
        if self.stage == Stage::End && !self.waits {
            let open = self.connection.close_state() == CloseState::Open;
            let options = list(&found.fields, "connection");
            let says = |option: &[u8]| options.iter().any(|other| other == option);
            assert_eq!(
                open,
                found.end != End::Close && !says(b"close") && (!self.old || says(b"keep-alive"))
            );
        }
    }
}

fn status(code: u16) -> Status {
    Status::new(code).expect("a status")
}

/// Returns the fields without those that the machine writes itself.
fn unframed(fields: &Fields) -> Fields {
    let mut fields = fields.clone();
    fields.retain(|(name, _)| {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        !is("content-length") && !is("transfer-encoding")
    });
    fields
}

fn headers(source: &mut Source<'_>) -> Headers {
    let mut headers = Headers::new();
    for _ in 0..source.byte() & 7 {
        let name = source.pick(&["", "content-length", "connection", "transfer-encoding", "date"]).as_bytes();
        let name = if name.is_empty() { source.bytes() } else { name };
        let value =
            source.pick(&["", "0", "2", "close", "x, Close", "upgrade", "Chunked", "gzip"]).as_bytes();
        let value = if value.is_empty() { source.bytes() } else { value };
        if is_token(name) && value.iter().all(|&b| is_text(b)) && trim(value) == value {
            headers.try_append(name, value).expect("name and value were validated");
        }
    }
    headers
}
