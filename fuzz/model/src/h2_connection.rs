//! Whole connections of HTTP/2: frames in pieces, commands of the application, and the clock.

mod client;
mod driver;

use stelo_core::h2::frame::{PREFACE, Setting, write};
use stelo_core::h2::hpack::{Indexing, literal};
use stelo_core::h2::{Config, ErrorCode, Limits};

use crate::peer::{Cut, MOST};
use crate::source::Source;
use driver::{Driver, Outcome};

/// Limits so small that a short input can exceed each of them.
const TIGHT: Limits = Limits::DEFAULT
    .streams(3)
    .target(20)
    .method(8)
    .field_line(60)
    .head(400)
    .fields(6)
    .trailers(100)
    .trailer_fields(2)
    .heads(1_000)
    .body(Some(40))
    .write_buffer(200)
    .resets(4)
    .glitches(20)
    .requests(Some(12))
    .linger(100);

/// Checks that a connection reports the requests and bodies that the frames have, answers each stream at most once, as the
/// application decided, keeps to the windows and limits of the client, and holds a bounded amount of memory. Without
/// further input it ends.
///
/// The input: whether limits are tight; whether the client reads only at pauses; two sizes of pieces; the answers; then
/// steps.
pub fn h2_connection(input: &[u8]) {
    let mut source = Source::new(&input[..input.len().min(MOST)]);
    let (tight, lazy) = (source.flag(), source.flag());
    let sizes = [source.byte(), source.byte()];
    let answers = [(); 3].map(|()| Answer::read(&mut source));
    let mut script = Script {
        config: Config::DEFAULT.limits(if tight { TIGHT } else { Limits::DEFAULT }),
        lazy,
        answers,
        steps: vec![Step::Bytes(PREFACE.to_vec())],
        sent: Vec::new(),
        is_calm: !tight,
    };
    let mut client = Frames::default();
    while !source.is_empty() {
        let step = client.step(&mut source, &mut script);
        script.steps.push(step);
    }
    for cut in [Cut::Not, Cut::Bytes, Cut::Sizes(sizes)] {
        let outcome = Driver::new(&script, cut).run();
        script.check(&outcome);
    }
}

/// The actions of the client and of the application.
struct Script {
    config: Config,
    /// Whether the client reads only at pauses.
    lazy: bool,
    /// The answers to the requests, repeated in order.
    answers: [Answer; 3],
    steps: Vec<Step>,
    /// The requests that were sent with valid heads.
    sent: Vec<Sent>,
    /// Whether the server has to report all requests with all of their bodies.
    is_calm: bool,
}

/// A step of the client.
enum Step {
    /// Sends bytes.
    Bytes(Vec<u8>),
    /// Reads what the server has sent, and acts on it.
    Read,
    /// Advances the clock by this number of seconds.
    Wait(u64),
    /// The server begins to stop.
    Shutdown,
    /// The client resets the connection.
    Gone,
    /// The client ends its side of the connection.
    Eof,
}

/// A request as the client has sent it.
#[derive(Debug, Default)]
struct Sent {
    stream: u32,
    path: String,
    body: Vec<u8>,
    ended: bool,
}

/// An answer of the application.
#[derive(Clone, Copy)]
struct Answer {
    when: When,
    what: What,
    len: u16,
}

/// The time at which a request is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// After the end of the body, which is read.
    End,
    /// After the head. The body is not read.
    Head,
    /// When the client reads.
    Pause,
}

/// The kind of answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// A whole response.
    Whole,
    /// A body of unknown length, then trailers.
    Stream,
    /// A response that is cut off inside its body.
    Broken,
}

impl Answer {
    fn read(source: &mut Source<'_>) -> Self {
        let when = source.pick(&[When::End, When::Head, When::Pause]);
        let what = source.pick(&[What::Whole, What::Stream, What::Broken]);
        Self { when, what, len: source.pick(&[2, 0, 30, 300, 20_000]) }
    }
}

/// Writes the frames of the client.
#[derive(Default)]
struct Frames {
    /// The last stream.
    last: u32,
    has_settings: bool,
}

impl Frames {
    /// Returns the next step.
    fn step(&mut self, source: &mut Source<'_>, script: &mut Script) -> Step {
        let mut out = Vec::new();
        if !self.has_settings {
            self.has_settings = true;
            write::settings(&mut out, &[Setting::InitialWindowSize(source.pick(&[65_535, 0, 10, 1_000]))]);
            return Step::Bytes(out);
        }
        let kind = source.byte();
        match kind.wrapping_sub(b'0') % 16 {
            0 | 1 => self.request(source, script, &mut out),
            2 | 3 => self.data(source, script, &mut out),
            4 => return Step::Read,
            rest => {
                // What follows may end streams, or the connection.
                script.is_calm = false;
                match rest {
                    5 => write::window_update(
                        &mut out,
                        self.stream(source),
                        source.pick(&[1, 100, 65_535, 0x7fff_ffff]),
                    ),
                    6 => write::reset(&mut out, self.stream(source), ErrorCode::CANCEL),
                    7 => write::settings(&mut out, &settings(source)),
                    8 => write::ping(&mut out, [source.byte(); 8], source.flag()),
                    9 => write::priority_update(&mut out, self.stream(source), source.bytes()),
                    10 => write::settings_ack(&mut out),
                    11 => write::go_away(&mut out, 0, ErrorCode::NO_ERROR, source.bytes()),
                    12 => self.trailers(source, script, &mut out),
                    13 => out.extend_from_slice(source.bytes()),
                    14 => return Step::Wait(source.pick(&[1, 6, 11, 31])),
                    _ => {
                        return match source.byte() % 3 {
                            0 => Step::Shutdown,
                            1 => Step::Gone,
                            _ => Step::Eof,
                        };
                    }
                }
            }
        }
        Step::Bytes(out)
    }

    /// Returns a stream that may be open.
    fn stream(&self, source: &mut Source<'_>) -> u32 {
        self.last.saturating_sub(2 * source.pick(&[0, 1, 2, 3, 40]))
    }

    /// Writes a request: most often a valid one on a new stream.
    fn request(&mut self, source: &mut Source<'_>, script: &mut Script, out: &mut Vec<u8>) {
        self.last += source.pick(&[1, 2, 2, 8]) | if self.last == 0 { 1 } else { 0 };
        self.last |= 1;
        let (stream, ends) = (self.last, source.flag());
        let path = format!("/{}", hex(source.bytes()));
        let mut fields: Vec<(&[u8], Vec<u8>)> = vec![
            (b":method", source.pick(&[&b"GET"[..], b"POST", b"HEAD", b"BREW"]).to_vec()),
            (b":scheme", b"http".to_vec()),
            (b":path", path.clone().into_bytes()),
            (b":authority", b"a".to_vec()),
        ];
        for _ in 0..source.byte() % 8 {
            let name =
                source.pick(&[&b"cookie"[..], b"x-a", b"content-length", b"te", b"priority", b"Upper"]);
            // Whether it is valid depends on the rest.
            let is_plain = matches!(name, b"cookie" | b"x-a");
            script.is_calm &= is_plain;
            let value = source.bytes();
            fields.push((name, if is_plain { hex(value).into_bytes() } else { value.to_vec() }));
        }
        let indexing = source.pick(&[Indexing::Without, Indexing::Add, Indexing::Never]);
        block(out, &fields, indexing, stream, ends);
        script.is_calm &= fields.len() <= 100 && path.len() < 4_000;
        script.sent.push(Sent { stream, path, body: Vec::new(), ended: ends });
    }

    /// Writes DATA for a stream.
    fn data(&mut self, source: &mut Source<'_>, script: &mut Script, out: &mut Vec<u8>) {
        let (stream, ends, bytes) = (self.stream(source), source.flag(), source.bytes());
        write::data(out, stream, bytes.len(), ends);
        out.extend_from_slice(bytes);
        match script.sent.iter_mut().find(|sent| sent.stream == stream && !sent.ended) {
            Some(sent) => {
                sent.body.extend_from_slice(bytes);
                sent.ended = ends;
            }
            None => script.is_calm = false,
        }
        // Empty frames are counted.
        script.is_calm &= !bytes.is_empty() || ends;
    }

    fn trailers(&mut self, source: &mut Source<'_>, script: &mut Script, out: &mut Vec<u8>) {
        let fields =
            vec![(source.pick(&[&b"x-sum"[..], b"content-length", b":path"]), source.bytes().to_vec())];
        let (stream, ends) = (self.stream(source), !source.flag());
        if let Some(sent) = script.sent.iter_mut().find(|sent| sent.stream == stream) {
            sent.ended |= ends;
        }
        block(out, &fields, Indexing::Without, stream, ends);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn settings(source: &mut Source<'_>) -> Vec<Setting> {
    let number = source.pick(&[0, 1, 100, 16_384, 65_535, 0x7fff_ffff]);
    let setting = source.pick(&[
        Setting::InitialWindowSize(number),
        Setting::MaxFrameSize(number),
        Setting::HeaderTableSize(number),
        Setting::MaxHeaderListSize(number),
        Setting::EnablePush(number & 1 == 1),
    ]);
    vec![setting; 1 + usize::from(source.byte() % 3)]
}

fn block(out: &mut Vec<u8>, fields: &[(&[u8], Vec<u8>)], indexing: Indexing, stream: u32, ends: bool) {
    let at = write::begin_headers(out);
    for (name, value) in fields {
        literal(out, indexing, name, value);
    }
    write::end_headers(out, at, stream, ends, 16_384);
}

impl Script {
    /// Checks that the server has reported what was sent, and answered as the application decided.
    fn check(&self, outcome: &Outcome) {
        let mut sent = self.sent.iter();
        for heard in &outcome.heard {
            let sent = sent.by_ref().find(|sent| sent.stream == heard.stream);
            let sent = sent.unwrap_or_else(|| panic!("{heard:?} was not sent, or not in this order"));
            assert_eq!(heard.path, sent.path);
            assert!(sent.body.starts_with(&heard.body), "{heard:?} is not a part of {sent:?}");
            assert!(!heard.ended || heard.body == sent.body, "{heard:?} has ended before {sent:?}");
        }
        if self.is_calm {
            assert_eq!(outcome.violation, None);
            // The limit of open streams is that of a client that has read the settings.
            let open = self.sent.len();
            assert!(open > 100 || outcome.heard.len() == open, "{} of {open} requests", outcome.heard.len());
        }
        for said in &outcome.said {
            let got = outcome.received.get(&said.stream);
            let Some(got) = got.filter(|got| got.status != 0) else { continue };
            assert_eq!(got.status, 200, "stream {}", said.stream);
            assert!(said.body.starts_with(&got.body) || said.is_head, "stream {}", said.stream);
            assert!(
                !got.ended || said.ended && (said.is_head || got.body == said.body),
                "stream {}",
                said.stream
            );
        }
    }
}
