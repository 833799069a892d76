//! Errors of a configuration, each in one line.

use std::path::PathBuf;
use std::{error, fmt, io};

use stelo_core::dotenv::SyntaxFault;

/// An error of a configuration. It names the variable or the line, and not the value, which may be a secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// A variable is not set, and has no default.
    Missing {
        /// The name, with its prefix.
        name: String,
    },
    /// The value of a variable is not of the type.
    Invalid {
        /// The name, with its prefix.
        name: String,
        /// The fault.
        reason: String,
    },
    /// A variable cannot be changed any more, because its value has been read.
    AlreadyRead {
        /// The name.
        name: String,
    },
    /// A file cannot be read.
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A line of a file is invalid.
    Syntax {
        /// The file.
        path: PathBuf,
        /// The number of the line.
        line: usize,
        /// The fault.
        fault: SyntaxFault,
    },
}

impl fmt::Display for EnvironmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => write!(f, "the variable {name} is missing, and has no default: set it"),
            Self::Invalid { name, reason } => write!(f, "the variable {name} is invalid: {reason}"),
            Self::AlreadyRead { name } => {
                write!(f, "the variable {name} has been read: change it before the first read")
            }
            Self::File { path, source } => write!(f, "cannot read {} ({source})", path.display()),
            Self::Syntax { path, line, fault } => write!(f, "{}:{line}: {fault}", path.display()),
        }
    }
}

impl error::Error for EnvironmentError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            Self::Syntax { fault, .. } => Some(fault),
            _ => None,
        }
    }
}
