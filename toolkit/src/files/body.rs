//! The bytes of a file as a body. A few bytes are read at once. The system sends more as far as they are in memory; the
//! rest is read on another thread.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::vec;

use futures_lite::stream;
use stelo_core::Bytes;
use stelo_core::body::Length;
use stelo_core::body::{Body, BodyError, Frame, Piece};
use stelo_os::files::File;

use super::byteranges::{ByteRanges, Step};
use super::range::Selected;
use crate::request::Executor;

/// Up to this size in bytes, reading a file and sending it with the head of the response is faster than `sendfile`.
pub(super) const SMALL: u64 = 16 << 10;
/// The size of the ranges of a larger file, in bytes.
const REGION: u64 = 512 << 10;
/// The size of the pieces that are read, in bytes.
const PIECE: u64 = 64 << 10;

/// Reads a number of bytes from an offset on.
pub(super) type Read = fn(&File, u64, usize) -> io::Result<Vec<u8>>;

/// Returns the selected bytes of a file. `read` is for a body that is read at once.
///
/// # Errors
/// Returns an error if the file cannot be read, or has become shorter.
pub(super) fn of(file: File, selected: Selected, executor: Executor, read: Read) -> io::Result<Body> {
    match selected {
        Selected::Part(range) if range.end - range.start <= SMALL => {
            Ok(read(&file, range.start, (range.end - range.start) as usize)?.into())
        }
        selected => Ok(streamed(file, selected, executor)),
    }
}

/// Returns the selected bytes of a file, which are read when they are sent.
pub(super) fn streamed(file: File, selected: Selected, executor: Executor) -> Body {
    let (file, length) = (Arc::new(file), Length::Known(selected.len()));
    match selected {
        Selected::Part(range) => {
            let pieces = stream::try_unfold(range, move |rest| piece(file.clone(), rest, executor.clone()));
            Body::from_pieces(pieces, length)
        }
        Selected::Parts(parts) => Body::from_pieces(parts_of(file, parts, executor), length),
    }
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

/// Returns the pieces of several ranges, with the texts between them.
fn parts_of(
    file: Arc<File>,
    parts: ByteRanges,
    executor: Executor,
) -> impl stream::Stream<Item = Result<Piece, BodyError>> + Send {
    let start = (parts.steps().into_iter(), 0..0);
    stream::try_unfold(start, move |(steps, rest)| next(file.clone(), steps, rest, executor.clone()))
}

/// The position in the body of several ranges: the steps to come, and the rest of the current range.
type Position = (vec::IntoIter<Step>, Range<u64>);

async fn next(
    file: Arc<File>,
    mut steps: vec::IntoIter<Step>,
    mut rest: Range<u64>,
    executor: Executor,
) -> Result<Option<(Piece, Position)>, BodyError> {
    if rest.is_empty() {
        match steps.next() {
            None => return Ok(None),
            Some(Step::Text(text)) => return Ok(Some((Piece::Frame(Frame::Data(text)), (steps, rest)))),
            Some(Step::Range(range)) => rest = range,
        }
    }
    let piece = piece(file, rest, executor).await?;
    Ok(piece.map(|(piece, rest)| (piece, (steps, rest))))
}

/// Returns the selected bytes of content in memory, without a copy.
pub(super) fn in_memory(content: Bytes, selected: Selected) -> Body {
    // The content is in memory, so the numbers fit.
    let slice = |content: &Bytes, range: Range<u64>| content.slice(range.start as usize..range.end as usize);
    let length = Length::Known(selected.len());
    match selected {
        Selected::Part(range) if range.end - range.start == content.len() as u64 => content.into(),
        Selected::Part(range) => slice(&content, range).into(),
        Selected::Parts(parts) => {
            let frames = parts.steps().into_iter().map(move |step| {
                Ok(Frame::Data(match step {
                    Step::Text(text) => text,
                    Step::Range(range) => slice(&content, range),
                }))
            });
            Body::from_frames(stream::iter(frames), length)
        }
    }
}
