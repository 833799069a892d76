//! From a path to a file: symbolic links, directories and their index pages.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::Refused;
use super::path::FilePath;

/// Where files are looked for, and how.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    pub(super) directory: PathBuf,
    pub(super) html: bool,
    pub(super) follow_symlinks: bool,
}

/// A file, open to be read.
pub(super) struct Opened {
    pub(super) file: File,
    /// What is true of this file, whatever has come to stand in its place.
    pub(super) metadata: Metadata,
    /// The name by which it was opened.
    pub(super) path: PathBuf,
}

impl Opened {
    pub(super) fn new(file: File, path: PathBuf) -> io::Result<Self> {
        Ok(Self { metadata: file.metadata()?, file, path })
    }
}

impl Lookup {
    /// The directory, as it is right now: it may be a link that is pointed elsewhere while the server runs.
    pub(super) fn root(&self) -> Result<PathBuf, DirectoryError> {
        let directory = || self.directory.clone();
        let root = match self.directory.canonicalize() {
            Ok(root) => root,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DirectoryError::Missing { directory: directory() });
            }
            Err(error) => return Err(DirectoryError::Unreadable { directory: directory(), error }),
        };
        match root.is_dir() {
            true => Ok(root),
            false => Err(DirectoryError::NotADirectory { directory: directory() }),
        }
    }

    /// The file that a path means; `None` for a directory with an index page, where the path lacks the `/` at its end.
    /// What is neither is not found. Blocks.
    pub(super) fn find(&self, path: &FilePath) -> Result<Option<Opened>, Refused> {
        let root = self.root()?;
        let (target, metadata) = self.resolve(&root, &root.join(path.as_str()))?;
        if metadata.is_dir() && self.html {
            let (index, metadata) = self.resolve(&root, &target.join("index.html"))?;
            return match (metadata.is_file(), path.slash) {
                (true, true) => Ok(Some(Opened::new(File::open(&index)?, index)?)),
                (true, false) => Ok(None),
                (false, _) => Err(not_found()),
            };
        }
        match metadata.is_file() && !path.slash {
            true => Ok(Some(Opened::new(File::open(&target)?, target)?)),
            false => Err(not_found()),
        }
    }

    /// Follows the links of a path, and looks whether it has stayed below the root where it must.
    fn resolve(&self, root: &Path, path: &Path) -> Result<(PathBuf, Metadata), Refused> {
        let path = match self.follow_symlinks {
            true => path.to_owned(),
            false => path.canonicalize()?,
        };
        // By whole components: `/srv/files-old` does not stand below `/srv/files`.
        if !path.starts_with(root) {
            return Err(not_found());
        }
        let metadata = fs::metadata(&path)?;
        Ok((path, metadata))
    }
}

fn not_found() -> Refused {
    io::Error::from(io::ErrorKind::NotFound).into()
}

/// Why a directory cannot be served.
#[derive(Debug)]
#[non_exhaustive]
pub enum DirectoryError {
    /// There is nothing of that name.
    Missing {
        /// The name.
        directory: PathBuf,
    },
    /// It is something else.
    NotADirectory {
        /// The name.
        directory: PathBuf,
    },
    /// The system does not let us look.
    Unreadable {
        /// The name.
        directory: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { directory } => {
                write!(
                    f,
                    "the directory `{}` does not exist: create it, or name another",
                    directory.display()
                )
            }
            Self::NotADirectory { directory } => {
                write!(f, "`{}` is not a directory: name one that holds the files", directory.display())
            }
            Self::Unreadable { directory, error } => {
                write!(f, "the directory `{}` cannot be read: {error}", directory.display())
            }
        }
    }
}

impl std::error::Error for DirectoryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { error, .. } => Some(error),
            _ => None,
        }
    }
}
