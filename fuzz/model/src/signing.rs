//! Signed text, as the cookies of sessions (the format of Python's `itsdangerous`), and the credentials of clients.

use std::time::{Duration, UNIX_EPOCH};

use stelo_toolkit::extract::{AuthorizationScheme, Basic, Bearer};
use stelo_toolkit::sessions::{Digest, Signer};

use crate::source::Source;

/// Checks that signed text is verified with its secret, and with no other one, and that text of a client without a
/// signature is refused. Credentials are parsed without a panic.
///
/// The input: the hash function, the time, the text, the change of a byte, then the text of a client.
pub fn signing(input: &[u8]) {
    let mut source = Source::new(input);
    let digest = source.pick(&[Digest::Sha1, Digest::Sha256]);
    let now = UNIX_EPOCH + Duration::from_secs(u64::from(source.byte()) << (source.byte() % 32));
    let text = String::from_utf8_lossy(source.bytes()).into_owned();
    let (place, change) = (usize::from(source.byte()), source.byte() & 127);
    let signer = Signer::with_digest(digest, "fuzzed");
    let signed = signer.sign(&text, now);
    assert_eq!(signer.unsign(&signed, Some(Duration::ZERO), now), Ok(&*text));
    let rotated = Signer::with_digest(digest, "new").previous("fuzzed");
    assert_eq!(rotated.unsign(&signed, None, now), Ok(&*text));
    assert!(Signer::with_digest(digest, "new").unsign(&signed, None, now).is_err());

    let mut forged = signed.clone().into_bytes();
    let place = place % forged.len();
    forged[place] ^= change;
    if let Ok(forged) = String::from_utf8(forged) {
        assert_eq!(signer.unsign(&forged, None, now).is_ok(), change == 0, "{signed:?} {forged:?}");
    }

    let sent = String::from_utf8_lossy(source.rest());
    assert!(signer.unsign(&sent, None, now).is_err(), "{sent:?}");
    if let Some(basic) = Basic::parse(&sent) {
        assert!(!basic.username.contains(':') && basic.matches(&basic.username, &basic.password));
    }
    if let Some(bearer) = Bearer::parse(&sent) {
        assert!(bearer.token == sent && bearer.matches(&sent));
    }
}
