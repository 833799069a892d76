//! Regression tests for advisories on Rust servers, each with the name of its advisory.
//!
//! Advisories about a single exchange are cases of the corpus. `docs/evidence/advisories.md` lists all of them.

use std::sync::Arc;

use stelo_core::Instant;
use stelo_core::body::Length;
use stelo_core::h1::{Config, Connection};
use stelo_core::http::{Headers, InvalidHeader, date};
use stelo_core::proto::{Event, HttpMachine, Machine, StreamId};

/// RUSTSEC-2017-0002, hyper; RUSTSEC-2024-0008 and RUSTSEC-2024-0009, trillium: a line end in a name or value began
/// another header field or another response. Header and trailer fields are of the same type here.
#[test]
fn no_field_can_split_a_message() {
    let mut fields = Headers::new();
    for end in ["\r\n", "\n", "\r", "\0"] {
        let evil = format!("a{end}b: c");
        assert_eq!(fields.try_append("x", &evil), Err(InvalidHeader::Value));
        assert_eq!(fields.try_set("x", &evil), Err(InvalidHeader::Value));
        assert_eq!(fields.try_append(&evil, "x"), Err(InvalidHeader::Name));
        assert_eq!(fields.try_set(&evil, "x"), Err(InvalidHeader::Name));
    }
    assert!(fields.is_empty());
}

/// RUSTSEC-2026-0009, time: nested comments in a date overflowed the stack.
#[test]
fn a_date_is_read_without_recursion() {
    let nested = "(".repeat(1 << 20);
    for text in [nested.clone(), format!("Sun, 06 Nov 1994 08:49:37 GMT {nested}"), format!("Sun, {nested}")]
    {
        assert_eq!(date::parse(text.as_bytes()), None);
    }
}

/// RUSTSEC-2021-0079, hyper, and RUSTSEC-2026-0181, vibeio-http: a chunk size near the largest integer was trusted.
/// Here no memory is reserved for a declared length, and no sum overflows.
#[test]
fn nothing_is_reserved_for_what_is_announced() {
    for (framing, length) in [
        ("content-length: 9999999999999999999\r\n\r\n", Length::Known(9_999_999_999_999_999_999)),
        ("content-length: 9223372036854775808\r\n\r\n", Length::Known(1 << 63)),
        ("transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n", Length::Unknown),
        ("transfer-encoding: chunked\r\n\r\n7fffffffffffffff\r\n", Length::Unknown),
        ("transfer-encoding: chunked\r\n\r\nfffffffe\r\n", Length::Unknown),
    ] {
        let mut machine = Connection::new(Arc::new(Config::default()), Instant::ZERO);
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\n{framing}");
        machine.receive(Instant::ZERO, head.as_bytes());
        let Event::Request { length: seen, .. } = machine.next_event() else {
            panic!("{framing}: no request")
        };
        assert_eq!(seen, length, "{framing}");
        machine.want_body(Instant::ZERO, StreamId::ONLY, true);
        let before = machine.held();
        for _ in 0..100 {
            assert!(matches!(machine.next_event(), Event::NeedData), "{framing}");
            assert_eq!(machine.receive(Instant::ZERO, &[b'x'; 1000]), 1000);
            let Event::Data { data, .. } = machine.next_event() else { panic!("{framing}: no data") };
            assert_eq!(data.len(), 1000);
        }
        assert!(machine.held() <= before, "{framing}: {} bytes", machine.held());
    }
}
