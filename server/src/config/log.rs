//! The settings of the log.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::access_format::AccessFormat;
use super::codec::Codec;
use super::codec::{Seconds, Switch, Word};
use super::table::{Group, Kind, Setting, Value, each, setting, single};
use super::words::words;
use super::{Config, ConfigError};

/// Which events are logged.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Log {
    /// The lowest level that is logged. Default [`LogLevel::Info`].
    pub level: LogLevel,
    /// The levels of targets that differ from [`level`](Self::level), such as `("shop::cart", LogLevel::Debug)`. A target
    /// includes those below it. Default: none.
    pub levels: Vec<(String, LogLevel)>,
    /// The form of lines. Default [`LogFormat::Text`].
    pub format: LogFormat,
    /// Whether lines have colours. Default `None`: on a terminal.
    pub colours: Option<bool>,
    /// The file of server lines. Default `None`: standard error.
    pub error_file: Option<PathBuf>,
    /// Whether each response is logged. Default `true`.
    pub access: bool,
    /// The file of access lines. Default `None`: standard output.
    pub access_file: Option<PathBuf>,
    /// The format of access lines. Default `None`: that of Uvicorn.
    pub access_format: Option<AccessFormat>,
    /// The time that a handler may hold its thread before a warning is logged; zero means never. Default 100 ms.
    pub blocking: Duration,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            levels: Vec::new(),
            format: LogFormat::Text,
            colours: None,
            error_file: None,
            access: true,
            access_file: None,
            access_format: None,
            blocking: Duration::from_millis(100),
        }
    }
}

words! {
    /// The level of an event, in Uvicorn's words.
    pub enum LogLevel {
        /// Same as `Error`; `tracing` has no higher level.
        Critical = "critical",
        /// Something failed.
        Error = "error",
        /// Something may be wrong.
        Warning = "warning",
        /// Normal operation.
        #[default]
        Info = "info",
        /// Details that help to find a fault.
        Debug = "debug",
        /// All events.
        Trace = "trace",
    }
}

words! {
    /// The form of the lines of the log.
    pub enum LogFormat {
        /// The lines of Uvicorn.
        #[default]
        Text = "text",
        /// JSON objects, one a line.
        Json = "json",
    }
}

impl Config {
    /// Sets [`Log::level`].
    #[must_use]
    pub fn log_level(mut self, level: LogLevel) -> Self {
        self.log.level = level;
        self
    }

    /// Sets [`Log::blocking`].
    #[must_use]
    pub fn log_blocking(mut self, time: Duration) -> Self {
        self.log.blocking = time;
        self
    }

    /// Sets [`Log::format`].
    #[must_use]
    pub fn log_format(mut self, format: LogFormat) -> Self {
        self.log.format = format;
        self
    }

    /// Sets [`Log::access_format`].
    #[must_use]
    pub fn access_log_format(mut self, format: AccessFormat) -> Self {
        self.log.access_format = Some(format);
        self
    }

    /// Sets [`Log::access`].
    #[must_use]
    pub fn access_log(mut self, access: bool) -> Self {
        self.log.access = access;
        self
    }
}

/// Reads a level for a target, as `shop::cart=debug`.
fn target_level(text: &str) -> Result<(String, LogLevel), ConfigError> {
    match text.split_once('=') {
        Some((target, level)) if !target.is_empty() => Ok((target.into(), level.parse()?)),
        _ => Err(ConfigError::TargetLevel),
    }
}

/// The path that means a standard stream, as in Gunicorn.
const STANDARD: &str = "-";

fn show_file(path: Option<&PathBuf>) -> Value {
    Value::Text(path.map_or(STANDARD.into(), |path| path.to_string_lossy().into_owned()))
}

fn read_file(values: &[OsString]) -> Option<PathBuf> {
    values.last().filter(|value| *value != STANDARD).map(PathBuf::from)
}

pub(super) const GROUP: Group = Group {
    title: "Logging",
    settings: &[
        setting!("log-level", Word<LogLevel>, log.level, "The lowest level that is logged"),
        Setting {
            name: "log-target",
            help: "Another level for one target, such as shop::cart=debug; repeatable",
            kind: Kind::Texts("TARGET=LEVEL"),
            excludes: &[],
            get: |config| {
                let show = |(target, level): &(String, LogLevel)| format!("{target}={level}");
                Value::List(config.log.levels.iter().map(show).collect())
            },
            set: |config, values| each(values, target_level).map(|levels| config.log.levels = levels),
        },
        setting!("log-format", Word<LogFormat>, log.format, "The form of lines"),
        Setting {
            name: "use-colors",
            help: "Colour the lines; without it, lines are coloured on a terminal",
            kind: Switch::KIND,
            excludes: &[],
            get: |config| config.log.colours.map_or(Value::Unset, |colours| Switch::show(&colours)),
            set: |config, values| single(values, Switch::read).map(|on| config.log.colours = Some(on)),
        },
        Setting {
            name: "error-logfile",
            help: "Append server lines to this file, or - for stderr; SIGUSR1 opens it again",
            kind: Kind::Path,
            excludes: &[],
            get: |config| show_file(config.log.error_file.as_ref()),
            set: |config, values| {
                config.log.error_file = read_file(values);
                Ok(())
            },
        },
        setting!(
            "log-blocking",
            Seconds,
            log.blocking,
            "Warn if a handler holds its thread for this time; 0 means never"
        ),
        setting!("access-log", Switch, log.access, "Log each response"),
        Setting {
            name: "access-logfile",
            help: "Append access lines to this file, or - for stdout; SIGUSR1 opens it again",
            kind: Kind::Path,
            excludes: &[],
            get: |config| show_file(config.log.access_file.as_ref()),
            set: |config, values| {
                config.log.access_file = read_file(values);
                Ok(())
            },
        },
        Setting {
            name: "access-log-format",
            help: "The format of access lines, with the atoms of Gunicorn, such as %(h)s",
            kind: Kind::Text("FORMAT"),
            excludes: &[],
            get: |config| match &config.log.access_format {
                Some(format) => Value::Text(format.to_string()),
                None => Value::Unset,
            },
            set: |config, values| {
                config.log.access_format = Some(single(values, str::parse)?);
                Ok(())
            },
        },
    ],
};
