//! From a name below a directory to a file.
//!
//! Names are relative and normal: no `..`, no empty segments. That is the caller's part; symbolic links are handled
//! here.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Opened, nowait};

/// A directory whose files are served.
#[derive(Clone, Debug)]
pub struct Directory {
    pub(super) path: PathBuf,
    pub(super) follow_symlink: bool,
}

impl Directory {
    /// A directory by its path. It is looked up with each use, since the path may be a symbolic link that is changed
    /// while the server runs.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), follow_symlink: false }
    }

    /// Sets whether symbolic links may lead out of the directory. Default: no.
    pub fn set_follow_symlink(&mut self, follow: bool) {
        self.follow_symlink = follow;
    }

    /// Whether symbolic links may lead out of the directory.
    pub fn follows_symlink(&self) -> bool {
        self.follow_symlink
    }

    /// Looks the directory up. Blocks.
    ///
    /// # Errors
    /// Returns an error if it does not exist, is not a directory, or cannot be read.
    pub fn root(&self) -> Result<Root, DirectoryError> {
        let directory = || self.path.clone();
        let path = match self.path.canonicalize() {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DirectoryError::Missing { directory: directory() });
            }
            Err(error) => return Err(DirectoryError::Unreadable { directory: directory(), error }),
        };
        match path.is_dir() {
            true => Ok(Root { path, follow_symlink: self.follow_symlink }),
            false => Err(DirectoryError::NotADirectory { directory: directory() }),
        }
    }

    /// Opens a regular file, without waiting for a disk. `None` if it does not exist, is not a regular file, or the
    /// system does not have the whole path in memory. `None` too if a symbolic link within the directory leads to it
    /// and links may not lead out: the name of its target decides the media type, and only [`Root::find`] knows it.
    pub fn open_cached(&self, name: &Path) -> Option<Opened> {
        let path = self.path.join(name);
        let opened = Opened::new(nowait::open(self, name, &path)?, path).ok()?;
        opened.metadata.is_file().then_some(opened)
    }
}

/// A directory that was looked up.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    follow_symlink: bool,
}

impl Root {
    /// Finds a file or a directory by its name. Blocks.
    ///
    /// # Errors
    /// Returns `NotFound` if it does not exist, or a symbolic link leads out of the directory and may not; and the
    /// errors of the system.
    pub fn find(&self, name: impl AsRef<Path>) -> io::Result<Found> {
        let mut path = self.path.join(name);
        if !self.follow_symlink {
            path = path.canonicalize()?;
        }
        // Compares whole components: `/srv/files-old` is not below `/srv/files`.
        if !path.starts_with(&self.path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Found { metadata: fs::metadata(&path)?, path })
    }

    /// Lists the regular files and the directories in a directory, at most `limit`, in the order of the system. Leaves
    /// out names that begin with a `.`, and symbolic links that lead out of the directory and may not. Blocks.
    ///
    /// # Errors
    /// Those of [`find`](Self::find), and those of reading the directory.
    pub fn list(&self, name: impl AsRef<Path>, limit: usize) -> io::Result<Vec<Item>> {
        let name = name.as_ref();
        let mut items = Vec::new();
        for entry in fs::read_dir(self.find(name)?.path)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let metadata = match entry.file_type()?.is_symlink() {
                true => self.find(name.join(entry.file_name())).map(|found| found.metadata),
                false => entry.metadata(),
            };
            // An entry that has gone, or is not served, is not listed.
            let Ok(metadata) = metadata else { continue };
            if metadata.is_file() || metadata.is_dir() {
                items.push(Item {
                    name: entry.file_name(),
                    is_dir: metadata.is_dir(),
                    size: metadata.len(),
                    modified: metadata.modified().ok(),
                });
            }
            if items.len() == limit {
                break;
            }
        }
        Ok(items)
    }
}

/// An entry of a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// The name, without a path.
    pub name: OsString,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// The size in bytes.
    pub size: u64,
    /// The time of the last modification, if the system records it.
    pub modified: Option<SystemTime>,
}

/// A file or a directory that was found.
#[derive(Debug)]
pub struct Found {
    path: PathBuf,
    metadata: Metadata,
}

impl Found {
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.metadata.is_dir()
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.metadata.is_file()
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Finds a file or a directory by its whole path. Blocks.
    ///
    /// # Errors
    /// Returns the errors of the system.
    pub fn at(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        Ok(Self { metadata: fs::metadata(&path)?, path })
    }

    /// Opens the file. Blocks.
    ///
    /// # Errors
    /// Returns the errors of the system.
    pub fn open(self) -> io::Result<Opened> {
        Opened::new(fs::File::open(&self.path)?, self.path)
    }
}

/// Why a directory cannot be served.
#[derive(Debug)]
#[non_exhaustive]
pub enum DirectoryError {
    /// It does not exist.
    Missing {
        /// Its path.
        directory: PathBuf,
    },
    /// It is not a directory.
    NotADirectory {
        /// Its path.
        directory: PathBuf,
    },
    /// The system refuses access.
    Unreadable {
        /// Its path.
        directory: PathBuf,
        /// The error of the system.
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

impl Error for DirectoryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { error, .. } => Some(error),
            _ => None,
        }
    }
}
