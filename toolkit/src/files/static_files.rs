//! `StaticFiles`: the files of directories as an endpoint.

use std::path::PathBuf;
use std::sync::Arc;

use stelo_core::app::Response;
use stelo_core::http::Status;
use stelo_os::files::{Directory, File};

use super::answer::{Refused, answer, is_read, not_allowed};
use super::body::SMALL;
use super::coding::{Coding, accepted};
use super::kept::{Kept, Small};
use super::lookup::Lookup;
use super::path::FilePath;
use super::rules::{Chosen, Meaning, Rules, settings};
use super::{DirectoryError, listing};
use crate::describe::Operation;
use crate::handler::{Endpoint, Outcome};
use crate::request::Request;
use crate::response::{Failure, HttpError};

/// Serves the files of a directory. Mount it.
///
/// Answers GET and HEAD. Other methods get 405, and paths that are not a file below the directory get 404. So do paths
/// with an encoded `/`, and on Windows names of devices (`con`, `nul.txt`), drives and streams. A file that the process
/// may not read is answered with 401. Responses have an `etag` and a `last-modified`, so that clients can ask for changed
/// files only. Ranges are answered with 206, several of them as `multipart/byteranges`. If a file becomes shorter while
/// it is sent, the connection is closed. A compressed image or scene (`.svgz`, `.x3dz`, `.wrz`) has
/// `content-encoding: gzip`.
///
/// A time of modification before 1990 or later than now says nothing about the version, so the response has no
/// `last-modified`, and its `etag` is made of the inode and the time of the last change (none on Windows).
///
/// Each request gets the current file. On Linux, a file in the page cache is answered without another thread. Files above
/// 16 KiB are sent with `sendfile`. Each thread caches up to 256 smaller files for a second, and checks before each use
/// that they have not changed.
///
/// ```no_run
/// use stelo_toolkit::{App, StaticFiles, files};
///
/// let site = StaticFiles::new("dist")
///     .html(true)
///     .fallback_file("index.html")
///     .precompressed(true)
///     .cache_control("no-cache")
///     .immutable(files::is_hashed);
/// let app = App::new().mount("/static", StaticFiles::new("assets")).mount("/", site);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct StaticFiles {
    lookup: Arc<Lookup>,
    kept: Arc<Kept>,
}

impl StaticFiles {
    /// Creates an endpoint for a directory. The directory is read with each request; [`check`](Self::check) checks it at
    /// start-up.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        let lookup =
            Lookup { directories: vec![Directory::new(directory)], rules: Rules::default(), check_dir: true };
        Self { lookup: Arc::new(lookup), kept: Arc::default() }
    }

    /// Adds a directory. Its files are served where the directories before have none of the same path: the files of a
    /// theme, or those that another crate brings.
    ///
    /// ```no_run
    /// use stelo_toolkit::StaticFiles;
    ///
    /// let files = StaticFiles::new("statics").directory(concat!(env!("CARGO_MANIFEST_DIR"), "/statics"));
    /// # let _ = files;
    /// ```
    pub fn directory(self, directory: impl Into<PathBuf>) -> Self {
        self.changed(|lookup| {
            let mut added = Directory::new(directory);
            added.set_follow_symlink(lookup.directories.iter().any(Directory::follows_symlink));
            lookup.directories.push(added);
        })
    }

    /// Sets whether symbolic links may lead out of the directory. Off by default.
    pub fn follow_symlink(self, follow: bool) -> Self {
        self.changed(|lookup| {
            lookup.directories.iter_mut().for_each(|directory| directory.set_follow_symlink(follow));
        })
    }

    /// Sets whether a missing directory is a [warning](crate::App::warnings) when the application is built. On by default;
    /// switch it off if the program creates the directory later.
    pub fn check_dir(self, check: bool) -> Self {
        self.changed(|lookup| lookup.check_dir = check)
    }

    settings!();

    fn with(self, set: impl FnOnce(&mut Rules)) -> Self {
        self.changed(|lookup| set(&mut lookup.rules))
    }

    fn changed(mut self, set: impl FnOnce(&mut Lookup)) -> Self {
        set(Arc::make_mut(&mut self.lookup));
        // Cached paths may lead elsewhere now.
        self.kept = Arc::default();
        self
    }

    /// Checks that the directories exist. Call it in a start-up hook, so that a wrong path ends the start. Blocks.
    ///
    /// ```
    /// use stelo_toolkit::request::Executor;
    /// use stelo_toolkit::{App, StaticFiles, TestClient};
    ///
    /// let files = StaticFiles::new("nowhere");
    /// let check = files.clone();
    /// let app = App::new()
    ///     .on_startup(|executor: Executor| async move { executor.run_blocking(move || check.check()).await })
    ///     .mount("/static", files);
    /// assert!(TestClient::try_new(app).is_err());
    /// ```
    ///
    /// # Errors
    /// A directory does not exist, is not a directory, or cannot be read.
    pub fn check(&self) -> Result<(), DirectoryError> {
        self.lookup.directories.iter().try_for_each(|directory| directory.root().map(|_| ()))
    }

    /// Returns the response if it needs only what is in memory. `None` leaves the request to [`answer`](Self::answer).
    fn at_once(&self, request: &Request) -> Option<Result<Response, HttpError>> {
        if !is_read(request) || !request.has_text_path() || request.has_encoded_slash() {
            return None;
        }
        let path = request.route_path();
        if self.lookup.rules.precompressed {
            return self.at_once_compressed(path, request);
        }
        let small = match self.kept.get(path) {
            Some(small) => small,
            None => {
                let name = FilePath::parse(path)?;
                let opened = self.lookup.open_cached(&name)?;
                let media = self.lookup.rules.media(&self.lookup.name(&name), &opened.path, None);
                if opened.metadata.len() > SMALL {
                    return settled(answer(opened, &media, Status::OK, request, File::read_cached));
                }
                let small = Small::read(opened, &media, File::read_cached).ok()?;
                if small.is_settled() {
                    self.kept.put(path, &small);
                }
                small
            }
        };
        settled(small.about.answer(Status::OK, request, |selected| Ok(small.body(selected))))
    }

    /// As [`at_once`](Self::at_once), for files with compressed siblings.
    fn at_once_compressed(&self, path: &str, request: &Request) -> Option<Result<Response, HttpError>> {
        let small = self.kept.get(&key(path, &accepted(request.headers())))?;
        settled(small.about.answer(Status::OK, request, |selected| Ok(small.body(selected))))
    }

    async fn answer(self, request: Request) -> Result<Response, Failure> {
        if !is_read(&request) {
            return Err(Failure::new(not_allowed()));
        }
        let (executor, files) = (request.executor(), self.clone());
        let work = move || {
            let path = FilePath::of(&request);
            let name = path.as_ref().map(|path| path.as_path().to_owned()).unwrap_or_default();
            files.look(path.as_ref(), &request).map_err(|refused| refused.explain(&name.display()))
        };
        let (response, cacheable) = executor.run_blocking(work).await.map_err(Failure::new)?;
        // Here, because each thread has a cache of its own.
        if let Some((key, small)) = cacheable {
            self.kept.put(&key, &small);
        }
        Ok(response)
    }

    /// Finds and reads the file. Returns what can be cached with its key, too. Blocks.
    fn look(
        &self,
        path: Option<&FilePath>,
        request: &Request,
    ) -> Result<(Response, Option<Cacheable>), Refused> {
        let rules = &self.lookup.rules;
        let roots = self.lookup.roots()?;
        let codings = if rules.precompressed { accepted(request.headers()) } else { Vec::new() };
        let Chosen { file, name, sibling, status } = match rules.resolve(&roots, path, &codings)? {
            Meaning::File(chosen) => chosen,
            Meaning::Redirect => return Ok((FilePath::redirect(request), None)),
            Meaning::Listing(items) => return Ok((listing::page(request, &items), None)),
        };
        let opened = file.open()?;
        let media = rules.media(&name, &opened.path, sibling);
        if rules.precompressed && status == Status::OK && opened.metadata.len() <= SMALL {
            let small = Small::read(opened, &media, File::read)?;
            // Only a path that names this file: a fallback must not fill the cache with the paths of clients.
            let is_cacheable =
                small.is_settled() && path.is_some_and(|path| *self.lookup.name(path) == *name);
            let response = small.about.answer(status, request, |selected| Ok(small.body(selected)))?;
            return Ok((response, is_cacheable.then(|| (key(request.route_path(), &codings), small))));
        }
        Ok((answer(opened, &media, status, request, File::read)?, None))
    }
}

/// A small file, and its key in the cache.
type Cacheable = (String, Arc<Small>);

/// The key of a small file in the cache, if it depends on the codings that the client accepts. No path has a NUL.
fn key(path: &str, codings: &[Coding]) -> String {
    let mut key = format!("{path}\0");
    codings.iter().for_each(|coding| key.push_str(coding.name()));
    key
}

impl Endpoint for StaticFiles {
    fn call(&self, request: Request) -> Outcome {
        match self.at_once(&request) {
            Some(response) => response.into(),
            None => Outcome::future(self.clone().answer(request)),
        }
    }

    /// Warns if a directory does not exist. A start-up hook may make it.
    fn describe(&self, operation: &mut Operation) {
        if self.lookup.check_dir
            && let Err(error) = self.check()
        {
            operation.warn(error.to_string());
        }
    }
}

/// The answer, unless the file could not be read from memory.
fn settled(answer: Result<Response, Refused>) -> Option<Result<Response, HttpError>> {
    match answer {
        Ok(response) => Some(Ok(response)),
        Err(Refused::Http(error)) => Some(Err(error)),
        Err(Refused::Io(_) | Refused::Directory(_)) => None,
    }
}
