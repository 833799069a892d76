//! Whole connections: bytes in pieces, what the application decides, time that passes.

mod driver;

use stelo_core::event::Length;
use stelo_core::h1::Config;
use stelo_core::http::Status;

use crate::peer::{MOST, alike, config};
use crate::reference::response::End;
use crate::reference::{Exchange, Halt, chunked, head, response};
use crate::source::Source;
use driver::{Driver, Outcome};

/// A connection hears the requests that a plain reader finds in the same bytes, and every request that it has taken is
/// answered once, as the application said. Left alone it ends.
///
/// The input: tight limits or not; whether the peer ends its side; whether it reads at pauses only; two sizes of
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

/// When a request is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// When the body is complete.
    End,
    /// At the first pause after that.
    Pause,
    /// When the head is there; the body is left unread.
    Head,
}

/// What is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// A body of known length.
    Known,
    /// A body of unknown length.
    Unknown,
    /// Leaves HTTP, if the client has asked for it.
    Switch,
    /// The last response.
    Close,
    /// Breaks off.
    Broken,
}

/// What happens between two stretches of bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pause {
    Nothing,
    /// So many seconds pass.
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
