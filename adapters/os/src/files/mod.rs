//! Files that are served from a directory: finding them, reading them, and noticing that they have changed.
//!
//! Each operation has a variant that never waits for a disk, so that it can run on the thread of an executor. It works
//! only with what the system has in memory. Only Linux offers this: `RESOLVE_CACHED` of openat2(2), and `RWF_NOWAIT` of
//! preadv2(2). Elsewhere that variant fails always, and the caller uses the blocking one on another thread.
//!
//! | file | contents |
//! |---|---|
//! | `directory.rs` | from a name to a file: symbolic links, and the bounds of the directory |
//! | `version.rs` | whether a file has changed |
//! | `reason.rs` | why a file cannot be served |
//! | `temporary.rs` | temporary files, and files that are replaced as a whole |
//! | `linux.rs`, `other.rs` | the calls that do not wait |

mod directory;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;
mod reason;
mod temporary;
#[cfg(test)]
mod tests;
mod version;

use std::fs::Metadata;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stelo_core::body::{BodyError, Region};

#[cfg(target_os = "linux")]
use linux as nowait;
#[cfg(not(target_os = "linux"))]
use other as nowait;

pub use directory::{Directory, DirectoryError, Found, Item, Root};
pub use reason::Reason;
pub use temporary::{TempFile, save};
pub use version::Version;

/// An open file, with what was true of it when it was opened.
#[derive(Debug)]
pub struct Opened {
    /// The file.
    pub file: File,
    /// The metadata of the open file. Another file may have its path by now.
    pub metadata: Metadata,
    /// The path by which it was opened.
    pub path: PathBuf,
}

impl Opened {
    fn new(file: std::fs::File, path: PathBuf) -> io::Result<Self> {
        Ok(Self { metadata: file.metadata()?, file: File(file), path })
    }

    /// Opens the regular file at a path, without waiting for a disk. `None` if there is none, or the system does not have
    /// the whole path in memory.
    pub fn cached(path: &Path) -> Option<Self> {
        // With links allowed, only the path counts.
        let mut anywhere = Directory::new(PathBuf::new());
        anywhere.set_follow_symlink(true);
        let opened = Self::new(nowait::open(&anywhere, path, path)?, path.to_owned()).ok()?;
        opened.metadata.is_file().then_some(opened)
    }
}

/// A file that is open for reading. A [`Region`] of it is sent by the system where the system can.
///
/// ```
/// use stelo_os::files::File;
///
/// let file = File::from(std::fs::File::open("Cargo.toml")?);
/// assert_eq!(file.read(0, 9)?, b"[package]");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct File(std::fs::File);

impl From<std::fs::File> for File {
    fn from(file: std::fs::File) -> Self {
        Self(file)
    }
}

impl File {
    /// Reads `len` bytes from `offset` on. Blocks.
    ///
    /// # Errors
    /// Returns `UnexpectedEof` if the file is shorter, and the errors of the system.
    pub fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(len);
        let mut file = &self.0;
        file.seek(SeekFrom::Start(offset))?;
        file.take(len as u64).read_to_end(&mut bytes)?;
        match bytes.len() < len {
            true => Err(io::Error::new(io::ErrorKind::UnexpectedEof, BodyError::Truncated)),
            false => Ok(bytes),
        }
    }

    /// Reads `len` bytes from `offset` on, without waiting for a disk.
    ///
    /// # Errors
    /// Returns `WouldBlock` if some of the bytes are not in memory, or do not exist.
    pub fn read_cached(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        match nowait::read(&self.0, &mut bytes, offset) {
            Ok(n) if n == len => Ok(bytes),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Returns a range of the file if its first and its last byte are in memory. The system reads ahead, so the bytes
    /// between them most likely are too.
    pub fn cached_region(self: &Arc<Self>, offset: u64, len: usize) -> Option<Region> {
        let is_cached = |offset| matches!(nowait::read(&self.0, &mut [0], offset), Ok(1));
        let cached = is_cached(offset) && is_cached(offset + (len as u64).saturating_sub(1));
        cached.then(|| Region::new(self.clone(), offset, len))
    }
}

impl stelo_core::body::File for File {
    #[cfg(unix)]
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, stelo_core::app::BoxError> {
        Ok(std::os::unix::fs::FileExt::read_at(&self.0, buf, offset)?)
    }

    #[cfg(not(unix))]
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, stelo_core::app::BoxError> {
        let mut file = &self.0;
        file.seek(SeekFrom::Start(offset))?;
        Ok(file.read(buf)?)
    }

    #[cfg(unix)]
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        Some(std::os::fd::AsFd::as_fd(&self.0))
    }
}
