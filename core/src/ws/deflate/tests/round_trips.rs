//! What was compressed is decompressed, whatever it is and however it comes.

use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{inflate, side};
use crate::ws::deflate::{Compressor, Decompressor};

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
