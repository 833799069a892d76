//! Whole connections: input in pieces, commands of the application, and the clock.

mod driver;

use stelo_core::body::Length;
use stelo_core::h1::{Config, Limits};
use stelo_core::http::Status;

use crate::peer::{MOST, alike, config};
use crate::reference::response::End;
use crate::reference::{Exchange, Halt, chunked, head, response};
use crate::source::Source;
use driver::{Driver, Outcome};

/// Checks that a connection reports the requests that the reference parser finds in the same bytes. It answers every
/// accepted request once, as the application decided. Without further input it ends.
///
/// The input: whether limits are tight; whether the peer closes its side; whether the peer reads only at pauses; two
/// sizes of pieces; three answers; three segments with an action after each; the bytes.
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

/// The actions of the application and of the peer.
struct Script<'a> {
    config: Config,
    /// Whether the peer closes its side after the last byte. If not, it stays connected and sends nothing.
    eof: bool,
    /// Whether the peer reads only at pauses.
    lazy: bool,
    /// The answers to the requests, repeated in order.
    answers: [Answer; 3],
    pauses: [(usize, Pause); 3],
    bytes: &'a [u8],
}

#[derive(Clone, Copy)]
struct Answer {
    when: When,
    what: What,
    /// Whether a client that waits for `100 Continue` receives it.
    invite: bool,
}

/// The time at which a request is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// After the end of the body.
    End,
    /// At the first pause after the end of the body.
    Pause,
    /// After the head. The body is not read.
    Head,
}

/// The kind of answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// A body of known length.
    Known,
    /// A body of unknown length.
    Unknown,
    /// Switches protocols, if the client requested an upgrade.
    Switch,
    /// The last response of the connection.
    Close,
    /// Aborts inside the body.
    Broken,
}

/// The action between two segments of bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pause {
    Nothing,
    /// Advances the clock by this number of seconds.
    Wait(u64),
    Shutdown,
    /// The peer resets the connection.
    Gone,
    /// Releases the buffers and adopts them again, as a pool does.
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

impl Script<'_> {
    /// Whether no action at a pause can prevent a request from being accepted.
    fn is_calm(&self) -> bool {
        self.pauses.iter().all(|(_, pause)| matches!(pause, Pause::Nothing | Pause::Lend))
    }

    /// Returns the expected events, by the reference parser.
    fn read(&self) -> Reading {
        let limits = &self.config.limits;
        let mut reading = Reading { exchanges: Vec::new(), starts: Vec::new(), refused: false, tunnel: None };
        let mut rest = self.bytes;
        for answer in self.answers.iter().cycle() {
            reading.starts.push(self.bytes.len() - rest.len());
            let ((head, meaning), after) = match head::read(rest, limits) {
                Ok(read) => read,
                Err(halt) => {
                    reading.refused = halt == Halt::Refused;
                    break;
                }
            };
            let mut exchange = Exchange::new(head, meaning.length);
            let body = body(&mut exchange, after, limits);
            let mut last = !meaning.keep_alive
                || matches!(answer.what, What::Close | What::Broken)
                || limits.requests == Some(reading.exchanges.len() as u64 + 1)
                // HTTP/1.0 has no chunks, so only the end of the connection ends a body of unknown length.
                || (answer.what == What::Unknown && exchange.head.old && exchange.head.method != "HEAD");
            let switched = match &*exchange.head.method {
                "CONNECT" => answer.what != What::Switch,
                _ => answer.what == What::Switch && meaning.upgrade,
            };
            let unread = answer.when == When::Head && meaning.length != Length::None;
            if unread {
                // The body is dropped. A client that waits for `100 Continue` may omit it.
                last |= meaning.expects && !answer.invite;
                (exchange.body, exchange.trailers, exchange.ended) = Default::default();
            }
            reading.exchanges.push(exchange);
            match body {
                Ok(after) if switched && !unread => {
                    reading.tunnel = Some(after.to_vec());
                    break;
                }
                Ok(after) if !last => rest = after,
                Ok(_) => break,
                Err(halt) => {
                    reading.refused = halt == Halt::Refused && !unread;
                    break;
                }
            }
        }
        reading
    }

    /// Returns `HEAD` if the first `received` bytes show that this is the method of request `number`, else "".
    fn refused_method(&self, number: usize, received: usize) -> &'static str {
        let start = self.read().starts.get(number).copied();
        let seen = start.and_then(|start| self.bytes.get(start..received)).unwrap_or_default();
        if seen.strip_prefix(b"\r\n").unwrap_or(seen).starts_with(b"HEAD ") { "HEAD" } else { "" }
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
        assert!(
            heard.exchanges.len() <= reading.exchanges.len(),
            "{heard:?} has more requests than {reading:?}"
        );
        for (heard, read) in heard.exchanges.iter().zip(&reading.exchanges) {
            assert!(heard.is_part_of(read), "{heard:?} is not a prefix of {read:?}");
        }
        assert!(reading.refused || !refused, "{:?}", heard.faults);
        assert!(outcome.tunnel.is_none() || outcome.tunnel == reading.tunnel);
    }

    /// Checks that the output consists of exactly the answers.
    fn check_written(&self, outcome: &Outcome) {
        if outcome.gone {
            return;
        }
        let mut invitations = outcome.heard.exchanges.len();
        let mut rest = &*outcome.written;
        for said in &outcome.said {
            let found = loop {
                let (found, after) = response::read(rest, &said.method).expect("the answer was written");
                rest = after;
                if found.status != 100 {
                    break found;
                }
                assert!(invitations > 0, "more `100 Continue` than requests");
                invitations -= 1;
            };
            let body: &[u8] = if said.method == "HEAD" { &[] } else { &said.body };
            assert_eq!((found.status, &*found.body), (said.status.code(), body));
            let cut_off = !said.end && said.method != "HEAD";
            assert_eq!(found.end == End::CutOff, cut_off, "{found:?} of {said:?}");
        }
        while let Some((found, after)) = response::read(rest, "") {
            assert_eq!(found.status, 100, "a response that no application sent");
            rest = after;
        }
    }
}

/// The result of the reference parser.
#[derive(Debug)]
struct Reading {
    exchanges: Vec<Exchange>,
    /// The offset of each request, and of the bytes after the last one.
    starts: Vec<usize>,
    refused: bool,
    tunnel: Option<Vec<u8>>,
}

/// Parses the body of a request. Returns the remaining input.
fn body<'a>(exchange: &mut Exchange, input: &'a [u8], limits: &Limits) -> Result<&'a [u8], Halt> {
    let (mut rest, mut ended) = (input, true);
    match exchange.length {
        Length::None => {}
        Length::Known(length) => {
            let (body, after) =
                input.split_at(input.len().min(usize::try_from(length).unwrap_or(usize::MAX)));
            (exchange.body, rest, ended) = (body.to_vec(), after, body.len() as u64 == length);
        }
        Length::Unknown => (exchange.trailers, rest) = chunked::read(input, limits, &mut exchange.body)?,
    }
    exchange.ended = ended;
    if ended { Ok(rest) } else { Err(Halt::Incomplete) }
}
