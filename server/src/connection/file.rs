//! Sends ranges of files: by the system if it can, otherwise by reading and writing.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use stelo_core::body::{BodyError, Region};
use stelo_runtime::Stream;
use tracing::error;

use crate::log::SERVER;

/// Writes part of `before` and of the region that follows. Never ready with 0.
pub(super) fn poll_send<S: Stream>(
    io: &mut S,
    cx: &mut Context<'_>,
    before: &[IoSlice<'_>],
    region: &Region,
) -> Poll<io::Result<usize>> {
    if let Some(file) = region.file().descriptor() {
        match io.poll_send_file(cx, before, file, region.offset(), region.len()) {
            Poll::Ready(Ok(0)) => return Poll::Ready(Err(cut_off(BodyError::Truncated))),
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            sent => return sent,
        }
    }
    match before {
        [] => match region.read() {
            Ok(bytes) => io.poll_write(cx, &bytes),
            Err(error) => Poll::Ready(Err(cut_off(error))),
        },
        [slice, ..] => io.poll_write(cx, slice),
    }
}

/// The body is shorter than its `content-length`: the connection is aborted.
fn cut_off(error: BodyError) -> io::Error {
    error!(target: SERVER, "Response cut off: {error}");
    io::Error::other(error)
}
