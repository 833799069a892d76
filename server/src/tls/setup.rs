//! Makes the configuration of rustls from the settings and the files that they name.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ServerConfig, VerifierBuilderError, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{InconsistentKeys, RootCertStore, SupportedCipherSuite, SupportedProtocolVersion};

use super::der::Certificate;
use super::fault::{Fault, FileError};
use super::files;
use super::resolver::Certificates;
use super::secret::derive;
use super::tickets::{Keyring, Tickets};
use crate::config::{CertReqs, HttpVersions, Ssl, TlsVersion};

/// A configuration, with warnings about its files.
pub(super) struct Loaded {
    pub(super) config: Arc<ServerConfig>,
    pub(super) warnings: Vec<Warning>,
}

/// A configuration that can be used, but not as it may have been meant.
pub(super) enum Warning {
    Expired(PathBuf),
    NotYetValid(PathBuf),
    /// Authorities are named, but clients are not asked for certificates.
    CaCertsUnused,
    /// A certificate was made for development.
    #[cfg(feature = "tls-self-signed")]
    SelfSigned,
}

/// Returns the error of a configuration that no file is to blame for.
pub(super) fn fail(ssl: &Ssl, error: rustls::Error) -> FileError {
    let first = ssl.certfiles.first().map_or(Path::new("localhost"), AsRef::as_ref);
    FileError::new(first, Fault::Invalid(error))
}

/// Makes a configuration from the files.
///
/// # Errors
/// A file is missing or invalid.
pub(super) fn load(ssl: &Ssl, versions: HttpVersions, keyring: Arc<Keyring>) -> Result<Loaded, FileError> {
    let mut warnings = Vec::new();
    let provider = Arc::new(provider(ssl));
    let resolver = Arc::new(certificates(ssl, &provider, &mut warnings)?);
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&tls_versions(ssl.version))
        .map_err(|error| fail(ssl, error))?;
    // The rules for certificates of clients.
    let mut rules = vec![ssl.cert_reqs as u8];
    let builder = match verifier(ssl, &provider, &mut rules)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    if ssl.cert_reqs == CertReqs::None && ssl.ca_certs.is_some() {
        warnings.push(Warning::CaCertsUnused);
    }
    let mut config = builder.with_cert_resolver(resolver);
    let protocols: &[&[u8]] = match versions {
        HttpVersions::Http1 => &[b"http/1.1", b"http/1.0"],
        HttpVersions::Auto => &[b"h2", b"http/1.1", b"http/1.0"],
        HttpVersions::Http2 => &[b"h2"],
    };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    config.ticketer = Arc::new(Tickets::new(keyring, derive(&rules, &[b"rules"])));
    // As in Python, whose default options have `OP_CIPHER_SERVER_PREFERENCE`.
    config.ignore_client_order = true;
    Ok(Loaded { config: Arc::new(config), warnings })
}

/// Returns the cryptography, with the suites that the settings name.
fn provider(ssl: &Ssl) -> CryptoProvider {
    let mut provider = super::provider::all();
    if let Some(ciphers) = &ssl.ciphers {
        let all = std::mem::take(&mut provider.cipher_suites);
        // rustls writes `TLS13_AES_128_GCM_SHA256` for what IANA names `TLS_AES_128_GCM_SHA256`.
        let is = |suite: &SupportedCipherSuite, name: &str| {
            suite.suite().as_str().is_some_and(|suite| suite.replacen("TLS13_", "TLS_", 1) == name)
        };
        let named = |name| all.iter().find(|suite| is(suite, name)).copied();
        provider.cipher_suites = ciphers.names().filter_map(named).collect();
    }
    provider
}

fn tls_versions(lowest: TlsVersion) -> Vec<&'static SupportedProtocolVersion> {
    match lowest {
        TlsVersion::Tls12 => vec![&TLS13, &TLS12],
        TlsVersion::Tls13 => vec![&TLS13],
    }
}

/// Reads the certificates of the server and their keys.
fn certificates(
    ssl: &Ssl,
    provider: &CryptoProvider,
    warnings: &mut Vec<Warning>,
) -> Result<Certificates, FileError> {
    let mut certificates = Certificates::default();
    for (at, certfile) in ssl.certfiles.iter().enumerate() {
        // As in Python, the file of the certificate can have the key, too.
        let keyfile = ssl.keyfiles.get(at).unwrap_or(certfile);
        let chain = files::certificates(certfile)?;
        let key = files::private_key(keyfile, ssl.keyfile_password.as_ref())?;
        let certified = certified(certfile, chain, keyfile, key, provider)?;
        warnings.extend(validity(&certified, certfile));
        certificates.add(certified);
    }
    #[cfg(feature = "tls-self-signed")]
    if ssl.self_signed {
        let (path, (chain, key)) = (Path::new("localhost"), super::self_signed::localhost()?);
        certificates.add(certified(path, chain, path, key, provider)?);
        warnings.push(Warning::SelfSigned);
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
    Ok(certified)
}

/// Whether a certificate is not valid now.
fn validity(certified: &CertifiedKey, certfile: &Path) -> Option<Warning> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (from, until) = certified.cert.first().and_then(|der| Certificate::read(der))?.valid;
    match (from > now, until < now) {
        (true, _) => Some(Warning::NotYetValid(certfile.into())),
        (_, true) => Some(Warning::Expired(certfile.into())),
        _ => None,
    }
}

/// Returns what verifies the certificates of clients. `None` if they have none. Appends the files to `rules`.
fn verifier(
    ssl: &Ssl,
    provider: &Arc<CryptoProvider>,
    rules: &mut Vec<u8>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, FileError> {
    let (reqs, Some(path)) = (ssl.cert_reqs, &ssl.ca_certs) else { return Ok(None) };
    if reqs == CertReqs::None {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    for certificate in files::certificates(path)? {
        rules.extend_from_slice(&certificate);
        roots.add(certificate).map_err(|error| FileError::new(path, Fault::Invalid(error)))?;
    }
    let roots = Arc::new(roots);
    let build = |files: &[PathBuf]| {
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
    for list in ssl.crls.iter().map(|file| files::revocation_lists(file)) {
        list?.iter().for_each(|list| rules.extend_from_slice(list));
    }
    build(&ssl.crls).map(Some)
}
