//! A certificate for development, which no browser trusts.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::fault::{Fault, FileError};

/// A day before now, for clients whose clock is late.
const EARLIER: Duration = Duration::from_secs(24 * 60 * 60);

/// The time that the certificate is valid. Apple's systems refuse certificates of more than 825 days.
const VALID: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Makes a certificate of `localhost`, and a key.
pub(super) fn localhost() -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), FileError> {
    make().map_err(|error| FileError::new(Path::new("localhost"), Fault::SelfSigned(error)))
}

fn make() -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), rcgen::Error> {
    let mut params = CertificateParams::new(["localhost", "127.0.0.1", "::1"].map(String::from))?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    let now = SystemTime::now();
    params.not_before = (now - EARLIER).into();
    params.not_after = (now + VALID).into();
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
}
