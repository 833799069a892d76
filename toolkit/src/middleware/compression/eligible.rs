//! Which responses may be compressed, by status, header fields and size.

use stelo_core::app::Response;
use stelo_core::body::Length;
use stelo_core::http::{Headers, Status};

/// The types that are compressed already, or that must not be delayed.
pub(super) const EXCLUDED: &[&str] = &[
    "text/event-stream",
    "audio/*",
    "video/*",
    "font/*",
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/heic",
    "image/heif",
    "image/jxl",
    "application/font-woff",
    "application/font-woff2",
    "application/grpc",
    "application/grpc+proto",
    "application/grpc+json",
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/gzip",
    "application/x-gzip",
    "application/zip",
    "application/zstd",
    "application/x-7z-compressed",
    "application/x-bzip2",
    "application/x-xz",
    "application/vnd.rar",
    "application/x-rar-compressed",
    "application/epub+zip",
    "application/java-archive",
];

/// A set of media types, in lower case. `audio/*` is `audio/` here.
#[derive(Clone, Debug)]
pub(super) struct Types(Vec<String>);

impl Types {
    pub(super) fn new(types: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let lower = |media: &str| media.trim().trim_end_matches('*').to_ascii_lowercase();
        Self(types.into_iter().map(|media| lower(media.as_ref())).collect())
    }

    fn contains(&self, media: &str) -> bool {
        self.0.iter().any(|own| match own.ends_with('/') {
            true => media.get(..own.len()).is_some_and(|start| start.eq_ignore_ascii_case(own)),
            false => media.eq_ignore_ascii_case(own),
        })
    }
}

/// Returns the media type of a response, without its parameters.
pub(super) fn media_type(headers: &Headers) -> Option<&str> {
    headers.get_str("content-type")?.split(';').next().map(str::trim)
}

/// Removes the mark of [`NoCompression`](super::NoCompression). Returns whether there was one.
pub(super) fn take_refusal(headers: &mut Headers) -> bool {
    headers.get("content-encoding") == Some(b"identity") && headers.remove("content-encoding")
}

/// Whether the response to other clients may be compressed. A part of a file is not, but varies like the whole file.
pub(super) fn allows(response: &Response, minimum_size: u64, excluded: &Types) -> bool {
    let Response { status, headers, body, upgrade, .. } = response;
    let announced = || headers.get_str("content-length").and_then(|length| length.parse().ok());
    let size = match body.length() {
        Length::None => return false,
        Length::Known(length) => Some(length),
        Length::Unknown => announced(),
    };
    size.is_none_or(|size| size >= minimum_size.max(1))
        && !status.forbids_body()
        && upgrade.is_none()
        && !["content-encoding", "content-digest", "repr-digest"].iter().any(|name| headers.contains(name))
        && !headers.has_token("cache-control", "no-transform")
        && !media_type(headers).is_some_and(|media| excluded.contains(media))
}

/// Whether a response is a part of a file: its range counts the bytes without a coding.
pub(super) fn is_part(response: &Response) -> bool {
    response.status == Status::PARTIAL_CONTENT || response.headers.contains("content-range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_match_as_a_whole_or_by_their_first_part() {
        let types = Types::new(EXCLUDED);
        for media in ["text/event-stream", "Audio/MPEG", "image/png", "application/grpc+proto"] {
            assert!(types.contains(media), "{media}");
        }
        for media in ["text/html", "image/svg+xml", "audio", "application/grpcx", ""] {
            assert!(!types.contains(media), "{media}");
        }
    }
}
