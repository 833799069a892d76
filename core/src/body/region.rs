//! Stretches of files: pieces of a body that a server can have the system send, without reading them.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::any::Any;
use core::error::Error;
use core::fmt;

use super::BodyError;

/// An open file, as a body refers to it.
pub trait File: Send + Sync + 'static {
    /// Reads into `buf` what stands at `offset`, and says how much; 0 at the end of the file.
    ///
    /// # Errors
    /// Those of the system.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, Box<dyn Error + Send + Sync>>;

    /// What a server needs that sends it by the system: a [`std::fs::File`], or else something that it does not know,
    /// which is then read.
    ///
    /// [`std::fs::File`]: https://doc.rust-lang.org/std/fs/struct.File.html
    fn as_any(&self) -> &dyn Any;
}

/// A stretch of a file. It should be in memory, so that neither sending nor reading it waits for a disk.
#[derive(Clone)]
pub struct Region {
    file: Arc<dyn File>,
    offset: u64,
    len: usize,
}

impl Region {
    /// How much is read at a time where it has to be read.
    const READ: usize = 64 << 10;

    /// `len` bytes from `offset` on.
    pub fn new(file: Arc<dyn File>, offset: u64, len: usize) -> Self {
        Self { file, offset, len }
    }

    /// The file.
    pub fn file(&self) -> &dyn File {
        &*self.file
    }

    /// Where it begins in the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Drops the first `n` bytes, or all if there are fewer.
    pub fn advance(&mut self, n: usize) {
        let n = n.min(self.len);
        self.offset += n as u64;
        self.len -= n;
    }

    /// Reads the first bytes, 64 KiB at most, never none unless there are none; they stay in the region.
    ///
    /// # Errors
    /// The file cannot be read, or has become shorter.
    pub fn read(&self) -> Result<Vec<u8>, BodyError> {
        let mut bytes = vec![0; self.len.min(Self::READ)];
        let n = self.file.read_at(&mut bytes, self.offset).map_err(BodyError::Other)?;
        if n == 0 && !bytes.is_empty() {
            return Err(BodyError::Truncated);
        }
        bytes.truncate(n);
        Ok(bytes)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({} bytes at {})", self.len, self.offset)
    }
}
