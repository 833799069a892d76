//! `Cipher`: cookies that the client can neither read nor change, by XChaCha20-Poly1305.
//!
//! A cookie is the URL-safe Base64 of a key id (4 bytes), a random nonce (24 bytes) and the ciphertext. The plaintext is
//! the time in seconds (8 bytes, big-endian) and the text. The name of the cookie and the key id are authenticated too.
//! HKDF-SHA256 derives keys and key ids from the secrets.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::response::BoxError;

const ID: usize = 4;
const NONCE: usize = 24;

/// Encrypts text with its time, and decrypts it.
#[derive(Clone)]
pub(crate) struct Cipher {
    /// The newest first. Never empty.
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: [u8; ID],
    cipher: XChaCha20Poly1305,
}

impl Key {
    fn new(secret: &[u8]) -> Self {
        let hkdf = Hkdf::<Sha256>::new(Some(b"stelo session cookie"), secret);
        let (mut id, mut key) = ([0; ID], [0; 32]);
        for (info, out) in [("key id", &mut id[..]), ("key", &mut key[..])] {
            let Ok(()) = hkdf.expand(info.as_bytes(), out) else {
                unreachable!("HKDF-SHA256 gives up to 8,160 bytes");
            };
        }
        Self { id, cipher: XChaCha20Poly1305::new(&key.into()) }
    }

    /// The data that is authenticated and not encrypted.
    fn context(&self, name: &str) -> Vec<u8> {
        [name.as_bytes(), &[0], &self.id].concat()
    }
}

impl Cipher {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self { keys: vec![Key::new(secret)] }
    }

    /// Adds an earlier secret, which decrypts and does not encrypt.
    pub(crate) fn add_previous(&mut self, secret: &[u8]) {
        self.keys.push(Key::new(secret));
    }

    /// Encrypts the value of the cookie of this name.
    pub(super) fn seal(&self, name: &str, text: &[u8], now: SystemTime) -> Result<String, BoxError> {
        let key = &self.keys[0];
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| format!("no random numbers: {error}"))?;
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_be_bytes();
        let (msg, aad) = ([&seconds, text].concat(), key.context(name));
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), Payload { msg: &msg, aad: &aad });
        let sealed = sealed.map_err(|_| "the text is too long to be encrypted")?;
        Ok(URL_SAFE_NO_PAD.encode([&key.id[..], &nonce, &sealed].concat()))
    }

    /// Decrypts the value of the cookie of this name. `None` if it is not authentic, too old, or from the future.
    pub(super) fn open(
        &self,
        name: &str,
        value: &str,
        max_age: Option<Duration>,
        now: SystemTime,
    ) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        let (id, rest) = bytes.split_first_chunk::<ID>()?;
        let (nonce, msg) = rest.split_first_chunk::<NONCE>()?;
        let mut keys = self.keys.iter().filter(|key| key.id == *id);
        let mut text = keys.find_map(|key| {
            let aad = key.context(name);
            key.cipher.decrypt(&XNonce::from(*nonce), Payload { msg, aad: &aad }).ok()
        })?;
        let time = u64::from_be_bytes(*text.first_chunk()?);
        let passed = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().checked_sub(time);
        if max_age.is_some_and(|age| passed.is_none_or(|passed| passed > age.as_secs())) {
            return None;
        }
        text.drain(..8);
        Some(text)
    }
}

impl fmt::Debug for Cipher {
    /// Shows no key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cipher({} keys)", self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_sealed_is_opened_under_its_name_only() {
        let cipher = Cipher::new(b"a long random secret");
        let sealed = cipher.seal("a", b"text", at(100)).unwrap();
        assert_eq!(cipher.open("a", &sealed, None, at(0)).unwrap(), b"text");
        assert_eq!(cipher.open("b", &sealed, None, at(100)), None);
        let other = Cipher::new(b"another random secret");
        assert_eq!(other.open("a", &sealed, None, at(100)), None);
        let hour = Some(Duration::from_secs(3600));
        assert!(cipher.open("a", &sealed, hour, at(3700)).is_some());
        assert_eq!(cipher.open("a", &sealed, hour, at(3701)), None);
        assert_eq!(cipher.open("a", &sealed, hour, at(99)), None);
        assert_ne!(cipher.seal("a", b"text", at(100)).unwrap(), sealed, "each has its own nonce");
    }

    #[test]
    fn an_earlier_secret_still_opens() {
        let old = Cipher::new(b"a long random secret");
        let mut new = Cipher::new(b"another random secret");
        new.add_previous(b"a long random secret");
        let sealed = old.seal("a", b"text", at(100)).unwrap();
        assert_eq!(new.open("a", &sealed, None, at(100)).unwrap(), b"text");
        assert_eq!(format!("{new:?}"), "Cipher(2 keys)");
        assert_eq!(old.open("a", &new.seal("a", b"text", at(100)).unwrap(), None, at(100)), None);
    }

    proptest::proptest! {
        #[test]
        fn a_changed_byte_is_noticed(text: Vec<u8>, at_byte: usize, flip in 1..=255_u8) {
            let cipher = Cipher::new(b"secret");
            let sealed = cipher.seal("a", &text, at(5)).unwrap();
            proptest::prop_assert_eq!(cipher.open("a", &sealed, Some(Duration::ZERO), at(5)), Some(text));
            let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
            let place = at_byte % bytes.len();
            bytes[place] ^= flip;
            proptest::prop_assert_eq!(cipher.open("a", &URL_SAFE_NO_PAD.encode(&bytes), None, at(5)), None);
        }
    }
}
