//! The validators of files (RFC 9110 section 8.8). `preconditions` in `request` compares them with those of a client.

use std::fs::Metadata;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stelo_core::http::{Headers, date};
use stelo_os::files::Version;

use super::answer::put;
use crate::request::preconditions::Current;
pub(super) use crate::request::preconditions::Precondition;

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

    fn current(&self) -> Current<'_> {
        let etag = self.etag.as_deref().map(str::as_bytes);
        Current { etag, modified: self.modified.map(|modified| modified.seconds) }
    }

    /// Evaluates the conditions of a GET or HEAD request.
    pub(super) fn evaluate(&self, headers: &Headers) -> Precondition {
        self.current().evaluate(headers, true)
    }

    /// Whether `if-range` allows a partial response.
    pub(super) fn allow_range(&self, headers: &Headers) -> bool {
        self.current().allows_range(headers, || now().as_secs())
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
