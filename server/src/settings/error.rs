//! What can be wrong with a command line, an environment or a file, each said in one line.

use std::ffi::OsString;
use std::fmt::{self, Write};
use std::path::PathBuf;
use std::{error, io};

use super::Origin;
use super::origin::Location;
use crate::ConfigError;
use crate::log::Escaped;

/// Why settings cannot be used. Displayed in one line that names the option, the variable or the line of a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum SettingsError {
    /// A value is not possible.
    Invalid {
        /// The setting and who has set it.
        origin: Origin,
        /// The value.
        value: OsString,
        /// Why.
        error: ConfigError,
    },
    /// Two settings exclude each other.
    Conflict {
        /// The one.
        one: Origin,
        /// The other.
        other: Origin,
    },
    /// There is no such option.
    UnknownOption {
        /// The option, without the dashes.
        name: String,
        /// The nearest that there is.
        nearest: Option<String>,
    },
    /// A file has a key that is no setting.
    UnknownKey {
        /// The place: the file and the line.
        place: String,
        /// The key.
        key: String,
        /// The nearest that there is.
        nearest: Option<&'static str>,
    },
    /// An option of Uvicorn that Stelo does not have.
    NotImplemented {
        /// The option, or the key with its place in a file.
        name: String,
    },
    /// An option lacks its value.
    NoValue {
        /// The option and what it takes.
        usage: String,
    },
    /// An option that is given once was given twice.
    Repeated {
        /// The option and what it takes.
        usage: String,
    },
    /// An argument that the program does not take.
    Unexpected {
        /// The argument.
        argument: OsString,
    },
    /// A value for an option that takes none.
    UnexpectedValue {
        /// The option, with its dashes.
        option: String,
        /// The value.
        value: OsString,
    },
    /// There is no such folder to serve.
    NoFolder(PathBuf),
    /// A file cannot be read.
    Read {
        /// The option that names it.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file breaks the rules of its format.
    Syntax {
        /// The place: the file and the line.
        place: String,
        /// The fault.
        fault: SyntaxFault,
    },
    /// The settings of the program are not possible.
    Program(ConfigError),
}

/// How a file breaks the rules of its format.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SyntaxFault {
    /// It is not TOML, in the words of the parser.
    Toml(String),
    /// It has a table, a dotted key or an inline table.
    Table,
    /// A key is there twice.
    Repeated,
    /// A value is of a type that no setting has, or that this one has not.
    Type {
        /// What the setting takes.
        wanted: &'static str,
    },
    /// A line is not `NAME=value`.
    Assignment,
    /// A quoted value does not end.
    Quote,
}

impl SettingsError {
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
            Self::NotImplemented { name } => {
                write!(f, "{name} is an option of Uvicorn that is not implemented")
            }
            Self::NoValue { usage } => write!(f, "the value is missing: use {usage}"),
            Self::Repeated { usage } => write!(f, "{usage} is given more than once"),
            Self::Unexpected { argument } => {
                write!(f, "unexpected argument '{}': see --help", argument.display())
            }
            Self::UnexpectedValue { option, value } => {
                write!(f, "{option} takes no value, but '{}' was given", value.display())
            }
            Self::NoFolder(path) => write!(f, "there is no folder '{}'", path.display()),
            Self::Read { option, path, source } => {
                write!(f, "cannot read {} ({source}): check --{option}", path.display())
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
