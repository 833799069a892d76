//! XXH64, a fast hash of content that is known when the program is built. Its results are entity tags, which need no
//! protection from attackers: the author of the program chooses the content.
//!
//! Source: the specification of the xxHash project, version 0.1.1.

const PRIMES: [u64; 5] = [
    0x9e37_79b1_85eb_ca87,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0x85eb_ca77_c2b2_ae63,
    0x27d4_eb2f_1656_67c5,
];

/// Returns the hash of bytes, with seed 0.
pub(super) const fn xxh64(bytes: &[u8]) -> u64 {
    let mut rest = bytes;
    let mut hash = PRIMES[4];
    if bytes.len() >= 32 {
        let mut lanes = [PRIMES[0].wrapping_add(PRIMES[1]), PRIMES[1], 0, 0u64.wrapping_sub(PRIMES[0])];
        while let Some((stripe, after)) = rest.split_first_chunk::<32>() {
            lanes[0] = round(lanes[0], word(stripe, 0));
            lanes[1] = round(lanes[1], word(stripe, 8));
            lanes[2] = round(lanes[2], word(stripe, 16));
            lanes[3] = round(lanes[3], word(stripe, 24));
            rest = after;
        }
        hash = lanes[0]
            .rotate_left(1)
            .wrapping_add(lanes[1].rotate_left(7))
            .wrapping_add(lanes[2].rotate_left(12))
            .wrapping_add(lanes[3].rotate_left(18));
        let mut lane = 0;
        while lane < 4 {
            hash = (hash ^ round(0, lanes[lane])).wrapping_mul(PRIMES[0]).wrapping_add(PRIMES[3]);
            lane += 1;
        }
    }
    finish(hash.wrapping_add(bytes.len() as u64), rest)
}

/// Adds the bytes after the last stripe, and mixes the result.
const fn finish(mut hash: u64, mut rest: &[u8]) -> u64 {
    while let Some((bytes, after)) = rest.split_first_chunk::<8>() {
        hash = (hash ^ round(0, u64::from_le_bytes(*bytes))).rotate_left(27);
        hash = hash.wrapping_mul(PRIMES[0]).wrapping_add(PRIMES[3]);
        rest = after;
    }
    if let Some((bytes, after)) = rest.split_first_chunk::<4>() {
        let word = u32::from_le_bytes(*bytes) as u64;
        hash = (hash ^ word.wrapping_mul(PRIMES[0])).rotate_left(23);
        hash = hash.wrapping_mul(PRIMES[1]).wrapping_add(PRIMES[2]);
        rest = after;
    }
    while let Some((&byte, after)) = rest.split_first() {
        hash = (hash ^ (byte as u64).wrapping_mul(PRIMES[4])).rotate_left(11).wrapping_mul(PRIMES[0]);
        rest = after;
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(PRIMES[1]);
    hash = (hash ^ (hash >> 29)).wrapping_mul(PRIMES[2]);
    hash ^ (hash >> 32)
}

const fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(PRIMES[1])).rotate_left(31).wrapping_mul(PRIMES[0])
}

const fn word(stripe: &[u8; 32], at: usize) -> u64 {
    match stripe.split_at(at).1.first_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        // The stripe has 32 bytes, and `at` is at most 24.
        None => unreachable!(),
    }
}

#[cfg(test)]
mod tests {
    use super::xxh64;

    /// The values are those of the reference implementation.
    #[test]
    fn hashes_are_those_of_the_specification() {
        assert_eq!(xxh64(b""), 0xef46_db37_51d8_e999);
        assert_eq!(xxh64(b"a"), 0xd24e_c4f1_a98c_6e5b);
        assert_eq!(xxh64(b"abc"), 0x44bc_2cf5_ad77_0999);
        assert_eq!(xxh64(b"Nobody inspects the spammish repetition"), 0xfbce_a83c_8a37_8bf1);
    }
}
