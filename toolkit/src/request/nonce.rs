//! `CspNonce`: the nonce of a response. It is here because the requests of error handlers keep it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::random;

/// The nonce of a response: 128 random bits in hexadecimal digits. In the extensions of a request whose
/// [policy](crate::middleware::ContentSecurityPolicy) has one, and in those of the request of its error handlers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CspNonce(Arc<str>);

impl CspNonce {
    pub(crate) fn new() -> Self {
        Self(random::hex::<16>().into())
    }
}

impl Deref for CspNonce {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CspNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
