//! The certificate of a session, and the host name that its client asks for (SNI, RFC 6066 section 3).

use std::cell::Cell;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

thread_local! {
    /// The host name of the `ClientHello` that the thread has processed last. A session of rustls without buffers does
    /// not tell it.
    static SERVER_NAME: Cell<Option<Box<str>>> = const { Cell::new(None) };
}

/// Returns the host name of the `ClientHello` that was processed since the last call, if there was one.
pub(super) fn take_server_name() -> Option<Box<str>> {
    SERVER_NAME.take()
}

/// Gives every session the same certificate.
#[derive(Debug)]
pub(super) struct Single(pub(super) Arc<CertifiedKey>);

impl ResolvesServerCert for Single {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        SERVER_NAME.set(hello.server_name().map(Into::into));
        Some(self.0.clone())
    }
}
