//! The end of a program that does not start its server.

use std::io::{self, Write};
use std::process::ExitCode;
use std::{error, fmt};

use super::SettingsError;
use crate::{ConfigError, EXIT_STARTUP, EXIT_USAGE};

/// The reason why a program ends before its server starts.
#[derive(Debug)]
pub enum Exit {
    /// The user has asked for this text. It belongs on standard output.
    Answer(String),
    /// The settings are invalid. The error belongs on standard error.
    Refusal(SettingsError),
}

impl Exit {
    /// Returns the exit code of the program.
    pub fn code(&self) -> u8 {
        match self {
            Self::Answer(_) => 0,
            // As in Uvicorn, which does not find the application either.
            Self::Refusal(
                SettingsError::Invalid { error: ConfigError::App { .. }, .. }
                | SettingsError::Program(ConfigError::App { .. }),
            ) => EXIT_STARTUP,
            Self::Refusal(_) => EXIT_USAGE,
        }
    }

    /// Prints the text or the reason, and returns the exit code.
    pub(crate) fn end(&self) -> ExitCode {
        // A closed pipe changes nothing: the program ends in any case.
        let _ = match self {
            Self::Answer(_) => writeln!(io::stdout(), "{self}"),
            Self::Refusal(_) => writeln!(io::stderr(), "{self}"),
        };
        self.code().into()
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(text) => f.write_str(text),
            Self::Refusal(error) => write!(f, "Error: {error}"),
        }
    }
}

impl error::Error for Exit {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Answer(_) => None,
            Self::Refusal(error) => Some(error),
        }
    }
}

impl<E: Into<SettingsError>> From<E> for Exit {
    fn from(error: E) -> Self {
        Self::Refusal(error.into())
    }
}
