//! The options themselves: names, help, what makes a value good, and where it goes.

use std::ffi::{OsStr, OsString};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::{Config, ConfigError};

/// An option, or an on/off pair.
pub(super) struct Opt {
    /// Its name, without the dashes.
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: Kind,
    /// Its value in a configuration, as it would be written; none where it is not set, or a list.
    pub(super) shown: fn(&Config) -> Option<String>,
}

/// What an option takes, and where that goes.
pub(super) enum Kind {
    /// A value, which the help calls by this name.
    Value(&'static str, fn(&mut Config, &str) -> Result<(), ConfigError>),
    /// A path, which need not be UTF-8.
    Path(&'static str, fn(&mut Config, PathBuf)),
    /// A value that can be given again.
    List(&'static str, fn(&mut Config, &str) -> Result<(), ConfigError>),
    /// Nothing: there is the option and its opposite, `--no-…`, with this help.
    Switch(&'static str, fn(&mut Config, bool)),
}

impl Opt {
    /// All options.
    pub(super) fn all() -> impl Iterator<Item = &'static Self> {
        SECTIONS.iter().flat_map(|(_, options)| *options)
    }

    /// The one of this name. With `false` it is the opposite that is called so.
    pub(super) fn named(name: &str) -> Option<(&'static Self, bool)> {
        Self::all().find_map(|option| match (&option.kind, name.strip_prefix("no-")) {
            _ if option.name == name => Some((option, true)),
            (Kind::Switch(..), Some(opposite)) if option.name == opposite => Some((option, false)),
            _ => None,
        })
    }

    /// Whether it can be given only once.
    pub(super) fn is_single(&self) -> bool {
        matches!(self.kind, Kind::Value(..) | Kind::Path(..))
    }

    /// The environment variable that has the same effect.
    pub(super) fn variable(&self) -> String {
        let name = self.name.to_ascii_uppercase().replace('-', "_");
        let plural = if matches!(self.kind, Kind::List(..)) { "S" } else { "" };
        format!("STELO_{name}{plural}")
    }

    /// The values in its environment variable: those of a list are separated by white space.
    pub(super) fn values(&self, variable: OsString) -> Vec<OsString> {
        match self.kind {
            Kind::List(..) => variable.to_string_lossy().split_whitespace().map(OsString::from).collect(),
            _ => vec![variable],
        }
    }

    /// Puts a value into a configuration, for a switch `true` or `false`.
    pub(super) fn put(&self, config: &mut Config, value: &OsStr) -> Result<(), ConfigError> {
        let text = || value.to_str().ok_or(ConfigError::Encoding);
        match self.kind {
            Kind::Value(_, put) | Kind::List(_, put) => put(config, text()?)?,
            Kind::Path(_, put) => put(config, value.into()),
            Kind::Switch(_, put) => put(config, switch(text()?)?),
        }
        Ok(())
    }

    /// How the help writes it: `--port <PORT>`.
    pub(super) fn usage(&self) -> String {
        match self.kind {
            Kind::Value(value, _) | Kind::Path(value, _) | Kind::List(value, _) => {
                format!("--{} <{value}>", self.name)
            }
            Kind::Switch(..) => format!("--{}", self.name),
        }
    }
}

/// The options, under the headings of the help.
pub(super) const SECTIONS: &[(&str, &[Opt])] = &[
    (
        "Where to listen",
        &[
            Opt {
                name: "host",
                help: "Listen on this name or address",
                kind: Kind::Value("HOST", |config, text| host(text).map(|host| config.host = host)),
                shown: |config| Some(config.host.clone()),
            },
            Opt {
                name: "port",
                help: "Listen on this TCP port; 0 lets the system choose",
                kind: Kind::Value("PORT", |config, text| port(text).map(|port| config.port = port)),
                shown: |config| Some(config.port.to_string()),
            },
            Opt {
                name: "uds",
                help: "Listen on a Unix socket instead",
                kind: Kind::Path("PATH", |config, path| config.uds = Some(path)),
                shown: |_| None,
            },
            Opt {
                name: "fd",
                help: "Listen on an inherited socket instead, by its descriptor",
                kind: Kind::Value("FD", |config, text| descriptor(text).map(|fd| config.fd = Some(fd))),
                shown: |_| None,
            },
            Opt {
                name: "backlog",
                help: "Connections that may wait to be accepted; the system may allow less",
                kind: Kind::Value("NUMBER", |config, text| backlog(text).map(|n| config.backlog = n)),
                shown: |config| Some(config.backlog.to_string()),
            },
        ],
    ),
    (
        "How to run",
        &[
            Opt {
                name: "threads",
                help: "Threads, each with an executor of its own",
                kind: Kind::Value("NUMBER", |config, text| count(text).map(|n| config.threads = n)),
                shown: |config| Some(config.threads.to_string()),
            },
            Opt {
                name: "loop",
                help: "The executor, as far as compiled in: auto, tokio, smol or async-std",
                kind: Kind::Value("NAME", |config, text| text.parse().map(|name| config.runtime = name)),
                shown: |config| Some(config.runtime.to_string()),
            },
        ],
    ),
    (
        "What to log",
        &[
            Opt {
                name: "log-level",
                help: "Log this and worse: critical, error, warning, info, debug or trace",
                kind: Kind::Value("LEVEL", |config, text| text.parse().map(|level| config.log_level = level)),
                shown: |config| Some(config.log_level.to_string()),
            },
            Opt {
                name: "access-log",
                help: "Log each response, on stdout (default)",
                kind: Kind::Switch("Log no responses", |config, on| config.access_log = on),
                shown: |config| Some(config.access_log.to_string()),
            },
        ],
    ),
    (
        "What to answer",
        &[
            Opt {
                name: "header",
                help: "Add a field to each response that does not have it; can be given again",
                kind: Kind::List("NAME:VALUE", header),
                shown: |_| None,
            },
            Opt {
                name: "server-header",
                help: "Add `server: stelo` to each response (default)",
                kind: Kind::Switch("Leave it out", |config, on| config.server_header = on),
                shown: |config| Some(config.server_header.to_string()),
            },
            Opt {
                name: "date-header",
                help: "Add the date to each response (default)",
                kind: Kind::Switch("Leave it out", |config, on| config.date_header = on),
                shown: |config| Some(config.date_header.to_string()),
            },
            Opt {
                name: "root-path",
                help: "The path under which a proxy serves the application",
                kind: Kind::Value("PATH", |config, text| root_path(text).map(|path| config.root_path = path)),
                shown: |config| Some(config.root_path.clone()),
            },
        ],
    ),
    (
        "Limits",
        &[
            Opt {
                name: "limit-concurrency",
                help: "Serve this many connections at a time, and answer 503 beyond them",
                kind: Kind::Value("NUMBER", |config, text| {
                    count(text).map(|n| config.limit_concurrency = Some(n))
                }),
                shown: |_| None,
            },
            Opt {
                name: "limit-max-requests",
                help: "Stop gracefully after this many requests",
                kind: Kind::Value("NUMBER", |config, text| {
                    positive::<NonZeroU64>(text).map(|n| config.limit_max_requests = Some(n))
                }),
                shown: |_| None,
            },
            Opt {
                name: "timeout-keep-alive",
                help: "Close a connection that is idle for so long after a response",
                kind: Kind::Value("SECONDS", |config, text| {
                    seconds(text).map(|time| config.timeouts.keep_alive = time)
                }),
                shown: |config| Some(in_seconds(config.timeouts.keep_alive)),
            },
            Opt {
                name: "timeout-graceful-shutdown",
                help: "Wait so long for responses and background tasks when stopping",
                kind: Kind::Value("SECONDS", |config, text| {
                    seconds(text).map(|time| config.timeout_graceful_shutdown = time)
                }),
                shown: |config| Some(in_seconds(config.timeout_graceful_shutdown)),
            },
        ],
    ),
    (
        "WebSocket",
        &[
            Opt {
                name: "ws",
                help: "Whether WebSockets are to be had: auto or none",
                kind: Kind::Value("NAME", |config, text| text.parse().map(|ws| config.ws = ws)),
                shown: |config| Some(config.ws.to_string()),
            },
            Opt {
                name: "ws-max-size",
                help: "The largest message that is taken, in bytes, uncompressed; 0 means no limit",
                kind: Kind::Value("BYTES", |config, text| {
                    bytes(text).map(|size| *config = config.clone().ws_max_size(size))
                }),
                shown: |config| {
                    let size = config.websocket.limits.message;
                    Some(if size == usize::MAX { "0".into() } else { size.to_string() })
                },
            },
            Opt {
                name: "ws-max-queue",
                help: "Messages that may wait for the application; while they do, nothing more is read",
                kind: Kind::Value("NUMBER", |config, text| count(text).map(|n| config.ws_max_queue = n)),
                shown: |config| Some(config.ws_max_queue.to_string()),
            },
            Opt {
                name: "ws-ping-interval",
                help: "Ping each client so often, or off",
                kind: Kind::Value("SECONDS", |config, text| {
                    seconds_or_off(text).map(|time| config.websocket.timeouts.ping_interval = time)
                }),
                shown: |config| Some(switchable(config.websocket.timeouts.ping_interval)),
            },
            Opt {
                name: "ws-ping-timeout",
                help: "Close if the answer to a ping takes longer, or off",
                kind: Kind::Value("SECONDS", |config, text| {
                    seconds_or_off(text).map(|time| config.websocket.timeouts.ping_timeout = time)
                }),
                shown: |config| Some(switchable(config.websocket.timeouts.ping_timeout)),
            },
            Opt {
                name: "ws-per-message-deflate",
                help: "Compress messages where the client can do it",
                kind: Kind::Value("BOOLEAN", |config, text| {
                    switch(text).map(|on| *config = config.clone().ws_per_message_deflate(on))
                }),
                shown: |config| Some(config.websocket.deflate.is_some().to_string()),
            },
        ],
    ),
];

fn in_seconds(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}

fn switchable(duration: Option<Duration>) -> String {
    duration.map_or("off".into(), in_seconds)
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

fn count(text: &str) -> Result<NonZeroUsize, ConfigError> {
    positive(text)
}

fn positive<T: FromStr>(text: &str) -> Result<T, ConfigError> {
    text.parse().map_err(|_| ConfigError::Number)
}

/// A decimal number. Reading it as a float would bring 14 KB of tables along.
fn seconds(text: &str) -> Result<Duration, ConfigError> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err(ConfigError::Seconds);
    }
    let nanos = part.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanos = nanos.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
    whole.parse().map(|whole| Duration::new(whole, nanos)).map_err(|_| ConfigError::Seconds)
}

/// Zero and less switch off, as with Uvicorn, which has no word for it.
fn seconds_or_off(text: &str) -> Result<Option<Duration>, ConfigError> {
    let (below, number) = text.strip_prefix('-').map_or((false, text), |number| (true, number));
    match seconds(number) {
        _ if text.eq_ignore_ascii_case("off") => Ok(None),
        Ok(time) => Ok(Some(time).filter(|time| !below && !time.is_zero())),
        Err(_) => Err(ConfigError::SecondsOrOff),
    }
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

fn header(config: &mut Config, text: &str) -> Result<(), ConfigError> {
    let (name, value) = text.split_once(':').ok_or(ConfigError::Colon)?;
    let (name, value) = (name.to_ascii_lowercase(), value.trim_matches([' ', '\t']));
    config.headers.try_append(&name, value).map_err(ConfigError::Header)
}

fn root_path(text: &str) -> Result<String, ConfigError> {
    let config = Config::new().root_path(text);
    config.check()?;
    Ok(config.root_path)
}
