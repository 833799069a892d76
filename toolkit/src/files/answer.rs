//! The response to a request for a file that was found: preconditions, ranges and header fields.

use std::fs::Metadata;
use std::io;

use futures_lite::stream;
use stelo_core::app::Response;
use stelo_core::body::{Body, Length};
use stelo_core::http::header::HeaderValue;
use stelo_core::http::{Headers, Method, Status};
use stelo_os::files::{DirectoryError, Opened, Reason};

use super::body::{self, Read};
use super::byteranges::ByteRanges;
use super::media::Media;
use super::range::{self, Selected};
use super::validators::{Precondition, Validators};
use crate::request::Parts;
use crate::response::HttpError;
use crate::response::report::failure;

/// Metadata of a file for its responses.
#[derive(Debug)]
pub(super) struct About {
    pub(super) size: u64,
    pub(super) validators: Validators,
    pub(super) fields: Headers,
}

/// The fields of a response that a 304 repeats, if they are set (RFC 9110 section 15.4.5). The server adds `date`.
const OF_NOT_MODIFIED: [&str; 5] = ["cache-control", "content-location", "etag", "expires", "vary"];

impl About {
    pub(super) fn of(media: &Media, metadata: &Metadata) -> io::Result<Self> {
        Ok(Self::new(media, metadata.len(), Validators::of(metadata)?))
    }

    pub(super) fn new(media: &Media, size: u64, mut validators: Validators) -> Self {
        if let Some(coding) = media.sibling {
            validators.encode(coding.name());
        }
        Self { size, fields: fields(media, &validators), validators }
    }

    /// Returns the response to a request. `body` returns the selected bytes. Preconditions and ranges count only for
    /// status 200, of GET and HEAD.
    pub(super) fn answer(
        &self,
        status: Status,
        request: &Parts,
        body: impl FnOnce(Selected) -> io::Result<Body>,
    ) -> Result<Response, Refused> {
        let Self { size, validators, fields } = self;
        let mut ranges = None;
        if status == Status::OK && is_read(request) {
            match validators.evaluate(request.headers()) {
                Precondition::Holds => {}
                Precondition::NotModified => return Ok(self.not_modified()),
                Precondition::Failed => return Err(HttpError::new(Status::PRECONDITION_FAILED).into()),
            }
            ranges = range::select(request.headers(), validators, *size)?;
        }
        let mut response = Response { status, headers: fields.clone(), ..Response::default() };
        let selected = match ranges {
            None => Selected::Part(0..*size),
            Some(ranges) => {
                response.status = Status::PARTIAL_CONTENT;
                self.select(ranges, &mut response.headers)
            }
        };
        response.body = match request.method() {
            Method::Head => Body::from_frames(stream::empty(), Length::Known(selected.len())),
            _ => body(selected)?,
        };
        Ok(response)
    }

    /// Selects ranges, and sets the fields that say which.
    fn select(&self, mut ranges: Vec<std::ops::Range<u64>>, headers: &mut Headers) -> Selected {
        match ranges.pop() {
            Some(range) if ranges.is_empty() => {
                let (first, last, size) = (range.start, range.end - 1, self.size);
                put(headers, "content-range", format!("bytes {first}-{last}/{size}"));
                Selected::Part(range)
            }
            last => {
                ranges.extend(last);
                let content_type = headers.get_str("content-type").unwrap_or("application/octet-stream");
                let parts = ByteRanges::new(ranges, content_type.to_owned(), self.size);
                headers.try_set("content-type", parts.content_type()).expect("the boundary is a token");
                Selected::Parts(parts)
            }
        }
    }

    fn not_modified(&self) -> Response {
        let mut response = Response::empty(Status::NOT_MODIFIED);
        for (name, value) in self.fields.iter() {
            if OF_NOT_MODIFIED.iter().any(|kept| name.eq_ignore_ascii_case(kept)) {
                response.headers.try_append(name, value).expect("it is a field already");
            }
        }
        response
    }
}

/// Returns the response to a request for an open file. `read` reads a body at once.
pub(super) fn answer(
    opened: Opened,
    media: &Media,
    status: Status,
    request: &Parts,
    read: Read,
) -> Result<Response, Refused> {
    let Opened { file, metadata, .. } = opened;
    let about = About::of(media, &metadata)?;
    about.answer(status, request, |selected| body::of(file, selected, request.executor(), read))
}

/// Whether the method reads: GET or HEAD.
pub(super) fn is_read(request: &Parts) -> bool {
    matches!(request.method(), Method::Get | Method::Head)
}

/// The refusal of other methods.
pub(super) fn not_allowed() -> HttpError {
    const ALLOW: HeaderValue = HeaderValue::from_static("GET, HEAD");
    HttpError::new(Status::METHOD_NOT_ALLOWED).with_header(stelo_core::http::header::ALLOW, ALLOW)
}

/// Returns the header fields of a response with the file or a part of it.
fn fields(media: &Media, validators: &Validators) -> Headers {
    let mut headers = Headers::with_capacity(5, 192);
    media.put_content_type(&mut headers);
    if let Some(coding) = media.coding {
        put(&mut headers, "content-encoding", coding);
    }
    if media.vary {
        put(&mut headers, "vary", "accept-encoding");
    }
    if let Some(cache_control) = media.cache_control {
        headers.append(stelo_core::http::header::CACHE_CONTROL, cache_control.clone());
    }
    put(&mut headers, "accept-ranges", "bytes");
    validators.put(&mut headers);
    headers
}

pub(super) fn put(headers: &mut Headers, name: &'static str, value: impl AsRef<[u8]>) {
    headers.try_append(name, value).expect("numbers, dates, entity tags and media types are valid values");
}

/// The reasons why a request gets no file.
pub(super) enum Refused {
    /// An error of the file system.
    Io(io::Error),
    Directory(DirectoryError),
    Http(HttpError),
}

impl Refused {
    pub(super) fn not_found() -> Self {
        HttpError::new(Status::NOT_FOUND).into()
    }

    /// Converts into the error for the client. Faults of the server are logged with `name`.
    pub(super) fn explain(self, name: &dyn std::fmt::Display) -> HttpError {
        let status = match self {
            Self::Http(error) => return error,
            Self::Io(error) => {
                let status = match Reason::of(&error) {
                    Reason::Missing => return HttpError::new(Status::NOT_FOUND),
                    Reason::Forbidden => return HttpError::new(Status::UNAUTHORIZED),
                    Reason::Exhausted => Status::SERVICE_UNAVAILABLE,
                    Reason::Fault => Status::INTERNAL_SERVER_ERROR,
                };
                failure!("static file `{name}`: {error}");
                status
            }
            Self::Directory(error) => {
                failure!("static files: {error}");
                Status::INTERNAL_SERVER_ERROR
            }
        };
        HttpError::new(status)
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<DirectoryError> for Refused {
    fn from(error: DirectoryError) -> Self {
        Self::Directory(error)
    }
}

impl From<HttpError> for Refused {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_file_system_become_a_status() {
        use io::ErrorKind as Kind;
        for (kind, status) in [
            (Kind::NotFound, 404),
            (Kind::NotADirectory, 404),
            (Kind::InvalidFilename, 404),
            (Kind::PermissionDenied, 401),
            (Kind::OutOfMemory, 503),
            (Kind::UnexpectedEof, 500),
        ] {
            assert_eq!(Refused::from(io::Error::from(kind)).explain(&"x").status.code(), status, "{kind}");
        }
    }
}
