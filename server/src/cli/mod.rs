//! The command line and the environment: Uvicorn's options, read on top of a [`Config`].
//!
//! `lexopt` takes the arguments apart; what the options are is a table, from which the help is written. There is a
//! variable `STELO_…` for each option, as Uvicorn has `UVICORN_…`; the command line wins over it; and whatever is
//! wrong is said in one line.

mod help;
mod options;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::{env, error, fmt};

use lexopt::{Arg, Parser};

use crate::{Config, ConfigError, EXIT_USAGE};
use options::{Kind, Opt};

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
        let mut config = self.defaults.clone();
        // First without the environment, so that it is clear whose mistake it is, and whose choice.
        let (given, folder) = self.read(&mut Parser::from_iter(arguments), &mut config)?;
        let mut set = Vec::new();
        for option in Opt::all().filter(|option| !given.contains(&option.name)) {
            let variable = option.variable();
            let Some(value) = environment(&variable).filter(|value| !value.is_empty()) else { continue };
            set.push(option.name);
            for value in option.values(value) {
                option.put(&mut config, &value).map_err(|error| invalid(&value, &variable, &error))?;
            }
        }
        let place = match place(&given, |(option, _)| option)? {
            None => place(&set, |(_, variable)| variable)?,
            some => some,
        };
        if let Some(place) = place {
            config.uds = config.uds.filter(|_| place == "--uds");
            config.fd = config.fd.filter(|_| place == "--fd");
        }
        config.check()?;
        Ok(Parsed { config, folder })
    }

    /// Puts what the command line says into `config`. Which options it names, and the FOLDER.
    fn read(
        &self,
        line: &mut Parser,
        config: &mut Config,
    ) -> Result<(Vec<&'static str>, Option<PathBuf>), Exit> {
        let (mut given, mut folder) = (Vec::new(), None);
        while let Some(argument) = line.next().map_err(|error| refusal(&error.to_string()))? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Err(Exit::Answer(help::text(self, line))),
                Arg::Long("version") | Arg::Short('V') => return Err(Exit::Answer(help::version())),
                Arg::Long(name) => {
                    let (option, on) = Opt::named(name).ok_or_else(|| unknown(name))?;
                    if given.contains(&option.name) && option.is_single() {
                        return Err(refusal(&format!(
                            "the argument '{}' cannot be used multiple times",
                            option.usage()
                        )));
                    }
                    given.push(option.name);
                    option.read(on, line, config)?;
                }
                Arg::Value(path) if self.folder && folder.is_none() => folder = Some(existing(path)?),
                Arg::Value(extra) => return Err(unexpected(extra.display())),
                Arg::Short(letter) => return Err(unexpected(format_args!("-{letter}"))),
            }
        }
        Ok((given, folder))
    }
}

impl Opt {
    /// Puts what the command line says of this option into `config`: its value, which is next, or whether it is `on`.
    fn read(&self, on: bool, line: &mut Parser, config: &mut Config) -> Result<(), Exit> {
        if let Kind::Switch(_, set) = self.kind {
            set(config, on);
            return Ok(());
        }
        let next = |line: &mut Parser| line.try_raw_args()?.next_if(|next| !is_option(next));
        let value = line.optional_value().or_else(|| next(line)).ok_or_else(|| {
            refusal(&format!("a value is required for '{}' but none was supplied", self.usage()))
        })?;
        self.put(config, &value).map_err(|error| invalid(&value, &format!("'{}'", self.usage()), &error))
    }
}

/// Whether this cannot be a value: it begins like an option, and is no number below zero.
fn is_option(argument: &OsStr) -> bool {
    matches!(argument.as_encoded_bytes(), [b'-', second, ..] if !second.is_ascii_digit() && *second != b'.')
}

fn existing(folder: OsString) -> Result<PathBuf, Exit> {
    let path = PathBuf::from(folder);
    if path.is_dir() { Ok(path) } else { Err(invalid(path.as_os_str(), "'[FOLDER]'", &ConfigError::Folder)) }
}

/// The one option that says where to listen, if any does. `--host` and `--port` go together, and only they.
fn place(
    given: &[&str],
    name: impl Fn((&'static str, &'static str)) -> &'static str,
) -> Result<Option<&'static str>, ConfigError> {
    let all =
        [("--host", "STELO_HOST"), ("--port", "STELO_PORT"), ("--uds", "STELO_UDS"), ("--fd", "STELO_FD")];
    let mut given = all.into_iter().filter(|(option, _)| given.contains(&&option[2..]));
    let Some(first) = given.next() else { return Ok(None) };
    match given.find(|(option, _)| *option != "--port") {
        Some(other) => Err(ConfigError::Conflict { one: name(first), other: name(other) }),
        None => Ok(Some(first.0)),
    }
}

/// A refusal in one line, whatever somebody has typed.
fn refusal(text: &str) -> Exit {
    let mut line = String::new();
    for letter in text.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    Exit::Refusal(line)
}

fn invalid(value: &OsStr, place: &str, error: &ConfigError) -> Exit {
    refusal(&format!("invalid value '{}' for {place}: {error}", value.display()))
}

fn unexpected(argument: impl fmt::Display) -> Exit {
    refusal(&format!("unexpected argument '{argument}' found"))
}

fn unknown(name: &str) -> Exit {
    let tip = help::similar(name).map(|similar| format!("; tip: a similar argument exists: '--{similar}'"));
    refusal(&format!("unexpected argument '--{name}' found{}", tip.unwrap_or_default()))
}

#[cfg(test)]
mod tests;
