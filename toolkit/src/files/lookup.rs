//! Finds the file of a path: index pages, and redirects for directories without a `/` at the end.

use std::path::PathBuf;

use stelo_os::files::{Directory, Opened};

use super::Refused;
use super::path::FilePath;

/// The index page of a directory.
pub(super) const INDEX: &str = "index.html";

/// The directory of the files, and whether index pages are served.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    pub(super) directory: Directory,
    pub(super) html: bool,
    /// The charset in the content type of texts.
    pub(super) charset: Option<&'static str>,
}

impl Lookup {
    /// Opens the file at a path. `None` for a directory with an index page, if the path has no `/` at its end. Blocks.
    pub(super) fn open(&self, path: &FilePath) -> Result<Option<Opened>, Refused> {
        let root = self.directory.root()?;
        let found = root.find(path.as_path())?;
        if found.is_dir() && self.html {
            let index = root.find(index(path))?;
            return match (index.is_file(), path.slash) {
                (true, true) => Ok(Some(index.open()?)),
                (true, false) => Ok(None),
                (false, _) => Err(Refused::not_found()),
            };
        }
        match found.is_file() && !path.slash {
            true => Ok(Some(found.open()?)),
            false => Err(Refused::not_found()),
        }
    }

    /// Opens the file at a path, if that does not wait for a disk.
    pub(super) fn open_cached(&self, path: &FilePath) -> Option<Opened> {
        match path.slash {
            false => self.directory.open_cached(path.as_path()),
            true if self.html => self.directory.open_cached(&index(path)),
            true => None,
        }
    }
}

fn index(path: &FilePath) -> PathBuf {
    path.as_path().join(INDEX)
}
