//! Building and restarting when source files change.

use std::path::PathBuf;
use std::time::Duration;

use super::Config;
use super::codec::{Codec, Name, Seconds, Switch};
use super::table::{Group, Kind, Setting, Value, each, setting};

/// Whether a [`Program`](crate::Program) is built and restarted when its source files change.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reload {
    /// Whether it is. Default `false`. There is one worker then, with a supervisor that builds.
    pub on: bool,
    /// The directories that are watched, with those in them. Default: the current one.
    pub dirs: Vec<PathBuf>,
    /// Patterns of files that are watched, besides `*.rs`, `Cargo.toml` and `Cargo.lock`.
    pub include: Vec<String>,
    /// Patterns of files and directories that are not watched, besides `.*`, `~*` and `target`.
    pub exclude: Vec<String>,
    /// The time from one look at the files to the next. Default 0.25 s.
    pub delay: Duration,
    /// The command that builds the program. Default `None`: `cargo build`, as the path of the program suggests.
    pub command: Option<String>,
}

impl Default for Reload {
    fn default() -> Self {
        Self {
            on: false,
            dirs: Vec::new(),
            include: Vec::new(),
            exclude: Vec::new(),
            delay: Duration::from_millis(250),
            command: None,
        }
    }
}

impl Config {
    /// Sets whether a [`Program`](crate::Program) is built and restarted when its source files change. For development.
    #[must_use]
    pub fn reload(mut self, on: bool) -> Self {
        self.reload.on = on;
        self
    }

    /// Whether a program starts worker processes and supervises them.
    pub(crate) fn is_supervised(&self) -> bool {
        self.reload.on || self.process.is_supervised()
    }

    /// Returns the number of workers.
    pub(crate) fn workers_to_start(&self) -> usize {
        if self.reload.on { 1 } else { self.process.workers.get() }
    }
}

fn texts(values: &[String]) -> Value {
    if values.is_empty() { Value::Unset } else { Value::List(values.to_vec()) }
}

pub(super) const GROUP: Group = Group {
    title: "Reload",
    settings: &[
        setting!("reload", Switch, reload.on, "Build and restart when source files change; for development"),
        Setting {
            name: "reload-dir",
            help: "Watch this directory instead of the current one; repeatable",
            kind: Kind::Paths,
            excludes: &[],
            get: |config| {
                let show = |path: &PathBuf| path.to_string_lossy().into_owned();
                texts(&config.reload.dirs.iter().map(show).collect::<Vec<_>>())
            },
            set: |config, values| {
                config.reload.dirs = values.iter().map(PathBuf::from).collect();
                Ok(())
            },
        },
        Setting {
            name: "reload-include",
            help: "Watch files of this pattern too, such as *.html; repeatable",
            kind: Kind::Texts("PATTERN"),
            excludes: &[],
            get: |config| texts(&config.reload.include),
            set: |config, values| {
                each(values, |text| Ok(text.into())).map(|list| config.reload.include = list)
            },
        },
        Setting {
            name: "reload-exclude",
            help: "Do not watch files or directories of this pattern; repeatable",
            kind: Kind::Texts("PATTERN"),
            excludes: &[],
            get: |config| texts(&config.reload.exclude),
            set: |config, values| {
                each(values, |text| Ok(text.into())).map(|list| config.reload.exclude = list)
            },
        },
        setting!("reload-delay", Seconds, reload.delay, "Time from one look at the files to the next"),
        Setting {
            name: "reload-command",
            help: "Build with this command of the shell, such as `cargo build --features x`; default: cargo build",
            kind: Kind::Text("COMMAND"),
            excludes: &[],
            get: |config| Name::show(&config.reload.command),
            set: |config, values| {
                config.reload.command = values.last().map(|value| value.to_string_lossy().into_owned());
                Ok(())
            },
        },
    ],
};
