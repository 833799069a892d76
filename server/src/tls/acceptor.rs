//! The configuration of new sessions, which is replaced when its files change. Established sessions keep theirs.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::server::ServerConfig;

use super::fault::FileError;
use super::lines;
use super::secret::Secret;
use super::setup;
use super::tickets::Keyring;
use crate::config::{HttpVersions, Ssl};

/// Makes the configuration of new sessions.
pub(crate) struct Acceptor {
    ssl: Ssl,
    versions: HttpVersions,
    keyring: Arc<Keyring>,
    current: RwLock<Arc<ServerConfig>>,
    /// The files when they were read last.
    seen: Mutex<Vec<Option<Stamp>>>,
}

/// The facts that change when a file is written or replaced. A symbolic link counts as the file that it leads to: Kubernetes
/// replaces the link of a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    modified: (i64, i64),
    len: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            file: (metadata.dev(), metadata.ino()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            len: metadata.len(),
        })
    }
}

fn stamps(ssl: &Ssl) -> Vec<Option<Stamp>> {
    let paths = ssl.certfiles.iter().chain(&ssl.keyfiles).chain(&ssl.ca_certs).chain(&ssl.crls);
    paths.map(|path| Stamp::of(path)).collect()
}

impl Acceptor {
    /// Reads the files of a configuration. `None` if it has no certificate. Without a `secret`, makes one.
    ///
    /// # Errors
    /// A file is missing or invalid.
    pub(crate) fn new(
        ssl: &Ssl,
        versions: HttpVersions,
        secret: Option<Secret>,
    ) -> Result<Option<Arc<Self>>, FileError> {
        if !ssl.is_on() {
            return Ok(None);
        }
        let secret = match secret {
            Some(secret) => secret,
            None => Secret::new(SystemTime::now()).map_err(|error| setup::fail(ssl, error.into()))?,
        };
        let keyring = Keyring::new(secret);
        // Taken before the files are read, so that a later change is noticed.
        let seen = stamps(ssl).into();
        let loaded = setup::load(ssl, versions, keyring.clone())?;
        loaded.warnings.iter().for_each(lines::warning);
        let (ssl, current) = (ssl.clone(), RwLock::new(loaded.config));
        Ok(Some(Arc::new(Self { ssl, versions, keyring, current, seen })))
    }

    /// Checks the files of a configuration.
    ///
    /// # Errors
    /// A file is missing or invalid.
    pub(crate) fn check(ssl: &Ssl) -> Result<(), FileError> {
        Self::new(ssl, HttpVersions::default(), None).map(drop)
    }

    /// Returns the configuration for a new session.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again: if they have changed, or if `asked`. Keeps the configuration if a file cannot be used, and
    /// logs that once. Blocks.
    pub(crate) fn reload(&self, asked: bool) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamps(&self.ssl);
        if *seen == now && !asked {
            return;
        }
        *seen = now;
        match setup::load(&self.ssl, self.versions, self.keyring.clone()) {
            Ok(loaded) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded.config;
                loaded.warnings.iter().for_each(lines::warning);
                lines::reloaded();
            }
            Err(error) => lines::kept(&error),
        }
    }
}
