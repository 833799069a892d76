//! The settings of a server as a plain value, with a default for each.
//!
//! [`Program`](crate::Program) reads them from the command line, the environment and files; the server acts on them.

// Each of `listen`, `ssl`, `process`, `health`, `reload`, `log`, `http`, `http2`, `proxy`, `limits` and `websocket` has one part: struct,
// defaults, setters, and rows of the table of settings. `table` declares the rows, and `codec` reads and writes their
// values.
pub(crate) mod access_format;
mod admin;
pub(crate) mod alias;
mod ciphers;
pub(crate) mod codec;
mod error;
mod health;
mod hooks;
mod http;
mod http2;
mod keep_alive;
mod limits;
mod listen;
mod log;
mod peers;
mod process;
mod proxy;
mod reload;
mod ssl;
pub(crate) mod table;
mod websocket;
mod words;

pub use access_format::AccessFormat;
pub use ciphers::Ciphers;
pub use error::ConfigError;
pub use health::Health;
pub use http::{Http, HttpVersions};
pub use http2::Http2;
pub use keep_alive::TcpKeepAlive;
pub use limits::{Limits, Timeouts};
pub use listen::Listen;
pub use log::{Log, LogFormat, LogLevel};
pub use peers::Peers;
pub use process::{Lifespan, Process};
pub use proxy::{Proxy, ProxyHeaders, ProxyProtocol};
pub use reload::Reload;
pub use ssl::{CertReqs, Password, Ssl, TlsVersion};
pub use websocket::{WebSocket, Ws};

use http::{check_fields, check_root_path};
use table::Group;

/// The table of settings, in the order of the help.
pub(crate) static GROUPS: [Group; 12] = [
    listen::GROUP,
    ssl::GROUP,
    process::GROUP,
    health::GROUP,
    reload::GROUP,
    log::GROUP,
    admin::GROUP,
    http::GROUP,
    proxy::GROUP,
    limits::GROUP,
    http2::GROUP,
    websocket::GROUP,
];

/// The settings of a server.
///
/// Set the fields directly, or use the setters, which are named after the options or the fields.
///
/// ```
/// use stelo_server::Config;
///
/// let config = Config::new().port(0).workers(2).executor("smol").access_log(false);
/// assert_eq!((config.process.workers.get(), config.log.access), (2, false));
/// config.check()?;
/// # Ok::<(), stelo_server::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The sockets to listen on. Default: TCP port 8000 of `127.0.0.1`.
    pub listen: Vec<Listen>,
    /// Whether a socket at the address `::` refuses IPv4 connections. Default `false`: one socket accepts both, and IPv4
    /// clients are shown with their IPv4 address.
    pub ipv6_only: bool,
    /// The number of connections that may wait to be accepted. The system may allow fewer. Default 2048.
    pub backlog: u32,
    /// TCP keep-alive of accepted connections.
    pub tcp_keepalive: TcpKeepAlive,
    /// TLS.
    pub ssl: Ssl,
    /// Threads and executor.
    pub process: Process,
    /// When a process is ended or replaced.
    pub health: Health,
    /// Whether the program is built and restarted when its source files change.
    pub reload: Reload,
    /// Which events are logged.
    pub log: Log,
    /// The socket of health, readiness and metrics: a TCP port or a Unix socket. Default `None`: nothing is counted.
    pub admin: Option<Listen>,
    /// Fields that are added to responses, and the root path of the application.
    pub http: Http,
    /// The proxies that are trusted, and the fields that they set.
    pub proxy: Proxy,
    /// Limits of the server and of its HTTP/1.1 connections.
    pub limits: Limits,
    /// Limits and timeouts of HTTP/2.
    pub http2: Http2,
    /// Timeouts of the server and of its HTTP/1.1 connections.
    pub timeouts: Timeouts,
    /// Whether WebSockets are accepted, and their limits and timeouts.
    pub websocket: WebSocket,
    /// The hooks of the supervisor, which have no option.
    pub(crate) hooks: hooks::Hooks,
}

impl Config {
    /// Returns the defaults.
    pub fn new() -> Self {
        Self {
            listen: vec![Listen::default()],
            ipv6_only: false,
            backlog: 2048,
            tcp_keepalive: TcpKeepAlive::default(),
            ssl: Ssl::default(),
            process: Process::default(),
            health: Health::default(),
            reload: Reload::default(),
            log: Log::default(),
            admin: None,
            http: Http::default(),
            proxy: Proxy::default(),
            limits: Limits::default(),
            http2: Http2::default(),
            timeouts: Timeouts::default(),
            websocket: WebSocket::default(),
            hooks: hooks::Hooks::default(),
        }
    }

    /// Checks the values that their types do not. The server calls this before it starts.
    ///
    /// # Errors
    /// Returns the first fault.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.listen.is_empty() {
            return Err(ConfigError::NoListener);
        }
        self.listen.iter().try_for_each(Listen::check)?;
        self.tcp_keepalive.check()?;
        check_fields(&self.http.headers)?;
        check_root_path(&self.http.root_path)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn impossible_values_are_refused() {
        let new = Config::new;
        let root_path = "the root path must begin with a slash, such as /api, and be plain ASCII";
        let mut nowhere = new();
        nowhere.listen.clear();
        let mut framed = new();
        framed.http.headers.append("Content-Length", "5");
        for (config, line) in [
            (
                framed,
                "the server frames messages and manages connections: leave the field content-length out",
            ),
            (
                nowhere,
                "there is no address to listen on: give a host and a port, a Unix socket or a descriptor",
            ),
            (new().fd(-1), "use the number of an open descriptor, 0 or more"),
            (new().host(""), "the host is empty: give a name or an address, such as 127.0.0.1"),
            (new().root_path("api"), root_path),
            (new().root_path("/a b"), root_path),
        ] {
            assert_eq!(config.check().unwrap_err().to_string(), line);
        }
        for config in [new(), new().root_path("/"), new().root_path("/api/v1/"), new().uds("/a"), new().fd(0)]
        {
            config.check().unwrap();
        }
    }

    #[test]
    fn zero_means_the_default() {
        let config = Config::new().threads(0).limit_concurrency(0).limit_max_requests(0).ws_max_queue(0);
        let defaults = Config::new();
        assert_eq!(config.process.threads, defaults.process.threads);
        assert_eq!(config.websocket.max_queue, defaults.websocket.max_queue);
        assert_eq!((config.limits.concurrency, config.limits.max_requests), (None, None));
    }

    #[test]
    fn the_keep_alive_timeout_reaches_the_machine() {
        let config = Config::new().timeout_keep_alive(Duration::from_secs(1));
        assert_eq!(config.timeouts.http.keep_alive, Duration::from_secs(1));
    }

    #[test]
    fn the_last_setter_says_where_to_listen() {
        let tcp = |host: &str, port| Listen::Tcp { host: host.into(), port };
        for (config, expected) in [
            (Config::new().port(3), tcp("127.0.0.1", 3)),
            (Config::new().host("::1").port(3), tcp("::1", 3)),
            (Config::new().uds("/a"), Listen::Unix("/a".into())),
            (Config::new().uds("/a").fd(3), Listen::Descriptor(3)),
            (Config::new().port(3).uds("/a").host("h"), tcp("h", 8000)),
            (Config::new().hosts(["h", "i"]).host("j"), tcp("j", 8000)),
            (Config::new().hosts(["h", "h"]), tcp("h", 8000)),
        ] {
            assert_eq!(config.listen, [expected]);
        }
        let both = [tcp("h", 3), tcp("i", 3)];
        assert_eq!(Config::new().hosts(["h", "i"]).port(3).listen, both);
        assert_eq!(Config::new().port(3).hosts(["h", "i"]).listen, both);
    }
}
