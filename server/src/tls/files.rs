//! Certificates and keys: files in PEM, as the configuration that sessions share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{error, fmt, io};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ServerConfig;
use rustls::sign::CertifiedKey;

use super::resolver::Single;
use crate::config::Ssl;

/// A file that cannot be used, displayed as what to do.
#[derive(Debug)]
pub(crate) struct FileError {
    path: PathBuf,
    fault: Fault,
}

/// The fault of a file.
#[derive(Debug)]
enum Fault {
    Unreadable(io::Error),
    Pem(pem::Error),
    NoCertificate,
    NoKey,
    /// The key is encrypted.
    Encrypted,
    /// The kind of key is not supported.
    Key(rustls::Error),
    /// The key does not belong to this certificate.
    Mismatch(PathBuf),
    Invalid(rustls::Error),
}

/// Reads the files of a configuration. `None` if it has no certificate.
///
/// # Errors
/// A file is missing or invalid.
pub(crate) fn load(ssl: &Ssl) -> Result<Option<Arc<ServerConfig>>, FileError> {
    let Some(certfile) = &ssl.certfile else { return Ok(None) };
    // As in Python, the file of the certificate can have the key, too.
    let keyfile = ssl.keyfile.as_ref().unwrap_or(certfile);
    let chain = certificates(certfile)?;
    let key = private_key(keyfile)?;
    let of_key = |fault| FileError { path: keyfile.clone(), fault };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let key = provider.key_provider.load_private_key(key).map_err(|error| of_key(Fault::Key(error)))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => return Err(of_key(Fault::Mismatch(certfile.clone()))),
        Err(error) => return Err(FileError { path: certfile.clone(), fault: Fault::Invalid(error) }),
    }
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| of_key(Fault::Invalid(error)))?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(Single(Arc::new(certified))));
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(|error| of_key(Fault::Invalid(error)))?;
    Ok(Some(Arc::new(config)))
}

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|error| FileError { path: path.into(), fault: Fault::Unreadable(error) })
}

/// Reads the chain of certificates, that of the server first.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let bytes = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let fault = match chain {
        Ok(chain) if chain.is_empty() => Fault::NoCertificate,
        Ok(chain) => return Ok(chain),
        Err(error) => Fault::Pem(error),
    };
    Err(FileError { path: path.into(), fault })
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, FileError> {
    let bytes = read(path)?;
    let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    // RFC 7468 section 11; and RFC 1421, which OpenSSL wrote before version 1.0.
    let fault = if has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED") {
        Fault::Encrypted
    } else {
        match PrivateKeyDer::from_pem_slice(&bytes) {
            Ok(key) => return Ok(key),
            Err(pem::Error::NoItemsFound) => Fault::NoKey,
            Err(error) => Fault::Pem(error),
        }
    };
    Err(FileError { path: path.into(), fault })
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.fault {
            Fault::Unreadable(error) => write!(f, "cannot read {path}: {error}"),
            Fault::Pem(error) => write!(f, "{path} is not valid PEM: {error}"),
            Fault::NoCertificate => {
                write!(f, "{path} has no certificate: it must begin with -----BEGIN CERTIFICATE-----")
            }
            Fault::NoKey => write!(f, "{path} has no private key: add it, or give another --ssl-keyfile"),
            Fault::Encrypted => {
                write!(f, "the private key in {path} is encrypted: decrypt it with `openssl pkey -in {path}`")
            }
            Fault::Key(error) => write!(f, "the private key in {path} cannot be used: {error}"),
            Fault::Mismatch(certfile) => {
                let certfile = certfile.display();
                write!(f, "the private key in {path} is not that of the certificate in {certfile}")
            }
            Fault::Invalid(error) => write!(f, "the certificate in {path} cannot be used: {error}"),
        }
    }
}

impl error::Error for FileError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.fault {
            Fault::Unreadable(error) => Some(error),
            Fault::Pem(error) => Some(error),
            Fault::Key(error) | Fault::Invalid(error) => Some(error),
            _ => None,
        }
    }
}
