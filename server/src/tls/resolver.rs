//! The certificate of a session: chosen by the host name that its client asks for (SNI, RFC 6066 section 3).

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::der::Certificate;

thread_local! {
    /// The host name of the `ClientHello` that the thread has processed last. A session of rustls without buffers does
    /// not tell it.
    static SERVER_NAME: Cell<Option<Box<str>>> = const { Cell::new(None) };
}

/// Returns the host name of the `ClientHello` that was processed since the last call, if there was one.
pub(super) fn take_server_name() -> Option<Box<str>> {
    SERVER_NAME.take()
}

/// The certificates of a server. A name that none of them has gets the first.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    all: Vec<Arc<CertifiedKey>>,
    /// The certificates of each name. That of `*.example.com` is `.example.com`.
    by_name: HashMap<Box<str>, Vec<Arc<CertifiedKey>>>,
}

impl Certificates {
    /// Adds a certificate. Those that are added first are preferred.
    pub(super) fn add(&mut self, key: CertifiedKey) {
        let key = Arc::new(key);
        let names = key.cert.first().and_then(|der| Certificate::read(der)).map(|der| der.names());
        for name in names.unwrap_or_default() {
            let name = name.strip_prefix('*').unwrap_or(&name);
            self.by_name.entry(name.into()).or_default().push(key.clone());
        }
        self.all.push(key);
    }

    fn named(&self, name: &str) -> Option<&[Arc<CertifiedKey>]> {
        let wildcard = || self.by_name.get(&name[name.find('.')?..]);
        self.by_name.get(name).or_else(wildcard).map(Vec::as_slice)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls has checked the name. Its case does not matter.
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let keys = match &name {
            Some(name) if self.all.len() > 1 => self.named(name).unwrap_or(&self.all),
            _ => &self.all,
        };
        // There may be an RSA and an ECDSA certificate for a name.
        let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        let key = keys.iter().find(fits).or(keys.first()).cloned();
        SERVER_NAME.set(name.map(Into::into));
        key
    }
}
