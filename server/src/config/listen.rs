//! The sockets that a server listens on.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::Config;
use super::ConfigError;
use super::codec::Codec;
use super::codec::{Backlog, Count, Descriptor, Host, Port, Seconds, SecondsOrOff, Switch};
use super::table::{Group, Kind, Setting, Value, each, setting, single};

/// The default host and port, which are those of Uvicorn.
const HOST: &str = "127.0.0.1";
const PORT: u16 = 8000;

/// A socket to listen on.
///
/// Written as with `--bind`: `HOST:PORT`, `[ADDRESS]:PORT`, `unix:PATH` or `fd://N`. Without a port it is 8000.
///
/// ```
/// use stelo_server::Listen;
///
/// let listen: Listen = "[::1]:80".parse()?;
/// assert_eq!(listen, Listen::Tcp { host: "::1".into(), port: 80 });
/// assert_eq!("unix:/run/shop".parse::<Listen>()?.to_string(), "unix:/run/shop");
/// # Ok::<(), stelo_server::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Listen {
    /// A TCP port, on every address of the host.
    Tcp {
        /// A name or an address. `::` means every address of the machine, IPv4 as well as IPv6: see
        /// [`Config::ipv6_only`].
        host: String,
        /// The port. With 0 the system chooses one, which all addresses share, and the log says which.
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

impl FromStr for Listen {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(ConfigError::Bind) } else { Ok(Self::Unix(path.into())) };
        }
        if let Some(fd) = text.strip_prefix("fd://") {
            return Descriptor::read(fd).map(Self::Descriptor).map_err(|_| ConfigError::Bind);
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or(ConfigError::Bind)?,
            // A second colon is that of an IPv6 address without a port.
            None if text.matches(':').count() > 1 => (text, ""),
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => Port::read(port).map_err(|_| ConfigError::Bind)?,
            None if port.is_empty() => PORT,
            None => return Err(ConfigError::Bind),
        };
        match host.is_empty() || host.contains(['/', '[', ']']) {
            true => Err(ConfigError::Bind),
            false => Ok(Self::Tcp { host: host.into(), port }),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => {
                write!(f, "[{}]:{port}", host.trim_matches(['[', ']']))
            }
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Descriptor(fd) => write!(f, "fd://{fd}"),
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self::Tcp { host: HOST.into(), port: PORT }
    }
}

pub(crate) fn check_host(host: &str) -> Result<(), ConfigError> {
    if host.is_empty() { Err(ConfigError::Host) } else { Ok(()) }
}

pub(crate) fn check_descriptor(fd: i32) -> Result<(), ConfigError> {
    if fd < 0 { Err(ConfigError::Descriptor) } else { Ok(()) }
}

impl Config {
    /// Listens on this name or address. Replaces other hosts, a Unix socket or a descriptor.
    #[must_use]
    pub fn host(self, host: impl Into<String>) -> Self {
        self.hosts([host])
    }

    /// Listens on these names and addresses. Replaces other hosts, a Unix socket or a descriptor.
    ///
    /// ```
    /// # use stelo_server::Config;
    /// let config = Config::new().hosts(["127.0.0.1", "::1"]).port(0);
    /// assert_eq!(config.listen.len(), 2);
    /// ```
    #[must_use]
    pub fn hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.set_hosts(hosts.into_iter().map(Into::into).collect());
        self
    }

    /// Listens on this TCP port, at every host. Replaces a Unix socket or a descriptor.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.set_port(port);
        self
    }

    /// Listens on these sockets, of any kind. Replaces all others.
    ///
    /// ```
    /// # use stelo_server::Config;
    /// let config = Config::new().bind(["127.0.0.1:8000".parse()?, "unix:/run/shop".parse()?]);
    /// assert_eq!(config.listen.len(), 2);
    /// # Ok::<(), stelo_server::ConfigError>(())
    /// ```
    #[must_use]
    pub fn bind(mut self, sockets: impl IntoIterator<Item = Listen>) -> Self {
        self.listen.clear();
        sockets.into_iter().for_each(|listen| self.add(listen));
        self
    }

    /// Sets [`ipv6_only`](Self::ipv6_only).
    #[must_use]
    pub fn ipv6_only(self, ipv6_only: bool) -> Self {
        Self { ipv6_only, ..self }
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

    /// Makes a TCP port of these hosts the only sockets to listen on. Keeps the first port.
    fn set_hosts(&mut self, hosts: Vec<String>) {
        let port = self.listen.iter().find_map(|listen| match listen {
            Listen::Tcp { port, .. } => Some(*port),
            _ => None,
        });
        let port = port.unwrap_or(PORT);
        self.listen.clear();
        for host in hosts {
            self.add(Listen::Tcp { host, port });
        }
    }

    /// Makes this TCP port the only one to listen on. Keeps the hosts.
    fn set_port(&mut self, port: u16) {
        for listen in std::mem::take(&mut self.listen) {
            if let Listen::Tcp { host, .. } = listen {
                self.add(Listen::Tcp { host, port });
            }
        }
        if self.listen.is_empty() {
            self.add(Listen::Tcp { host: HOST.into(), port });
        }
    }

    /// Adds a socket, unless it is there.
    fn add(&mut self, listen: Listen) {
        if !self.listen.contains(&listen) {
            self.listen.push(listen);
        }
    }

    /// Returns the hosts to listen on.
    fn show_hosts(&self) -> Value {
        let mut hosts: Vec<String> = Vec::new();
        if self.is_mixed() {
            return Value::Unset;
        }
        for listen in &self.listen {
            if let Listen::Tcp { host, .. } = listen
                && !hosts.contains(host)
            {
                hosts.push(host.clone());
            }
        }
        match hosts.pop() {
            None => Value::Unset,
            Some(host) if hosts.is_empty() => Value::Text(host),
            Some(host) => Value::List(hosts.into_iter().chain([host]).collect()),
        }
    }

    /// Whether only `--bind` can say what to listen on: several kinds of sockets, or several ports.
    fn is_mixed(&self) -> bool {
        let port = |listen: &Listen| match listen {
            Listen::Tcp { port, .. } => Some(*port),
            _ => None,
        };
        match self.listen.as_slice() {
            [] | [_] => false,
            [first, others @ ..] => {
                port(first).is_none() || others.iter().any(|other| port(other) != port(first))
            }
        }
    }

    /// Returns the sockets, if only `--bind` can say them.
    fn show_binds(&self) -> Value {
        match self.is_mixed() {
            true => Value::List(self.listen.iter().map(ToString::to_string).collect()),
            false => Value::Unset,
        }
    }

    /// Returns the first value that `of` returns for a socket.
    fn listens(&self, of: impl Fn(&Listen) -> Option<Value>) -> Value {
        if self.is_mixed() {
            return Value::Unset;
        }
        self.listen.iter().find_map(of).unwrap_or(Value::Unset)
    }
}

pub(super) const GROUP: Group = Group {
    title: "Listening",
    settings: &[
        Setting {
            name: "host",
            help: "Listen on this address, or on all addresses of this name; repeatable",
            kind: Host::KIND,
            excludes: &["uds", "fd", "bind"],
            get: Config::show_hosts,
            set: |config, values| each(values, Host::read).map(|hosts| config.set_hosts(hosts)),
        },
        Setting {
            name: "port",
            help: "Listen on this TCP port; 0 lets the system choose",
            kind: Port::KIND,
            excludes: &["uds", "fd", "bind"],
            get: |config| {
                config.listens(|listen| match listen {
                    Listen::Tcp { port, .. } => Some(Port::show(port)),
                    _ => None,
                })
            },
            set: |config, values| single(values, Port::read).map(|port| config.set_port(port)),
        },
        setting!("ipv6-only", Switch, ipv6_only, "Do not accept IPv4 connections on the address `::`"),
        Setting {
            name: "uds",
            help: "Listen on this Unix socket instead",
            kind: Kind::Path,
            excludes: &["host", "port", "fd", "bind"],
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
            excludes: &["host", "port", "uds", "bind"],
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
        Setting {
            name: "bind",
            help: "Listen on HOST:PORT, unix:PATH or fd://N instead; repeatable",
            kind: Kind::Texts("SOCKET"),
            excludes: &["host", "port", "uds", "fd"],
            get: Config::show_binds,
            set: |config, values| {
                let sockets = each(values, str::parse::<Listen>)?;
                *config = std::mem::take(config).bind(sockets);
                Ok(())
            },
        },
        setting!(
            "backlog",
            Backlog,
            backlog,
            "Connections that may wait to be accepted; the system may allow fewer"
        ),
        setting!(
            "tcp-keepalive",
            SecondsOrOff,
            tcp_keepalive.idle,
            "Send TCP keep-alive probes on connections without a packet for this time, or off"
        ),
        setting!("tcp-keepalive-interval", Seconds, tcp_keepalive.interval, "Time between the probes"),
        setting!(
            "tcp-keepalive-probes",
            Count,
            tcp_keepalive.probes,
            "Close the connection after this many probes without an answer"
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_read_and_written() {
        let tcp = |host: &str, port| Listen::Tcp { host: host.into(), port };
        for (text, expected, written) in [
            ("127.0.0.1:80", tcp("127.0.0.1", 80), "127.0.0.1:80"),
            ("shop.example", tcp("shop.example", 8000), "shop.example:8000"),
            ("[::1]:80", tcp("::1", 80), "[::1]:80"),
            ("[::1]", tcp("::1", 8000), "[::1]:8000"),
            ("::1", tcp("::1", 8000), "[::1]:8000"),
            ("localhost:0", tcp("localhost", 0), "localhost:0"),
            ("unix:/run/a b", Listen::Unix("/run/a b".into()), "unix:/run/a b"),
            ("fd://3", Listen::Descriptor(3), "fd://3"),
        ] {
            let listen: Listen = text.parse().unwrap();
            assert_eq!((&listen, listen.to_string().as_str()), (&expected, written), "{text}");
            assert_eq!(written.parse(), Ok(expected));
        }
        for text in
            ["", ":80", "a:", "a:b", "a:70000", "[::1", "[::1]80", "unix:", "fd://", "fd://-1", "http://a"]
        {
            assert_eq!(text.parse::<Listen>(), Err(ConfigError::Bind), "{text}");
        }
    }
}
