//! Receives the files of a form into memory, or into a temporary file.
//!
//! All files of a form share one temporary file, so that a form needs one descriptor, and one amount of memory, whatever
//! the number of its files.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use stelo_core::Bytes;
use stelo_os::files::TempFile;

use super::FormLimits;
use crate::request::Executor;

/// The number of bytes that are written to the temporary file at once, so that changing to another thread costs little.
const BATCH: usize = 1 << 20;
/// The most pieces that are written at once.
const PIECES: usize = 256;

/// The content of a file.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Memory(Bytes),
    /// A range of the temporary file of the form.
    File(Arc<TempFile>, Range<u64>),
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, range) => range.end - range.start,
        }
    }
}

/// Takes the files of a form, one after the other.
pub(super) struct Spool {
    executor: Executor,
    directory: PathBuf,
    /// The bytes that may still be kept in memory.
    left: usize,
    /// The current file, while it fits in memory.
    buffer: Vec<u8>,
    /// The bytes of a larger one that are not in the temporary file, as they were received.
    pieces: Vec<Bytes>,
    /// The number of these bytes.
    held: usize,
    /// The offset at which the current file begins in the temporary file, if it is too large for the memory.
    start: Option<u64>,
    file: Option<Arc<TempFile>>,
    /// The length of the temporary file.
    written: u64,
}

impl Spool {
    pub(super) fn new(limits: &FormLimits, executor: Executor) -> Self {
        Self {
            executor,
            directory: limits.directory(),
            left: limits.spool_max_size,
            buffer: Vec::new(),
            pieces: Vec::new(),
            held: 0,
            start: None,
            file: None,
            written: 0,
        }
    }

    /// Takes bytes of the current file.
    pub(super) async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        if self.start.is_none() {
            if self.buffer.len() + bytes.len() <= self.left {
                self.buffer.extend_from_slice(&bytes);
                return Ok(());
            }
            self.start = Some(self.written);
            self.held = self.buffer.len();
            self.pieces.push(std::mem::take(&mut self.buffer).into());
        }
        self.held += bytes.len();
        self.pieces.push(bytes);
        match self.held >= BATCH || self.pieces.len() >= PIECES {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    /// Ends the current file. The next bytes belong to another one.
    pub(super) async fn end(&mut self) -> io::Result<Content> {
        let Some(start) = self.start else {
            self.left -= self.buffer.len();
            return Ok(Content::Memory(std::mem::take(&mut self.buffer).into()));
        };
        if self.held > 0 {
            self.flush().await?;
        }
        self.start = None;
        let file = self.file.clone().ok_or(io::ErrorKind::NotFound)?;
        Ok(Content::File(file, start..self.written))
    }

    /// Writes the pieces to the temporary file, on a thread for blocking work.
    ///
    /// The work owns the file: if the request is dropped in the meantime, the file is closed when the work ends.
    async fn flush(&mut self) -> io::Result<()> {
        let (file, directory) = (self.file.take(), self.directory.clone());
        let mut pieces = std::mem::take(&mut self.pieces);
        self.written += std::mem::take(&mut self.held) as u64;
        let work = move || {
            let file = match file {
                Some(file) => file,
                None => Arc::new(TempFile::create_in(&directory)?),
            };
            let mut slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
            file.append_vectored(&mut slices)?;
            pieces.clear();
            io::Result::Ok((file, pieces))
        };
        let (file, pieces) = self.executor.run_blocking(work).await?;
        (self.file, self.pieces) = (Some(file), pieces);
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use futures_lite::future::block_on;
    use stelo_core::app::{self, BoxFuture};

    use super::*;

    struct AtOnce;

    impl app::Executor for AtOnce {
        fn spawn(&self, _: BoxFuture<()>) {}

        fn sleep(&self, _: std::time::Duration) -> BoxFuture<()> {
            Box::pin(std::future::pending())
        }

        fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
            work();
        }
    }

    #[test]
    fn a_full_disk_is_reported() {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
        let mut spool = Spool::new(&FormLimits::new(), Executor::new(Arc::new(AtOnce)));
        (spool.file, spool.left) = (Some(Arc::new(full.into())), 0);
        block_on(spool.write("x".into())).expect("a small piece waits in memory");
        assert_eq!(block_on(spool.end()).expect_err("the disk is full").kind(), io::ErrorKind::StorageFull);
    }
}
