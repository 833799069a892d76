//! The bytes of a file as a body. A few bytes are read at once. The system sends more as far as they are in memory; the
//! rest is read on another thread.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use futures_lite::stream;
use stelo_core::body::Length;
use stelo_core::body::{Body, BodyError, Frame, Piece};
use stelo_os::files::File;

use crate::request::Executor;

/// Up to this size in bytes, reading a file and sending it with the head of the response is faster than `sendfile`.
pub(super) const SMALL: u64 = 16 << 10;
/// The size of the ranges of a larger file, in bytes.
const REGION: u64 = 512 << 10;
/// The size of the pieces that are read, in bytes.
const PIECE: u64 = 64 << 10;

/// Reads a number of bytes from an offset on.
pub(super) type Read = fn(&File, u64, usize) -> io::Result<Vec<u8>>;

/// Returns the bytes of a range of a file. `read` is for a body that is read at once.
///
/// # Errors
/// Returns an error if the file cannot be read, or has become shorter.
pub(super) fn of(file: File, range: Range<u64>, executor: Executor, read: Read) -> io::Result<Body> {
    let length = range.end - range.start;
    if length <= SMALL {
        return Ok(read(&file, range.start, length as usize)?.into());
    }
    let file = Arc::new(file);
    let pieces = stream::try_unfold(range, move |rest| piece(file.clone(), rest, executor.clone()));
    Ok(Body::from_pieces(pieces, Length::Known(length)))
}

/// Returns the first piece of a range, and the rest of the range.
async fn piece(
    file: Arc<File>,
    Range { start, end }: Range<u64>,
    executor: Executor,
) -> Result<Option<(Piece, Range<u64>)>, BodyError> {
    if start == end {
        return Ok(None);
    }
    let wanted = (end - start).min(REGION);
    if let Some(region) = file.cached_region(start, wanted as usize) {
        return Ok(Some((Piece::Region(region), start + wanted..end)));
    }
    let wanted = wanted.min(PIECE);
    let bytes = executor.run_blocking(move || file.read(start, wanted as usize)).await;
    let bytes = bytes.map_err(|error| BodyError::Other(error.into()))?;
    Ok(Some((Piece::Frame(Frame::Data(bytes.into())), start + wanted..end)))
}
