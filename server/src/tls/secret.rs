//! The secret that the keys of tickets are derived from, which all worker processes share.
//!
//! Time is divided into periods of [`PERIOD`]. The secret of a period is a one-way function of the one before, so each
//! process can go on by itself, and none can go back: tickets from before the oldest period are lost for good. A supervisor
//! makes the secret and passes it to each worker when it starts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::crypto::{GetRandomFailed, tls13::Hkdf};

use super::provider;

/// The time for which new tickets have the same key.
const PERIOD: Duration = Duration::from_secs(6 * 60 * 60);

/// The number of earlier periods whose tickets are accepted.
pub(super) const EARLIER: u64 = 2;

/// The least time that a ticket is accepted.
pub(super) const LIFETIME: Duration = Duration::from_secs(EARLIER * PERIOD.as_secs());

/// The length of an encoded secret.
const LEN: usize = 40;

/// The secret of the oldest period whose tickets are accepted.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    period: u64,
    bytes: [u8; 32],
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Returns the period of a time.
pub(super) fn period(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / PERIOD.as_secs()
}

impl Secret {
    /// Makes a secret.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub(crate) fn new(now: SystemTime) -> Result<Self, GetRandomFailed> {
        let mut bytes = [0; 32];
        provider::random(&mut bytes)?;
        Ok(Self { period: period(now).saturating_sub(EARLIER), bytes })
    }

    /// Forgets the periods whose tickets are not accepted any more. Returns the period of `now`, which does not go back
    /// with the clock.
    pub(crate) fn advance(&mut self, now: SystemTime) -> u64 {
        let current = period(now).max(self.period + EARLIER);
        // A clock that was wrong by decades may jump. The loop takes less than a microsecond for each period.
        while self.period + EARLIER < current {
            self.bytes = derive(&self.bytes, &[b"next"]);
            self.period += 1;
        }
        current
    }

    /// Returns bytes that depend on the secret of a period, and on what they are for. `None` for a period that is over.
    pub(super) fn of_period<const N: usize>(&self, period: u64, info: &[&[u8]]) -> Option<[u8; N]> {
        let mut bytes = self.bytes;
        for _ in 0..period.checked_sub(self.period)? {
            bytes = derive(&bytes, &[b"next"]);
        }
        Some(derive(&bytes, info))
    }

    /// Encodes the secret for another process.
    pub(crate) fn encode(&self) -> [u8; LEN] {
        let mut encoded = [0; LEN];
        encoded[..8].copy_from_slice(&self.period.to_be_bytes());
        encoded[8..].copy_from_slice(&self.bytes);
        encoded
    }

    /// Decodes a secret. `None` if the length is wrong.
    pub(crate) fn decode(encoded: &[u8]) -> Option<Self> {
        let (period, bytes) = encoded.split_first_chunk()?;
        Some(Self { period: u64::from_be_bytes(*period), bytes: bytes.try_into().ok()? })
    }
}

/// Derives bytes from others, one way (HKDF, RFC 5869).
pub(super) fn derive<const N: usize>(secret: &[u8], info: &[&[u8]]) -> [u8; N] {
    let hkdf: &dyn Hkdf = provider::ticket_suite().hkdf_provider;
    let mut bytes = [0; N];
    // Fails only for more than 255 hashes.
    let _ = hkdf.extract_from_secret(Some(b"stelo tickets"), secret).expand_slice(info, &mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_that_go_on_by_themselves_agree() {
        let now = UNIX_EPOCH + PERIOD * 1000;
        let mut first = Secret::new(now).unwrap();
        let mut second = Secret::decode(&first.encode()).unwrap();
        assert_eq!(first, second);
        let key = |secret: &Secret, period| secret.of_period::<32>(period, &[b"key"]);
        let (old, new) = (key(&first, 1000), key(&first, 1001));
        assert!(old.is_some() && old != new);
        assert_eq!(second.advance(now + PERIOD), 1001);
        assert_eq!((key(&second, 1000), key(&second, 1001)), (old, new));
        // The oldest period is forgotten. The clock of the other process is late, or goes back.
        assert_eq!(key(&second, 998), None);
        assert!(key(&first, 998).is_some());
        assert_eq!(second.advance(now), 1001);
        assert_eq!(first.advance(now + PERIOD), 1001);
        assert_eq!(first, second);
        assert_eq!(Secret::decode(&[0; 39]), None);
        assert_eq!(Secret::decode(&[]), None);
    }
}
