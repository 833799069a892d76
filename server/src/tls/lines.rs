//! The lines of the log about certificates.

use std::path::Path;

use tracing::warn;

use crate::log::SERVER;

/// A certificate can be used, but clients refuse it.
pub(super) fn not_valid(certfile: &Path, why: &str) {
    warn!(target: SERVER, "The certificate in {} {why}: clients will refuse it", certfile.display());
}

/// A certificate for development was made.
#[cfg(feature = "tls-self-signed")]
pub(super) fn self_signed() {
    warn!(target: SERVER, "Serving a new certificate for localhost, which clients do not trust");
}

/// Authorities are named, but clients are not asked for certificates.
pub(super) fn ca_certs_unused() {
    warn!(target: SERVER, "Ignored --ssl-ca-certs: clients are asked for certificates with --ssl-cert-reqs");
}
