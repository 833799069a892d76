//! The random choices of a simulation: SplitMix64 (Steele, Lea, Flood 2014), a counter and a mixing step.

use std::ops::Range;
use std::time::Duration;

/// A sequence of choices that depends on a seed only.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Creates the sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Returns a number in `range`, or its start if it is empty.
    pub fn number(&mut self, range: Range<u64>) -> u64 {
        let width = range.end.saturating_sub(range.start);
        // The high half of the product is below `width`. The bias is below 2^-32 for the ranges of a simulation.
        let below = (u128::from(self.bits()) * u128::from(width)) >> 64;
        range.start + below as u64
    }

    /// Returns an index below `len`; 0 if `len` is 0.
    pub fn index(&mut self, len: usize) -> usize {
        self.number(0..len as u64) as usize
    }

    /// Returns a duration in `range`, in whole microseconds.
    pub fn duration(&mut self, range: Range<Duration>) -> Duration {
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.number(micros(range.start)..micros(range.end)))
    }

    /// Returns true with the probability `chance`, from 0 (never) to 1 (always).
    pub fn chance(&mut self, chance: f64) -> bool {
        // An `f64` has 53 bits of precision.
        let unit = (self.bits() >> 11) as f64 / (1_u64 << 53) as f64;
        unit < chance
    }
}

/// Spreads each bit of `bits` over all 64.
pub(crate) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        let mut random = Random::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([random.bits(), random.bits(), random.bits()], expected);
    }

    #[test]
    fn choices_stay_in_their_range() {
        let mut random = Random::new(1);
        let mut seen = [false; 7];
        for _ in 0..1000 {
            seen[random.index(7)] = true;
            assert!((5..9).contains(&random.number(5..9)));
            assert!(random.chance(1.0) && !random.chance(0.0));
        }
        assert_eq!((seen, random.number(3..3), random.index(0)), ([true; 7], 3, 0));
    }
}
