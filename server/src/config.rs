//! What a server can be told: a plain value with a default for everything.
//!
//! It carries Uvicorn's settings under Uvicorn's names. Where they come from (a program, the command line, the
//! environment) is left to the caller and to [`CommandLine`](crate::CommandLine); what they do, to the server.

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use stelo_core::h1::{Limits, Timeouts};
use stelo_core::http::Headers;
use stelo_core::ws;

use crate::ConfigError;

/// How a server runs.
///
/// Each field can be set directly or by the method of the same name.
///
/// ```
/// use stelo_server::{Config, Loop};
///
/// let config = Config::new().port(0).threads(2).runtime(Loop::Smol).access_log(false);
/// assert_eq!((config.host.as_str(), config.port, config.threads.get()), ("127.0.0.1", 0, 2));
/// config.check()?;
/// # Ok::<(), stelo_server::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// The name or address to listen on; every address that a name stands for. Default `127.0.0.1`.
    pub host: String,
    /// The TCP port; 0 lets the system choose, and the log says which. Default 8000.
    pub port: u16,
    /// The Unix socket to listen on instead; `host` and `port` are not used then.
    pub uds: Option<PathBuf>,
    /// The inherited socket to listen on instead, by its descriptor; `host` and `port` are not used then.
    pub fd: Option<i32>,
    /// Threads, each with an executor of its own. Default: one for each core.
    pub threads: NonZeroUsize,
    /// The executor. Default [`Loop::Auto`].
    pub runtime: Loop,
    /// The least important events that are logged. Default [`LogLevel::Info`].
    pub log_level: LogLevel,
    /// Whether each response is logged. Default yes.
    pub access_log: bool,
    /// Fields added to each response that does not have them.
    pub headers: Headers,
    /// Whether each response says `server: stelo`. Default yes.
    pub server_header: bool,
    /// Whether each response has a `date`. Default yes.
    pub date_header: bool,
    /// The path under which a proxy serves the application: empty, or `/prefix` without a slash at the end.
    pub root_path: String,
    /// How many connections are served at a time; beyond them, 503. Default: no limit.
    pub limit_concurrency: Option<NonZeroUsize>,
    /// How many requests are answered before the server stops gracefully. Default: no limit.
    pub limit_max_requests: Option<NonZeroU64>,
    /// How long a stopping server waits for responses and background tasks; what has not ended by then is
    /// dropped. Default 30 s, where Uvicorn waits for ever.
    pub timeout_graceful_shutdown: Duration,
    /// How many connections may wait to be accepted. The system may allow less. Default 2048.
    pub backlog: u32,
    /// What a connection holds and tolerates at most.
    pub limits: Limits,
    /// How long a connection waits. Uvicorn's `timeout_keep_alive` is [`Timeouts::keep_alive`].
    pub timeouts: Timeouts,
    /// Whether WebSockets are to be had. Default [`Ws::Auto`].
    pub ws: Ws,
    /// How many messages of one WebSocket may wait for the application; while they do, nothing more is read. Default 32.
    pub ws_max_queue: NonZeroUsize,
    /// What a WebSocket holds at most, how long it waits, and whether it compresses. Uvicorn's `ws_max_size` is
    /// [`ws::Limits::message`], its `ws_ping_interval` and `ws_ping_timeout` are in [`ws::Timeouts`].
    pub websocket: ws::Config,
}

impl Config {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 8000,
            uds: None,
            fd: None,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            runtime: Loop::Auto,
            log_level: LogLevel::Info,
            access_log: true,
            headers: Headers::new(),
            server_header: true,
            date_header: true,
            root_path: String::new(),
            limit_concurrency: None,
            limit_max_requests: None,
            timeout_graceful_shutdown: Duration::from_secs(30),
            backlog: 2048,
            limits: Limits::DEFAULT,
            timeouts: Timeouts::DEFAULT,
            ws: Ws::Auto,
            ws_max_queue: const { NonZeroUsize::new(32).expect("not zero") },
            websocket: ws::Config::default(),
        }
    }

    /// Whether the settings make sense, each alone and together. The server asks this before it starts.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.uds.is_some() && self.fd.is_some() {
            return Err(ConfigError::Conflict { one: "--uds", other: "--fd" });
        }
        if self.fd.is_some_and(|fd| fd < 0) {
            return Err(ConfigError::Descriptor);
        }
        if self.host.is_empty() {
            return Err(ConfigError::Host);
        }
        let path = self.root_path.as_str();
        let plain = path.is_empty() || path.starts_with('/') && !path.ends_with('/');
        if !plain || !path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#')) {
            return Err(ConfigError::RootPath);
        }
        Ok(())
    }

    /// Sets [`host`](Self::host).
    #[must_use]
    pub fn host(self, host: impl Into<String>) -> Self {
        Self { host: host.into(), ..self }
    }

    /// Sets [`port`](Self::port).
    #[must_use]
    pub fn port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Sets [`uds`](Self::uds).
    #[must_use]
    pub fn uds(self, path: impl Into<PathBuf>) -> Self {
        Self { uds: Some(path.into()), ..self }
    }

    /// Sets [`fd`](Self::fd).
    #[must_use]
    pub fn fd(self, fd: i32) -> Self {
        Self { fd: Some(fd), ..self }
    }

    /// Sets [`threads`](Self::threads); 0 means one for each core.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: NonZeroUsize::new(threads).unwrap_or_else(|| Self::new().threads), ..self }
    }

    /// Sets [`runtime`](Self::runtime).
    #[must_use]
    pub fn runtime(self, runtime: Loop) -> Self {
        Self { runtime, ..self }
    }

    /// Sets [`log_level`](Self::log_level).
    #[must_use]
    pub fn log_level(self, log_level: LogLevel) -> Self {
        Self { log_level, ..self }
    }

    /// Sets [`access_log`](Self::access_log).
    #[must_use]
    pub fn access_log(self, access_log: bool) -> Self {
        Self { access_log, ..self }
    }

    /// Adds to [`headers`](Self::headers). A `server` field takes the place of the server's own.
    ///
    /// # Errors
    /// Not a valid name or value.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, ConfigError> {
        self.headers.try_append(name, value).map_err(ConfigError::Header)?;
        Ok(self)
    }

    /// Sets [`server_header`](Self::server_header).
    #[must_use]
    pub fn server_header(self, server_header: bool) -> Self {
        Self { server_header, ..self }
    }

    /// Sets [`date_header`](Self::date_header).
    #[must_use]
    pub fn date_header(self, date_header: bool) -> Self {
        Self { date_header, ..self }
    }

    /// Sets [`root_path`](Self::root_path); slashes at the end are dropped.
    #[must_use]
    pub fn root_path(self, path: &str) -> Self {
        Self { root_path: path.trim_end_matches('/').into(), ..self }
    }

    /// Sets [`limit_concurrency`](Self::limit_concurrency); 0 means no limit.
    #[must_use]
    pub fn limit_concurrency(self, connections: usize) -> Self {
        Self { limit_concurrency: NonZeroUsize::new(connections), ..self }
    }

    /// Sets [`limit_max_requests`](Self::limit_max_requests); 0 means no limit.
    #[must_use]
    pub fn limit_max_requests(self, requests: u64) -> Self {
        Self { limit_max_requests: NonZeroU64::new(requests), ..self }
    }

    /// Sets [`Timeouts::keep_alive`].
    #[must_use]
    pub fn timeout_keep_alive(mut self, timeout: Duration) -> Self {
        self.timeouts.keep_alive = timeout;
        self
    }

    /// Sets [`timeout_graceful_shutdown`](Self::timeout_graceful_shutdown).
    #[must_use]
    pub fn timeout_graceful_shutdown(self, timeout: Duration) -> Self {
        Self { timeout_graceful_shutdown: timeout, ..self }
    }

    /// Sets [`backlog`](Self::backlog).
    #[must_use]
    pub fn backlog(self, backlog: u32) -> Self {
        Self { backlog, ..self }
    }

    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Sets [`timeouts`](Self::timeouts).
    #[must_use]
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// Sets [`ws`](Self::ws).
    #[must_use]
    pub fn ws(self, ws: Ws) -> Self {
        Self { ws, ..self }
    }

    /// Sets [`ws::Limits::message`], in bytes; 0 means no limit.
    #[must_use]
    pub fn ws_max_size(mut self, bytes: usize) -> Self {
        self.websocket.limits.message = if bytes == 0 { usize::MAX } else { bytes };
        self
    }

    /// Sets [`ws_max_queue`](Self::ws_max_queue); 0 means the default.
    #[must_use]
    pub fn ws_max_queue(self, messages: usize) -> Self {
        Self { ws_max_queue: NonZeroUsize::new(messages).unwrap_or_else(|| Self::new().ws_max_queue), ..self }
    }

    /// Sets [`ws::Timeouts::ping_interval`].
    #[must_use]
    pub fn ws_ping_interval(mut self, interval: Option<Duration>) -> Self {
        self.websocket.timeouts.ping_interval = interval;
        self
    }

    /// Sets [`ws::Timeouts::ping_timeout`].
    #[must_use]
    pub fn ws_ping_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.websocket.timeouts.ping_timeout = timeout;
        self
    }

    /// Has messages compressed where the client can do it, or not: [`ws::Config::deflate`].
    #[must_use]
    pub fn ws_per_message_deflate(mut self, compress: bool) -> Self {
        let deflate = &mut self.websocket.deflate;
        *deflate = compress.then(|| deflate.take().unwrap_or_default());
        self
    }

    /// Sets [`websocket`](Self::websocket).
    #[must_use]
    pub fn websocket(self, websocket: ws::Config) -> Self {
        Self { websocket, ..self }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// The executors that a server can run on, as far as they have been compiled in.
///
/// Read and written as the word on the command line, which is also the name of the Cargo feature.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Loop {
    /// The first that has been compiled in, in the order below.
    #[default]
    Auto,
    /// tokio
    Tokio,
    /// smol
    Smol,
    /// async-std, which is no longer developed
    AsyncStd,
}

impl Loop {
    const ALL: [Self; 4] = [Self::Auto, Self::Tokio, Self::Smol, Self::AsyncStd];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Tokio => "tokio",
            Self::Smol => "smol",
            Self::AsyncStd => "async-std",
        }
    }
}

impl fmt::Display for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Loop {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let is = |word: &Self| text.eq_ignore_ascii_case(word.word());
        Self::ALL.into_iter().find(is).ok_or(ConfigError::LoopName)
    }
}

/// Whether WebSockets are to be had.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Ws {
    /// Where a client asks for one, the application decides.
    #[default]
    Auto,
    /// Never: a request that asks for one is an ordinary request.
    None,
}

impl Ws {
    const ALL: [Self; 2] = [Self::Auto, Self::None];

    const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Ws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Ws {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let is = |word: &Self| text.eq_ignore_ascii_case(word.word());
        Self::ALL.into_iter().find(is).ok_or(ConfigError::WsName)
    }
}

/// How important an event is, in Uvicorn's words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum LogLevel {
    /// The same as `Error`: `tracing` knows nothing worse.
    Critical,
    /// What went wrong.
    Error,
    /// What looks wrong.
    Warning,
    /// What happens.
    #[default]
    Info,
    /// What helps to find a mistake.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    const ALL: [Self; 6] = [Self::Critical, Self::Error, Self::Warning, Self::Info, Self::Debug, Self::Trace];

    const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for LogLevel {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let is = |word: &Self| text.eq_ignore_ascii_case(word.word());
        Self::ALL.into_iter().find(is).ok_or(ConfigError::LogLevelName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused() {
        let new = Config::new;
        for (config, line) in [
            (new().uds("/a").fd(3), "--uds and --fd both say where to listen: give one of them"),
            (new().fd(-1), "use the number of an open descriptor, 0 or more"),
            (new().host(""), "the host is empty: give a name or an address, such as 127.0.0.1"),
            (
                new().root_path("api"),
                "the root path must begin with a slash, such as /api, and be plain ASCII",
            ),
            (
                new().root_path("/a b"),
                "the root path must begin with a slash, such as /api, and be plain ASCII",
            ),
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
        assert_eq!((config.threads, config.ws_max_queue.get()), (Config::new().threads, 32));
        assert_eq!((config.limit_concurrency, config.limit_max_requests), (None, None));
    }

    #[test]
    fn the_keep_alive_timeout_reaches_the_machine() {
        let config = Config::new().timeout_keep_alive(Duration::from_secs(1));
        assert_eq!(config.timeouts.keep_alive, Duration::from_secs(1));
    }
}
