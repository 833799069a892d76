//! The settings of the log.

use std::time::Duration;

use super::Config;
use super::codec::Codec;
use super::codec::{Seconds, Switch, Word};
use super::table::{Group, Setting, setting};
use super::words::words;

/// Which events are logged.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Log {
    /// The lowest level that is logged. Default [`LogLevel::Info`].
    pub level: LogLevel,
    /// Whether each response is logged. Default `true`.
    pub access: bool,
    /// The time that a handler may hold its thread before a warning is logged; zero means never. Default 100 ms.
    pub blocking: Duration,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: LogLevel::Info, access: true, blocking: Duration::from_millis(100) }
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

    /// Sets [`Log::access`].
    #[must_use]
    pub fn access_log(mut self, access: bool) -> Self {
        self.log.access = access;
        self
    }
}

pub(super) const GROUP: Group = Group {
    title: "Logging",
    settings: &[
        setting!("log-level", Word<LogLevel>, log.level, "The lowest level that is logged"),
        setting!(
            "log-blocking",
            Seconds,
            log.blocking,
            "Warn if a handler holds its thread for this time; 0 means never"
        ),
        setting!("access-log", Switch, log.access, "Log each response, on stdout"),
    ],
};
