//! A folder for the files of a case.

use std::fs;
use std::path::PathBuf;

use stelo_tests::On;

/// A folder. Dropping it removes it with its contents.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Creates a folder for a case. The path is short: that of a socket is limited to about 100 bytes.
    pub(crate) fn new(on: On, name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stelo-{}-{on:?}-{name}", std::process::id()));
        fs::create_dir(&path).expect("a folder can be made");
        Self(path)
    }

    /// Returns the path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Returns the path for a socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("s")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind does not make a test fail.
        let _ = fs::remove_dir_all(&self.0);
    }
}
