//! A folder for the files of a case, gone at its end.

use std::fs;
use std::path::PathBuf;

use stelo_tests::On;

/// A folder; removed with all that is in it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// One for each case: the path of a socket has room for about a hundred bytes.
    pub(crate) fn new(on: On, name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stelo-{}-{on:?}-{name}", std::process::id()));
        fs::create_dir(&path).expect("a folder can be made");
        Self(path)
    }

    /// The path of something in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where a socket goes.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("s")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}
