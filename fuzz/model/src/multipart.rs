//! Multipart forms (RFC 7578).

use stelo_core::multipart::{Boundary, Error, ErrorKind, Event, Limits, Parser};

use crate::peer::{Cut, MOST, alike};
use crate::reference::Halt;
use crate::reference::multipart::{self as reference, Part};
use crate::source::Source;

/// Limits so small that a short input can exceed each of them.
const TIGHT: Limits =
    Limits::DEFAULT.preamble(8).head(80).header_line(60).headers(2).fields(2).files(2).field(12);

/// Checks that a body has the parts of the reference, in pieces of any size, and that no event is without bytes.
///
/// The input: whether limits are tight; two sizes of pieces; the body, whose boundary is `B`.
pub fn multipart(input: &[u8]) {
    let mut source = Source::new(input);
    let limits = if source.flag() { TIGHT } else { Limits::DEFAULT };
    let sizes = [source.byte(), source.byte()];
    let body = source.rest();
    let body = &body[..body.len().min(MOST)];
    let mut parts = Vec::new();
    let expected = reference::read(body, &limits, &mut parts);

    let (heard, error) = alike(sizes, |cut: Cut| listen(limits, body, cut));
    assert_eq!(heard, parts);
    match expected {
        Ok(()) => assert_eq!(error, None),
        Err(halt) => {
            let error = error.expect("the reference has an error");
            assert_eq!(error.kind == ErrorKind::Truncated, halt == Halt::Incomplete, "{halt:?}: {error}");
            assert!(error.at <= body.len() as u64);
        }
    }
}

fn listen(limits: Limits, body: &[u8], cut: Cut) -> (Vec<Part>, Option<Error>) {
    let boundary = Boundary::new(b"B").expect("a valid boundary");
    let (mut parser, mut parts) = (Parser::new(&boundary, limits), Vec::<Part>::new());
    let (mut events, mut ended) = (0, false);
    for mut piece in cut.pieces(body) {
        loop {
            events += 1;
            let current = parts.last_mut().filter(|part| !part.ended);
            match (parser.next_event(&mut piece), current) {
                (Ok(Event::Part(part)), None) => {
                    let (headers, name, filename) = part.into_parts();
                    let headers = headers.iter().map(|(name, value)| (name.into(), value.to_vec())).collect();
                    parts.push(Part { headers, name, filename, data: Vec::new(), ended: false });
                }
                (Ok(Event::Data(data)), Some(part)) if !data.is_empty() => part.data.extend_from_slice(data),
                (Ok(Event::PartEnd), Some(part)) => part.ended = true,
                (Ok(Event::End), None) => assert!(!std::mem::replace(&mut ended, true)),
                (Ok(Event::NeedData), _) => break,
                (Err(error), _) => return (parts, Some(error)),
                (event, part) => panic!("{event:?} in {part:?}"),
            }
        }
        assert!(piece.is_empty());
    }
    assert!(events <= 3 * body.len() + 2, "{events} events");
    let end = parser.finish();
    assert_eq!(end.is_ok(), ended || body.is_empty());
    (parts, end.err())
}
