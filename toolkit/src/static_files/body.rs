//! The bytes of a file as a body: the first piece read at once, the others when they are wanted.
//!
//! A file that fits into one piece has cost a single visit to a thread that may block, opening it included. Other ways
//! to send a file (from memory, by the kernel) will stand here.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use futures_lite::{StreamExt, stream};
use stelo_core::body::{Body, BodyError, Frame};
use stelo_core::event::Length;

use crate::executor::Executor;

/// How many bytes are read at a time.
const PIECE: u64 = 64 * 1024;

/// The bytes of a range of a file. Blocks for the first piece.
///
/// # Errors
/// The file cannot be read, or has become shorter.
pub(super) fn of(mut file: File, range: Range<u64>, executor: Executor) -> io::Result<Body> {
    let length = range.end - range.start;
    if range.start > 0 {
        file.seek(SeekFrom::Start(range.start))?;
    }
    let mut pieces = Pieces { file, left: length };
    let first = pieces.read()?;
    if pieces.left == 0 {
        return Ok(first.into());
    }
    let rest = stream::try_unfold(pieces, move |mut pieces| {
        let executor = executor.clone();
        async move {
            if pieces.left == 0 {
                return Ok(None);
            }
            let read = move || pieces.read().map(|piece| Some((Frame::Data(piece.into()), pieces)));
            executor.run_blocking(read).await.map_err(|error| BodyError::Other(error.into()))
        }
    });
    let frames = stream::once(Ok(Frame::Data(first.into()))).chain(rest);
    Ok(Body::from_frames(frames, Length::Known(length)))
}

/// What is left to read.
struct Pieces {
    file: File,
    left: u64,
}

impl Pieces {
    /// The next piece: always a whole one, but for the last.
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let wanted = self.left.min(PIECE);
        // At most 64 KiB, so it is a `usize`.
        let mut piece = Vec::with_capacity(wanted as usize);
        let read = (&self.file).take(wanted).read_to_end(&mut piece)?;
        if (read as u64) < wanted {
            let message = "the file has become shorter while it was being sent";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        self.left -= wanted;
        Ok(piece)
    }
}
