//! Sends ranges of files: by the system if it can, otherwise by reading and writing.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use stelo_core::body::{BodyError, Region};
use stelo_runtime::Stream;

/// Writes part of `before` and of the region that follows. Never ready with 0.
///
/// # Errors
/// The connection fails, or the file, which then is the cause: the body is shorter than its `content-length`.
pub(super) fn poll_send<S: Stream>(
    io: &mut S,
    cx: &mut Context<'_>,
    before: &[IoSlice<'_>],
    region: &Region,
) -> Poll<io::Result<usize>> {
    if let Some(file) = region.file().descriptor() {
        match io.poll_send_file(cx, before, file, region.offset(), region.len()) {
            Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::Error::other(BodyError::Truncated))),
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            sent => return sent,
        }
    }
    match before {
        [] => match region.read() {
            Ok(bytes) => io.poll_write(cx, &bytes),
            Err(error) => Poll::Ready(Err(io::Error::other(error))),
        },
        [slice, ..] => io.poll_write(cx, slice),
    }
}
