//! Tests of the decompressor with the output of other implementations, and with invalid data and limits.

use alloc::string::String;
use alloc::vec::Vec;

mod negotiation;
mod round_trips;

use super::*;

const WINDOW: u8 = 12;

fn side(bits: u8, takeover: bool) -> Side {
    Side { bits, takeover }
}

fn deflater(side: Side, level: u8) -> Compressor {
    Compressor::new(side, level).expect("the feature is on")
}

fn inflater(side: Side) -> Decompressor {
    Decompressor::new(side).expect("the feature is on")
}

fn inflate(decompressor: &mut Decompressor, pieces: &[&[u8]]) -> Result<Vec<u8>, InflateError> {
    let mut message = Vec::new();
    for (i, piece) in pieces.iter().enumerate() {
        decompressor.inflate(piece, i + 1 == pieces.len(), &mut message, 1 << 20)?;
    }
    Ok(message)
}

#[test]
fn the_examples_of_the_rfc() {
    for takeover in [false, true] {
        let mut decompressor = inflater(side(WINDOW, takeover));
        for (section, pieces, text) in [
            ("7.2.3.1", &[&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..]][..], "Hello"),
            ("7.2.3.1", &[&[0xf2, 0x48, 0xcd], &[0xc9, 0xc9, 0x07, 0x00]], "Hello"),
            ("7.2.3.3", &[&[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]], "Hello"),
            ("7.2.3.4", &[&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]], "Hello"),
            (
                "7.2.3.5",
                &[&[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00]],
                "Hello",
            ),
            ("7.2.3.6", &[&[0x00]], ""),
        ] {
            assert_eq!(inflate(&mut decompressor, pieces).as_deref(), Ok(text.as_bytes()), "{section}");
        }
    }
    let mut decompressor = inflater(side(WINDOW, true));
    for message in [&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], &[0xf2, 0x00, 0x11, 0x00, 0x00]] {
        assert_eq!(inflate(&mut decompressor, &[message]).as_deref(), Ok(&b"Hello"[..]), "7.2.3.2");
        decompressor.release();
    }
    let mut decompressor = inflater(side(WINDOW, false));
    assert!(inflate(&mut decompressor, &[&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]]).is_ok());
    assert_eq!(inflate(&mut decompressor, &[&[0xf2, 0x00, 0x11, 0x00, 0x00]]), Err(InflateError::Corrupt));
}

/// The output of zlib for consecutive messages with a window of 12 bits.
#[test]
fn messages_of_zlib() {
    let mut decompressor = inflater(side(WINDOW, true));
    for (text, compressed) in [
        ("hello hello", "ca48cdc9c957c800910000"),
        ("hello hello", "ca40300100"),
        ("", "00"),
        (
            "The quick brown fox jumps over the lazy dog. The quick brown fox.",
            "0ac94855282ccd4cce56482aca2fcf5348cbaf50c82acd2d2856c82f4b2d5228014ae72456552aa4e4a7eb296051ac0700",
        ),
    ] {
        assert_eq!(inflate(&mut decompressor, &[&hex(compressed)]).as_deref(), Ok(text.as_bytes()));
    }
}

/// A block with dynamic codes, from zlib with a window of 9 bits: the squares up to 59.
#[test]
fn a_block_with_dynamic_codes_is_decompressed() {
    let squares: String = (0..60).map(|i| std::format!("{},", i * i)).collect();
    let compressed = hex(
        "148ec101c030080217e2a1c69ab8ff623d5e240a78a1546b95a3fa7446bd9ad64b6584b2d06eb638160b9efad0b73ad5f849e3eb465f\
         ebabd57747836fd0cbff327fec17df8e7b0966d0904955ba338bf23cbed23ef7f9ee18604c7221cad76680b0c21469e28a559d685547\
         4246a2c6afebd9f376f11d270efd8686fcd0779ae61f",
    );
    for size in [1, 2, 3, 7, 1000] {
        let pieces: Vec<&[u8]> = compressed.chunks(size).collect();
        let mut decompressor = inflater(side(9, true));
        assert_eq!(inflate(&mut decompressor, &pieces).as_deref(), Ok(squares.as_bytes()), "{size}");
    }
}

#[test]
fn the_tail_is_optional_after_a_final_block() {
    let mut decompressor = inflater(side(WINDOW, true));
    // A full flush, then a final block without a tail. Below, an empty message.
    let message = hex("f248cdc9c907000000fffff348cdc9c90700");
    assert_eq!(inflate(&mut decompressor, &[&message]).as_deref(), Ok(&b"HelloHello"[..]));
    assert_eq!(inflate(&mut decompressor, &[&[]]).as_deref(), Ok(&b""[..]));
    assert_eq!(inflate(&mut decompressor, &[&message, &[]]).as_deref(), Ok(&b"HelloHello"[..]));
}

#[test]
fn corrupt_messages_are_rejected() {
    for (what, message) in [
        ("a block of the reserved kind", "06"),
        ("a stored block whose lengths contradict each other", "00050005ff48656c6c6f00"),
        ("a stored block that is cut off", "000500faff4865"),
        ("a block that is cut off", "f248cd"),
        ("a header that is cut off", "148ec101c0"),
        ("final blocks and nothing else", "0300030003000300"),
        ("a reference to before the first byte", "f200110000"),
        ("codes of lengths that no code has", "04c0ffffffff0000"),
        ("no code for the end", "04c081080000000010ff6bfb"),
    ] {
        let mut decompressor = inflater(side(WINDOW, true));
        assert_eq!(inflate(&mut decompressor, &[&hex(message)]), Err(InflateError::Corrupt), "{what}");
    }
}

#[test]
fn a_message_may_have_exactly_the_size_of_the_limit() {
    let text = std::vec![b'a'; 100_000];
    let mut compressed = Vec::new();
    deflater(side(WINDOW, true), 6).compress(&text, &mut compressed);
    for (limit, expected) in [
        (text.len(), Ok(())),
        (text.len() - 1, Err(InflateError::TooLarge)),
        (0, Err(InflateError::TooLarge)),
    ] {
        let mut message = Vec::new();
        let mut decompressor = inflater(side(WINDOW, true));
        assert_eq!(decompressor.inflate(&compressed, true, &mut message, limit), expected);
        assert_eq!(message.len(), limit);
        assert!(message.capacity() <= limit);
    }
}

#[test]
fn a_bomb_is_rejected_at_the_limit() {
    // A block of 4 MiB of zeros, repeated until the limit.
    let mut bomb = Vec::new();
    let mut compressor = deflater(side(15, true), 9);
    compressor.compress(&std::vec![0; 4 << 20], &mut bomb);
    assert!(bomb.len() < 6 << 10);
    bomb.extend(TAIL);
    let (mut message, mut decompressor) = (Vec::new(), inflater(side(15, true)));
    let mut pieces = 0;
    while decompressor.inflate(&bomb, false, &mut message, 10 << 20).is_ok() {
        pieces += 1;
    }
    assert_eq!(pieces, 2);
    assert_eq!(message.len(), 10 << 20);
    assert!(message.capacity() <= 10 << 20);
    assert!(decompressor.held() <= (32 + 44) << 10);
}

#[test]
fn memory_is_allocated_on_first_use_and_released() {
    let (mut compressor, mut decompressor) = Parameters::default().server(&Deflate::DEFAULT).unwrap();
    assert_eq!((compressor.held(), decompressor.held()), (0, 0));
    assert_eq!(alloc::format!("{compressor:?} {decompressor:?}"), "Compressor Decompressor");
    let mut compressed = Vec::new();
    compressor.compress(b"hello", &mut compressed);
    assert!(inflate(&mut decompressor, &[&compressed]).is_ok());
    compressor.release();
    decompressor.release();
    assert_eq!((compressor.held(), decompressor.held()), (0, 5));
    assert!(decompressor.inflate(&compressed, false, &mut Vec::new(), 10).is_ok());
    let held = decompressor.held();
    decompressor.release();
    assert_eq!(decompressor.held(), held, "in the middle of a message");
}

#[test]
fn incompressible_messages_grow_by_a_few_bytes() {
    let mut seed = 1u32;
    let noise: Vec<u8> = core::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    })
    .take(100_000)
    .collect();
    let mut compressed = Vec::new();
    let mut compressor = deflater(side(WINDOW, true), 6);
    compressor.compress(&noise, &mut compressed);
    assert!(compressed.len() < noise.len() + 300, "{}", compressed.len());
}

fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        digits.bytes().filter_map(|digit| char::from(digit).to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
