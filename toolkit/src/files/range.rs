//! From the `Range` and `If-Range` fields of a request to the parts of the file to send.

use std::ops::Range;

use stelo_core::http::range::{self, InvalidRange, Selection};
use stelo_core::http::{Headers, Status};

use super::answer::put;
use super::byteranges::ByteRanges;
use super::validators::Validators;
use crate::response::HttpError;

/// The parts of a file to send.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Selected {
    /// The whole file, or a range of it.
    Part(Range<u64>),
    /// Several ranges, as `multipart/byteranges`.
    Parts(ByteRanges),
}

impl Selected {
    /// The length of the body in bytes.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Part(range) => range.end - range.start,
            Self::Parts(parts) => parts.len(),
        }
    }
}

/// Returns the ranges that a GET or HEAD request selects of a file of `size` bytes. `None` for the whole file.
///
/// # Errors
/// 400 if the field is malformed, 416 if a range is outside the file.
pub(super) fn select(
    headers: &Headers,
    file: &Validators,
    size: u64,
) -> Result<Option<Vec<Range<u64>>>, HttpError> {
    let mut values = headers.get_all("range");
    let value = match (values.next(), values.next()) {
        (Some(value), None) if file.allow_range(headers) => value,
        _ => return Ok(None),
    };
    match range::select(value, size) {
        Ok(Selection::Ranges(ranges)) => Ok(Some(ranges)),
        Ok(Selection::Whole) => Ok(None),
        Err(error) => Err(refuse(error, size)),
    }
}

fn refuse(error: InvalidRange, size: u64) -> HttpError {
    let mut refused = match error {
        InvalidRange::Unsatisfiable => HttpError::new(Status::RANGE_NOT_SATISFIABLE).with_detail(""),
        other => HttpError::new(Status::BAD_REQUEST).with_detail(other.to_string()),
    };
    put(&mut refused.headers, "accept-ranges", "bytes");
    if error == InvalidRange::Unsatisfiable {
        put(&mut refused.headers, "content-range", format!("bytes */{size}"));
    }
    refused
}
