//! Errors of a command line, an environment or a file, displayed in one line.

use std::ffi::OsString;
use std::fmt::{self, Write};
use std::path::PathBuf;
use std::{error, io};

use stelo_core::dotenv;

use super::Origin;
use super::missing::Missing;
use super::origin::Location;
use crate::ConfigError;
use crate::log::Escaped;

/// An error of the settings. Displayed in one line that names the option, the variable or the line of a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum SettingsError {
    /// A value is invalid.
    Invalid {
        /// The setting and its source.
        origin: Origin,
        /// The value.
        value: OsString,
        /// The cause.
        error: ConfigError,
    },
    /// Two settings exclude each other.
    Conflict {
        /// The first setting.
        one: Origin,
        /// The second setting.
        other: Origin,
    },
    /// An option is unknown.
    UnknownOption {
        /// The option, without the dashes.
        name: String,
        /// The nearest name.
        nearest: Option<String>,
    },
    /// A key of a file is not a setting.
    UnknownKey {
        /// The file and the line.
        place: String,
        /// The key.
        key: String,
        /// The nearest name.
        nearest: Option<&'static str>,
    },
    /// An option of Uvicorn or Gunicorn that Stelo lacks.
    NotImplemented {
        /// The option, or the key with its place in a file.
        name: String,
        /// The rest of the line: that it is not implemented yet, or which option does the same.
        reason: String,
    },
    /// An option lacks its value.
    NoValue {
        /// The option and the placeholder of its value.
        usage: String,
    },
    /// An option is given twice.
    Repeated {
        /// The option and the placeholder of its value.
        usage: String,
    },
    /// An argument is not expected.
    Unexpected {
        /// The argument.
        argument: OsString,
    },
    /// An option that takes no value has one.
    UnexpectedValue {
        /// The option, with its dashes.
        option: String,
        /// The value.
        value: OsString,
    },
    /// The folder to serve does not exist.
    NoFolder(PathBuf),
    /// A file cannot be read.
    Read {
        /// The option or the variable that names it.
        named_by: String,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file is invalid.
    Syntax {
        /// The file and the line.
        place: String,
        /// The fault.
        fault: SyntaxFault,
    },
    /// A setting of the program is invalid.
    Program(ConfigError),
}

/// A fault in the syntax of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SyntaxFault {
    /// The file is not TOML. Has the message of the parser.
    Toml(String),
    /// The file has a table, a dotted key or an inline table.
    Table,
    /// A key is given twice.
    Repeated,
    /// The value has the wrong type.
    Type {
        /// The types that the setting takes.
        wanted: &'static str,
    },
    /// A line is not `NAME=value`.
    Assignment,
    /// A quoted value does not end.
    Quote,
}

impl From<dotenv::SyntaxFault> for SyntaxFault {
    fn from(fault: dotenv::SyntaxFault) -> Self {
        match fault {
            dotenv::SyntaxFault::Assignment => Self::Assignment,
            dotenv::SyntaxFault::Quote => Self::Quote,
        }
    }
}

impl SettingsError {
    pub(super) fn missing(name: String, missing: Missing) -> Self {
        Self::NotImplemented { name, reason: missing.to_string() }
    }

    pub(super) fn syntax(place: &Location, fault: SyntaxFault) -> Self {
        Self::Syntax { place: place.to_string(), fault }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A value may contain line ends.
        let f = &mut Escaped(f);
        match self {
            Self::Invalid { origin, value, error } => {
                write!(f, "invalid value '{}' for {origin}: {error}", value.display())
            }
            Self::Conflict { one, other } => {
                write!(f, "{one} and {other} exclude each other: give one of them")
            }
            Self::UnknownOption { name, nearest } => {
                write!(f, "unknown option --{name}: ")?;
                match nearest {
                    Some(nearest) => write!(f, "did you mean --{nearest}?"),
                    None => f.write_str("see --help"),
                }
            }
            Self::UnknownKey { place, key, nearest } => {
                write!(f, "{place}: unknown setting {key}: ")?;
                match nearest {
                    Some(nearest) => write!(f, "did you mean {nearest}?"),
                    None => f.write_str("use the names of the options in --help, without the dashes"),
                }
            }
            Self::NotImplemented { name, reason } => write!(f, "{name} {reason}"),
            Self::NoValue { usage } => write!(f, "the value is missing: use {usage}"),
            Self::Repeated { usage } => write!(f, "{usage} is given more than once"),
            Self::Unexpected { argument } => {
                write!(f, "unexpected argument '{}': see --help", argument.display())
            }
            Self::UnexpectedValue { option, value } => {
                write!(f, "{option} takes no value, but '{}' was given", value.display())
            }
            Self::NoFolder(path) => write!(f, "there is no folder '{}'", path.display()),
            Self::Read { named_by, path, source } => {
                write!(f, "cannot read {} ({source}): check {named_by}", path.display())
            }
            Self::Syntax { place, fault } => write!(f, "{place}: {fault}"),
            Self::Program(error) => write!(f, "{error}"),
        }
    }
}

impl fmt::Display for SyntaxFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Toml(error) => write!(f, "not TOML: {error}"),
            Self::Table => {
                f.write_str("there are no tables: use the names of the options, such as port = 8000")
            }
            Self::Repeated => f.write_str("this key is given more than once"),
            Self::Type { wanted } => write!(f, "use {wanted}"),
            Self::Assignment => f.write_str("use NAME=value"),
            Self::Quote => f.write_str("a quoted value does not end"),
        }
    }
}

impl error::Error for SettingsError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Invalid { error, .. } | Self::Program(error) => Some(error),
            Self::Read { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<lexopt::Error> for SettingsError {
    fn from(error: lexopt::Error) -> Self {
        match error {
            lexopt::Error::UnexpectedValue { option, value } => Self::UnexpectedValue { option, value },
            // The other faults belong to methods of `lexopt` that are not used here.
            other => Self::Unexpected { argument: other.to_string().into() },
        }
    }
}

impl From<ConfigError> for SettingsError {
    fn from(error: ConfigError) -> Self {
        Self::Program(error)
    }
}
