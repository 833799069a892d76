//! The file with the number of the process, for programs that send it signals.
//!
//! Written to a file beside it and renamed, so that readers see a whole number. During an upgrade the new supervisor has
//! `FILE.2`, as in Gunicorn, and renames it once it takes over.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use stelo_os::process::is_running;

use crate::ServeError;

/// A file with the number of this process. Dropping it removes the file, unless it names another process by then.
#[derive(Debug)]
pub(crate) struct PidFile {
    /// The path of the file.
    path: PathBuf,
    /// The path that it has after an upgrade.
    wanted: PathBuf,
}

impl PidFile {
    /// Writes the file; for an upgrade `FILE.2`.
    ///
    /// # Errors
    /// The file names a process that runs, or cannot be written.
    pub(crate) fn create(path: &Path, upgrades: bool) -> Result<Self, ServeError> {
        let fail = |source| ServeError::PidFile { path: path.into(), source };
        // A later change of the working directory does not move the file.
        let wanted = std::path::absolute(path).map_err(fail)?;
        let path = if upgrades { with(&wanted, ".2") } else { wanted.clone() };
        let file = Self { path, wanted };
        match read(&file.path).map_err(fail)? {
            // In a container each start has the same number.
            Some(process) if process != std::process::id() && is_running(process) => {
                // The file is that of the other process.
                let path = std::mem::take(&mut { file }.path);
                return Err(ServeError::Running { path, process });
            }
            _ => {}
        }
        file.write().map_err(fail)?;
        Ok(file)
    }

    fn write(&self) -> io::Result<()> {
        let temporary = with(&self.path, ".new");
        fs::write(&temporary, format!("{}\n", std::process::id()))?;
        fs::rename(&temporary, &self.path)
    }

    /// Moves the file of a new supervisor to its place.
    ///
    /// # Errors
    /// Returns the errors of the system.
    pub(crate) fn take_over(&mut self) -> io::Result<()> {
        if self.path != self.wanted {
            fs::rename(&self.path, &self.wanted)?;
            self.path.clone_from(&self.wanted);
        }
        Ok(())
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if matches!(read(&self.path), Ok(Some(process)) if process == std::process::id()) {
            // `drop` cannot report an error.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Reads the number of a file; `None` without a file, or without a number in it.
fn read(path: &Path) -> io::Result<Option<u32>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut path: OsString = path.into();
    path.push(suffix);
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_names_the_process_until_it_ends() {
        let path = std::env::temp_dir().join(format!("stelo-pid-{}", std::process::id()));
        let number = |path: &Path| read(path).unwrap();
        // A process of this number cannot exist.
        fs::write(&path, "4294967295\n").unwrap();
        let old = PidFile::create(&path, false).unwrap();
        assert_eq!(number(&path), Some(std::process::id()));

        let second = with(&path, ".2");
        let mut new = PidFile::create(&path, true).unwrap();
        assert_eq!(number(&second), Some(std::process::id()));
        new.take_over().unwrap();
        assert_eq!(number(&second), None);
        // The file is that of the new process, which here has the same number as the old one.
        fs::write(&path, "1").unwrap();
        drop((old, new));
        assert_eq!(number(&path), Some(1));

        let error = PidFile::create(&path, false).unwrap_err();
        let line =
            format!("the process 1 of {} is running: stop it, or choose another --pid", path.display());
        assert_eq!((error.to_string(), error.exit_code()), (line, 3));
        assert_eq!(number(&path), Some(1));
        fs::remove_file(&path).unwrap();

        let error = PidFile::create(Path::new("/no/such/directory/pid"), false).unwrap_err().to_string();
        assert!(error.starts_with("cannot write /no/such/directory/pid (") && error.ends_with("check --pid"));
    }
}
