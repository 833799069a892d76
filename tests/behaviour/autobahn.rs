//! A selection of the cases of the Autobahn test suite, by its numbers, against an echo: whole, frame by frame, and byte by
//! byte. The results of all cases are in `docs/evidence/autobahn.md`.

use stelo_tests::{Bridge, Client, HANDSHAKE, On, Wire, cases};

use crate::apps::{Accept, echo};

cases!(frames_are_answered_as_autobahn_expects, frames_over_http2_are_answered_as_autobahn_expects);

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
const FIN: u8 = 0x80;

/// A frame: first byte and payload.
type Frame<'a> = (u8, &'a [u8]);

/// The number of a case, the frames of the client, and the expected frames. The reason of a close is not compared.
type Case<'a> = (&'a str, &'a [Frame<'a>], &'a [Frame<'a>]);

const BYE: Frame<'_> = (FIN | CLOSE, b"\x03\xe8");
const BROKEN: Frame<'_> = (FIN | CLOSE, b"\x03\xea");
const NOT_TEXT: Frame<'_> = (FIN | CLOSE, b"\x03\xef");

fn frames_are_answered_as_autobahn_expects(on: On) {
    let server = on.serve(Accept(echo));
    run_cases(|| server.connect());
}

fn frames_over_http2_are_answered_as_autobahn_expects(on: On) {
    let server = on.serve(Accept(echo));
    run_cases(|| Client::new(Bridge::new(server.connect())));
}

/// Runs all cases, each on a new connection.
fn run_cases<S: Wire>(connect: impl Fn() -> Client<S>) {
    let (x125, x126, x65535, x65536) = (&[b'*'; 125], &[b'*'; 126], &[b'*'; 65_535], &[0xfe; 65_536]);
    let (greek, bytes) = ("κόσμε".as_bytes(), &[0, 255, 254, 253, 252, 251, 0, 255]);
    let cases: &[Case<'_>] = &[
        // Framing
        ("1.1.1", &[(FIN | TEXT, b""), BYE], &[(FIN | TEXT, b""), BYE]),
        ("1.1.2", &[(FIN | TEXT, x125), BYE], &[(FIN | TEXT, x125), BYE]),
        ("1.1.3", &[(FIN | TEXT, x126), BYE], &[(FIN | TEXT, x126), BYE]),
        ("1.1.6", &[(FIN | TEXT, x65535), BYE], &[(FIN | TEXT, x65535), BYE]),
        ("1.2.1", &[(FIN | BINARY, b""), BYE], &[(FIN | BINARY, b""), BYE]),
        ("1.2.7", &[(FIN | BINARY, x65536), BYE], &[(FIN | BINARY, x65536), BYE]),
        // Pings and pongs
        ("2.1", &[(FIN | PING, b""), BYE], &[(FIN | PONG, b""), BYE]),
        ("2.3", &[(FIN | PING, bytes), BYE], &[(FIN | PONG, bytes), BYE]),
        ("2.4", &[(FIN | PING, x125), BYE], &[(FIN | PONG, x125), BYE]),
        ("2.5", &[(FIN | PING, x126)], &[BROKEN]),
        ("2.7", &[(FIN | PONG, b""), BYE], &[BYE]),
        ("2.9", &[(FIN | PONG, b"unasked"), (FIN | PING, b"asked"), BYE], &[(FIN | PONG, b"asked"), BYE]),
        (
            "2.10",
            &[(FIN | PING, b"0"), (FIN | PING, b"1"), (FIN | PING, b"2"), BYE],
            &[(FIN | PONG, b"0"), (FIN | PONG, b"1"), (FIN | PONG, b"2"), BYE],
        ),
        // Reserved bits
        ("3.1", &[(FIN | 0x10 | TEXT, b"small")], &[BROKEN]),
        (
            "3.2",
            &[(FIN | TEXT, b"small"), (FIN | 0x20 | TEXT, b"small"), (FIN | PING, b"")],
            &[(FIN | TEXT, b"small"), BROKEN],
        ),
        ("3.5", &[(FIN | 0x50 | BINARY, bytes)], &[BROKEN]),
        ("3.6", &[(FIN | 0x60 | PING, bytes)], &[BROKEN]),
        ("3.7", &[(FIN | 0x70 | CLOSE, b"")], &[BROKEN]),
        // Opcodes
        ("4.1.1", &[(FIN | 3, b"")], &[BROKEN]),
        (
            "4.1.3",
            &[(FIN | TEXT, b"Hello"), (FIN | 5, b""), (FIN | PING, b"")],
            &[(FIN | TEXT, b"Hello"), BROKEN],
        ),
        ("4.2.1", &[(FIN | 11, b"")], &[BROKEN]),
        ("4.2.5", &[(FIN | 15, b"x")], &[BROKEN]),
        // Fragments
        ("5.1", &[(PING, b"frag"), (FIN | CONTINUATION, b"ment")], &[BROKEN]),
        ("5.2", &[(PONG, b"frag"), (FIN | CONTINUATION, b"ment")], &[BROKEN]),
        ("5.3", &[(TEXT, b"frag"), (FIN | CONTINUATION, b"ment"), BYE], &[(FIN | TEXT, b"fragment"), BYE]),
        (
            "5.6",
            &[(TEXT, b"frag"), (FIN | PING, b"between"), (FIN | CONTINUATION, b"ment"), BYE],
            &[(FIN | PONG, b"between"), (FIN | TEXT, b"fragment"), BYE],
        ),
        ("5.9", &[(FIN | CONTINUATION, b"nothing"), (FIN | TEXT, b"Hello")], &[BROKEN]),
        ("5.12", &[(CONTINUATION, b"nothing"), (FIN | TEXT, b"Hello")], &[BROKEN]),
        (
            "5.15",
            &[(TEXT, b"one"), (FIN | CONTINUATION, b"two"), (CONTINUATION, b"three"), (FIN | TEXT, b"four")],
            &[(FIN | TEXT, b"onetwo"), BROKEN],
        ),
        ("5.18", &[(TEXT, b"one"), (FIN | TEXT, b"two")], &[BROKEN]),
        // Text
        (
            "6.1.2",
            &[(TEXT, b""), (CONTINUATION, b""), (FIN | CONTINUATION, b""), BYE],
            &[(FIN | TEXT, b""), BYE],
        ),
        ("6.2.1", &[(FIN | TEXT, greek), BYE], &[(FIN | TEXT, greek), BYE]),
        // Cut inside a character.
        (
            "6.2.3",
            &[(TEXT, &greek[..1]), (FIN | CONTINUATION, &greek[1..]), BYE],
            &[(FIN | TEXT, greek), BYE],
        ),
        ("6.3.1", &[(FIN | TEXT, b"\xce\xba\xed\xa0\x80edited")], &[NOT_TEXT]),
        // Refused before the message is complete.
        ("6.4.1", &[(TEXT, b"\xce\xba"), (CONTINUATION, b"\xf4\x90\x80\x80")], &[NOT_TEXT]),
        ("6.6.1", &[(FIN | TEXT, b"\xce")], &[NOT_TEXT]),
        ("6.11.4", &[(FIN | TEXT, b"\xf4\x8f\xbf\xbf"), BYE], &[(FIN | TEXT, b"\xf4\x8f\xbf\xbf"), BYE]),
        ("6.13.1", &[(FIN | TEXT, b"\xf8\x88\x80\x80\x80")], &[NOT_TEXT]),
        ("6.21.1", &[(FIN | TEXT, b"\xed\xa0\x80")], &[NOT_TEXT]),
        // The end
        ("7.1.1", &[(FIN | TEXT, b"Hello"), BYE], &[(FIN | TEXT, b"Hello"), BYE]),
        ("7.1.2", &[BYE, BYE], &[BYE]),
        ("7.1.3", &[BYE, (FIN | PING, b"")], &[BYE]),
        ("7.1.5", &[(TEXT, b"frag"), BYE, (FIN | CONTINUATION, b"ment")], &[BYE]),
        ("7.3.1", &[(FIN | CLOSE, b"")], &[(FIN | CLOSE, b"")]),
        ("7.3.2", &[(FIN | CLOSE, b"a")], &[BROKEN]),
        ("7.3.4", &[(FIN | CLOSE, b"\x03\xe8Hello")], &[(FIN | CLOSE, b"\x03\xe8Hello")]),
        ("7.3.6", &[(FIN | CLOSE, x126)], &[BROKEN]),
        ("7.5.1", &[(FIN | CLOSE, b"\x03\xe8\xce\xba\xed\xa0\x80")], &[NOT_TEXT]),
        ("7.7.4", &[(FIN | CLOSE, b"\x03\xef")], &[NOT_TEXT]),
        ("7.7.9", &[(FIN | CLOSE, b"\x0b\xb8")], &[(FIN | CLOSE, b"\x0b\xb8")]),
        ("7.7.13", &[(FIN | CLOSE, b"\x13\x87")], &[(FIN | CLOSE, b"\x13\x87")]),
        ("7.9.1", &[(FIN | CLOSE, b"\0\0")], &[BROKEN]),
        ("7.9.4", &[(FIN | CLOSE, b"\x03\xec")], &[BROKEN]),
        ("7.9.5", &[(FIN | CLOSE, b"\x03\xed")], &[BROKEN]),
        ("7.9.9", &[(FIN | CLOSE, b"\x07\xd0")], &[BROKEN]),
    ];
    for (number, sent, wanted) in cases {
        let bytes: Vec<u8> = sent.iter().flat_map(|&(first, payload)| masked(first, payload)).collect();
        // Autobahn also splits frames, but not long ones.
        for chopped in [false, true] {
            if chopped && bytes.len() > 1000 {
                continue;
            }
            let mut client = connect();
            client.send(HANDSHAKE);
            client.head().expect("an answer");
            let mut rest = &bytes[..];
            while let Some((piece, after)) =
                rest.split_at_checked(if chopped { 1 } else { rest.len().max(1) })
            {
                // The server may close before all bytes are sent.
                let _ = client.try_send(piece);
                rest = after;
            }
            for &(first, payload) in *wanted {
                let (got_first, got_payload) = frame(|n| client.exactly(n));
                let reason_apart = matches!((first, payload), BROKEN | NOT_TEXT);
                let got_payload = if reason_apart { &got_payload[..2] } else { &got_payload[..] };
                assert!((got_first, got_payload) == (first, payload), "{number}, chopped: {chopped}");
            }
            assert_eq!(client.rest().0, b"", "{number}, chopped: {chopped}");
        }
    }
}

/// Encodes a frame of a client.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        n @ 0..=125 => frame.push(0x80 | n as u8),
        n @ 126..=65_535 => frame.extend([&[0xfe][..], &(n as u16).to_be_bytes()].concat()),
        n => frame.extend([&[0xff][..], &(n as u64).to_be_bytes()].concat()),
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Encodes a frame of a server.
fn frame(mut more: impl FnMut(usize) -> Vec<u8>) -> (u8, Vec<u8>) {
    let start = more(2);
    let number = |bytes: Vec<u8>| bytes.into_iter().fold(0, |n, byte| n << 8 | usize::from(byte));
    let len = match start[1] {
        126 => number(more(2)),
        127 => number(more(8)),
        n => n.into(),
    };
    (start[0], more(len))
}
