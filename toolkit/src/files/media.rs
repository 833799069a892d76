//! The content type, the coding and the caching of a file, from its name and from settings.

use std::path::Path;

use stelo_core::http::Headers;
use stelo_core::http::header::HeaderValue;

use super::answer::put;
use super::coding::Coding;

/// The content type, the coding and the caching of a file, for its header fields.
#[derive(Clone)]
pub(super) struct Media<'a> {
    pub(super) kind: &'a str,
    /// The charset of texts.
    pub(super) charset: Option<&'static str>,
    /// The content coding.
    pub(super) coding: Option<&'static str>,
    /// The coding of a compressed sibling that is sent in place of the file.
    pub(super) sibling: Option<Coding>,
    /// Whether the response depends on the codings that the client accepts.
    pub(super) vary: bool,
    pub(super) cache_control: Option<&'a HeaderValue>,
}

impl Media<'_> {
    /// The media of a file by its name, or else by the name of its target.
    pub(super) fn of(name: &Path, target: &Path) -> Self {
        let (named, kind) = match (guess(name), guess(target)) {
            (Some(kind), _) => (name, kind),
            (None, Some(kind)) => (target, kind),
            (None, None) => (name, "application/octet-stream"),
        };
        let coding = is_compressed(named).then_some("gzip");
        Self { kind, charset: None, coding, sibling: None, vary: false, cache_control: None }
    }

    /// Adds the content type to header fields.
    pub(super) fn put_content_type(&self, headers: &mut Headers) {
        match self.charset.filter(|_| self.kind.starts_with("text/")) {
            Some(charset) => put(headers, "content-type", format!("{}; charset={charset}", self.kind)),
            None => put(headers, "content-type", self.kind),
        }
    }

    /// Describes the compressed sibling in place of the file.
    pub(super) fn set_sibling(&mut self, coding: Coding) {
        self.coding = Some(coding.name());
        self.sibling = Some(coding);
    }
}

/// Guesses a media type from an extension.
pub(super) fn guess(name: &Path) -> Option<&'static str> {
    mime_guess::from_path(name).first_raw()
}

/// Whether the type is that of the content before it was compressed with gzip.
fn is_compressed(file: &Path) -> bool {
    const EXTENSIONS: [&str; 5] = ["svgz", "wrz", "x3dbz", "x3dvz", "x3dz"];
    file.extension()
        .is_some_and(|extension| EXTENSIONS.iter().any(|other| extension.eq_ignore_ascii_case(other)))
}
