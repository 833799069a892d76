//! The options themselves: names, help, and what makes a value good.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{ArgAction, Args};

use crate::{Config, ConfigError, LogLevel, Loop};

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
}

impl Options {
    /// The values of options that are not given, as they would be written.
    pub(super) fn defaults(config: &Config) -> [(&'static str, String); 12] {
        let seconds = |duration: Duration| duration.as_secs_f64().to_string();
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
        config
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
