//! TLS: the certificate of the server and its key.

use std::ffi::OsString;
use std::path::PathBuf;

use super::table::{Group, Kind, Setting, Value};
use super::{Config, ConfigError};

/// TLS, which needs the Cargo feature `tls`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Ssl {
    /// The file of the certificate, in PEM, followed by those of the authorities between it and a root. With it, every
    /// socket speaks TLS only. Default `None`.
    pub certfile: Option<PathBuf>,
    /// The file of the private key, in PEM. Default `None`: the file of the certificate has it.
    pub keyfile: Option<PathBuf>,
}

impl Ssl {
    /// Checks the settings together. Called at the start, when all sources have been read.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self { certfile: None, keyfile: None } => Ok(()),
            _ if cfg!(not(feature = "tls")) => Err(ConfigError::NoTls),
            Self { certfile: None, keyfile: Some(_) } => Err(ConfigError::Certfile),
            _ => Ok(()),
        }
    }
}

impl Config {
    /// Sets [`Ssl::certfile`].
    #[must_use]
    pub fn ssl_certfile(mut self, path: impl Into<PathBuf>) -> Self {
        self.ssl.certfile = Some(path.into());
        self
    }

    /// Sets [`Ssl::keyfile`].
    #[must_use]
    pub fn ssl_keyfile(mut self, path: impl Into<PathBuf>) -> Self {
        self.ssl.keyfile = Some(path.into());
        self
    }
}

fn show(path: Option<&PathBuf>) -> Value {
    path.map_or(Value::Unset, |path| Value::Text(path.to_string_lossy().into_owned()))
}

fn read(values: &[OsString]) -> Option<PathBuf> {
    values.last().map(PathBuf::from)
}

pub(super) const GROUP: Group = Group {
    title: "TLS",
    settings: &[
        Setting {
            name: "ssl-certfile",
            help: "Serve HTTPS with the certificates in this PEM file",
            kind: Kind::Path,
            excludes: &[],
            get: |config| show(config.ssl.certfile.as_ref()),
            set: |config, values| {
                config.ssl.certfile = read(values);
                Ok(())
            },
        },
        Setting {
            name: "ssl-keyfile",
            help: "The private key in this PEM file; else that in the file of the certificates",
            kind: Kind::Path,
            excludes: &[],
            get: |config| show(config.ssl.keyfile.as_ref()),
            set: |config, values| {
                config.ssl.keyfile = read(values);
                Ok(())
            },
        },
    ],
};
