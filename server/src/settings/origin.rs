//! The source of the value of a setting.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::table::Setting;

/// The source of the value of a setting. Displayed as `--port`, `STELO_PORT`, `.env:3:STELO_PORT`,
/// `stelo.toml:2:port`, `program` or `default`.
#[derive(Clone, PartialEq, Debug)]
pub struct Origin {
    pub(super) setting: &'static Setting,
    pub(super) source: Source,
}

/// The sources, from the weakest to the strongest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Source {
    Default,
    Program,
    File(Location),
    EnvFile(Location),
    Environment,
    /// A variable of this name, which has no prefix.
    Unprefixed(&'static str),
    CommandLine,
}

/// A line of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Location {
    pub(super) path: Arc<PathBuf>,
    pub(super) line: usize,
}

/// The values that a source gives to a setting.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Given {
    pub(super) origin: Origin,
    pub(super) values: Vec<OsString>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path.display(), self.line)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, source } = self;
        match source {
            Source::Default => f.write_str("default"),
            Source::Program => f.write_str("program"),
            Source::File(location) => write!(f, "{location}:{}", setting.name),
            Source::EnvFile(location) => write!(f, "{location}:{}", setting.variable()),
            Source::Environment => f.write_str(&setting.variable()),
            Source::Unprefixed(name) => f.write_str(name),
            Source::CommandLine => write!(f, "--{}", setting.name),
        }
    }
}
