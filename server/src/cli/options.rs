//! The options themselves: names, help, and what makes a value good.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{ArgAction, Args};

use crate::{Config, ConfigError, LogLevel, Loop, Ws};

// Not a doc comment: clap would take it for the description of the program.
// The name of a field is that of its environment variable.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// Listen on this name or address
    #[arg(long, help_heading = "Where to listen", value_parser = host)]
    host: String,

    /// Listen on this TCP port; 0 lets the system choose
    #[arg(long, help_heading = "Where to listen", value_parser = port)]
    port: u16,

    /// Listen on a Unix socket instead
    #[arg(long, help_heading = "Where to listen", value_name = "PATH")]
    uds: Option<PathBuf>,

    /// Listen on an inherited socket instead, by its descriptor
    #[arg(long, help_heading = "Where to listen", value_parser = descriptor, allow_negative_numbers = true)]
    fd: Option<i32>,

    /// Connections that may wait to be accepted; the system may allow less
    #[arg(long, help_heading = "Where to listen", value_name = "NUMBER", value_parser = backlog)]
    backlog: u32,

    /// Threads, each with an executor of its own
    #[arg(long, help_heading = "How to run", value_name = "NUMBER", value_parser = positive::<NonZeroUsize>)]
    threads: NonZeroUsize,

    /// The executor, as far as compiled in: auto, tokio, smol or async-std
    #[arg(long = "loop", id = "loop", help_heading = "How to run", value_name = "NAME")]
    runtime: Loop,

    /// Log this and worse: critical, error, warning, info, debug or trace
    #[arg(long, help_heading = "What to log", value_name = "LEVEL")]
    log_level: LogLevel,

    /// Log each response, on stdout (default)
    #[arg(long, help_heading = "What to log", action = ArgAction::SetTrue, value_parser = switch)]
    #[arg(overrides_with = "no_access_log")]
    access_log: bool,

    /// Log no responses
    #[arg(long, help_heading = "What to log")]
    no_access_log: bool,

    /// Add a field to each response that does not have it; can be given again
    #[arg(long = "header", help_heading = "What to answer", value_name = "NAME:VALUE", value_parser = header)]
    headers: Vec<(String, String)>,

    /// Add `server: stelo` to each response (default)
    #[arg(long, help_heading = "What to answer", action = ArgAction::SetTrue, value_parser = switch)]
    #[arg(overrides_with = "no_server_header")]
    server_header: bool,

    /// Leave it out
    #[arg(long, help_heading = "What to answer")]
    no_server_header: bool,

    /// Add the date to each response (default)
    #[arg(long, help_heading = "What to answer", action = ArgAction::SetTrue, value_parser = switch)]
    #[arg(overrides_with = "no_date_header")]
    date_header: bool,

    /// Leave it out
    #[arg(long, help_heading = "What to answer")]
    no_date_header: bool,

    /// The path under which a proxy serves the application
    #[arg(long, help_heading = "What to answer", value_name = "PATH", value_parser = root_path)]
    #[arg(hide_default_value = true)]
    root_path: String,

    /// Serve this many connections at a time, and answer 503 beyond them
    #[arg(long, help_heading = "Limits", value_name = "NUMBER", value_parser = positive::<NonZeroUsize>)]
    limit_concurrency: Option<NonZeroUsize>,

    /// Stop gracefully after this many requests
    #[arg(long, help_heading = "Limits", value_name = "NUMBER", value_parser = positive::<NonZeroU64>)]
    limit_max_requests: Option<NonZeroU64>,

    /// Close a connection that is idle for so long after a response
    #[arg(long, help_heading = "Limits", value_name = "SECONDS", value_parser = seconds)]
    #[arg(allow_negative_numbers = true)]
    timeout_keep_alive: Duration,

    /// Wait so long for responses and background tasks when stopping
    #[arg(long, help_heading = "Limits", value_name = "SECONDS", value_parser = seconds)]
    #[arg(allow_negative_numbers = true)]
    timeout_graceful_shutdown: Duration,

    /// Whether WebSockets are to be had: auto or none
    #[arg(long, help_heading = "WebSocket", value_name = "NAME")]
    ws: Ws,

    /// The largest message that is taken, in bytes, uncompressed; 0 means no limit
    #[arg(long, help_heading = "WebSocket", value_name = "BYTES", value_parser = bytes)]
    ws_max_size: usize,

    /// Messages that may wait for the application; while they do, nothing more is read
    #[arg(long, help_heading = "WebSocket", value_name = "NUMBER", value_parser = positive::<NonZeroUsize>)]
    ws_max_queue: NonZeroUsize,

    /// Ping each client so often, or off
    #[arg(long, help_heading = "WebSocket", value_name = "SECONDS", value_parser = seconds_or_off)]
    #[arg(allow_negative_numbers = true)]
    ws_ping_interval: Switchable,

    /// Close if the answer to a ping takes longer, or off
    #[arg(long, help_heading = "WebSocket", value_name = "SECONDS", value_parser = seconds_or_off)]
    #[arg(allow_negative_numbers = true)]
    ws_ping_timeout: Switchable,

    /// Compress messages where the client can do it
    #[arg(long, help_heading = "WebSocket", value_name = "BOOLEAN", value_parser = switch)]
    #[arg(action = ArgAction::Set)]
    ws_per_message_deflate: bool,
}

impl Options {
    /// The values of options that are not given, as they would be written.
    pub(super) fn defaults(config: &Config) -> [(&'static str, String); 18] {
        let seconds = |duration: Duration| duration.as_secs_f64().to_string();
        let switchable = |duration: Option<Duration>| duration.map_or("off".into(), seconds);
        let websocket = &config.websocket;
        let max_size = Some(websocket.limits.message).filter(|size| *size < usize::MAX).unwrap_or(0);
        [
            ("host", config.host.clone()),
            ("port", config.port.to_string()),
            ("backlog", config.backlog.to_string()),
            ("threads", config.threads.to_string()),
            ("loop", config.runtime.to_string()),
            ("log_level", config.log_level.to_string()),
            ("access_log", config.access_log.to_string()),
            ("server_header", config.server_header.to_string()),
            ("date_header", config.date_header.to_string()),
            ("root_path", config.root_path.clone()),
            ("timeout_keep_alive", seconds(config.timeouts.keep_alive)),
            ("timeout_graceful_shutdown", seconds(config.timeout_graceful_shutdown)),
            ("ws", config.ws.to_string()),
            ("ws_max_size", max_size.to_string()),
            ("ws_max_queue", config.ws_max_queue.to_string()),
            ("ws_ping_interval", switchable(websocket.timeouts.ping_interval)),
            ("ws_ping_timeout", switchable(websocket.timeouts.ping_timeout)),
            ("ws_per_message_deflate", websocket.deflate.is_some().to_string()),
        ]
    }

    /// `config` with these options.
    pub(super) fn apply(self, mut config: Config) -> Config {
        config.host = self.host;
        config.port = self.port;
        config.uds = self.uds.or(config.uds);
        config.fd = self.fd.or(config.fd);
        config.backlog = self.backlog;
        config.threads = self.threads;
        config.runtime = self.runtime;
        config.log_level = self.log_level;
        config.access_log = self.access_log && !self.no_access_log;
        for (name, value) in &self.headers {
            // The value parser has seen to it that they are valid.
            let _ = config.headers.append(name, value);
        }
        config.server_header = self.server_header && !self.no_server_header;
        config.date_header = self.date_header && !self.no_date_header;
        config.root_path = self.root_path;
        config.limit_concurrency = self.limit_concurrency.or(config.limit_concurrency);
        config.limit_max_requests = self.limit_max_requests.or(config.limit_max_requests);
        config.timeouts.keep_alive = self.timeout_keep_alive;
        config.timeout_graceful_shutdown = self.timeout_graceful_shutdown;
        config.ws_max_queue = self.ws_max_queue;
        config
            .ws(self.ws)
            .ws_max_size(self.ws_max_size)
            .ws_ping_interval(self.ws_ping_interval.0)
            .ws_ping_timeout(self.ws_ping_timeout.0)
            .ws_per_message_deflate(self.ws_per_message_deflate)
    }
}

fn host(text: &str) -> Result<String, ConfigError> {
    let config = Config::new().host(text);
    config.check()?;
    Ok(config.host)
}

fn port(text: &str) -> Result<u16, ConfigError> {
    text.parse().map_err(|_| ConfigError::Port)
}

fn descriptor(text: &str) -> Result<i32, ConfigError> {
    text.parse().ok().filter(|fd| *fd >= 0).ok_or(ConfigError::Descriptor)
}

/// The system takes a signed number.
fn backlog(text: &str) -> Result<u32, ConfigError> {
    text.parse().ok().filter(|n: &i32| *n > 0).map(i32::unsigned_abs).ok_or(ConfigError::Number)
}

fn positive<T: FromStr>(text: &str) -> Result<T, ConfigError> {
    text.parse().map_err(|_| ConfigError::Number)
}

fn seconds(text: &str) -> Result<Duration, ConfigError> {
    let seconds: f64 = text.parse().map_err(|_| ConfigError::Seconds)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| ConfigError::Seconds)
}

/// A timer, or none.
#[derive(Clone, Copy, Debug)]
struct Switchable(Option<Duration>);

/// Zero and less switch off, as with Uvicorn, which has no word for it.
fn seconds_or_off(text: &str) -> Result<Switchable, ConfigError> {
    if text.eq_ignore_ascii_case("off") || text.parse().is_ok_and(|seconds: f64| seconds <= 0.0) {
        return Ok(Switchable(None));
    }
    seconds(text).map(|duration| Switchable(Some(duration))).map_err(|_| ConfigError::SecondsOrOff)
}

fn bytes(text: &str) -> Result<usize, ConfigError> {
    text.parse().map_err(|_| ConfigError::Bytes)
}

/// The words that Uvicorn takes.
fn switch(text: &str) -> Result<bool, ConfigError> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => Ok(true),
        "0" | "false" | "f" | "no" | "n" | "off" => Ok(false),
        _ => Err(ConfigError::Switch),
    }
}

fn header(text: &str) -> Result<(String, String), ConfigError> {
    let (name, value) = text.split_once(':').ok_or(ConfigError::Colon)?;
    let (name, value) = (name.to_ascii_lowercase(), value.trim_matches([' ', '\t']));
    Config::new().header(&name, value)?;
    Ok((name, value.into()))
}

fn root_path(text: &str) -> Result<String, ConfigError> {
    let config = Config::new().root_path(text);
    config.check()?;
    Ok(config.root_path)
}
