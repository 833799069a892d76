//! The cryptography: that of `aws-lc-rs`.

use rustls::crypto::{CryptoProvider, GetRandomFailed, aws_lc_rs};
use rustls::{SupportedCipherSuite, Tls13CipherSuite};

/// Returns all of it.
pub(super) fn all() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

/// Returns the suite that protects tickets.
pub(super) fn ticket_suite() -> &'static Tls13CipherSuite {
    match aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384 {
        SupportedCipherSuite::Tls13(suite) => suite,
        _ => unreachable!("the constant is a suite of TLS 1.3"),
    }
}

/// Fills `bytes` with random ones.
///
/// # Errors
/// The system has none.
pub(super) fn random(bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
    aws_lc_rs::default_provider().secure_random.fill(bytes)
}
