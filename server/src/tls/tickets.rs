//! Tickets, by which clients resume sessions (RFC 8446 section 2.2, RFC 5077).
//!
//! A ticket is the name of its key, a nonce, and the session, encrypted as a record of TLS 1.3. So the cryptography is that
//! of any provider.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::crypto::cipher::{InboundOpaqueMessage, Iv, NONCE_LEN, OutboundChunks, OutboundPlainMessage};
use rustls::server::ProducesTickets;
use rustls::{ContentType, ProtocolVersion};

use super::provider;
use super::pump::PLAINTEXT;
use super::secret::{EARLIER, LIFETIME, Secret};

/// The length of a key.
const KEY: usize = 32;

/// The length of the name of a key.
const NAME: usize = 16;

/// The tickets of all configurations of a server.
pub(super) struct Keyring(Mutex<Secret>);

impl Keyring {
    pub(super) fn new(secret: Secret) -> Arc<Self> {
        Arc::new(Self(Mutex::new(secret)))
    }
}

/// The tickets of a configuration.
pub(super) struct Tickets {
    keyring: Arc<Keyring>,
    /// The hash of the rules for certificates of clients. A ticket does not outlive a change of them.
    context: [u8; 32],
    /// The keys of periods, the current one first.
    keys: Mutex<Vec<Key>>,
}

#[derive(Clone)]
struct Key {
    period: u64,
    name: [u8; NAME],
    bytes: [u8; KEY],
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tickets")
    }
}

impl Tickets {
    pub(super) fn new(keyring: Arc<Keyring>, context: [u8; 32]) -> Self {
        Self { keyring, context, keys: Mutex::default() }
    }

    /// Returns the first key that `is_it` chooses: the current one, then earlier ones, then the next, which other processes
    /// may use already.
    fn key(&self, now: SystemTime, is_it: impl Fn(&Key) -> bool) -> Option<Key> {
        let mut secret = self.keyring.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let current = secret.advance(now);
        if keys.first().is_none_or(|key| key.period != current) {
            let periods = (0..=EARLIER).map(|earlier| current - earlier).chain([current + 1]);
            *keys = periods.filter_map(|period| self.derive(&secret, period)).collect();
        }
        keys.iter().find(|key| is_it(key)).cloned()
    }

    fn derive(&self, secret: &Secret, period: u64) -> Option<Key> {
        Some(Key {
            period,
            name: secret.of_period(period, &[b"name", &self.context])?,
            bytes: secret.of_period(period, &[b"key", &self.context])?,
        })
    }

    fn seal(&self, now: SystemTime, plain: &[u8]) -> Option<Vec<u8>> {
        let key = self.key(now, |_| true).filter(|_| plain.len() <= PLAINTEXT)?;
        let mut nonce = [0; NONCE_LEN];
        provider::random(&mut nonce).ok()?;
        let mut aead = provider::ticket_suite().aead_alg.encrypter(key.bytes.into(), Iv::from(nonce));
        let message = OutboundPlainMessage {
            typ: ContentType::ApplicationData,
            version: ProtocolVersion::TLSv1_3,
            payload: OutboundChunks::Single(plain),
        };
        let sealed = aead.encrypt(message, 0).ok()?;
        Some([&key.name, &nonce[..], sealed.payload.as_ref()].concat())
    }

    fn open(&self, now: SystemTime, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_first_chunk::<NAME>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let key = self.key(now, |key| key.name == *name)?;
        let mut aead = provider::ticket_suite().aead_alg.decrypter(key.bytes.into(), Iv::from(*nonce));
        let mut sealed = sealed.to_vec();
        let message =
            InboundOpaqueMessage::new(ContentType::ApplicationData, ProtocolVersion::TLSv1_2, &mut sealed);
        aead.decrypt(message, 0).ok().map(|message| message.payload.to_vec())
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        LIFETIME.as_secs() as u32
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.seal(SystemTime::now(), plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.open(SystemTime::now(), cipher)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn tickets(secret: &Secret, context: u8) -> Tickets {
        Tickets::new(Keyring::new(secret.clone()), [context; 32])
    }

    #[test]
    fn tickets_of_one_process_are_accepted_by_another() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let hours = |hours: u64| now + Duration::from_secs(hours * 3600);
        let secret = Secret::new(now).unwrap();
        let (first, second, other) = (tickets(&secret, 0), tickets(&secret, 0), tickets(&secret, 1));
        for plain in [&b"session\0\0"[..], b"", &[7; PLAINTEXT]] {
            let ticket = first.seal(now, plain).unwrap();
            assert_ne!(ticket, first.seal(now, plain).unwrap());
            assert_eq!(second.open(now, &ticket).as_deref(), Some(plain));
            assert_eq!(second.open(hours(12), &ticket).as_deref(), Some(plain));
            assert_eq!(other.open(now, &ticket), None, "the rules for clients differ");
        }
        // The clock of the other process is late, or it has forgotten the key.
        let ticket = first.seal(hours(6), b"session").unwrap();
        assert_eq!(tickets(&secret, 0).open(now, &ticket).as_deref(), Some(&b"session"[..]));
        assert_eq!(second.open(hours(25), &ticket), None);
        assert_eq!(first.seal(now, &[0; PLAINTEXT + 1]), None);
    }

    #[test]
    fn damaged_tickets_are_refused() {
        let now = SystemTime::now();
        let tickets = tickets(&Secret::new(now).unwrap(), 0);
        let ticket = tickets.seal(now, b"session").unwrap();
        for at in 0..ticket.len() {
            let mut damaged = ticket.clone();
            damaged[at] ^= 1;
            assert_eq!(tickets.open(now, &damaged), None, "byte {at}");
            assert_eq!(tickets.open(now, &ticket[..at]), None, "length {at}");
        }
    }
}
