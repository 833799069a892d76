//! `Signer`: text with a time and a signature, in the format of `TimestampSigner` of Python's `itsdangerous`, which signs
//! the sessions of Starlette.
//!
//! A signed text is `text.time.signature`. The time is the seconds since 1970 as big-endian bytes without leading zeros.
//! The signature is an HMAC over `text.time`. Both are URL-safe Base64 without padding.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// The purpose of a key, which `itsdangerous` puts before the secret.
const SALT: &[u8] = b"itsdangerous.Signersigner";

/// The hash function of a [`Signer`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Digest {
    /// SHA-1, as Starlette signs. HMAC does not need its resistance to collisions, which is broken.
    #[default]
    Sha1,
    /// SHA-256, as `itsdangerous` signs with `digest_method=hashlib.sha256`.
    Sha256,
}

/// Signs text, and verifies its signature and age.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use stelo_toolkit::sessions::Signer;
///
/// let signer = Signer::new("a long random secret");
/// let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// let signed = signer.sign("ada", now);
///
/// let hour = Some(Duration::from_secs(3600));
/// assert_eq!(signer.unsign(&signed, hour, now), Ok("ada"));
/// assert!(signer.unsign(&signed, hour, now + Duration::from_secs(3601)).is_err());
/// assert!(signer.unsign(&signed.replace("ada", "eve"), hour, now).is_err());
///
/// // A new secret signs. The one before still verifies.
/// let rotated = Signer::new("another long secret").previous("a long random secret");
/// assert_eq!(rotated.unsign(&signed, hour, now), Ok("ada"));
/// ```
#[derive(Clone)]
pub struct Signer {
    digest: Digest,
    /// The newest first. Never empty.
    keys: Vec<Key>,
}

/// A key, prepared for any number of signatures.
#[derive(Clone)]
enum Key {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
}

impl Key {
    fn new(digest: Digest, secret: &[u8]) -> Self {
        let key = match digest {
            Digest::Sha1 => {
                let key = Sha1::new().chain_update(SALT).chain_update(secret).finalize();
                Hmac::new_from_slice(&key).map(Self::Sha1)
            }
            Digest::Sha256 => {
                let key = Sha256::new().chain_update(SALT).chain_update(secret).finalize();
                Hmac::new_from_slice(&key).map(Self::Sha256)
            }
        };
        key.unwrap_or_else(|InvalidLength| unreachable!("HMAC takes keys of any length"))
    }

    fn sign(&self, text: &str) -> String {
        match self {
            Self::Sha1(mac) => URL_SAFE_NO_PAD.encode(mac.clone().chain_update(text).finalize().into_bytes()),
            Self::Sha256(mac) => {
                URL_SAFE_NO_PAD.encode(mac.clone().chain_update(text).finalize().into_bytes())
            }
        }
    }

    /// Verifies a signature, in a time that does not depend on the bytes that differ.
    fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        match self {
            Self::Sha1(mac) => mac.clone().chain_update(text).verify_slice(signature).is_ok(),
            Self::Sha256(mac) => mac.clone().chain_update(text).verify_slice(signature).is_ok(),
        }
    }
}

impl Signer {
    /// Creates a signer with SHA-1, as Starlette signs.
    pub fn new(secret: impl AsRef<[u8]>) -> Self {
        Self::with_digest(Digest::Sha1, secret)
    }

    /// Creates a signer with this hash function.
    pub fn with_digest(digest: Digest, secret: impl AsRef<[u8]>) -> Self {
        Self { digest, keys: vec![Key::new(digest, secret.as_ref())] }
    }

    /// Adds an earlier secret, which verifies and does not sign.
    #[must_use]
    pub fn previous(mut self, secret: impl AsRef<[u8]>) -> Self {
        self.keys.push(Key::new(self.digest, secret.as_ref()));
        self
    }

    /// Returns `text.time.signature`.
    pub fn sign(&self, text: &str, now: SystemTime) -> String {
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_be_bytes();
        let zeros = seconds.iter().take_while(|byte| **byte == 0).count();
        let mut signed = format!("{text}.{}", URL_SAFE_NO_PAD.encode(&seconds[zeros..]));
        let signature = self.keys[0].sign(&signed);
        signed.push('.');
        signed.push_str(&signature);
        signed
    }

    /// Returns the text of `text.time.signature`. Without `max_age`, the time is not looked at.
    ///
    /// # Errors
    /// No key has signed the text, it is older than `max_age`, or its time is in the future.
    pub fn unsign<'t>(
        &self,
        signed: &'t str,
        max_age: Option<Duration>,
        now: SystemTime,
    ) -> Result<&'t str, SignatureError> {
        let (payload, signature) = signed.rsplit_once('.').ok_or(SignatureError::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| SignatureError::Malformed)?;
        if !self.keys.iter().any(|key| key.verifies(payload, &signature)) {
            return Err(SignatureError::Signature);
        }
        let (text, time) = payload.rsplit_once('.').ok_or(SignatureError::Malformed)?;
        let time = seconds(time).ok_or(SignatureError::Malformed)?;
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        match max_age {
            Some(age) if now.checked_sub(time).is_none_or(|passed| passed > age.as_secs()) => {
                Err(SignatureError::Expired)
            }
            _ => Ok(text),
        }
    }
}

/// Reads the time of a signed text.
fn seconds(time: &str) -> Option<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(time).ok().filter(|bytes| bytes.len() <= 8)?;
    Some(bytes.iter().fold(0, |seconds, byte| seconds << 8 | u64::from(*byte)))
}

impl fmt::Debug for Signer {
    /// Shows no key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({:?}, {} keys)", self.digest, self.keys.len())
    }
}

/// The reason why a signed text is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SignatureError {
    /// The text is not `text.time.signature`.
    Malformed,
    /// No key has signed the text.
    Signature,
    /// The text is too old, or its time is in the future.
    Expired,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a signed text",
            Self::Signature => "the signature does not match",
            Self::Expired => "the signature is too old, or from the future",
        })
    }
}

impl std::error::Error for SignatureError {}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn signatures_are_those_of_itsdangerous() {
        let signer = Signer::new("secret");
        for (json, signed) in [
            (
                r#"{"user": "tom", "n": 1}"#,
                "eyJ1c2VyIjogInRvbSIsICJuIjogMX0=.ZVPxAA.Ns6dGg60UoBTYqzalVts5s92vEU",
            ),
            (r#"{"n": 1}"#, "eyJuIjogMX0=.ZVPxAA.AbjdOJIJa1nAo832iXbbu-MYCgM"),
            (
                r#"{"user": "tom", "n": 1, "l": []}"#,
                "eyJ1c2VyIjogInRvbSIsICJuIjogMSwgImwiOiBbXX0=.ZVPxAA.0wh_zQ7oUIegG9mH2mXVd2W0N6Y",
            ),
            ("{}", "e30=.ZVPxAA.Up7dPVCV4Gzrq2BFDmEytn8g3hQ"),
        ] {
            assert_eq!(signer.sign(&STANDARD.encode(json), at(1_700_000_000)), signed);
        }
    }

    #[test]
    fn the_age_may_be_equal_to_the_limit_and_not_negative() {
        let signer = Signer::new("secret");
        let signed = signer.sign("a.b", at(100));
        let hour = Some(Duration::from_secs(3600));
        assert_eq!(signer.unsign(&signed, hour, at(3700)), Ok("a.b"));
        assert_eq!(signer.unsign(&signed, hour, at(3701)), Err(SignatureError::Expired));
        assert_eq!(signer.unsign(&signed, hour, at(99)), Err(SignatureError::Expired));
        assert_eq!(signer.unsign(&signed, None, at(99)), Ok("a.b"));
        assert_eq!(signer.unsign(&signer.sign("", at(0)), hour, at(0)), Ok(""));
    }

    #[test]
    fn every_secret_verifies_and_the_newest_signs() {
        let (old, new) = (Signer::new("old"), Signer::new("new"));
        let both = Signer::new("new").previous("older").previous("old");
        assert_eq!(both.sign("a", at(5)), new.sign("a", at(5)));
        assert_eq!(both.unsign(&old.sign("a", at(5)), None, at(5)), Ok("a"));
        assert_eq!(new.unsign(&old.sign("a", at(5)), None, at(5)), Err(SignatureError::Signature));
        let sha256 = Signer::with_digest(Digest::Sha256, "new");
        assert_eq!(sha256.unsign(&new.sign("a", at(5)), None, at(5)), Err(SignatureError::Signature));
    }

    proptest::proptest! {
        #[test]
        fn signed_text_is_verified_and_changed_text_is_not(
            text in ".*", seconds in 0..1_u64 << 40, at_byte: usize, flip in 1..128_u8,
        ) {
            for signer in [Signer::new("secret"), Signer::with_digest(Digest::Sha256, "secret")] {
                let signed = signer.sign(&text, at(seconds));
                proptest::prop_assert_eq!(signer.unsign(&signed, Some(Duration::ZERO), at(seconds)), Ok(&*text));
                let mut bytes = signed.clone().into_bytes();
                let place = at_byte % bytes.len();
                bytes[place] ^= flip;
                if let Ok(changed) = String::from_utf8(bytes) {
                    proptest::prop_assert!(signer.unsign(&changed, None, at(seconds)).is_err());
                }
            }
        }

        #[test]
        fn any_text_can_be_refused(text in ".*") {
            proptest::prop_assert!(Signer::new("secret").unsign(&text, None, at(0)).is_err());
        }
    }
}
