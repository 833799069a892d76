//! A temporary folder for the socket files of tests.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// A new temporary folder. Dropping it removes the folder.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Creates the folder.
    ///
    /// # Panics
    /// Panics if the directory for temporary files is not writable.
    #[expect(clippy::new_without_default, reason = "it creates a folder on disk")]
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("stelo-{}-{number}", process::id()));
        fs::create_dir(&path).expect("the folder for temporary files can be written to");
        Self(path)
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns a path for a socket in the folder. The file does not exist yet.
    pub fn socket(&self) -> PathBuf {
        self.path().join("socket")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
