//! The command line. `lexopt` takes the arguments apart; the options come from the table.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use lexopt::{Arg, Parser};

use super::completions::Shell;
use super::origin::{Given, Origin, Source};
use super::suggest::nearest;
use super::{Notice, SettingsError, missing};
use crate::config::alias::SWITCHES;
use crate::config::table::{Kind, Setting, all};

/// Options that are not settings: usage and help.
pub(super) const COMMANDS: [(&str, &str); 7] = [
    ("-h, --help", "Print help"),
    ("-V, --version", "Print version"),
    ("--print-config", "Print all settings and where each comes from, as TOML"),
    ("--completions <SHELL>", "Print a script of completions for bash, zsh or fish"),
    ("--man", "Print a manual page"),
    ("--config <FILE>", "Read settings from a TOML file, whose keys are the option names"),
    ("--env-file <FILE>", "Read settings from a file of variables, such as .env"),
];

/// The argument that is not an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Positional {
    /// There is none.
    #[default]
    None,
    /// A folder to serve.
    Folder,
    /// The name of an application.
    App,
}

/// A command that replaces the start of the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Command {
    Help,
    Version,
    PrintConfig,
    Completions(Shell),
    Man,
}

/// A command line.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The name of the program.
    pub(super) program: Option<String>,
    pub(super) command: Option<Command>,
    pub(super) given: Vec<Given>,
    pub(super) config: Option<PathBuf>,
    pub(super) env_file: Option<PathBuf>,
    pub(super) folder: Option<PathBuf>,
    pub(super) notices: Vec<Notice>,
}

impl Line {
    /// Reads arguments, the name of the program first. Stops at `--help` and `--version`.
    pub(super) fn read(
        arguments: impl IntoIterator<Item = OsString>,
        positional: Positional,
    ) -> Result<Self, SettingsError> {
        let mut parser = Parser::from_iter(arguments);
        let program =
            parser.bin_name().and_then(|name| Path::new(name).file_name()?.to_str()).map(Into::into);
        let mut line = Self { program, ..Self::default() };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => {
                    line.command = Some(Command::Help);
                    return Ok(line);
                }
                Arg::Long("version") | Arg::Short('V') => {
                    line.command = Some(Command::Version);
                    return Ok(line);
                }
                Arg::Long("completions") => {
                    line.command = Some(Command::Completions(shell(&mut parser)?));
                    return Ok(line);
                }
                Arg::Long("man") => {
                    line.command = Some(Command::Man);
                    return Ok(line);
                }
                Arg::Long("print-config") => line.command = Some(Command::PrintConfig),
                Arg::Long("config") => file(&mut line.config, &mut parser, "--config <FILE>")?,
                Arg::Long("env-file") => file(&mut line.env_file, &mut parser, "--env-file <FILE>")?,
                Arg::Long(name) => {
                    if let Some((missing, accepted)) = missing::accepted_as(name) {
                        let option = format!("--{name}");
                        if accepted.takes_value && value(&mut parser).is_none() {
                            return Err(SettingsError::NoValue { usage: format!("{option} <TEXT>") });
                        }
                        line.notices.extend(missing.notice(option));
                    } else if let Some((_, name, value)) =
                        SWITCHES.iter().find(|(switch, ..)| *switch == name)
                    {
                        line.add(option(name)?.0, value.into())?;
                    } else {
                        let (setting, on) = option(name)?;
                        line.give(setting, on, &mut parser)?;
                    }
                }
                Arg::Value(path) if positional == Positional::Folder && line.folder.is_none() => {
                    line.folder = Some(existing(path)?);
                }
                Arg::Value(name) if positional == Positional::App => line.add(option("app")?.0, name)?,
                Arg::Value(argument) => return Err(SettingsError::Unexpected { argument }),
                Arg::Short(letter) => {
                    let (setting, on) = short(letter)?;
                    line.give(setting, on, &mut parser)?;
                }
            }
        }
        Ok(line)
    }

    /// Reads the value of an option, which is next; or takes `on` for a switch.
    fn give(
        &mut self,
        setting: &'static Setting,
        on: bool,
        parser: &mut Parser,
    ) -> Result<(), SettingsError> {
        let value = match setting.kind {
            Kind::Switch => on.to_string().into(),
            Kind::SwitchOrWord(_) if !on => on.to_string().into(),
            Kind::SwitchOrWord(words) => word(parser, words).unwrap_or_else(|| on.to_string().into()),
            _ => value(parser).ok_or_else(|| SettingsError::NoValue { usage: setting.usage() })?,
        };
        self.add(setting, value)
    }

    /// Adds a value of a setting.
    fn add(&mut self, setting: &'static Setting, value: OsString) -> Result<(), SettingsError> {
        let earlier = self.given.iter_mut().find(|given| given.origin.setting == setting);
        match earlier {
            Some(given) if setting.kind.is_switch() || setting.kind.is_list() => given.values.push(value),
            Some(_) => return Err(SettingsError::Repeated { usage: setting.usage() }),
            None => {
                let origin = Origin { setting, source: Source::CommandLine };
                self.given.push(Given { origin, values: vec![value] });
            }
        }
        Ok(())
    }
}

/// The options of one letter, which are Gunicorn's.
const SHORT: [(char, &str); 7] = [
    ('b', "bind"),
    ('g', "group"),
    ('m', "umask"),
    ('p', "pid"),
    ('t', "timeout"),
    ('u', "user"),
    ('w', "workers"),
];

/// Returns the setting that an option of one letter sets.
fn short(letter: char) -> Result<(&'static Setting, bool), SettingsError> {
    if let Some((_, name)) = SHORT.iter().find(|(short, _)| *short == letter) {
        return option(name);
    }
    let argument = format!("-{letter}");
    Err(match missing::short(letter) {
        Some(missing) => SettingsError::missing(argument, missing),
        None => SettingsError::Unexpected { argument: argument.into() },
    })
}

/// Returns the setting that an option sets, and for a switch whether it switches on.
fn option(name: &str) -> Result<(&'static Setting, bool), SettingsError> {
    if let Some(setting) = Setting::named(name) {
        return Ok((setting, true));
    }
    let switch = name.strip_prefix("no-").and_then(Setting::named);
    if let Some(setting) = switch.filter(|setting| setting.kind.is_switch()) {
        return Ok((setting, false));
    }
    if let Some(missing) = missing::named(name) {
        return Err(SettingsError::missing(format!("--{name}"), missing));
    }
    Err(SettingsError::UnknownOption { nearest: nearest(name, names()), name: name.into() })
}

/// Returns the names of all options, without the dashes.
fn names() -> impl Iterator<Item = String> {
    let commands = COMMANDS.iter().filter_map(|(usage, _)| usage.split("--").nth(1)?.split(' ').next());
    let switches = all().filter(|setting| setting.kind.is_switch());
    let settings = all().map(|setting| setting.name.to_owned());
    commands.map(Into::into).chain(settings).chain(switches.map(|setting| format!("no-{}", setting.name)))
}

/// Reads the value of an option: what follows an equals sign, or the next argument.
fn value(parser: &mut Parser) -> Option<OsString> {
    let next = |parser: &mut Parser| parser.try_raw_args()?.next_if(|next| !is_option(next));
    parser.optional_value().or_else(|| next(parser))
}

/// Reads the value of an option that may have none: what follows an equals sign, or one of these words as the next argument.
fn word(parser: &mut Parser, words: &[&str]) -> Option<OsString> {
    let is_word = |next: &OsStr| words.iter().any(|word| next.eq_ignore_ascii_case(word));
    let next = |parser: &mut Parser| parser.try_raw_args()?.next_if(is_word);
    parser.optional_value().or_else(|| next(parser))
}

/// Whether an argument looks like an option, and not like a value such as -1.
fn is_option(argument: &OsStr) -> bool {
    matches!(argument.as_encoded_bytes(), [b'-', second, ..] if !second.is_ascii_digit() && *second != b'.')
}

fn file(target: &mut Option<PathBuf>, parser: &mut Parser, usage: &str) -> Result<(), SettingsError> {
    let path = value(parser).ok_or_else(|| SettingsError::NoValue { usage: usage.into() })?;
    match target.replace(path.into()) {
        Some(_) => Err(SettingsError::Repeated { usage: usage.into() }),
        None => Ok(()),
    }
}

fn shell(parser: &mut Parser) -> Result<Shell, SettingsError> {
    let usage = "--completions <SHELL>, with bash, zsh or fish";
    let name = value(parser).ok_or_else(|| SettingsError::NoValue { usage: usage.into() })?;
    name.to_str().and_then(Shell::named).ok_or(SettingsError::Unexpected { argument: name })
}

fn existing(folder: OsString) -> Result<PathBuf, SettingsError> {
    let path = PathBuf::from(folder);
    if path.is_dir() { Ok(path) } else { Err(SettingsError::NoFolder(path)) }
}
