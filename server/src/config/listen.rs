//! The sockets that a server listens on.

use std::path::PathBuf;

use super::Config;
use super::ConfigError;
use super::codec::Codec;
use super::codec::{Backlog, Descriptor, Host, Port};
use super::table::{Group, Kind, Setting, Value, setting, single};

/// A socket to listen on.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Listen {
    /// A TCP port, on every address of the host.
    Tcp {
        /// A name or an address.
        host: String,
        /// The port; with 0 the system chooses one, and the log says which.
        port: u16,
    },
    /// A Unix socket.
    Unix(PathBuf),
    /// A socket that the process has inherited, by its file descriptor.
    Descriptor(i32),
}

impl Listen {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Tcp { host, .. } => check_host(host),
            Self::Unix(_) => Ok(()),
            Self::Descriptor(fd) => check_descriptor(*fd),
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self::Tcp { host: "127.0.0.1".into(), port: 8000 }
    }
}

pub(crate) fn check_host(host: &str) -> Result<(), ConfigError> {
    if host.is_empty() { Err(ConfigError::Host) } else { Ok(()) }
}

pub(crate) fn check_descriptor(fd: i32) -> Result<(), ConfigError> {
    if fd < 0 { Err(ConfigError::Descriptor) } else { Ok(()) }
}

impl Config {
    /// Listens on this name or address. Replaces a Unix socket or a descriptor.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.set_tcp(Some(host.into()), None);
        self
    }

    /// Listens on this TCP port. Replaces a Unix socket or a descriptor.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.set_tcp(None, Some(port));
        self
    }

    /// Listens on this Unix socket instead.
    #[must_use]
    pub fn uds(self, path: impl Into<PathBuf>) -> Self {
        Self { listen: vec![Listen::Unix(path.into())], ..self }
    }

    /// Listens on this inherited socket instead.
    #[must_use]
    pub fn fd(self, fd: i32) -> Self {
        Self { listen: vec![Listen::Descriptor(fd)], ..self }
    }

    /// Sets [`backlog`](Self::backlog).
    #[must_use]
    pub fn backlog(self, backlog: u32) -> Self {
        Self { backlog, ..self }
    }

    /// Makes one TCP port the only socket to listen on. `None` keeps the host or the port.
    fn set_tcp(&mut self, new_host: Option<String>, new_port: Option<u16>) {
        let is_tcp = |listen: &Listen| matches!(listen, Listen::Tcp { .. });
        let mut listen = self.listen.drain(..).find(is_tcp).unwrap_or_default();
        if let Listen::Tcp { host, port } = &mut listen {
            *host = new_host.unwrap_or_else(|| std::mem::take(host));
            *port = new_port.unwrap_or(*port);
        }
        self.listen = vec![listen];
    }

    /// Returns the first value that `of` returns for a socket.
    fn listens(&self, of: impl Fn(&Listen) -> Option<Value>) -> Value {
        self.listen.iter().find_map(of).unwrap_or(Value::Unset)
    }
}

pub(super) const GROUP: Group = Group {
    title: "Listening",
    settings: &[
        Setting {
            name: "host",
            help: "Listen on all addresses of this name, or on this address",
            kind: Host::KIND,
            excludes: &["uds", "fd"],
            get: |config| {
                config.listens(|listen| match listen {
                    Listen::Tcp { host, .. } => Some(Host::show(host)),
                    _ => None,
                })
            },
            set: |config, values| single(values, Host::read).map(|host| config.set_tcp(Some(host), None)),
        },
        Setting {
            name: "port",
            help: "Listen on this TCP port; 0 lets the system choose",
            kind: Port::KIND,
            excludes: &["uds", "fd"],
            get: |config| {
                config.listens(|listen| match listen {
                    Listen::Tcp { port, .. } => Some(Port::show(port)),
                    _ => None,
                })
            },
            set: |config, values| single(values, Port::read).map(|port| config.set_tcp(None, Some(port))),
        },
        Setting {
            name: "uds",
            help: "Listen on this Unix socket instead",
            kind: Kind::Path,
            excludes: &["host", "port", "fd"],
            get: |config| {
                config.listens(|listen| match listen {
                    Listen::Unix(path) => Some(Value::Text(path.to_string_lossy().into_owned())),
                    _ => None,
                })
            },
            set: |config, values| {
                let path = values.last().map(PathBuf::from).unwrap_or_default();
                config.listen = vec![Listen::Unix(path)];
                Ok(())
            },
        },
        Setting {
            name: "fd",
            help: "Listen on this inherited socket instead, by its descriptor",
            kind: Descriptor::KIND,
            excludes: &["host", "port", "uds"],
            get: |config| {
                config.listens(|listen| match listen {
                    Listen::Descriptor(fd) => Some(Descriptor::show(fd)),
                    _ => None,
                })
            },
            set: |config, values| {
                single(values, Descriptor::read).map(|fd| config.listen = vec![Listen::Descriptor(fd)])
            },
        },
        setting!(
            "backlog",
            Backlog,
            backlog,
            "Connections that may wait to be accepted; the system may allow fewer"
        ),
    ],
};
