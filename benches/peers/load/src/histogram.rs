//! Latencies in buckets of less than 1 % width.

use std::time::Duration;

pub struct Histogram(Vec<u64>);

impl Histogram {
    /// Each power of two is divided into `1 << SUB` buckets.
    const SUB: u32 = 7;

    pub fn new() -> Self {
        Self(vec![0; 64 << Self::SUB])
    }

    pub fn add(&mut self, latency: Duration) {
        let nanos = latency.as_nanos() as u64 | 1 << Self::SUB;
        let shift = 63 - nanos.leading_zeros() - Self::SUB;
        self.0[((shift as usize) << Self::SUB) + (nanos >> shift) as usize] += 1;
    }

    /// The latency in microseconds that this share of all stays below.
    pub fn quantile(&self, share: f64) -> f64 {
        let total: u64 = self.0.iter().sum();
        let mut left = (total as f64 * share) as u64;
        for (i, &count) in self.0.iter().enumerate() {
            if count > left {
                let (shift, sub) = ((i >> Self::SUB).saturating_sub(1), i & ((1 << Self::SUB) - 1));
                return (((1 << Self::SUB) + sub) << shift) as f64 / 1e3;
            }
            left -= count;
        }
        f64::NAN
    }
}

#[test]
fn quantiles_are_within_a_bucket() {
    let mut histogram = Histogram::new();
    (1..=1000).for_each(|micros| histogram.add(Duration::from_micros(micros)));
    for (share, micros) in [(0.5, 500.0), (0.99, 990.0)] {
        let error = (histogram.quantile(share) / micros - 1.0).abs();
        assert!(error < 0.01, "{share}: {error}");
    }
}
