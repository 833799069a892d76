use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const WINDOW: u8 = 12;

fn side(bits: u8, takeover: bool) -> Side {
    Side { window: 1 << bits, takeover }
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
        let mut decompressor = Decompressor::new(side(WINDOW, takeover));
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
    let mut decompressor = Decompressor::new(side(WINDOW, true));
    for message in [&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], &[0xf2, 0x00, 0x11, 0x00, 0x00]] {
        assert_eq!(inflate(&mut decompressor, &[message]).as_deref(), Ok(&b"Hello"[..]), "7.2.3.2");
        decompressor.release();
    }
    let mut decompressor = Decompressor::new(side(WINDOW, false));
    assert!(inflate(&mut decompressor, &[&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]]).is_ok());
    assert_eq!(inflate(&mut decompressor, &[&[0xf2, 0x00, 0x11, 0x00, 0x00]]), Err(InflateError::Corrupt));
}

/// Text that repeats itself, and bytes that do not.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..300),
        vec(b'a'..b'e', 0..600),
        (any::<u8>(), 0..2000usize).prop_map(|(byte, n)| std::vec![byte; n]),
        (0..9000usize)
            .prop_map(|n| (0..n).flat_map(|i| std::format!("{{\"id\":{i}}}").into_bytes()).take(n).collect()),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_compressed_comes_back(
        messages in vec((content(), any::<bool>(), any::<bool>()), 1..6),
        bits in 8..=15u8,
        takeover in any::<bool>(),
        level in 0..=10u8,
        piece in 1..400usize,
    ) {
        let mut compressor = Compressor::new(side(bits, takeover), level);
        let mut decompressor = Decompressor::new(side(bits, takeover));
        for (message, release, release_other) in &messages {
            let mut compressed = Vec::new();
            compressor.compress(message, &mut compressed);
            prop_assert!(compressed.len() <= message.len() + 5 * (message.len() / 4096 + 1) + 1);
            let pieces: Vec<&[u8]> = compressed.chunks(piece).collect();
            let inflated = inflate(&mut decompressor, &pieces);
            prop_assert_eq!(inflated.as_deref(), Ok(&**message));
            if *release {
                compressor.release();
                prop_assert_eq!(compressor.held(), 0);
            }
            if *release_other {
                decompressor.release();
                let window = if takeover { 1 << bits } else { 0 };
                prop_assert!(decompressor.held() <= window);
            }
        }
    }
}
