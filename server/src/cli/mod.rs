//! The command line and the environment: Uvicorn's options, read on top of a [`Config`].
//!
//! `clap` does the reading and writes the help. What is ours: a variable `STELO_…` for each option, as Uvicorn
//! has `UVICORN_…`; the command line wins over it; and whatever is wrong is said in one line.

mod options;

use std::ffi::OsString;
use std::path::PathBuf;
use std::{env, error, fmt};

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::error::{ContextKind, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, Args, Command, FromArgMatches};

use crate::{Config, ConfigError, EXIT_USAGE};
use options::Options;

/// The command line of a program that is a server.
///
/// ```
/// use stelo_server::{CommandLine, Config};
///
/// let line = CommandLine::new(Config::new().port(3000));
/// let parsed = line.parse(["shop", "--host", "::1"], |_| None)?;
/// assert_eq!((parsed.config.host.as_str(), parsed.config.port), ("::1", 3000));
///
/// let parsed = line.parse(["shop"], |name| (name == "STELO_PORT").then(|| "80".into()))?;
/// assert_eq!(parsed.config.port, 80);
///
/// let exit = line.parse(["shop", "--port", "high"], |_| None).unwrap_err();
/// assert_eq!(exit.code(), 2);
/// # Ok::<(), stelo_server::Exit>(())
/// ```
#[derive(Clone, Debug)]
pub struct CommandLine {
    defaults: Config,
    folder: bool,
}

/// What a command line says.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// How to run the server.
    pub config: Config,
    /// The FOLDER, where the program [takes one](CommandLine::folder).
    pub folder: Option<PathBuf>,
}

/// Why a program ends before it has begun.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Exit {
    /// It was asked for this text, which belongs on stdout.
    Answer(String),
    /// It cannot do what it was told, and says why in this line, which belongs on stderr.
    Refusal(String),
}

impl Exit {
    /// The exit code of the program.
    pub fn code(&self) -> u8 {
        match self {
            Self::Answer(_) => 0,
            Self::Refusal(_) => EXIT_USAGE,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(text) => f.write_str(text),
            Self::Refusal(line) => write!(f, "Error: {line}"),
        }
    }
}

impl error::Error for Exit {}

impl From<ConfigError> for Exit {
    fn from(error: ConfigError) -> Self {
        Self::Refusal(error.to_string())
    }
}

impl CommandLine {
    /// A command line with all options, which changes what it names and leaves the rest as in `defaults`.
    pub fn new(defaults: Config) -> Self {
        Self { defaults, folder: false }
    }

    /// Lets the program be given a FOLDER besides.
    #[must_use]
    pub fn folder(self) -> Self {
        Self { folder: true, ..self }
    }

    /// Reads the arguments and the environment of the process.
    ///
    /// # Errors
    /// The program has to end: see [`Exit`].
    pub fn parse_process(&self) -> Result<Parsed, Exit> {
        self.parse(env::args_os(), |name| env::var_os(name))
    }

    /// Reads these arguments, the name of the program first, and this environment.
    ///
    /// # Errors
    /// The program has to end: see [`Exit`].
    pub fn parse(
        &self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Parsed, Exit> {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let set = |arg: &Arg| environment(&variable(arg)?).filter(|value| !value.is_empty());

        // First without the environment, so that it is clear whose mistake it is, and whose choice.
        let line = self.command();
        let on_line = line.clone().try_get_matches_from(&arguments).map_err(|error| exit(&error, None))?;
        let named = |id: &str| on_line.value_source(id) == Some(ValueSource::CommandLine);
        let preset = |id: &str| line.get_arguments().any(|arg| arg.get_id() == id && set(arg).is_some());
        let place = match place(named, |(option, _)| option)? {
            None => place(preset, |(_, variable)| variable)?,
            some => some,
        };

        let line = line.clone().mut_args(|arg| match set(&arg) {
            Some(value) if matches!(arg.get_action(), ArgAction::Append) => {
                let values = value.to_string_lossy();
                arg.default_values(values.split_whitespace().map(str::to_owned))
            }
            Some(value) => arg.default_value(value),
            None => arg,
        });
        let mut all =
            line.clone().try_get_matches_from(&arguments).map_err(|error| exit(&error, Some(&line)))?;
        let folder = if self.folder { all.remove_one("folder") } else { None };
        let options = Options::from_arg_matches_mut(&mut all).map_err(|error| exit(&error, None))?;
        let mut config = options.apply(self.defaults.clone());
        if let Some(place) = place {
            config.uds = config.uds.filter(|_| place == "--uds");
            config.fd = config.fd.filter(|_| place == "--fd");
        }
        config.check()?;
        Ok(Parsed { config, folder })
    }

    fn command(&self) -> Command {
        let mut command =
            Options::augment_args(Command::new("stelo")).version(env!("CARGO_PKG_VERSION")).after_help(
                "Each option can also be given by an environment variable: STELO_PORT for --port and so on,\n\
                 STELO_HEADERS for --header (fields separated by spaces), STELO_ACCESS_LOG=false and the\n\
                 like for on/off pairs. The command line wins.",
            );
        if self.folder {
            let folder = PathBufValueParser::new()
                .try_map(|path| if path.is_dir() { Ok(path) } else { Err(ConfigError::Folder) });
            command = command.about("Serves a folder, or without one a demonstration application.").arg(
                Arg::new("folder").value_name("FOLDER").help("The folder to serve").value_parser(folder),
            );
        }
        let defaults = Options::defaults(&self.defaults);
        command.mut_args(|arg| match defaults.iter().find(|(id, _)| arg.get_id() == id) {
            Some((_, value)) => arg.required(false).default_value(value.clone()),
            None => arg,
        })
    }
}

/// The environment variable of an option; on/off pairs have one, that of the first.
fn variable(arg: &Arg) -> Option<String> {
    let id = arg.get_id().as_str();
    let has = arg.get_long().is_some() && !id.starts_with("no_");
    has.then(|| format!("STELO_{}", id.to_uppercase()))
}

/// The one option that says where to listen, if any does. `--host` and `--port` go together, and only they.
fn place(
    given: impl Fn(&str) -> bool,
    name: impl Fn((&'static str, &'static str)) -> &'static str,
) -> Result<Option<&'static str>, ConfigError> {
    let all =
        [("--host", "STELO_HOST"), ("--port", "STELO_PORT"), ("--uds", "STELO_UDS"), ("--fd", "STELO_FD")];
    let mut given = all.into_iter().filter(|(option, _)| given(&option[2..]));
    let Some(first) = given.next() else { return Ok(None) };
    match given.find(|(option, _)| *option != "--port") {
        Some(other) => Err(ConfigError::Conflict { one: name(first), other: name(other) }),
        None => Ok(Some(first.0)),
    }
}

/// What `clap` says, in one line. With `environment`, the options in it are called by their variables.
fn exit(error: &clap::Error, environment: Option<&Command>) -> Exit {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::DisplayHelp => return Exit::Answer(text.trim_end().into()),
        ErrorKind::DisplayVersion => {
            return Exit::Answer(format!(
                "Running stelo {} on {}",
                env!("CARGO_PKG_VERSION"),
                env::consts::OS
            ));
        }
        _ => {}
    }
    let mut line = String::new();
    for part in text.lines().map(str::trim).take_while(|part| !part.starts_with("Usage:")) {
        if part.is_empty() || part.starts_with("For more information") {
            continue;
        }
        if !line.is_empty() {
            line.push_str("; ");
        }
        line.push_str(part.trim_start_matches("error: "));
    }
    if let (Some(command), Some(option)) = (environment, error.get(ContextKind::InvalidArg)) {
        let option = option.to_string();
        let long = option.trim_start_matches("--").split(' ').next();
        if let Some(variable) = command.get_arguments().find(|arg| arg.get_long() == long).and_then(variable)
        {
            line = line.replace(&format!("'{option}'"), &variable);
        }
    }
    Exit::Refusal(line)
}

#[cfg(test)]
mod tests;
