//! JSON Lines.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures_lite::stream;
use serde_json::{Value, from_slice};
use stelo_core::body::Body;
use stelo_toolkit::json_lines::JsonLinesReader;

use crate::peer::{Cut, MOST, alike};
use crate::source::Source;

/// A value, or the status of an error with the number of its line.
type Line = Result<Value, (u16, usize)>;

/// Checks that a body has the values of its lines, in pieces of any size.
///
/// The input: whether the limit is 8 bytes for a line; two sizes of pieces; the body.
pub fn json_lines(input: &[u8]) {
    let mut source = Source::new(input);
    let limit = if source.flag() { 8 } else { MOST };
    let sizes = [source.byte(), source.byte()];
    let body = source.rest();
    let body = &body[..body.len().min(MOST)];
    assert_eq!(alike(sizes, |cut| read(body, cut, limit)), expected(body, limit));
}

fn read(body: &[u8], cut: Cut, limit: usize) -> Vec<Line> {
    let pieces: Vec<_> =
        cut.pieces(body).into_iter().map(|piece| Ok::<_, Infallible>(piece.to_vec())).collect();
    let mut reader = JsonLinesReader::<Value>::new(Body::from_stream(stream::iter(pieces))).line_limit(limit);
    let mut lines = Vec::new();
    loop {
        let Poll::Ready(line) = pin!(reader.next()).poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("the whole body is there");
        };
        match line {
            Some(Ok(value)) => lines.push(Ok(value)),
            Some(Err(error)) => {
                let number = error
                    .detail
                    .strip_prefix("line ")
                    .and_then(|rest| rest.split([':', ' ']).next()?.parse().ok());
                lines.push(Err((error.status.code(), number.expect("it names its line"))));
            }
            None => return lines,
        }
    }
}

fn expected(body: &[u8], limit: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, line) in body.split(|&byte| byte == b'\n').enumerate() {
        let error = |status| Err((status, at + 1));
        if line.len() > limit {
            lines.push(error(413));
            break;
        }
        if !line.trim_ascii().is_empty() {
            lines.push(from_slice(line).or(error(400)));
        }
    }
    lines
}
