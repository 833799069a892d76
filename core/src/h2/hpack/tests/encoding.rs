//! Blocks of the encoder, as the decoder reads them.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

use super::super::*;
use crate::http::Status;

fn decode(decoder: &mut Decoder, block: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut lines = FieldLines::default();
    decoder.begin(BlockLimits::default());
    decoder.decode(block, &mut lines).unwrap();
    assert_eq!(decoder.finish(), Ok(None));
    lines.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
}

fn encoded(encoder: &mut Encoder, name: &str, value: &str, indexing: Indexing) -> Vec<u8> {
    let mut out = vec![];
    encoder.begin(&mut out);
    encoder.field(&mut out, name.as_bytes(), value.as_bytes(), indexing);
    out
}

#[test]
fn each_status_is_decoded() {
    for code in 100..=999 {
        let mut out = vec![];
        Encoder::status(&mut out, Status::new(code).unwrap());
        let text = std::format!("{code}").into_bytes();
        assert_eq!(decode(&mut Decoder::new(0), &out), [(b":status".to_vec(), text)]);
        assert_eq!(out.len() == 1, [200, 204, 206, 304, 400, 404, 500].contains(&code));
    }
}

/// CVE-2026-50560 and other advisories: a peer announces a large table, or changes its size all the time.
#[test]
fn an_encoder_without_a_table_ignores_all_sizes() {
    let mut encoder = Encoder::new(0);
    encoder.set_peer_limit(u32::MAX);
    assert_eq!(encoded(&mut encoder, "x", "y", Indexing::Add), b"\x20\x00\x01x\x01y");
    for size in [0, 1, 4_096, u32::MAX, 0] {
        encoder.set_peer_limit(size);
        assert_eq!(encoded(&mut encoder, "x", "y", Indexing::Add), b"\x00\x01x\x01y");
    }
    assert_eq!(encoder.held(), 0);
}

#[test]
fn changes_of_the_table_size_are_announced() {
    let sizes = |changes: &[u32]| {
        let mut encoder = Encoder::new(4_096);
        assert_eq!(encoded(&mut encoder, ":method", "GET", Indexing::Add), [0x82]);
        changes.iter().for_each(|&size| encoder.set_peer_limit(size));
        let mut out = vec![];
        encoder.begin(&mut out);
        encoder.begin(&mut out);
        out
    };
    assert_eq!(sizes(&[]), []);
    assert_eq!(sizes(&[4_096]), []);
    assert_eq!(sizes(&[100_000]), [], "more than the encoder uses");
    assert_eq!(sizes(&[10]), [0x2a]);
    // Entries were evicted in between, so the smallest size is announced too.
    assert_eq!(sizes(&[10, 20]), [0x2a, 0x34]);
    assert_eq!(sizes(&[20, 10]), [0x2a]);
    assert_eq!(sizes(&[0, 4_096]), [0x20, 0x3f, 0xe1, 0x1f]);
}

#[test]
fn repeated_fields_become_an_index() {
    let mut encoder = Encoder::new(4_096);
    let first = encoded(&mut encoder, "User-Agent", "stelo", Indexing::Add);
    assert_eq!(first, b"\x7a\x84\x42\x4b\x41\xff");
    assert_eq!(encoded(&mut encoder, "user-agent", "stelo", Indexing::Add), [0xbe]);
    encoded(&mut encoder, "x-room", "tea", Indexing::Add);
    assert_eq!(encoded(&mut encoder, "user-agent", "stelo", Indexing::Add), [0xbf]);
    // The name is in the table, the value is not.
    assert_eq!(encoded(&mut encoder, "x-room", "~", Indexing::Add), b"\x7e\x01~");
    assert_eq!(encoded(&mut encoder, ":path", "/index.html", Indexing::Add), [0x85]);
}

#[test]
fn secrets_are_never_indexed() {
    let mut encoder = Encoder::new(4_096);
    for _ in 0..2 {
        let indexing = Indexing::for_response(b"Set-Cookie");
        assert_eq!(encoded(&mut encoder, "Set-Cookie", "a=b", indexing), b"\x1f\x28\x03a=b");
        let indexing = Indexing::for_request(b"authorization", b"x");
        assert_eq!(encoded(&mut encoder, "authorization", "x", indexing), b"\x1f\x08\x01x");
    }
    for (name, value, expected) in [
        ("proxy-authorization", "x", Indexing::Never),
        ("cookie", "short", Indexing::Never),
        ("cookie", "a value of twenty byt", Indexing::Add),
        (":path", "/", Indexing::Without),
        (":authority", "example.org", Indexing::Add),
        ("x-room", "tea", Indexing::Add),
    ] {
        assert_eq!(Indexing::for_request(name.as_bytes(), value.as_bytes()), expected, "{name}: {value}");
    }
    assert_eq!(Indexing::for_response(b"x-room"), Indexing::Without);
}

#[test]
fn names_are_written_in_lower_case() {
    let mut decoder = Decoder::new(4_096);
    for (name, indexing) in
        [("X-Room", Indexing::Without), ("DATE", Indexing::Never), ("X-Room", Indexing::Add)]
    {
        let block = encoded(&mut Encoder::new(4_096), name, "1", indexing);
        let lower = name.to_ascii_lowercase().into_bytes();
        assert_eq!(decode(&mut decoder, &block), [(lower, b"1".to_vec())]);
    }
}

proptest! {
    #[test]
    fn the_decoder_reads_what_is_encoded(
        own in prop_oneof![Just(0u16), Just(100), Just(4_096), any::<u16>()],
        blocks in proptest::collection::vec(
            (
                proptest::option::of(prop_oneof![0u16..300, Just(4_096)]),
                proptest::collection::vec(
                    (
                        prop_oneof!["[a-d]{0,3}", Just(String::from("cookie")), Just(String::from(":path"))],
                        prop_oneof!["[a-c]{0,2}", "[ -~]{0,60}", Just(String::from("/"))],
                        prop_oneof![Just(Indexing::Add), Just(Indexing::Without), Just(Indexing::Never)],
                        any::<bool>(),
                    ),
                    0..8,
                ),
            ),
            0..12,
        ),
    ) {
        let (mut encoder, mut decoder) = (Encoder::new(own), Decoder::new(4_096));
        for (size, fields) in blocks {
            if let Some(size) = size {
                encoder.set_peer_limit(size.into());
                decoder.set_table_limit(size);
            }
            let (mut out, mut expected) = (vec![], vec![]);
            encoder.begin(&mut out);
            for (name, value, indexing, constant) in fields {
                match constant {
                    true => constant_field(&mut out, name.as_bytes(), value.as_bytes()),
                    false => encoder.field(&mut out, name.as_bytes(), value.as_bytes(), indexing),
                }
                expected.push((name.into_bytes(), value.into_bytes()));
            }
            prop_assert_eq!(decode(&mut decoder, &out), expected);
        }
    }
}
