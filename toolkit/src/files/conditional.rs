//! Conditional requests: whether the client has the file already (RFC 9110 section 13).

use std::fs::Metadata;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stelo_core::http::{Headers, date};
use stelo_os::files::Version;

use super::answer::put;
use crate::request::validators::Current;
pub(super) use crate::request::validators::Precondition;

/// The earliest time of a modification that counts: 1990-01-01, before the first web server. Tools that make builds
/// reproducible set earlier ones: 0, 1, 1980 (ZIP), 1985 (npm).
const EARLIEST: Duration = Duration::from_secs(631_152_000);

/// The validators of a version of a file.
#[derive(Debug)]
pub(super) struct Validators {
    /// A strong entity tag. `None` if nothing tells the versions of the file apart.
    pub(super) etag: Option<String>,
    /// The time of the last modification, if it is one.
    pub(super) modified: Option<Modified>,
}

/// The time of the last modification.
#[derive(Clone, Copy, Debug)]
pub(super) struct Modified {
    /// As an HTTP date.
    pub(super) date: [u8; date::LEN],
    /// In seconds since 1970.
    seconds: u64,
}

impl Validators {
    /// Makes the entity tag of the time of the last modification and the size. If that time means nothing, because it is
    /// later than now or from before the web, makes it of the inode and the time of the last change.
    ///
    /// # Errors
    /// The file system does not record the time of the last modification.
    pub(super) fn of(metadata: &Metadata) -> io::Result<Self> {
        let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        if (EARLIEST..=now()).contains(&modified) {
            let etag = Some(format!("\"{:x}-{:x}\"", modified.as_nanos(), metadata.len()));
            return Ok(Self { etag, modified: Some(Modified::new(modified.as_secs())) });
        }
        let etag = Version::of(metadata).inode_and_change().map(|(inode, seconds, nanos)| {
            format!("\"{inode:x}-{seconds:x}.{nanos:x}-{:x}\"", metadata.len())
        });
        Ok(Self { etag, modified: None })
    }

    /// The validators of content in memory, from its hash and its length.
    pub(super) fn of_content(hash: u64, len: usize) -> Self {
        Self { etag: Some(format!("\"{hash:016x}-{len:x}\"")), modified: None }
    }

    /// Adds the name of a coding to the entity tag, so that it differs from that of the plain file.
    pub(super) fn encode(&mut self, coding: &str) {
        if let Some(etag) = &mut self.etag
            && etag.pop().is_some()
        {
            *etag = format!("{etag}-{coding}\"");
        }
    }

    /// Adds the fields that name the version of the file.
    pub(super) fn put(&self, headers: &mut Headers) {
        if let Some(modified) = &self.modified {
            put(headers, "last-modified", modified.date);
        }
        if let Some(etag) = &self.etag {
            put(headers, "etag", etag);
        }
    }

    /// Takes over the validators that a caller has set as header fields.
    pub(super) fn replace(&mut self, headers: &Headers) {
        if let Some(etag) = headers.get_str("etag") {
            self.etag = Some(etag.to_owned());
        }
        if headers.contains("last-modified") {
            self.modified = headers.get("last-modified").and_then(date::parse).map(Modified::new);
        }
    }

    fn is_tag(&self, tag: &[u8]) -> bool {
        self.etag.as_ref().is_some_and(|etag| etag.as_bytes() == tag)
    }

    /// Whether `If-Range` allows a partial response: it is absent, or equals a strong validator of the file (section
    /// 13.1.5).
    pub(super) fn allow_range(&self, headers: &Headers) -> bool {
        headers.get("if-range").is_none_or(|value| self.is_strong(value, now().as_secs()))
    }

    /// Whether `value` is the entity tag of the file, or its date and at least a second old. Within that second, the file
    /// may have had another version of the same date (section 8.8.2.2).
    fn is_strong(&self, value: &[u8], now: u64) -> bool {
        let is_date = |modified: Modified| value == modified.date.as_slice() && modified.seconds < now;
        let is_tag = self.is_tag(value) && !value.starts_with(b"W/");
        is_tag || self.modified.is_some_and(is_date)
    }
}

impl Modified {
    fn new(seconds: u64) -> Self {
        Self { date: date::format(seconds), seconds }
    }
}

/// Returns the time since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Evaluates the conditions of a GET or HEAD request, in the order of section 13.2.2.
pub(super) fn evaluate(headers: &Headers, file: &Validators) -> Precondition {
    let etag = file.etag.as_deref().map(str::as_bytes);
    Current { etag, modified: file.modified.map(|modified| modified.seconds) }.evaluate(headers, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    const MODIFIED: u64 = 784_111_777;

    fn file() -> Validators {
        Validators { etag: Some("\"a\"".into()), modified: Some(Modified::new(MODIFIED)) }
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

    #[test]
    fn a_date_is_strong_after_a_second() {
        for (now, strong) in [(MODIFIED - 1, false), (MODIFIED, false), (MODIFIED + 1, true)] {
            assert_eq!(file().is_strong(DATE.as_bytes(), now), strong, "{now}");
            assert!(file().is_strong(b"\"a\"", now));
        }
    }

    #[test]
    fn without_validators_only_the_asterisk_matches() {
        use Precondition::{Failed, Holds, NotModified};
        let file = Validators { etag: None, modified: None };
        for (fields, outcome) in [
            (("if-modified-since", DATE), Holds),
            (("if-unmodified-since", BEFORE), Holds),
            (("if-none-match", "\"a\""), Holds),
            (("if-none-match", "*"), NotModified),
            (("if-match", "\"a\""), Failed),
            (("if-match", "*"), Holds),
        ] {
            assert_eq!(evaluate(&with(&[fields]), &file), outcome, "{fields:?}");
        }
        assert!(!file.allow_range(&with(&[("if-range", DATE)])));
    }
}
