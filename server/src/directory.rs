//! The working directory. Settings are read in that of the start, and everything else happens in that of `--chdir`.

use std::env;
use std::path::{Path, PathBuf};

use crate::ServeError;
use crate::config::Process;

/// The directory in which the program was started; `None` if it no longer exists.
#[derive(Clone, Debug)]
pub(crate) struct Start(Option<PathBuf>);

impl Start {
    /// Takes the working directory of the process.
    pub(crate) fn here() -> Self {
        Self(env::current_dir().ok())
    }

    /// Returns the directory.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    /// Changes to the directory of `--chdir`, which may be relative to that of the start.
    ///
    /// # Errors
    /// There is no such directory, or the process may not enter it.
    pub(crate) fn leave(&self, process: &Process) -> Result<(), ServeError> {
        let Some(path) = &process.chdir else { return Ok(()) };
        env::set_current_dir(path).map_err(|source| ServeError::Directory { path: path.clone(), source })
    }

    /// Does something in the directory of the start. Stays there if it succeeds, and returns to the present one if not.
    pub(crate) fn within<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let here = Self::here();
        self.enter();
        let result = work();
        if result.is_err() {
            here.enter();
        }
        result
    }

    /// Changes to the directory. If it is gone, relative paths of settings lead nowhere in any case.
    fn enter(&self) {
        self.0.iter().for_each(|path| drop(env::set_current_dir(path)));
    }
}
