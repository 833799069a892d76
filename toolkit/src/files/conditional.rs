//! Conditional requests: whether the client has the file already (RFC 9110 section 13).

use std::fs::Metadata;
use std::io;
use std::time::UNIX_EPOCH;

use stelo_core::http::{Headers, date};

/// The validators of a version of a file.
pub(super) struct Validators {
    /// A strong entity tag, made of the time of the last change and the size.
    pub(super) etag: String,
    /// The time of the last change as an HTTP date.
    pub(super) last_modified: [u8; date::LEN],
    /// The time of the last change in seconds since 1970.
    modified: u64,
}

impl Validators {
    /// # Errors
    /// The file system does not record the time of the last change.
    pub(super) fn of(metadata: &Metadata) -> io::Result<Self> {
        // HTTP dates begin in 1970.
        let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            etag: format!("\"{:x}-{:x}\"", modified.as_nanos(), metadata.len()),
            last_modified: date::format(modified.as_secs()),
            modified: modified.as_secs(),
        })
    }

    /// Whether one of the entity tags in a header field is that of the file, or is `*`. A `W/` before a tag matters only
    /// in strong comparisons (section 8.8.3.2).
    fn listed(&self, headers: &Headers, name: &str, strong: bool) -> bool {
        headers.get_all(name).flat_map(|value| value.split(|&byte| byte == b',')).any(|tag| {
            let tag = tag.trim_ascii();
            let tag = if strong { tag } else { tag.strip_prefix(b"W/").unwrap_or(tag) };
            tag == b"*" || tag == self.etag.as_bytes()
        })
    }

    /// Whether `If-Range` allows a partial response: it is absent, or equals a validator of the file (section 13.1.5).
    pub(super) fn allow_range(&self, headers: &Headers) -> bool {
        headers
            .get("if-range")
            .is_none_or(|value| value == self.etag.as_bytes() || value == self.last_modified.as_slice())
    }
}

/// The result of the conditions of a request.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Precondition {
    /// There are none, or they hold.
    Holds,
    /// The client has the file: 304.
    NotModified,
    /// The client wants another version: 412.
    Failed,
}

/// Evaluates the conditions of a GET or HEAD request, in the order of section 13.2.2.
pub(super) fn evaluate(headers: &Headers, file: &Validators) -> Precondition {
    let date = |name| headers.get(name).and_then(date::parse);
    let wanted = match headers.contains("if-match") {
        true => file.listed(headers, "if-match", true),
        false => date("if-unmodified-since").is_none_or(|date| file.modified <= date),
    };
    if !wanted {
        return Precondition::Failed;
    }
    let known = match headers.contains("if-none-match") {
        true => file.listed(headers, "if-none-match", false),
        false => date("if-modified-since").is_some_and(|date| file.modified <= date),
    };
    if known { Precondition::NotModified } else { Precondition::Holds }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn file() -> Validators {
        let modified = 784_111_777;
        Validators { etag: "\"a\"".into(), last_modified: date::format(modified), modified }
    }

    fn with(fields: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.try_append(name, value).unwrap();
        }
        headers
    }

    #[test]
    fn conditions_are_evaluated_in_order() {
        use Precondition::{Failed, Holds, NotModified};
        for (fields, outcome) in [
            (&[][..], Holds),
            (&[("if-none-match", "\"a\"")], NotModified),
            (&[("if-none-match", "W/\"a\"")], NotModified),
            (&[("if-none-match", "\"x\",\t\"a\"")], NotModified),
            (&[("if-none-match", "\"x\""), ("if-none-match", "\"a\"")], NotModified),
            (&[("if-none-match", "*")], NotModified),
            (&[("if-none-match", "a")], Holds),
            (&[("if-none-match", "\"x\""), ("if-modified-since", DATE)], Holds),
            (&[("if-modified-since", DATE)], NotModified),
            (&[("if-modified-since", BEFORE)], Holds),
            (&[("if-modified-since", "Sunday, 06-Nov-94 08:49:37 GMT")], NotModified),
            (&[("if-modified-since", "yesterday")], Holds),
            (&[("if-match", "\"a\"")], Holds),
            (&[("if-match", "*")], Holds),
            (&[("if-match", "W/\"a\"")], Failed),
            (&[("if-match", "\"x\""), ("if-none-match", "\"a\"")], Failed),
            (&[("if-match", "\"a\""), ("if-none-match", "\"a\"")], NotModified),
            (&[("if-unmodified-since", DATE)], Holds),
            (&[("if-unmodified-since", BEFORE)], Failed),
            (&[("if-match", "\"a\""), ("if-unmodified-since", BEFORE)], Holds),
        ] {
            assert_eq!(evaluate(&with(fields), &file()), outcome, "{fields:?}");
        }
    }

    #[test]
    fn if_range_must_name_the_version_of_the_file() {
        for (if_range, allowed) in [
            ("\"a\"", true),
            (DATE, true),
            ("W/\"a\"", false),
            ("\"x\"", false),
            (BEFORE, false),
            ("*", false),
        ] {
            assert_eq!(file().allow_range(&with(&[("if-range", if_range)])), allowed, "{if_range}");
        }
        assert!(file().allow_range(&Headers::new()));
    }
}
