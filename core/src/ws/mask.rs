//! Masking (RFC 6455 section 5.3): the payload of a client is combined with a key that changes with each frame.
//!
//! The author of the messages must not be able to predict the keys (section 10.3). They are hashes of a random seed
//! from the caller and a counter.

use sha1_smol::Sha1;

/// The key of a frame, rotated so that its first byte applies to the next byte of the payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    pub(super) fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Returns the key as the frame header has it.
    pub(super) fn key(self) -> [u8; 4] {
        self.0
    }

    /// Masks or unmasks the next bytes of the payload, which is the same operation.
    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        let turn = bytes.len() % 4;
        let key = u32::from_ne_bytes(self.0);
        let apply = |words: &mut [[u8; 4]]| {
            for word in words {
                *word = (u32::from_ne_bytes(*word) ^ key).to_ne_bytes();
            }
        };
        // Blocks of a fixed size, which the compiler vectorizes.
        let (blocks, rest) = bytes.as_chunks_mut::<64>();
        for block in blocks {
            apply(block.as_chunks_mut().0);
        }
        let (words, rest) = rest.as_chunks_mut();
        apply(words);
        for (byte, key) in rest.iter_mut().zip(self.0) {
            *byte ^= key;
        }
        self.0.rotate_left(turn);
    }
}

/// Generates the keys of a client.
pub(super) struct Keys {
    seed: [u8; 20],
    drawn: u64,
    /// The unused bytes of the last hash, at the end.
    hash: [u8; 20],
}

impl Keys {
    pub(super) fn new(seed: [u8; 20]) -> Self {
        Self { seed, drawn: 0, hash: [0; 20] }
    }

    /// Returns the key of the next frame.
    pub(super) fn draw(&mut self) -> Mask {
        let (keys, _) = self.hash.as_chunks::<4>();
        let place = (self.drawn % keys.len() as u64) as usize;
        if place == 0 {
            let mut hash = Sha1::from(self.seed);
            hash.update(&self.drawn.to_be_bytes());
            self.hash = hash.digest().bytes();
        }
        self.drawn += 1;
        let (keys, _) = self.hash.as_chunks::<4>();
        Mask::new(keys.get(place).copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn masking_twice_restores_the_payload_in_any_pieces() {
        let plain: Vec<u8> = (0..100).collect();
        let expected: Vec<u8> = plain.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(b, k)| b ^ k).collect();
        for len in 0..plain.len() {
            for cut in 0..=len {
                let mut bytes = plain[..len].to_vec();
                let mut mask = Mask::new([1, 2, 3, 4]);
                mask.apply(&mut bytes[..cut]);
                mask.apply(&mut bytes[cut..]);
                assert_eq!(bytes, expected[..len], "{cut} of {len}");
                let mut mask = Mask::new([1, 2, 3, 4]);
                mask.apply(&mut bytes);
                assert_eq!(bytes, plain[..len]);
            }
        }
    }

    #[test]
    fn keys_differ_between_frames_and_between_seeds() {
        let mut keys = Keys::new([7; 20]);
        let mut drawn: Vec<_> = (0..1000).map(|_| keys.draw().key()).collect();
        let mut others = Keys::new([8; 20]);
        drawn.extend((0..1000).map(|_| others.draw().key()));
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), 2000);
    }
}
