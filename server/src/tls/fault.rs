//! Files that cannot be used. Each fault is one line that says what to do.

use std::path::{Path, PathBuf};
use std::{error, fmt, io};

use rustls::pki_types::pem;

/// A file that cannot be used, displayed as what to do.
#[derive(Debug)]
pub(crate) struct FileError {
    path: PathBuf,
    fault: Fault,
}

/// The fault of a file.
#[derive(Debug)]
pub(super) enum Fault {
    Unreadable(io::Error),
    Pem(pem::Error),
    /// An encrypted key is not valid PEM or DER.
    Damaged,
    NoCertificate,
    NoKey,
    /// The file has several private keys.
    SeveralKeys,
    NoList,
    /// The key is encrypted, and there is no password.
    Encrypted,
    /// The key is encrypted in a way that is not supported.
    OldEncryption,
    /// The password is not that of the key.
    Password,
    /// The kind of key is not supported.
    Key(rustls::Error),
    /// The key does not belong to this certificate.
    Mismatch(PathBuf),
    Invalid(rustls::Error),
    /// The revocation list cannot be used.
    List(rustls::Error),
    /// A certificate for development could not be made.
    #[cfg(feature = "tls-self-signed")]
    SelfSigned(rcgen::Error),
}

impl FileError {
    pub(super) fn new(path: &Path, fault: Fault) -> Self {
        Self { path: path.into(), fault }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.fault {
            Fault::Unreadable(error) => write!(f, "cannot read {path}: {error}"),
            Fault::Pem(error) => write!(f, "{path} is not valid PEM: {error}"),
            Fault::Damaged => write!(f, "the encrypted private key in {path} is damaged"),
            Fault::NoCertificate => {
                write!(f, "{path} has no certificate: it must begin with -----BEGIN CERTIFICATE-----")
            }
            Fault::NoKey => write!(f, "{path} has no private key: add it, or give another --ssl-keyfile"),
            Fault::SeveralKeys => write!(f, "{path} has several private keys: leave one of them"),
            Fault::NoList => {
                write!(f, "{path} has no revocation list: it must begin with -----BEGIN X509 CRL-----")
            }
            Fault::Encrypted => write!(
                f,
                "the private key in {path} is encrypted: set its password in STELO_SSL_KEYFILE_PASSWORD"
            ),
            Fault::OldEncryption => write!(
                f,
                "the private key in {path} is encrypted with an old algorithm: convert it with \
                 `openssl pkcs8 -topk8 -v2 aes-256-cbc -in {path}`"
            ),
            Fault::Password => write!(
                f,
                "the password does not decrypt the private key in {path}: check --ssl-keyfile-password"
            ),
            Fault::Key(_) => write!(
                f,
                "the private key in {path} cannot be used: use RSA with 2048 to 8192 bits, ECDSA with P-256, \
                 P-384 or P-521, or Ed25519"
            ),
            Fault::Mismatch(certfile) => {
                let certfile = certfile.display();
                write!(f, "the private key in {path} is not that of the certificate in {certfile}")
            }
            Fault::Invalid(error) => write!(f, "the certificate in {path} cannot be used: {error}"),
            Fault::List(error) => write!(f, "the revocation list in {path} cannot be used: {error}"),
            #[cfg(feature = "tls-self-signed")]
            Fault::SelfSigned(error) => write!(f, "cannot make a certificate for development: {error}"),
        }
    }
}

impl error::Error for FileError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.fault {
            Fault::Unreadable(error) => Some(error),
            Fault::Pem(error) => Some(error),
            Fault::Key(error) | Fault::Invalid(error) | Fault::List(error) => Some(error),
            #[cfg(feature = "tls-self-signed")]
            Fault::SelfSigned(error) => Some(error),
            _ => None,
        }
    }
}
