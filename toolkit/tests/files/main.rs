//! Files: of directories, embedded in the program, and single ones.

mod embedded;
mod ranges;
mod response;
mod site;
mod static_files;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use stelo_toolkit::handler::Endpoint;
use stelo_toolkit::{App, StaticFiles, TestClient};

pub(crate) const WRITABLE: &str = "the folder is ours";

/// A folder of its own for each test, gone at its end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("stelo-files-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect(WRITABLE);
        Self(path)
    }

    /// Writes a file, with the directories above it.
    pub(crate) fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect(WRITABLE);
        fs::write(path, content).expect(WRITABLE);
        self
    }

    pub(crate) fn files(&self) -> StaticFiles {
        StaticFiles::new(self.0.join("root"))
    }

    pub(crate) fn client(&self) -> TestClient {
        mounted(self.files())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A client of an application that has the files at `/st`.
pub(crate) fn mounted(files: impl Endpoint) -> TestClient {
    TestClient::new(App::new().mount("/st", files))
}

pub(crate) fn set_modified(path: &Path, since_1970: Duration) {
    let file = fs::File::options().write(true).open(path).expect(WRITABLE);
    file.set_modified(UNIX_EPOCH + since_1970).expect(WRITABLE);
}
