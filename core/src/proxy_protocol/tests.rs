//! Lines and binary headers, whole and in all their parts.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use super::crc32c::crc32c;
use super::{Error, Header, MAX_LENGTH, Progress, Route, Versions, parse};
use crate::app::Address;

fn done(input: &[u8]) -> Header {
    match parse(input, Versions::Any) {
        Ok(Progress::Done(header)) => header,
        other => panic!("{other:?}"),
    }
}

/// Returns source and destination, as text.
fn route(input: &[u8]) -> Option<(String, String)> {
    let text = |address: Option<Address>| address.map(|address| address.to_string()).unwrap_or_default();
    done(input).route.map(|Route { source, destination }| (text(source), text(destination)))
}

fn error(input: &[u8]) -> Error {
    parse(input, Versions::Any).unwrap_err()
}

/// Returns a binary header.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, rest].concat()
}

/// Returns a header with the addresses of a TCP connection over IPv4, with these extensions.
fn extended(extensions: &[u8]) -> Vec<u8> {
    let addresses = [192, 0, 2, 1, 203, 0, 113, 7, 200, 34, 1, 187];
    binary(0x21, 0x11, &[&addresses[..], extensions].concat())
}

/// Returns a header whose last extension is its checksum.
fn summed(extensions: &[u8]) -> Vec<u8> {
    let mut header = extended(&[extensions, &[3, 0, 4, 0, 0, 0, 0][..]].concat());
    let sum = crc32c(header.iter().copied()).to_be_bytes();
    let at = header.len() - 4;
    header[at..].copy_from_slice(&sum);
    header
}

fn path(text: &[u8]) -> Vec<u8> {
    let mut path = text.to_vec();
    path.resize(108, 0);
    path
}

#[test]
fn a_line_has_the_addresses_of_the_client() {
    for (line, source, destination) in [
        ("TCP4 192.0.2.1 203.0.113.7 51234 443", "192.0.2.1:51234", "203.0.113.7:443"),
        ("TCP4 255.255.255.255 255.255.255.255 65535 0", "255.255.255.255:65535", "255.255.255.255:0"),
        ("TCP6 2001:db8::1 ::1 1 80", "2001:db8::1:1", "::1:80"),
        ("TCP6 ::ffff:192.0.2.1 ::1 1 80", "192.0.2.1:1", "::1:80"),
    ] {
        let line = format!("PROXY {line}\r\nGET /");
        assert_eq!(route(line.as_bytes()), Some((source.into(), destination.into())), "{line}");
        assert_eq!(done(line.as_bytes()).length, line.len() - 5);
    }
    for line in ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 ffff::2 65535 65535 and more\r\n"] {
        assert_eq!(done(line.as_bytes()), Header { length: line.len(), route: None });
    }
}

#[test]
fn malformed_lines_are_rejected() {
    for (line, expected) in [
        ("GET / HTTP/1.1\r\n", Error::Missing),
        ("PROXY\r\n", Error::Missing),
        ("proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n", Error::Missing),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n", Error::Line),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\rx", Error::Line),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", Error::Line),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n", Error::Line),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n", Error::Line),
        ("PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n", Error::Address),
        ("PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n", Error::Line),
        ("PROXY UNKNOWNS\r\n", Error::Line),
        ("PROXY TCP4 1.2.3.04 1.2.3.4 1 1\r\n", Error::Address),
        ("PROXY TCP4 1.2.3.256 1.2.3.4 1 1\r\n", Error::Address),
        ("PROXY TCP4 ::1 ::1 1 1\r\n", Error::Address),
        ("PROXY TCP6 1.2.3.4 ::1 1 1\r\n", Error::Address),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n", Error::Address),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n", Error::Address),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", Error::Address),
    ] {
        assert_eq!(error(line.as_bytes()), expected, "{line:?}");
    }
}

#[test]
fn a_line_has_at_most_107_bytes() {
    let line = |length: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(length - 16));
    assert_eq!(done(line(107).as_bytes()).length, 107);
    assert_eq!(error(line(108).as_bytes()), Error::TooLong);
    assert_eq!(parse(&line(107).as_bytes()[..105], Versions::V1), Ok(Progress::Need(2)));
    assert_eq!(error(&line(200).as_bytes()[..106]), Error::TooLong);
}

#[test]
fn a_binary_header_has_the_addresses_of_the_client() {
    let v4 = extended(&[]);
    assert_eq!(route(&v4), Some(("192.0.2.1:51234".into(), "203.0.113.7:443".into())));
    let mut v6 = vec![0; 36];
    (v6[15], v6[31], v6[33], v6[35]) = (1, 2, 7, 80);
    assert_eq!(route(&binary(0x21, 0x21, &v6)), Some(("::1:7".into(), "::2:80".into())));
    let unix = [path(b"/run/client"), path(b"\0abstract")].concat();
    assert_eq!(route(&binary(0x21, 0x31, &unix)), Some(("/run/client".into(), "@abstract".into())));
    let unnamed = [path(b""), path(&[b'a'; 108])].concat();
    assert_eq!(route(&binary(0x21, 0x31, &unnamed)), Some((String::new(), "a".repeat(108))));
}

#[test]
fn a_proxy_that_connects_for_itself_gives_no_addresses() {
    for header in [
        binary(0x20, 0x00, &[]),
        binary(0x20, 0xff, b"anything"),
        binary(0x21, 0x00, &[]),
        binary(0x21, 0x00, &[4, 0, 1, 0]),
    ] {
        assert_eq!(done(&header), Header { length: header.len(), route: None });
    }
}

#[test]
fn malformed_binary_headers_are_rejected() {
    let unix = |source: &[u8]| binary(0x21, 0x31, &[path(source), path(b"/b")].concat());
    for (header, expected) in [
        (binary(0x22, 0x11, &[0; 12]), Error::Command),
        (binary(0x11, 0x11, &[0; 12]), Error::Command),
        (binary(0x21, 0x12, &[0; 12]), Error::Family),
        (binary(0x21, 0x41, &[0; 12]), Error::Family),
        (binary(0x21, 0x11, &[0; 11]), Error::Address),
        (binary(0x21, 0x21, &[0; 35]), Error::Address),
        (binary(0x21, 0x31, &[0; 215]), Error::Address),
        (unix(b"/a\nb"), Error::Address),
        (unix(b"/\xff"), Error::Address),
        (extended(&[4]), Error::Extension),
        (extended(&[4, 0]), Error::Extension),
        (extended(&[4, 0, 1]), Error::Extension),
        (extended(&[4, 0, 1, 0, 4]), Error::Extension),
        (extended(&[3, 0, 3, 0, 0, 0]), Error::Extension),
        (extended(&[3, 0, 4, 0, 0, 0, 0]), Error::Checksum),
        (binary(0x21, 0x11, &[0; MAX_LENGTH - 15]), Error::TooLong),
    ] {
        assert_eq!(error(&header), expected, "{header:?}");
    }
}

#[test]
fn extensions_are_skipped_and_a_checksum_is_checked() {
    assert!(route(&extended(&[2, 0, 1, b'a', 4, 0, 0])).is_some());
    let header = summed(&[2, 0, 1, b'a']);
    assert!(route(&header).is_some());
    // Another type in place of that of the checksum is an extension that is skipped.
    for at in (16..header.len()).filter(|at| *at != 32) {
        let mut changed = header.clone();
        changed[at] ^= 1;
        assert!(parse(&changed, Versions::V2).is_err(), "byte {at}");
    }
    let mut repeated = extended(&[3, 0, 4, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0]);
    let sum = crc32c(repeated.iter().copied()).to_be_bytes();
    repeated[31..35].copy_from_slice(&sum);
    assert!(parse(&repeated, Versions::V2).is_err());
}

#[test]
fn only_the_accepted_versions_are_read() {
    let (line, header) = (&b"PROXY UNKNOWN\r\n"[..], binary(0x20, 0, &[]));
    assert_eq!(parse(line, Versions::V2), Err(Error::Missing));
    assert_eq!(parse(&header, Versions::V1), Err(Error::Missing));
    assert!(matches!(parse(line, Versions::V1), Ok(Progress::Done(_))));
    assert!(matches!(parse(&header, Versions::V2), Ok(Progress::Done(_))));
}

#[test]
fn another_protocol_is_rejected_at_its_first_byte() {
    for first in 0..=u8::MAX {
        let expected = matches!(first, b'P' | b'\r');
        assert_eq!(parse(&[first], Versions::Any).is_ok(), expected, "{first}");
    }
}

/// Reads as a server does: only the bytes that are needed, in pieces of at most `piece` bytes.
fn read_in_pieces(input: &[u8], versions: Versions, piece: usize) -> Option<Result<Header, Error>> {
    let mut length = 0;
    loop {
        match parse(&input[..length], versions) {
            Ok(Progress::Done(header)) => {
                assert_eq!(header.length, length, "bytes behind the header were read");
                return Some(Ok(header));
            }
            Ok(Progress::Need(0)) => panic!("nothing is needed after {length} bytes"),
            Ok(Progress::Need(_)) if length == input.len() => return None,
            Ok(Progress::Need(more)) => length = (length + more.min(piece)).min(input.len()),
            Err(error) => return Some(Err(error)),
        }
    }
}

#[test]
fn pieces_do_not_matter_and_nothing_behind_the_header_is_read() {
    let like = |pattern: &str| proptest::string::bytes_regex(pattern).unwrap();
    let line = prop_oneof![
        4 => like("PROXY TCP4 (\\d{1,3}\\.){3}\\d{1,3} (\\d{1,2}\\.){3}\\d{1,2} \\d{1,5} \\d{1,4}\r\n"),
        4 => like("PROXY TCP6 [0-9a-f]{1,4}::[0-9a-f]{0,4} ::1?2? \\d{1,5} \\d{1,4}\r\n"),
        2 => like("PROXY UNKNOWN[ -~]{0,95}\r\n"),
        1 => like("(?-u)PROXY [\\x00-\\xff]{0,110}"),
    ];
    let rest = prop_oneof![Just(12_usize), Just(36), Just(216), 0_usize..40]
        .prop_flat_map(|length| prop::collection::vec(any::<u8>(), length));
    let extensions =
        prop_oneof![Just(Vec::new()), Just(vec![4, 0, 2, 0, 0]), like("(?-u)[\\x00-\\xff]{0,9}")];
    let family = prop_oneof![Just(0_u8), Just(0x11), Just(0x21), Just(0x31), any::<u8>()];
    let command = prop_oneof![6 => Just(0x21_u8), 2 => Just(0x20), 1 => any::<u8>()];
    let header = (command, family, rest, extensions)
        .prop_map(|(command, family, rest, more)| binary(command, family, &[rest, more].concat()));
    let input = (prop_oneof![line, header], like("(?-u)[\\x00-\\xff]{0,20}"));
    let rng_seed = RngSeed::Fixed(7);
    let config =
        ProptestConfig { cases: 4_000, failure_persistence: None, rng_seed, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&(input, 1_usize..30), |((header, after), piece)| {
        let input = [header, after].concat();
        for versions in [Versions::V1, Versions::V2, Versions::Any] {
            let whole = match parse(&input, versions) {
                Ok(Progress::Done(header)) => Some(Ok(header)),
                Ok(Progress::Need(_)) => None,
                Err(error) => Some(Err(error)),
            };
            for piece in [1, piece, usize::MAX] {
                let read = read_in_pieces(&input, versions, piece);
                prop_assert_eq!(
                    read.is_some_and(|read| read.is_ok()),
                    whole.as_ref().is_some_and(Result::is_ok)
                );
            }
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    for input in [&b"PROXY TCP4 192.168.100.200 10.0.0.1 51234 443\r\nGET"[..], &summed(&[4, 0, 1, 0])] {
        assert!(matches!(read_in_pieces(input, Versions::Any, usize::MAX), Some(Ok(_))), "{input:?}");
    }
}
