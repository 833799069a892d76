//! `EmbeddedFiles`: files in the binary of the program as an endpoint.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use stelo_core::Bytes;
use stelo_core::app::Response;
use stelo_os::files::Item;

use super::answer::{About, Refused, is_read, not_allowed};
use super::body::in_memory;
use super::coding::{Coding, accepted};
use super::hash::xxh64;
use super::listing::{self, MOST};
use super::path::FilePath;
use super::rules::{Chosen, Meaning, Node, Rules, Tree, settings};
use super::validators::Validators;
use crate::handler::{Endpoint, Outcome};
use crate::request::Request;

/// A file in the binary of the program: its path, its content, and a hash of the content.
///
/// ```
/// use stelo_toolkit::files::EmbeddedFile;
///
/// // In a constant, the compiler computes the hash.
/// const LICENCE: EmbeddedFile = EmbeddedFile::new("licence.txt", b"Permission is hereby granted");
/// # let _ = LICENCE;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedFile {
    path: &'static str,
    content: &'static [u8],
    hash: u64,
}

impl EmbeddedFile {
    /// Creates a file. `path` is relative to the mount: `js/app.js`.
    pub const fn new(path: &'static str, content: &'static [u8]) -> Self {
        Self { path, content, hash: xxh64(content) }
    }
}

/// Embeds files of a directory of the crate: `embed!("assets", "index.html", "js/app.js")` is an
/// [`EmbeddedFiles`](crate::files::EmbeddedFiles). The compiler reads the files and computes their entity tags.
///
/// ```
/// use stelo_toolkit::{App, TestClient};
///
/// // The directory `src` is only an example.
/// let files = stelo_toolkit::embed!("src", "lib.rs", "files/mod.rs");
/// let client = TestClient::new(App::new().mount("/source", files));
/// assert!(client.get("/source/files/mod.rs").send().text().contains("mod embedded"));
/// ```
#[macro_export]
macro_rules! embed {
    ($directory:literal $(, $path:literal)* $(,)?) => {{
        // The hash of a large file takes the compiler more steps than it expects of a constant.
        #[allow(long_running_const_eval)]
        const FILES: &[$crate::files::EmbeddedFile] = &[$(
            $crate::files::EmbeddedFile::new(
                $path,
                include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $directory, "/", $path)),
            ),
        )*];
        $crate::files::EmbeddedFiles::new(FILES.iter().copied())
    }};
}

/// Serves files in the binary of the program. Mount it.
///
/// Paths, conditional requests, ranges and settings are those of [`StaticFiles`](crate::StaticFiles). Entity tags are
/// hashes of the content, so they are the same in every process; there is no `last-modified`.
///
/// [`embed!`](crate::embed) reads a list of files. For a whole directory, a build script writes the list, or a macro such
/// as that of the crate `include_dir` supplies the pairs.
///
/// ```
/// use stelo_toolkit::files::{EmbeddedFile, EmbeddedFiles};
/// use stelo_toolkit::{App, TestClient};
///
/// let files = EmbeddedFiles::new([
///     EmbeddedFile::new("index.html", b"<h1>Hello</h1>"),
///     EmbeddedFile::new("js/app.js", b"alert(1)"),
/// ]);
/// let client = TestClient::new(App::new().mount("/", files.html(true)));
/// assert_eq!(client.get("/").send().text(), "<h1>Hello</h1>");
/// assert_eq!(client.get("/js/app.js").send().header("content-type"), Some("text/javascript; charset=utf-8"));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct EmbeddedFiles {
    rules: Rules,
    entries: Arc<Entries>,
}

/// The files by their paths.
#[derive(Debug)]
struct Entries(BTreeMap<&'static str, Entry>);

#[derive(Debug)]
struct Entry {
    file: EmbeddedFile,
    /// The metadata for responses, which the first request computes: of the file itself, and of the file as a compressed
    /// sibling.
    about: [OnceLock<About>; 2],
}

impl EmbeddedFiles {
    /// Creates an endpoint for these files. The last of those of the same path counts.
    ///
    /// # Panics
    /// If a path is not relative, or has empty segments, `.` or `..`.
    #[track_caller]
    pub fn new(files: impl IntoIterator<Item = EmbeddedFile>) -> Self {
        let mut entries = BTreeMap::new();
        for file in files {
            let path = FilePath::parse(file.path);
            let is_normal = path.is_some_and(|path| !path.slash && path.as_path() == Path::new(file.path));
            assert!(is_normal, "`{}` is not a path of an embedded file: write it as `js/app.js`", file.path);
            entries.insert(file.path, Entry { file, about: Default::default() });
        }
        Self { rules: Rules::default(), entries: Arc::new(Entries(entries)) }
    }

    settings!();

    fn with(mut self, set: impl FnOnce(&mut Rules)) -> Self {
        set(&mut self.rules);
        // The metadata depend on the rules.
        let files = self.entries.0.values().map(|entry| entry.file);
        Self { rules: self.rules, ..Self::new(files) }
    }

    fn answer(&self, request: &Request) -> Result<Response, Refused> {
        if !is_read(request) {
            return Err(not_allowed().into());
        }
        let path = FilePath::of(request);
        let codings = if self.rules.precompressed { accepted(request.headers()) } else { Vec::new() };
        let chosen = match self.rules.resolve(&*self.entries, path.as_ref(), &codings)? {
            Meaning::File(chosen) => chosen,
            Meaning::Redirect => return Ok(FilePath::redirect(request)),
            Meaning::Listing(items) => return Ok(listing::page(request, &items)),
        };
        let Chosen { file, ref name, sibling, status } = chosen;
        let Some(entry) = self.entries.0.get(file) else { return Err(Refused::not_found()) };
        let about = entry.about(&self.rules, name, sibling);
        about.answer(status, request, |selected| {
            Ok(in_memory(Bytes::from_static(entry.file.content), selected))
        })
    }
}

impl Entry {
    fn about(&self, rules: &Rules, name: &Path, sibling: Option<Coding>) -> &About {
        self.about[usize::from(sibling.is_some())].get_or_init(|| {
            let validators = Validators::of_content(self.file.hash, self.file.content.len());
            About::new(&rules.media(name, name, sibling), self.file.content.len() as u64, validators)
        })
    }
}

impl Endpoint for EmbeddedFiles {
    fn call(&self, request: Request) -> Outcome {
        match self.answer(&request) {
            Ok(response) => response.into(),
            Err(refused) => Outcome::fail(refused.explain(&request.route_path())),
        }
    }
}

impl Tree for Entries {
    /// The path of the file.
    type File = &'static str;

    fn find(&self, name: &Path) -> Result<Option<Node<&'static str>>, Refused> {
        // The paths are UTF-8, so a name that is not is missing.
        let Some(name) = name.to_str() else { return Ok(None) };
        if let Some((path, _)) = self.0.get_key_value(name) {
            return Ok(Some(Node::File(path)));
        }
        let is_directory = name.is_empty() || self.below(name).next().is_some();
        Ok(is_directory.then_some(Node::Directory))
    }

    fn list(&self, name: &Path) -> Result<Vec<Item>, Refused> {
        let mut items = Vec::new();
        for (rest, entry) in self.below(name.to_str().unwrap_or_default()) {
            let (name, below) = rest.split_once('/').map_or((rest, false), |(name, _)| (name, true));
            if !name.starts_with('.') && items.len() < MOST {
                let size = entry.file.content.len() as u64;
                let item = Item { name: name.into(), is_dir: below, size, modified: None };
                listing::add(&mut items, item);
            }
        }
        Ok(items)
    }
}

impl Entries {
    /// The files below a directory, each with the rest of its path.
    fn below(&self, directory: &str) -> impl Iterator<Item = (&'static str, &Entry)> {
        // Names such as `dir-x` are sorted between `dir` and `dir/`.
        let from = self
            .0
            .range::<str, _>((Bound::Included(directory), Bound::Unbounded))
            .take_while(move |(path, _)| path.starts_with(directory));
        from.filter_map(move |(path, entry)| {
            let rest = path.strip_prefix(directory)?;
            Some((if directory.is_empty() { rest } else { rest.strip_prefix('/')? }, entry))
        })
    }
}
