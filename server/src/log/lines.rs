//! The subscriber that prints a line for each event. Lines do not show spans, so spans are not stored.

use std::cell::Cell;
use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::sink::{self, streams};
use super::{ACCESS, format, json};
use crate::config::{Log, LogFormat};
use crate::{LogLevel, ServeError};

/// Writes a line to its destination.
pub(super) type Print = Arc<dyn Fn(&str) + Send + Sync>;

/// A destination of lines, and their form.
#[derive(Clone)]
pub(super) struct Output {
    pub(super) form: LogFormat,
    pub(super) coloured: bool,
    pub(super) print: Print,
}

/// The events of one target and of those below it.
pub(super) struct Logger {
    /// The target; empty for all.
    pub(super) target: String,
    /// The lowest level that is printed.
    pub(super) level: LevelFilter,
    pub(super) outputs: Vec<Output>,
}

/// The subscriber.
pub(super) struct Lines {
    loggers: Vec<Logger>,
}

impl Lines {
    /// Creates the subscriber of a configuration, and opens its files.
    ///
    /// # Errors
    /// A file cannot be opened.
    pub(super) fn open(log: &Log) -> Result<Self, ServeError> {
        let output = |path: Option<&Path>, standard: fn() -> Output| match path {
            None => Ok(standard()),
            Some(path) => to_file(path),
        };
        let access = output(log.access_file.as_deref(), to_stdout)?;
        let server = output(log.error_file.as_deref(), to_stderr)?;
        Ok(Self::new(log, server, access))
    }

    /// Creates the subscriber of a configuration without its files.
    pub(super) fn standard(log: &Log) -> Self {
        Self::new(log, to_stderr(), to_stdout())
    }

    /// Creates the subscriber of a configuration, with these destinations for server lines and access lines.
    pub(super) fn new(log: &Log, server: Output, access: Output) -> Self {
        let with = |output: Output| {
            let coloured = log.format == LogFormat::Text && log.colours.unwrap_or(output.coloured);
            vec![Output { form: log.format, coloured, ..output }]
        };
        let (server, access) = (with(server), with(access));
        let outputs = |target: &str| if includes(ACCESS, target) { access.clone() } else { server.clone() };
        let mut loggers = vec![
            Logger { target: String::new(), level: filter(log.level), outputs: outputs("") },
            Logger { target: ACCESS.into(), level: filter(log.level), outputs: outputs(ACCESS) },
        ];
        for (target, level) in &log.levels {
            loggers.retain(|logger| logger.target != *target);
            let outputs = outputs(target);
            loggers.push(Logger { target: target.clone(), level: filter(*level), outputs });
        }
        if !log.access {
            loggers.iter_mut().filter(|logger| logger.target == ACCESS).for_each(|logger| {
                logger.level = LevelFilter::OFF;
            });
        }
        Self { loggers }
    }

    /// Returns the logger of the most specific target.
    fn logger(&self, target: &str) -> Option<&Logger> {
        let fitting = self.loggers.iter().filter(|logger| includes(&logger.target, target));
        fitting.max_by_key(|logger| logger.target.len())
    }
}

/// Whether `target` is the same as `wide`, or below it: `shop` includes `shop::cart` and `shop.cart`, and not `shopping`.
fn includes(wide: &str, target: &str) -> bool {
    let rest = target.strip_prefix(wide);
    rest.is_some_and(|rest| {
        wide.is_empty() || rest.is_empty() || rest.starts_with("::") || rest.starts_with('.')
    })
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Critical | LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

fn to_stdout() -> Output {
    let coloured = colours(&io::stdout(), |name| env::var_os(name));
    Output { form: LogFormat::Text, coloured, print: Arc::new(|line| streams().stdout.line(line)) }
}

fn to_stderr() -> Output {
    let coloured = colours(&io::stderr(), |name| env::var_os(name));
    Output { form: LogFormat::Text, coloured, print: Arc::new(|line| streams().stderr.line(line)) }
}

/// Returns the output of a file. It has colours only if the setting says so.
fn to_file(path: &Path) -> Result<Output, ServeError> {
    let writer = sink::open(path).map_err(|source| ServeError::LogFile { path: path.into(), source })?;
    Ok(Output { form: LogFormat::Text, coloured: false, print: Arc::new(move |line| writer.line(line)) })
}

pub(super) fn colours(stream: &impl IsTerminal, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name| variable(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && (set("FORCE_COLOR") || stream.is_terminal())
}

thread_local! {
    /// The buffer of a line. Taken while a line is written, because the `Debug` of a field may log.
    static LINE: Cell<String> = const { Cell::new(String::new()) };
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let level = self.logger(metadata.target()).map_or(LevelFilter::OFF, |logger| logger.level);
        !metadata.is_span() && *metadata.level() <= level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.loggers.iter().map(|logger| logger.level).max()
    }

    fn event(&self, event: &Event<'_>) {
        let Some(logger) = self.logger(event.metadata().target()) else { return };
        // A thread that ends has dropped its buffer.
        let mut line = LINE.try_with(Cell::take).unwrap_or_default();
        for Output { form, coloured, print } in &logger.outputs {
            line.clear();
            let written = match form {
                LogFormat::Text => format::write(&mut line, event, *coloured),
                LogFormat::Json => json::write(&mut line, event),
            };
            if written.is_ok() {
                print(&line);
            }
        }
        let _ = LINE.try_with(|last| last.set(line));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
