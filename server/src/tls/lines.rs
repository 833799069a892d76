//! The lines of the log about certificates.

use tracing::{error, info, warn};

use super::fault::FileError;
use super::setup::Warning;
use crate::log::SERVER;

/// A configuration can be used, but not as it may have been meant.
pub(super) fn warning(warning: &Warning) {
    match warning {
        Warning::Expired(path) => {
            warn!(target: SERVER, "The certificate in {} has expired: clients refuse it", path.display());
        }
        Warning::NotYetValid(path) => {
            warn!(target: SERVER, "The certificate in {} is not valid yet: clients refuse it", path.display());
        }
        Warning::CaCertsUnused => {
            warn!(target: SERVER, "Ignored --ssl-ca-certs: --ssl-cert-reqs asks clients for certificates");
        }
        #[cfg(feature = "tls-self-signed")]
        Warning::SelfSigned => {
            warn!(target: SERVER, "Serving a new certificate for localhost, which clients do not trust");
        }
    }
}

/// New sessions use the files as they are now.
pub(super) fn reloaded() {
    info!(target: SERVER, "Reloaded the certificates");
}

/// The files have changed, and cannot be used.
pub(super) fn kept(error: &FileError) {
    error!(target: SERVER, "Kept the certificates: {error}");
}
