//! The bytes of a file as a body: read at once where they are few, else sent by the system as far as it has them in
//! memory, and read on another thread where it has not.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use futures_lite::stream;
use stelo_core::body::{Body, BodyError, Frame, Piece};
use stelo_core::proto::Length;

use super::at_hand;
use crate::request::executor::Executor;

/// Up to this size it costs less to read a file, and to send it with the head of the response, than to have it sent.
pub(super) const SMALL: u64 = 16 << 10;
/// How many bytes of a larger one are sent at a time.
const REGION: u64 = 512 << 10;
/// How many are read at a time.
const PIECE: u64 = 64 << 10;

/// A file as a body refers to it.
pub(super) struct Open(pub(super) File);

/// Reads so many bytes from an offset on.
pub(super) type ReadAt = fn(&File, u64, usize) -> io::Result<Vec<u8>>;

/// The bytes of a range of a file. `read_at` is for those that are read at once.
///
/// # Errors
/// The file cannot be read, or has become shorter.
pub(super) fn of(file: File, range: Range<u64>, executor: Executor, read_at: ReadAt) -> io::Result<Body> {
    let length = range.end - range.start;
    if length <= SMALL {
        return Ok(read_at(&file, range.start, length as usize)?.into());
    }
    let file = Arc::new(Open(file));
    let pieces = stream::try_unfold(range, move |rest| piece(file.clone(), rest, executor.clone()));
    Ok(Body::from_pieces(pieces, Length::Known(length)))
}

/// The first piece of a range, and what is left.
async fn piece(
    file: Arc<Open>,
    Range { start, end }: Range<u64>,
    executor: Executor,
) -> Result<Option<(Piece, Range<u64>)>, BodyError> {
    if start == end {
        return Ok(None);
    }
    let wanted = (end - start).min(REGION);
    if let Some(region) = at_hand::region(&file, start, wanted as usize) {
        return Ok(Some((Piece::Region(region), start + wanted..end)));
    }
    let wanted = wanted.min(PIECE);
    let bytes = executor.run_blocking(move || read(&file.0, start, wanted as usize)).await;
    let bytes = bytes.map_err(|error| BodyError::Other(error.into()))?;
    Ok(Some((Piece::Frame(Frame::Data(bytes.into())), start + wanted..end)))
}

/// Reads so many bytes. Blocks.
///
/// # Errors
/// The file cannot be read, or has become shorter.
pub(super) fn read(mut file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    file.seek(SeekFrom::Start(offset))?;
    file.take(len as u64).read_to_end(&mut bytes)?;
    match bytes.len() < len {
        true => Err(io::Error::new(io::ErrorKind::UnexpectedEof, BodyError::Truncated)),
        false => Ok(bytes),
    }
}
