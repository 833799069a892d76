//! Properties of any input: the pieces in which it arrives do not matter, and another parser reads an accepted head
//! alike.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use super::{Pair, at};
use crate::h1::{Config, Connection};
use crate::http::RequestHead;
use crate::proto::{Event, HttpMachine, Machine, StreamId};

fn config(cases: u32) -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(7);
    ProptestConfig { cases, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

fn bytes(text: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    Just(text.as_bytes().to_vec())
}

fn like(pattern: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    proptest::string::bytes_regex(pattern).expect("a regular expression")
}

/// Mostly CR LF.
fn line_end() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![40 => bytes("\r\n"), 1 => bytes("\n"), 1 => bytes("\r"), 1 => bytes("\r\r\n")]
}

fn request_line() -> impl Strategy<Value = Vec<u8>> {
    let method = prop_oneof![
        6 => bytes("GET"), 2 => bytes("OPTIONS"), 1 => bytes("CONNECT"),
        2 => like("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}"), 1 => like("[ -~]{0,4}"),
    ];
    let target = prop_oneof![
        4 => bytes("/"), 4 => like("/[!-~]{0,12}(\\?[!-~]{0,6})?"), 1 => bytes("*"), 1 => bytes("a:80"),
        2 => bytes("http://a/b?c"), 1 => like("(?-u)[\\x00-\\xff]{0,6}"),
    ];
    let version = prop_oneof![
        12 => bytes("HTTP/1.1"), 4 => bytes("HTTP/1.0"), 1 => bytes("HTTP/2.0"), 1 => like("[ -~]{0,9}"),
    ];
    let space = || prop_oneof![30 => bytes(" "), 1 => like("[ \t]{0,2}")];
    (method, space(), target, space(), version, line_end())
        .prop_map(|(a, b, c, d, e, f)| [a, b, c, d, e, f].concat())
}

fn field() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        12 => like("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,10}"), 1 => bytes("content-length"),
        1 => like("(?-u)[\\x00-\\xff]{0,4}"),
    ];
    let colon = prop_oneof![20 => like(":[ \t]{0,2}"), 1 => bytes(" :"), 1 => bytes("")];
    let value = prop_oneof![
        12 => like("(?-u)([!-~\\x80-\\xff][ \t!-~\\x80-\\xff]{0,12})?[ \t]{0,2}"), 2 => like("[0-9]{1,3}"),
        1 => like("(?-u)[\\x00-\\xff]{0,6}"),
    ];
    (name, colon, value, line_end()).prop_map(|(a, b, c, d)| [a, b, c, d].concat())
}

/// Generates a request head, mostly a valid one.
fn head() -> impl Strategy<Value = Vec<u8>> {
    let before = prop_oneof![8 => bytes(""), 1 => bytes("\r\n"), 1 => bytes("\n")];
    let host = prop_oneof![12 => bytes("Host: a\r\n"), 1 => bytes("host:a:80\r\n"), 1 => bytes("")];
    let end = prop_oneof![12 => bytes("\r\n"), 1 => bytes("\n"), 1 => bytes("")];
    (before, request_line(), host, prop::collection::vec(field(), 0..5), end)
        .prop_map(|(before, line, host, fields, end)| [before, line, host, fields.concat(), end].concat())
}

/// Returns the head, if it is valid, and its length.
fn read(input: &[u8]) -> Option<(Arc<RequestHead>, usize)> {
    let mut machine = Connection::new(Config::default().into(), at(0));
    let given = machine.receive(at(0), input);
    let Event::Request { head, .. } = machine.next_event() else { return None };
    Some((head, given - machine.buffered()))
}

/// httparse accepts more, such as bare line feeds. What both accept must be the same.
#[test]
fn accepted_heads_are_read_alike_by_httparse() {
    let (accepted, cases) = (Cell::new(0), 5_000);
    let result = TestRunner::new(config(cases)).run(&head(), |input| {
        let Some((ours, used)) = read(&input) else { return Ok(()) };
        accepted.set(accepted.get() + 1);
        let mut fields = vec![httparse::EMPTY_HEADER; 128];
        let mut theirs = httparse::Request::new(&mut fields);
        let parsed = theirs.parse(&input);
        if parsed == Err(httparse::Error::Version) {
            // It refuses later minor versions, which a recipient treats as 1.1 (RFC 9110 section 2.5).
            let later = |w: &[u8]| w.starts_with(b" HTTP/1.") && w[8] >= b'2';
            prop_assert!(input.windows(9).any(later));
            return Ok(());
        }
        prop_assert_eq!(parsed, Ok(httparse::Status::Complete(used)));
        prop_assert_eq!(theirs.method, Some(ours.method().as_str()));
        prop_assert_eq!(theirs.path, Some(ours.target()));
        let minor = theirs.version.map(|minor| format!("1.{minor}"));
        prop_assert_eq!(minor.as_deref(), Some(ours.version().number()));
        let theirs: Vec<_> = theirs.headers.iter().map(|h| (h.name, h.value)).collect();
        prop_assert_eq!(theirs, ours.headers().iter().collect::<Vec<_>>());
        Ok(())
    });
    result.unwrap();
    assert!(accepted.get() > cases / 10, "too few heads are any good: the property says little");
}

/// Generates a sequence of requests, bodies and random bytes.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let chunked = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let request = prop_oneof![
        4 => head(),
        2 => bytes("GET /a HTTP/1.1\r\nhost: a\r\n\r\n"),
        2 => (0..40usize).prop_map(|n| {
            format!("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: {n}\r\n\r\n{}", "x".repeat(n)).into()
        }),
        2 => (prop::collection::vec(like("[a-z]{1,20}"), 0..4), like("(;[a-z]{1,3}(=[a-z\"]{0,3})?)?"), field())
            .prop_map(move |(chunks, extension, trailer)| {
                let mut all = chunked.as_bytes().to_vec();
                for chunk in chunks {
                    all.extend(format!("{:x}", chunk.len()).bytes().chain(extension.iter().copied()));
                    all.extend([b"\r\n", &*chunk, b"\r\n"].concat());
                }
                [all, b"0\r\n".to_vec(), trailer, b"\r\n".to_vec()].concat()
            }),
    ];
    prop::collection::vec(request, 1..4).prop_map(|requests| requests.concat())
}

/// Returns all events and all output of a connection that gets these pieces and answers each request at its end.
fn outcome<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (String, String) {
    let mut pair = Pair::new();
    let (mut said, mut written) = (String::new(), String::new());
    for mut piece in pieces {
        while !piece.is_empty() {
            let taken = pair.machine.receive(pair.now, piece);
            piece = &piece[taken..];
            loop {
                let events = pair.events();
                said += events.trim_end_matches("paused");
                if !events.ends_with("paused") || pair.machine.has_responded(StreamId::ONLY) {
                    break;
                }
                // Not 200, which switches protocols after CONNECT.
                written += &pair.respond(404, &[], "hi");
            }
            if said.ends_with("closed") {
                return (said, written);
            }
        }
    }
    (said, written)
}

#[test]
fn the_pieces_do_not_matter() {
    let input = (requests(), prop::collection::vec(1..60usize, 1..8));
    let result = TestRunner::new(config(2_000)).run(&input, |(input, sizes)| {
        let mut rest = &*input;
        let pieces = sizes.iter().cycle().map_while(|&size| {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        });
        prop_assert_eq!(outcome(pieces), outcome([&*input].into_iter()));
        Ok(())
    });
    result.unwrap();
}
