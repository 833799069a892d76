//! `TemplateError`: what is wrong with a template, in one line.

use std::fmt;
use std::path::PathBuf;

use minijinja::ErrorKind;
use stelo_toolkit::{HttpError, Status};

/// An error of a template: the template, its line and the fault, in one line.
#[derive(Debug)]
#[non_exhaustive]
pub enum TemplateError {
    /// A directory of templates does not exist.
    NoDirectory(PathBuf),
    /// A template is missing, invalid, or fails.
    Template(minijinja::Error),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDirectory(path) => {
                write!(f, "there is no directory {} with templates: create it", path.display())
            }
            Self::Template(error) if error.kind() == ErrorKind::TemplateNotFound => {
                f.write_str(error.detail().unwrap_or("the template does not exist"))
            }
            Self::Template(error) => {
                if let Some(name) = error.name() {
                    write!(f, "{name}:{}: ", error.line().unwrap_or(1))?;
                }
                write!(f, "{}", error.kind())?;
                error.detail().map_or(Ok(()), |detail| write!(f, ": {detail}"))
            }
        }
    }
}

impl std::error::Error for TemplateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Template(error) => std::error::Error::source(error),
            Self::NoDirectory(_) => None,
        }
    }
}

impl From<minijinja::Error> for TemplateError {
    fn from(error: minijinja::Error) -> Self {
        Self::Template(error)
    }
}

impl From<TemplateError> for HttpError {
    /// An error of status 500, which is logged.
    fn from(error: TemplateError) -> Self {
        Self::new(Status::INTERNAL_SERVER_ERROR).with_source(error)
    }
}
