//! Rules for the path of a request in a tree of files: the file itself, an index page, a compressed sibling, a fallback.
//!
//! The rules are the same for directories and for embedded files.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stelo_core::http::Status;
use stelo_core::http::header::HeaderValue;
use stelo_os::files::Item;

use super::answer::Refused;
use super::coding::Coding;
use super::media::Media;
use super::path::FilePath;

/// The index page of a directory.
const INDEX: &str = "index.html";

/// The page for paths that are no file, in the root of the tree.
const NOT_FOUND: &str = "404.html";

/// The cache control of files whose name changes with their content.
static IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Whether the content of the file at a relative path never changes.
type IsImmutable = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The settings of a tree of files.
#[derive(Clone)]
pub(super) struct Rules {
    pub(super) html: bool,
    /// The file that is sent for paths that are no file.
    pub(super) fallback_file: Option<PathBuf>,
    /// The charset in the content type of texts.
    pub(super) charset: Option<&'static str>,
    pub(super) cache_control: Option<HeaderValue>,
    pub(super) immutable: Option<IsImmutable>,
    pub(super) precompressed: bool,
    pub(super) listing: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            html: false,
            fallback_file: None,
            charset: Some("utf-8"),
            cache_control: None,
            immutable: None,
            precompressed: false,
            listing: false,
        }
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("html", &self.html).finish_non_exhaustive()
    }
}

/// A tree of files.
pub(super) trait Tree {
    type File;

    /// Finds a file or a directory. `None` if there is none of this name.
    fn find(&self, name: &Path) -> Result<Option<Node<Self::File>>, Refused>;

    /// Lists a directory, sorted by name.
    fn list(&self, name: &Path) -> Result<Vec<Item>, Refused>;
}

/// A node of a tree.
pub(super) enum Node<F> {
    File(F),
    Directory,
}

/// The meaning of a path.
pub(super) enum Meaning<F> {
    File(Chosen<F>),
    /// A directory whose path has no `/` at its end.
    Redirect,
    Listing(Vec<Item>),
}

/// A file to send.
pub(super) struct Chosen<F> {
    pub(super) file: F,
    /// The name of the file; of the plain file if a compressed sibling is sent.
    pub(super) name: PathBuf,
    pub(super) sibling: Option<Coding>,
    pub(super) status: Status,
}

impl Rules {
    /// Returns the meaning of a path, `None` for a path that cannot name a file. The client accepts `codings`.
    pub(super) fn resolve<T: Tree>(
        &self,
        tree: &T,
        path: Option<&FilePath>,
        codings: &[Coding],
    ) -> Result<Meaning<T::File>, Refused> {
        let Some(path) = path else { return self.missing(tree, codings) };
        match tree.find(path.as_path())? {
            Some(Node::File(file)) if !path.slash => {
                let name = path.as_path().to_owned();
                return self.choose(tree, file, name, codings, Status::OK);
            }
            Some(Node::Directory) if self.html || self.listing => {
                if let Some(meaning) = self.directory(tree, path, codings)? {
                    return Ok(meaning);
                }
            }
            _ => {}
        }
        self.missing(tree, codings)
    }

    fn directory<T: Tree>(
        &self,
        tree: &T,
        path: &FilePath,
        codings: &[Coding],
    ) -> Result<Option<Meaning<T::File>>, Refused> {
        let index = index(path);
        let meaning = match self.html.then(|| tree.find(&index)).transpose()?.flatten() {
            Some(Node::File(_)) if !path.slash => Meaning::Redirect,
            Some(Node::File(file)) => self.choose(tree, file, index, codings, Status::OK)?,
            _ if !self.listing => return Ok(None),
            _ if !path.slash => Meaning::Redirect,
            _ => Meaning::Listing(tree.list(path.as_path())?),
        };
        Ok(Some(meaning))
    }

    /// Returns the page for a path that is no file.
    fn missing<T: Tree>(&self, tree: &T, codings: &[Coding]) -> Result<Meaning<T::File>, Refused> {
        let pages = [
            self.fallback_file.as_deref().map(|page| (page, Status::OK)),
            self.html.then_some((Path::new(NOT_FOUND), Status::NOT_FOUND)),
        ];
        for (page, status) in pages.into_iter().flatten() {
            if let Some(Node::File(file)) = tree.find(page)? {
                return self.choose(tree, file, page.to_owned(), codings, status);
            }
        }
        Err(Refused::not_found())
    }

    /// Returns the file, or the sibling with the first of the codings that there is.
    fn choose<T: Tree>(
        &self,
        tree: &T,
        file: T::File,
        name: PathBuf,
        codings: &[Coding],
        status: Status,
    ) -> Result<Meaning<T::File>, Refused> {
        let mut chosen = Chosen { file, name, sibling: None, status };
        for &coding in codings.iter().filter(|_| self.precompressed) {
            if let Some(Node::File(file)) = tree.find(&sibling(&chosen.name, coding))? {
                (chosen.file, chosen.sibling) = (file, Some(coding));
                break;
            }
        }
        Ok(Meaning::File(chosen))
    }

    /// Returns what the header fields say of a file of this name. `target` is its name behind symbolic links.
    pub(super) fn media(&self, name: &Path, target: &Path, sibling: Option<Coding>) -> Media<'_> {
        // The target of a compressed sibling ends in the extension of its coding.
        let mut media = Media::of(name, if sibling.is_some() { name } else { target });
        media.charset = self.charset;
        media.vary = self.precompressed;
        media.cache_control = match &self.immutable {
            Some(is_immutable) if is_immutable(&name.to_string_lossy()) => Some(&IMMUTABLE),
            _ => self.cache_control.as_ref(),
        };
        if let Some(coding) = sibling {
            media.set_sibling(coding);
        }
        media
    }
}

/// Returns the name of the index page of a directory.
pub(super) fn index(path: &FilePath) -> PathBuf {
    path.as_path().join(INDEX)
}

/// Returns the name of the compressed sibling of a file.
fn sibling(name: &Path, coding: Coding) -> PathBuf {
    let mut name = OsString::from(name);
    name.push(coding.extension());
    name.into()
}

/// Returns whether a name contains a hash of the content, as bundlers write it: the last part of the stem, after a `.` or
/// a `-`, has at least eight hexadecimal digits, of which one is a letter and one is not.
///
/// ```
/// use stelo_toolkit::StaticFiles;
/// use stelo_toolkit::files::is_hashed;
///
/// assert!(is_hashed("js/app.3f2a9c1b.js"));
/// assert!(!is_hashed("app-settings.js") && !is_hashed("report-20240101.pdf"));
/// let files = StaticFiles::new("dist").immutable(is_hashed);
/// # let _ = files;
/// ```
pub fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
    let Some((_, hash)) = stem.rsplit_once(['.', '-']) else { return false };
    hash.len() >= 8
        && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        && hash.bytes().any(|byte| byte.is_ascii_digit())
        && hash.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Adds the settings that directories and embedded files share. The type has a method `with` that changes its [`Rules`].
macro_rules! settings {
    () => {
        /// Sets whether a directory is answered with its `index.html`, and every path that is no file with the
        /// `404.html` of the root, as status 404. A path of a directory without a `/` at its end is redirected. Off by
        /// default.
        pub fn html(self, html: bool) -> Self {
            self.with(|rules| rules.html = html)
        }

        /// Sets the file that answers every path that is no file, with status 200: the page of an application that
        /// routes in the browser. It takes precedence over `404.html`.
        ///
        /// # Panics
        /// If `name` is not a relative path without `.` and `..`.
        #[track_caller]
        pub fn fallback_file(self, name: &str) -> Self {
            let path = $crate::files::path::FilePath::parse(name);
            let path = path.filter(|path| !path.slash && !name.starts_with('/'));
            let path = path.expect("the fallback file is a path below the root, such as `index.html`");
            self.with(|rules| rules.fallback_file = Some(path.as_path().to_owned()))
        }

        /// Sets the charset in the content type of text files, such as `"iso-8859-1"`; `None` names none, so that
        /// clients look at the content. `utf-8` by default.
        ///
        /// # Panics
        /// If `charset` is not a token (RFC 9110 section 5.6.2).
        #[track_caller]
        pub fn charset(self, charset: impl Into<Option<&'static str>>) -> Self {
            let charset = charset.into();
            let is_valid = charset.is_none_or(|name| stelo_core::http::is_token(name.as_bytes()));
            assert!(is_valid, "a charset is a token, such as utf-8");
            self.with(|rules| rules.charset = charset)
        }

        /// Sets the field `cache-control` of all files: a literal, or a checked
        /// [`HeaderValue`](stelo_core::http::header::HeaderValue). None by default.
        ///
        /// # Panics
        /// If a literal is not a valid header value.
        #[track_caller]
        pub fn cache_control(self, value: impl stelo_core::http::header::IntoHeaderValue) -> Self {
            let value = value.into_header_value();
            self.with(|rules| rules.cache_control = Some(value))
        }

        /// Sends `cache-control: public, max-age=31536000, immutable` for files whose relative path `is_immutable`
        /// accepts: their names change with their content. [`is_hashed`](crate::files::is_hashed) finds a hash in the
        /// name; a bundler that keeps such files in one folder needs `|path| path.starts_with("assets/")`.
        pub fn immutable(self, is_immutable: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
            self.with(|rules| rules.immutable = Some(std::sync::Arc::new(is_immutable)))
        }

        /// Sets whether a compressed sibling is sent to clients that accept its coding: `app.js.br`, `app.js.zst` or
        /// `app.js.gz` in place of `app.js`. Its type is that of the plain file, which must be there too. All responses
        /// have `vary: accept-encoding`. Off by default.
        pub fn precompressed(self, precompressed: bool) -> Self {
            self.with(|rules| rules.precompressed = precompressed)
        }

        /// Sets whether a directory without an index page is answered with a list of its files. Names that begin with a
        /// `.` are left out. At most 10,000 entries are listed. Off by default.
        pub fn listing(self, listing: bool) -> Self {
            self.with(|rules| rules.listing = listing)
        }
    };
}
pub(super) use settings;

#[cfg(test)]
mod tests {
    use super::is_hashed;

    #[test]
    fn hashes_are_told_from_words_and_dates() {
        for name in ["app.3f2a9c1b.js", "a/b/app-3F2A9C1B0.css", "x.y-0123456a.min"] {
            assert!(is_hashed(name), "{name}");
        }
        for name in [
            "app.js",
            "3f2a9c1b.js",
            "app-deadbeef.js",
            "log-20240101.txt",
            "a.3f2a9c1b",
            "3f2a9c1b-x/app.js",
        ] {
            assert!(!is_hashed(name), "{name}");
        }
    }
}
