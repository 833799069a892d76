//! Reads the files of certificates, private keys and revocation lists, all in PEM (RFC 7468).

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::fault::{Fault, FileError};
use crate::config::Password;

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|error| FileError::new(path, Fault::Unreadable(error)))
}

/// Reads all values of a kind. `none` is the fault of a file without any.
fn all<T: PemObject>(path: &Path, none: Fault) -> Result<Vec<T>, FileError> {
    let bytes = read(path)?;
    let all: Result<Vec<_>, _> = T::pem_slice_iter(&bytes).collect();
    match all {
        Ok(all) if all.is_empty() => Err(FileError::new(path, none)),
        Ok(all) => Ok(all),
        Err(error) => Err(FileError::new(path, Fault::Pem(error))),
    }
}

/// Reads the certificates of a file, that of the server first.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    all(path, Fault::NoCertificate)
}

/// Reads the revocation lists of a file.
pub(super) fn revocation_lists(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, FileError> {
    all(path, Fault::NoList)
}

/// Reads the private key of a file.
pub(super) fn private_key(
    path: &Path,
    password: Option<&Password>,
) -> Result<PrivateKeyDer<'static>, FileError> {
    let fail = |fault| FileError::new(path, fault);
    let bytes = read(path)?;
    // RFC 1421, which OpenSSL wrote before version 1.0.
    if find(&bytes, b"Proc-Type: 4,ENCRYPTED").is_some() {
        return Err(fail(Fault::OldEncryption));
    }
    let keys: Result<Vec<_>, _> = PrivateKeyDer::pem_slice_iter(&bytes).collect();
    let encrypted = section(&bytes, "ENCRYPTED PRIVATE KEY");
    match (keys.map_err(|error| fail(Fault::Pem(error)))?.as_mut_slice(), encrypted) {
        ([], None) => Err(fail(Fault::NoKey)),
        ([], Some(pem)) => match password {
            Some(password) => decrypt(pem, password).map_err(fail),
            None => Err(fail(Fault::Encrypted)),
        },
        ([key], None) => Ok(key.clone_key()),
        _ => Err(fail(Fault::SeveralKeys)),
    }
}

/// Decrypts a key (RFC 5958 section 3).
fn decrypt(pem: &str, password: &Password) -> Result<PrivateKeyDer<'static>, Fault> {
    let (_, document) = pkcs8::Document::from_pem(pem).map_err(|_| Fault::Damaged)?;
    // Algorithms that are not compiled in, such as triple DES, are errors here.
    let encrypted = pkcs8::EncryptedPrivateKeyInfoRef::try_from(document.as_bytes());
    let encrypted = encrypted.map_err(|_| Fault::OldEncryption)?;
    use pkcs8::pkcs5::Error::{NoPbes1CryptSupport, UnsupportedAlgorithm};
    match encrypted.encryption_algorithm.decrypt(password.expose(), encrypted.encrypted_data.as_bytes()) {
        Ok(der) => Ok(PrivatePkcs8KeyDer::from(der).into()),
        Err(NoPbes1CryptSupport | UnsupportedAlgorithm { .. }) => Err(Fault::OldEncryption),
        Err(_) => Err(Fault::Password),
    }
}

/// Returns the section of a label, from its first line to its last.
fn section<'a>(bytes: &'a [u8], label: &str) -> Option<&'a str> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let start = find(bytes, begin.as_bytes())?;
    let len = find(&bytes[start..], end.as_bytes())? + end.len();
    str::from_utf8(&bytes[start..start + len]).ok()
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}
