//! Compressed messages are decompressed to the same bytes, in any pieces, and by another implementation too.

use alloc::vec::Vec;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{deflater, inflate, inflater, side};
use crate::ws::deflate::TAIL;

/// Repetitive text, and random bytes.
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
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn compressed_messages_decompress_to_the_same_bytes(
        messages in vec((content(), any::<bool>(), any::<bool>()), 1..6),
        bits in 8..=15u8,
        takeover in any::<bool>(),
        level in 0..=10u8,
        piece in 1..400usize,
    ) {
        let mut compressor = deflater(side(bits, takeover), level);
        let mut decompressor = inflater(side(bits, takeover));
        for (message, release, release_other) in &messages {
            let mut compressed = Vec::new();
            compressor.compress(message, &mut compressed);
            // Level 1 uses the fixed codes of RFC 1951 section 3.2.6, which have 9 bits for some bytes.
            prop_assert!(compressed.len() <= message.len() + message.len() / 8 + 16);
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

    #[test]
    fn another_implementation_decompresses_our_messages(message in content(), bits in 8..=15u8, level in 0..=9u8) {
        let mut compressed = Vec::new();
        deflater(side(bits, true), level).compress(&message, &mut compressed);
        prop_assert_eq!(inflated_by_another(&compressed), Some(message));
    }

    #[test]
    fn messages_of_another_implementation_are_decompressed(message in content(), level in 0..=9u8, piece in 1..400usize) {
        // It ends with a final block.
        let compressed = miniz_oxide::deflate::compress_to_vec(&message, level);
        let pieces: Vec<&[u8]> = compressed.chunks(piece).collect();
        let inflated = inflate(&mut inflater(side(15, true)), &pieces);
        prop_assert_eq!(inflated.as_deref(), Ok(&*message));
    }

    #[test]
    fn a_changed_message_gives_the_same_result_as_in_another_implementation(
        message in content(),
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut compressed = Vec::new();
        deflater(side(15, true), 6).compress(&message, &mut compressed);
        for (place, byte) in changes {
            let place = place.index(compressed.len());
            compressed[place] = byte;
        }
        let whole = inflate(&mut inflater(side(15, true)), &[&compressed]);
        let bytes: Vec<&[u8]> = compressed.chunks(1).collect();
        prop_assert_eq!(&inflate(&mut inflater(side(15, true)), &bytes), &whole);
        if let Some(expected) = inflated_by_another(&compressed) {
            prop_assert_eq!(whole, Ok(expected));
        }
    }
}

/// Decompresses the message with an empty final block added, if it has no final block.
///
/// Returns `None` if the message is invalid. Also returns `None` if the tail that is not sent produces output: then the
/// message ends within a block, which the decompressor rejects.
fn inflated_by_another(compressed: &[u8]) -> Option<Vec<u8>> {
    let mut stream = [compressed, &TAIL].concat();
    let mut message = std::vec![0; 1 << 20];
    stream.extend([1, 0, 0, 0xff, 0xff]);
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let more = flags | inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
    let (_, _, sent) = decompress(&mut DecompressorOxide::new(), compressed, &mut message, 0, more);
    let (status, read, written) = decompress(&mut DecompressorOxide::new(), &stream, &mut message, 0, flags);
    message.truncate(written);
    (status == TINFLStatus::Done && read == stream.len() && sent == written).then_some(message)
}
