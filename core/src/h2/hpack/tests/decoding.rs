//! Header blocks: the examples of RFC 7541, each fault, limits, and blocks in parts.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::super::*;

/// Converts digits in pairs, with white space between them.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

type Fields = Vec<(String, String)>;

fn collected(lines: &FieldLines) -> Fields {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    lines.iter().map(|(name, value)| (text(name), text(value))).collect()
}

fn decode_parts<'a>(
    decoder: &mut Decoder,
    parts: impl IntoIterator<Item = &'a [u8]>,
    limits: BlockLimits,
) -> Result<(Fields, Option<Excess>), HpackError> {
    let mut lines = FieldLines::default();
    decoder.begin(limits);
    for part in parts {
        decoder.decode(part, &mut lines)?;
    }
    let excess = decoder.finish()?;
    for field in lines.fields() {
        let name = lines.buffer.get(field.name()).unwrap();
        assert_eq!(field.known(), KnownName::find(name), "the name is known by each representation");
    }
    assert_eq!(decoder.held(), decoder.table_held(), "only the table is kept");
    Ok((collected(&lines), excess))
}

fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Fields, HpackError> {
    let (fields, excess) = decode_parts(decoder, [block], BlockLimits::default())?;
    assert_eq!(excess, None);
    Ok(fields)
}

fn fault(block: &[u8]) -> Option<HpackError> {
    let whole = decode(&mut Decoder::new(4_096), block).err();
    let parts = decode_parts(&mut Decoder::new(4_096), block.chunks(1), BlockLimits::default()).err();
    assert_eq!(whole, parts);
    whole
}

/// Decodes blocks one after the other, and compares the fields and the number of entries.
fn example(table: u16, blocks: &[(&str, &str, usize)]) {
    for split in [false, true] {
        let mut decoder = Decoder::new(table);
        for (block, expected, entries) in blocks {
            let block = hex(block);
            let expected: Fields = expected
                .lines()
                .map(|line| line.trim().split_once(": ").unwrap())
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect();
            let parts = if split { 1 } else { block.len() };
            let (fields, _) =
                decode_parts(&mut decoder, block.chunks(parts), BlockLimits::default()).unwrap();
            assert_eq!(fields, expected);
            assert_eq!(decoder.table_len(), *entries);
        }
    }
}

/// RFC 7541 appendix C.2
#[test]
fn each_representation_of_the_examples() {
    let custom = "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572";
    example(4_096, &[(custom, "custom-key: custom-header", 1)]);
    example(4_096, &[("040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path", 0)]);
    example(4_096, &[("1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret", 0)]);
    example(4_096, &[("82", ":method: GET", 0)]);
}

const REQUESTS: [(&str, usize); 3] = [
    (":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com", 1),
    (":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\ncache-control: no-cache", 2),
    (
        ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value",
        3,
    ),
];

/// RFC 7541 appendices C.3 and C.4
#[test]
fn requests_of_the_examples() {
    let plain = [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ];
    let huffman = [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ];
    for blocks in [plain, huffman] {
        let blocks: Vec<_> =
            blocks.iter().zip(REQUESTS).map(|(block, (fields, entries))| (*block, fields, entries)).collect();
        example(4_096, &blocks);
    }
}

/// RFC 7541 appendices C.5 and C.6: a table of 256 bytes evicts entries.
#[test]
fn responses_of_the_examples() {
    let first = ":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\n\
                 location: https://www.example.com";
    let second = first.replace("302", "307");
    let third = ":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\n\
                 location: https://www.example.com\ncontent-encoding: gzip\n\
                 set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
    let plain = [
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 \
         3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 \
         7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 \
         6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
    ];
    let huffman = [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad \
         1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 \
         e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ];
    for blocks in [plain, huffman] {
        let [a, b, c] = blocks;
        example(256, &[(a, first, 4), (b, &second, 4), (c, third, 3)]);
    }
}

#[test]
fn an_index_outside_of_the_tables_is_a_fault() {
    assert_eq!(fault(&[0x80]), Some(HpackError::Index));
    assert_eq!(fault(&[0xbe]), Some(HpackError::Index));
    assert_eq!(fault(&[0xff, 0xff, 0xff, 0xff, 0xff, 0x0e]), Some(HpackError::Index));
    // The name of a literal: with, without, and never indexed.
    for name in [&[0x7e][..], &[0x0f, 0x2f], &[0x1f, 0x2f]] {
        assert_eq!(fault(&[name, &[0]].concat()), Some(HpackError::Index), "{name:x?}");
    }
    // One entry: 62 is valid, 63 is not.
    assert_eq!(fault(b"\x40\x01a\x01b\xbe"), None);
    assert_eq!(fault(b"\x40\x01a\x01b\xbf"), Some(HpackError::Index));
}

/// RUSTSEC-2023-0084, hpack: an incomplete integer caused a panic.
#[test]
fn a_block_that_ends_within_a_field_is_a_fault() {
    for block in
        [&b"\x3f"[..], b"\xff", b"\x7f", b"\x40", b"\x40\x01", b"\x40\x01a", b"\x40\x01a\x02b", b"\x04\x85ab"]
    {
        assert_eq!(fault(block), Some(HpackError::Incomplete), "{block:x?}");
    }
}

/// CVE-2023-36478, Jetty: lengths of HPACK strings overflowed.
#[test]
fn integers_beyond_32_bits_are_a_fault() {
    for first in [0xff, 0x3f, 0x7f, 0x0f, 0x1f] {
        for rest in [[0xff, 0xff, 0xff, 0xff, 0x7f, 0], [0x80, 0x80, 0x80, 0x80, 0x80, 0]] {
            assert_eq!(fault(&[&[first], &rest[..]].concat()), Some(HpackError::Integer), "{first:x}");
        }
    }
    // The length of a string.
    assert_eq!(fault(b"\x00\x7f\xff\xff\xff\xff\x7f"), Some(HpackError::Integer));
}

#[test]
fn invalid_huffman_codes_are_a_fault() {
    // EOS, padding of 0, padding of more than 7 bits.
    for text in [&b"\x84\xff\xff\xff\xff"[..], b"\x81\x00", b"\x82\x07\xff"] {
        assert_eq!(fault(&[b"\x04", text].concat()), Some(HpackError::Huffman), "{text:x?}");
        assert_eq!(fault(&[b"\x00", text, b"\0"].concat()), Some(HpackError::Huffman), "{text:x?}");
    }
    assert_eq!(fault(b"\x04\x81\x07"), None);
}

#[test]
fn the_table_is_resized_at_the_beginning_of_a_block_only() {
    // 30, then 4,096, then a field.
    assert_eq!(fault(b"\x3e\x3f\xe1\x1f\x82"), None);
    assert_eq!(fault(b"\x20\x20\x20\x82"), Some(HpackError::TableSize));
    assert_eq!(fault(b"\x82\x20"), Some(HpackError::TableSize));
    assert_eq!(fault(b"\x3f\xe2\x1f"), Some(HpackError::TableSize), "4,097 bytes");
    assert_eq!(fault(b"\x3f\xff\xff\xff\xff\x0e"), Some(HpackError::TableSize));
    // Only changes of the size, without a field.
    assert_eq!(fault(b"\x20"), None);
}

#[test]
fn a_smaller_table_has_to_be_acknowledged_by_the_encoder() {
    let mut decoder = Decoder::new(4_096);
    decode(&mut decoder, b"\x40\x01a\x01b").unwrap();
    decoder.set_table_limit(100);
    assert_eq!(decode(&mut decoder, b"\x82"), Err(HpackError::TableSizeMissing));

    let mut decoder = Decoder::new(4_096);
    decoder.set_table_limit(100);
    assert_eq!(decode(&mut decoder, b"\x3f\x46\x82"), Err(HpackError::TableSize), "101 bytes");

    let mut decoder = Decoder::new(4_096);
    decoder.set_table_limit(100);
    assert_eq!(decode(&mut decoder, b"\x3f\x45\x82").map(|fields| fields.len()), Ok(1), "100 bytes");
    assert!(decode(&mut decoder, b"\x82").is_ok());
    // The encoder may use less already, and a larger limit changes nothing.
    assert!(decode(&mut decoder, b"\x20\x82").is_ok());
    decoder.set_table_limit(50);
    assert!(decode(&mut decoder, b"\x82").is_ok());
    decoder.set_table_limit(4_096);
    assert!(decode(&mut decoder, b"\x3f\xe1\x1f\x82").is_ok());
}

#[test]
fn a_name_may_be_that_of_an_entry_that_is_evicted() {
    let mut decoder = Decoder::new(64);
    decode(&mut decoder, b"\x40\x08longname\x03abc").unwrap();
    // The new entry evicts the one whose name it uses.
    let fields = decode(&mut decoder, b"\x7e\x06123456");
    assert_eq!(fields, Ok(vec![("longname".into(), "123456".into())]));
    assert_eq!(decode(&mut decoder, b"\xbe"), Ok(vec![("longname".into(), "123456".into())]));
    assert_eq!(decoder.table_len(), 1);
}

#[test]
fn an_entry_larger_than_the_table_empties_it() {
    let mut decoder = Decoder::new(64);
    decode(&mut decoder, b"\x40\x01a\x01b").unwrap();
    let block = [&b"\x40\x01a\x28"[..], &[b'x'; 40]].concat();
    assert_eq!(decode(&mut decoder, &block).map(|fields| fields.len()), Ok(1));
    assert_eq!(decoder.table_len(), 0);
    assert_eq!(decode(&mut decoder, b"\xbe"), Err(HpackError::Index));
}

#[test]
fn fields_that_must_not_be_indexed_are_marked() {
    let mut lines = FieldLines::default();
    let mut decoder = Decoder::new(4_096);
    decoder.begin(BlockLimits::default());
    decoder.decode(b"\x10\x01a\x01b\x00\x01a\x01b\x40\x01a\x01b\xbe\x82", &mut lines).unwrap();
    let marks: Vec<_> = lines.fields().iter().map(FieldLine::is_never_indexed).collect();
    assert_eq!(marks, [true, false, false, false, false]);
}

#[test]
fn lines_are_complete_in_the_buffer() {
    let mut lines = FieldLines::default();
    lines.buffer().extend_from_slice(b"before");
    let mut decoder = Decoder::new(4_096);
    decoder.begin(BlockLimits::default());
    decoder.decode(b"\x82\x40\x01a\x01b\xbe\x04\x02/x", &mut lines).unwrap();
    assert_eq!(lines.buffer, b"before:method: GET\r\na: b\r\na: b\r\n:path: /x\r\n");
}

#[test]
fn each_limit_allows_its_value_and_no_more() {
    // 12 fields in each representation.
    let block = b"\x82\x40\x01a\x01b\xbe\x00\x01c\x01d\x04\x81\x07".repeat(2);
    let all = decode(&mut Decoder::new(4_096), &block).unwrap();
    let size = |fields: &[(String, String)]| -> usize {
        fields.iter().map(|(name, value)| name.len() + value.len() + 32).sum()
    };
    let limits = BlockLimits::default();
    for n in 0..=all.len() {
        for (limits, excess) in [
            (BlockLimits { fields: n, ..limits }, Excess::Fields),
            (BlockLimits { size: size(&all[..n]), ..limits }, Excess::Size),
            (BlockLimits { size: (size(&all[..n]) + 32).min(size(&all)), ..limits }, Excess::Size),
        ] {
            for part in [1, 2, 5, block.len()] {
                let mut decoder = Decoder::new(4_096);
                let decoded = decode_parts(&mut decoder, block.chunks(part), limits);
                let excess =
                    if limits.size < size(&all) || limits.fields < all.len() { Some(excess) } else { None };
                let kept = all[..n].to_vec();
                if excess.is_some() {
                    assert_eq!(decoded, Ok((kept, excess)), "{limits:?}");
                }
                // The table does not depend on the fields that are kept.
                assert_eq!(decoder.table_len(), 2);
                assert_eq!(decode(&mut decoder, b"\xbe"), Ok(vec![("a".into(), "b".into())]));
            }
        }
        let hard = size(&all[..n]);
        let limits = BlockLimits { size: 0, fields: 0, hard };
        let decoded = decode_parts(&mut Decoder::new(4_096), [&*block], limits);
        assert_eq!(decoded.is_ok(), n == all.len(), "{decoded:?}");
        if n < all.len() {
            assert_eq!(decoded, Err(HpackError::TooLarge));
        }
    }
}

#[test]
fn a_long_string_is_rejected_by_its_length() {
    let mut decoder = Decoder::new(4_096);
    let mut lines = FieldLines::default();
    decoder.begin(BlockLimits::default());
    // 128 KiB and 1 byte, of which nothing has arrived.
    let error = decoder.decode(b"\x40\x01a\x7f\x82\xff\x07", &mut lines);
    assert_eq!(error, Err(HpackError::TooLarge));
    assert_eq!(decoder.held(), 0);
}

/// CVE-2016-6581: a large entry, and thousands of references of one octet to it.
/// CVE-2026-49975 and CVE-2026-47774: an entry that is almost empty, so that the memory behind each field counts.
/// CVE-2019-9516: names and values of length 0.
#[test]
fn references_to_an_entry_take_no_memory_beyond_the_limits() {
    let large = [&b"\x40\x01a\x7f\xa1\x1e"[..], &[b'x'; 4_000]].concat();
    for (first, name) in [(&large[..], "large"), (b"\x40\x01a\0", "tiny"), (b"\x40\0\0", "empty")] {
        let mut decoder = Decoder::new(4_096);
        let mut lines = FieldLines::default();
        decoder.begin(BlockLimits::default());
        decoder.decode(first, &mut lines).unwrap();
        let mut error = None;
        for _ in 0..16 {
            error = decoder.decode(&[0xbe; 1_000], &mut lines).err();
            if error.is_some() {
                break;
            }
        }
        assert_eq!(error, Some(HpackError::TooLarge), "{name}");
        assert!(lines.fields().len() <= 100);
        let held = lines.buffer.capacity() + decoder.held();
        assert!(held <= 80 << 10, "{name}: {held} bytes");
    }
}

/// The second half of the attack: 16,000 cookies. Each of them counts as a field.
#[test]
fn each_crumb_of_a_cookie_counts() {
    let mut decoder = Decoder::new(4_096);
    let mut lines = FieldLines::default();
    decoder.begin(BlockLimits::default());
    let crumbs = b"\x0f\x11\x01a".repeat(3_000);
    decoder.decode(&crumbs, &mut lines).unwrap();
    assert_eq!((lines.fields().len(), decoder.finish()), (100, Ok(Some(Excess::Fields))));
}

/// CVE-2022-41723, Go: decoding took quadratic time if a block arrived in small parts.
#[test]
fn a_field_in_parts_is_decoded_once() {
    let mut decoder = Decoder::new(4_096);
    let mut lines = FieldLines::default();
    decoder.begin(BlockLimits::default());
    // 30,000 bytes byte by byte: 450 million steps if each byte cost a look at all before it.
    let block = [&b"\x40\x01a\x7f\xb1\xe9\x01"[..], &[b'x'; 30_000]].concat();
    for byte in block.chunks(1) {
        decoder.decode(byte, &mut lines).unwrap();
    }
    assert_eq!(decoder.finish(), Ok(None));
    assert_eq!(lines.fields()[0].value().len(), 30_000);
}

/// Huffman codes of more than 8 bits decode to less than their length, others to more.
#[test]
fn huffman_strings_count_as_they_are_decoded() {
    for (byte, len) in [(b'0', 1_000), (b'\n', 1_000)] {
        let mut text = vec![];
        huffman::encode(&vec![byte; len], &mut text);
        let mut block = b"\x04".to_vec();
        integer::write(&mut block, 0x80, 7, text.len());
        block.extend_from_slice(&text);
        let limits = BlockLimits { size: 5 + len + 32, ..BlockLimits::default() };
        let excess = |limits| decode_parts(&mut Decoder::new(0), [&*block], limits).unwrap().1;
        assert_eq!(excess(limits), None);
        assert_eq!(excess(BlockLimits { size: limits.size - 1, ..limits }), Some(Excess::Size));
    }
}
