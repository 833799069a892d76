//! The tree of files in directories of the file system.

use std::borrow::Cow;
use std::path::Path;

use stelo_os::files::{Directory, Found, Item, Opened, Reason, Root};

use super::answer::Refused;
use super::listing::{self, MOST};
use super::path::FilePath;
use super::rules::{Node, Rules, Tree, index};

/// The directories of the files, and what their paths mean.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    /// At least one. A file of the first directory hides those of its name in the others.
    pub(super) directories: Vec<Directory>,
    pub(super) rules: Rules,
    /// Whether a missing directory is reported when the application is built.
    pub(super) check_dir: bool,
}

impl Lookup {
    /// Looks up the directories. Blocks.
    pub(super) fn roots(&self) -> Result<Roots, Refused> {
        Ok(Roots(self.directories.iter().map(Directory::root).collect::<Result<_, _>>()?))
    }

    /// Returns the name of the file that a path names, if it is a file: that of the index page for a directory.
    pub(super) fn name<'a>(&self, path: &'a FilePath) -> Cow<'a, Path> {
        match path.slash && self.rules.html {
            true => index(path).into(),
            false => path.as_path().into(),
        }
    }

    /// Opens the file at a path of the first directory, if that does not wait for a disk.
    pub(super) fn open_cached(&self, path: &FilePath) -> Option<Opened> {
        let directory = self.directories.first()?;
        match path.slash {
            false => directory.open_cached(path.as_path()),
            true if self.rules.html => directory.open_cached(&index(path)),
            true => None,
        }
    }
}

/// Directories that were looked up.
pub(super) struct Roots(Vec<Root>);

impl Tree for Roots {
    type File = Found;

    fn find(&self, name: &Path) -> Result<Option<Node<Found>>, Refused> {
        for root in &self.0 {
            match root.find(name) {
                Ok(found) if found.is_file() => return Ok(Some(Node::File(found))),
                Ok(found) if found.is_dir() => return Ok(Some(Node::Directory)),
                Ok(_) => return Ok(None),
                Err(error) if Reason::of(&error) == Reason::Missing => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    fn list(&self, name: &Path) -> Result<Vec<Item>, Refused> {
        let mut items = Vec::new();
        for root in &self.0 {
            match root.list(name, MOST) {
                Ok(found) => found.into_iter().for_each(|item| listing::add(&mut items, item)),
                Err(error) if Reason::of(&error) == Reason::Missing => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(items)
    }
}
