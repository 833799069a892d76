//! The responses to forms that are malformed or exceed a limit. The texts of Starlette's errors are Starlette's.

use std::borrow::Cow;
use std::io;

use stelo_core::http::Status;
use stelo_core::multipart::{Error, ErrorKind};
use stelo_os::files::Reason;

use super::FormLimits;
use crate::response::HttpError;

/// Returns the response to a body that the parser has rejected.
pub(super) fn of_parser(error: Error, limits: &FormLimits) -> HttpError {
    match error.kind {
        ErrorKind::BoundaryMissing => bad("Missing boundary in multipart."),
        ErrorKind::NameMissing => bad("The Content-Disposition header field \"name\" must be provided."),
        ErrorKind::TooManyFields => too_many("fields", limits.max_fields),
        ErrorKind::TooManyFiles => too_many("files", limits.max_files),
        ErrorKind::FieldTooLarge => exceeded("Part", limits.max_part_size),
        _ => bad(format!("malformed multipart form: {error}")),
    }
}

/// Returns the response to too many fields or files.
pub(super) fn too_many(what: &str, most: usize) -> HttpError {
    bad(format!("Too many {what}. Maximum number of {what} is {most}."))
}

/// Returns the response to a field that is too large.
pub(super) fn exceeded(what: &str, most: usize) -> HttpError {
    bad(format!("{what} exceeded maximum size of {}KB.", most / 1024))
}

/// Returns the response to a form or a file that is too large as a whole.
pub(super) fn too_large(what: &str, most: u64) -> HttpError {
    HttpError::new(Status::CONTENT_TOO_LARGE)
        .with_detail(format!("{what} is larger than the limit of {most} bytes"))
}

/// Returns the response if a temporary file cannot be written or read. The client does not see the error.
pub(super) fn of_disk(error: io::Error) -> HttpError {
    let status = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Status::INSUFFICIENT_STORAGE,
        _ if Reason::of(&error) == Reason::Exhausted => Status::SERVICE_UNAVAILABLE,
        _ => Status::INTERNAL_SERVER_ERROR,
    };
    HttpError::new(status).with_source(error)
}

fn bad(detail: impl Into<Cow<'static, str>>) -> HttpError {
    HttpError::new(Status::BAD_REQUEST).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_disk_become_a_status() {
        use io::ErrorKind as Kind;
        for (kind, status) in [
            (Kind::StorageFull, 507),
            (Kind::QuotaExceeded, 507),
            (Kind::OutOfMemory, 503),
            (Kind::PermissionDenied, 500),
            (Kind::NotFound, 500),
        ] {
            assert_eq!(of_disk(kind.into()).status.code(), status, "{kind}");
        }
    }
}
