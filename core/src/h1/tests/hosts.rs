//! The field `host`: the fast path for complete heads has the same rules as the slow one.

use alloc::format;
use alloc::string::String;

use super::Pair;
use crate::proto::{Event, HttpMachine, Machine};

/// Returns the host of a request that arrives `step` bytes at a time, or its fault.
fn host(line: &str, step: usize) -> String {
    let mut pair = Pair::new();
    for piece in format!("GET / HTTP/1.1\r\n{line}\r\nx: y\r\n\r\n").as_bytes().chunks(step) {
        pair.machine.receive(pair.now, piece);
        match pair.machine.next_event() {
            Event::Request { head, .. } => {
                return head.headers().get_str("host").unwrap_or_default().into();
            }
            Event::Fault { fault, .. } => return format!("{:?}", fault.kind),
            _ => {}
        }
    }
    "nothing".into()
}

#[test]
fn the_rules_of_host_are_the_same_for_heads_that_arrive_whole_and_in_pieces() {
    for (line, expected) in [
        ("Host: a", "a"),
        ("host:a.org:8000", "a.org:8000"),
        ("HOST: 127.0.0.1:65535", "127.0.0.1:65535"),
        ("Host: [fe80::1]:80", "[fe80::1]:80"),
        (
            "Host: [1111:2222:3333:4444:5555:6666:123.123.123.123]",
            "[1111:2222:3333:4444:5555:6666:123.123.123.123]",
        ),
        ("Host: a%20b", "a%20b"),
        ("Host: a: ", "a:"),
        ("Host:\t  a.org \t ", "a.org"),
        ("Host:", "HostInvalid"),
        ("Host:  ", "HostInvalid"),
        ("Host: a b", "HostInvalid"),
        ("Host: a, b", "HostInvalid"),
        ("Host: u@a", "HostInvalid"),
        ("Host: a:65536", "HostInvalid"),
        ("Host: a:8x", "HostInvalid"),
        ("Host: [::1", "HostInvalid"),
        ("Host: [::1]x", "HostInvalid"),
        ("Host: a%0d", "HostInvalid"),
        ("Host: a/b", "HostInvalid"),
        ("Host: a\u{1}", "FieldValue"),
        ("Host : a", "FieldName"),
        ("Host: a\r\nhost: a", "HostRepeated"),
        ("Host: a\r\nhost: ", "HostRepeated"),
        ("Hosts: a", "HostMissing"),
    ] {
        for step in [usize::MAX, 1, 7] {
            assert_eq!(host(line, step), expected, "{line:?}, {step} bytes at a time");
        }
    }
}
