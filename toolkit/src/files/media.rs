//! The content type of a file, from its name: the name in the request, or else, for a symbolic link, that of the target.

use std::path::Path;

use super::lookup::{INDEX, Lookup};
use super::path::FilePath;

/// The content type of a file.
pub(super) struct Media {
    pub(super) kind: &'static str,
    /// The charset of texts.
    pub(super) charset: Option<&'static str>,
    /// Whether the type is that of the content before it was compressed with gzip.
    pub(super) is_compressed: bool,
}

impl Lookup {
    /// Returns the content type of the file at `target` that a request calls `name`.
    pub(super) fn media(&self, name: &FilePath, target: &Path) -> Media {
        let name = if name.slash { Path::new(INDEX) } else { name.as_path() };
        let kind = |path| Some((path, mime_guess::from_path(path).first_raw()?));
        let (named, kind) = kind(name).or_else(|| kind(target)).unwrap_or((name, "application/octet-stream"));
        Media { kind, charset: self.charset, is_compressed: is_compressed(named) }
    }
}

fn is_compressed(file: &Path) -> bool {
    const EXTENSIONS: [&str; 5] = ["svgz", "wrz", "x3dbz", "x3dvz", "x3dz"];
    file.extension()
        .is_some_and(|extension| EXTENSIONS.iter().any(|other| extension.eq_ignore_ascii_case(other)))
}
