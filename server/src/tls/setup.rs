//! Makes the configuration of rustls from the settings and the files that they name.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ServerConfig, VerifierBuilderError, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{InconsistentKeys, RootCertStore, SupportedProtocolVersion};

use super::der::Certificate;
use super::fault::{Fault, FileError};
use super::resolver::Certificates;
use super::{files, lines};
use crate::config::{CertReqs, Ssl, TlsVersion};

/// Reads the files of a configuration. `None` if it has no certificate.
///
/// # Errors
/// A file is missing or invalid.
pub(crate) fn load(ssl: &Ssl) -> Result<Option<Arc<ServerConfig>>, FileError> {
    if !ssl.is_on() {
        return Ok(None);
    }
    let provider = Arc::new(provider(ssl));
    let first = ssl.certfiles.first().map(AsRef::as_ref).unwrap_or(Path::new(""));
    let fail = |error| FileError::new(first, Fault::Invalid(error));
    let resolver = Arc::new(certificates(ssl, &provider)?);
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(ssl.version))
        .map_err(fail)?;
    let builder = match verifier(ssl, &provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(fail)?;
    // The order of the suites is a choice of the operator. By default, it is that of the client, which knows its hardware.
    config.ignore_client_order = ssl.ciphers.is_some();
    Ok(Some(Arc::new(config)))
}

/// Returns the cryptography, with the suites that the settings name.
fn provider(ssl: &Ssl) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    if let Some(ciphers) = &ssl.ciphers {
        let all = std::mem::take(&mut provider.cipher_suites);
        // rustls writes `TLS13_AES_128_GCM_SHA256` for what IANA names `TLS_AES_128_GCM_SHA256`.
        let is = |suite: &rustls::SupportedCipherSuite, name: &str| {
            suite.suite().as_str().is_some_and(|suite| suite.replacen("TLS13_", "TLS_", 1) == name)
        };
        let named = |name| all.iter().find(|suite| is(suite, name)).copied();
        provider.cipher_suites = ciphers.names().filter_map(named).collect();
    }
    provider
}

fn versions(lowest: TlsVersion) -> Vec<&'static SupportedProtocolVersion> {
    match lowest {
        TlsVersion::Tls12 => vec![&TLS13, &TLS12],
        TlsVersion::Tls13 => vec![&TLS13],
    }
}

/// Reads the certificates of the server and their keys.
fn certificates(ssl: &Ssl, provider: &CryptoProvider) -> Result<Certificates, FileError> {
    let mut certificates = Certificates::default();
    for (at, certfile) in ssl.certfiles.iter().enumerate() {
        // As in Python, the file of the certificate can have the key, too.
        let keyfile = ssl.keyfiles.get(at).unwrap_or(certfile);
        let chain = files::certificates(certfile)?;
        let key = files::private_key(keyfile, ssl.keyfile_password.as_ref())?;
        certificates.add(certified(certfile, chain, keyfile, key, provider)?);
    }
    #[cfg(feature = "tls-self-signed")]
    if ssl.self_signed {
        let (path, (chain, key)) = (Path::new("localhost"), super::self_signed::localhost()?);
        certificates.add(certified(path, chain, path, key, provider)?);
        lines::self_signed();
    }
    Ok(certificates)
}

/// Joins a certificate and its key.
fn certified(
    certfile: &Path,
    chain: Vec<CertificateDer<'static>>,
    keyfile: &Path,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, FileError> {
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|error| FileError::new(keyfile, Fault::Key(error)))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            return Err(FileError::new(keyfile, Fault::Mismatch(certfile.into())));
        }
        Err(error) => return Err(FileError::new(certfile, Fault::Invalid(error))),
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    match certified.cert.first().and_then(|der| Certificate::read(der)) {
        Some(Certificate { valid: (_, until), .. }) if until < now => {
            lines::not_valid(certfile, "has expired");
        }
        Some(Certificate { valid: (from, _), .. }) if from > now => {
            lines::not_valid(certfile, "is not valid yet");
        }
        _ => {}
    }
    Ok(certified)
}

/// Returns what verifies the certificates of clients. `None` if they have none.
fn verifier(
    ssl: &Ssl,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, FileError> {
    let (reqs, Some(path)) = (ssl.cert_reqs, &ssl.ca_certs) else { return Ok(None) };
    if reqs == CertReqs::None {
        lines::ca_certs_unused();
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    for certificate in files::certificates(path)? {
        roots.add(certificate).map_err(|error| FileError::new(path, Fault::Invalid(error)))?;
    }
    let roots = Arc::new(roots);
    let build = |files: &[std::path::PathBuf]| {
        let mut lists = Vec::new();
        for file in files {
            lists.extend(files::revocation_lists(file)?);
        }
        // As in nginx, a list is needed for each authority, and one that has expired is not enough.
        let builder = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
            .with_crls(lists)
            .enforce_revocation_expiration();
        let builder = match reqs {
            CertReqs::Optional => builder.allow_unauthenticated(),
            _ => builder,
        };
        builder.build().map_err(|error| match error {
            VerifierBuilderError::InvalidCrl(error) => {
                FileError::new(files.last().unwrap_or(path), Fault::List(error.into()))
            }
            _ => FileError::new(path, Fault::NoCertificate),
        })
    };
    // Each file alone, so that an error names it.
    for file in &ssl.crls {
        build(std::slice::from_ref(file))?;
    }
    build(&ssl.crls).map(Some)
}
