//! Static files: a directory as an endpoint, with content types, conditional requests and ranges.
//!
//! | module | decides |
//! |---|---|
//! | `path` | which paths can name a file |
//! | `lookup` | which file a path means |
//! | `media` | the content type of a file |
//! | `conditional` | whether the client has the file already (RFC 9110 section 13) |
//! | `range` | which part of the file the client wants (RFC 9110 section 14) |
//! | `body` | how the bytes of the file are sent |
//! | `kept` | which small files are cached |
//!
//! `stelo-os` opens and reads the files. A file that the system has in memory is served at once; other files are opened
//! and read on the executor's threads for blocking work. Validators always describe the file that is sent.

mod body;
mod conditional;
mod kept;
mod lookup;
mod media;
mod path;
mod range;

use std::fs::Metadata;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use futures_lite::stream;
use stelo_core::app::Response;
use stelo_core::body::Body;
use stelo_core::body::Length;
use stelo_core::http::{Headers, Method, Status, is_token};
use stelo_os::files::{Directory, File, Opened, Reason};

use self::body::{Read, SMALL};
use self::conditional::{Precondition, Validators};
use self::kept::{Kept, Small};
use self::lookup::Lookup;
use self::media::Media;
use self::path::FilePath;
use self::range::Selection;
use crate::describe::Operation;
use crate::handler::{Endpoint, Outcome};
use crate::request::Request;
use crate::request::url::encode_path;
use crate::response::report::failure;
use crate::response::{Failure, HttpError, IntoResponse, Redirect};

pub use stelo_os::files::DirectoryError;

/// Serves the files of a directory. Mount it.
///
/// Answers GET and HEAD. Other methods get 405, and paths that are not a file below the directory get 404. So do paths
/// with an encoded `/`, and on Windows names of devices (`con`, `nul.txt`), drives and streams. Responses have an `etag`
/// and a `last-modified`, so that clients can ask for changed files only. A single range is answered with 206. If a file
/// becomes shorter while it is sent, the connection is closed. A compressed image or scene (`.svgz`, `.x3dz`, `.wrz`) has
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
/// use stelo_toolkit::{App, StaticFiles};
///
/// let app = App::new().mount("/static", StaticFiles::new("assets"));
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
        let lookup = Lookup { directory: Directory::new(directory), html: false, charset: Some("utf-8") };
        Self { lookup: Arc::new(lookup), kept: Arc::default() }
    }

    /// Sets whether a directory is answered with its `index.html`. A path without a `/` at its end is redirected. Off by
    /// default.
    pub fn html(self, html: bool) -> Self {
        self.with(|lookup| lookup.html = html)
    }

    /// Sets whether symbolic links may lead out of the directory. Off by default.
    pub fn follow_symlinks(self, follow: bool) -> Self {
        self.with(|lookup| lookup.directory.set_follow_symlinks(follow))
    }

    /// Sets the charset in the content type of text files, such as `"iso-8859-1"`; `None` names none, so that clients look at
    /// the content. `utf-8` by default.
    ///
    /// # Panics
    /// If `charset` is not a token (RFC 9110 section 5.6.2).
    #[track_caller]
    pub fn charset(self, charset: impl Into<Option<&'static str>>) -> Self {
        let charset = charset.into();
        assert!(charset.is_none_or(|name| is_token(name.as_bytes())), "a charset is a token, such as utf-8");
        self.with(|lookup| lookup.charset = charset)
    }

    fn with(mut self, set: impl FnOnce(&mut Lookup)) -> Self {
        set(Arc::make_mut(&mut self.lookup));
        // Cached paths may lead elsewhere now.
        self.kept = Arc::default();
        self
    }

    /// Checks that the directory exists. Call it in a start-up hook, so that a wrong path ends the start. Blocks.
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
    /// The directory does not exist, is not a directory, or cannot be read.
    pub fn check(&self) -> Result<(), DirectoryError> {
        self.lookup.directory.root().map(|_| ())
    }

    /// Returns the response if it needs only what is in memory. `None` leaves the request to [`answer`](Self::answer).
    fn at_once(&self, request: &Request) -> Option<Result<Response, HttpError>> {
        if !is_read(request) || !request.has_text_path() || request.has_encoded_slash() {
            return None;
        }
        let path = request.route_path();
        let small = match self.kept.get(path) {
            Some(small) => small,
            None => {
                let name = FilePath::parse(path)?;
                let opened = self.lookup.open_cached(&name)?;
                let media = self.lookup.media(&name, &opened.path);
                if opened.metadata.len() > SMALL {
                    return settled(answer(opened, &media, request, File::read_cached));
                }
                let small = Small::read(opened, &media).ok()?;
                if small.is_settled() {
                    self.kept.put(path, &small);
                }
                small
            }
        };
        settled(small.about.answer(request, |range| Ok(small.body(range))))
    }

    async fn answer(self, request: Request) -> Result<Response, Failure> {
        if !is_read(&request) {
            return Err(Failure::new(refusal(Status::METHOD_NOT_ALLOWED, "allow", "GET, HEAD")));
        }
        let Some(path) = FilePath::of(&request) else {
            return Err(Failure::new(HttpError::new(Status::NOT_FOUND)));
        };
        let executor = request.executor();
        let work = move || self.look(&path, &request).map_err(|refused| refused.explain(&path));
        executor.run_blocking(work).await.map_err(Failure::new)
    }

    fn look(&self, path: &FilePath, request: &Request) -> Result<Response, Refused> {
        match self.lookup.open(path)? {
            Some(opened) => {
                let media = self.lookup.media(path, &opened.path);
                answer(opened, &media, request, File::read)
            }
            None => Ok(to_directory(path, request)),
        }
    }
}

impl Endpoint for StaticFiles {
    fn call(&self, request: Request) -> Outcome {
        match self.at_once(&request) {
            Some(response) => response.into(),
            None => Outcome::future(self.clone().answer(request)),
        }
    }

    /// Warns if the directory does not exist. A start-up hook may make it.
    fn describe(&self, operation: &mut Operation) {
        if let Err(error) = self.check() {
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

fn is_read(request: &Request) -> bool {
    matches!(request.method(), Method::Get | Method::Head)
}

/// Metadata of a file for its responses.
struct About {
    size: u64,
    validators: Validators,
    fields: Headers,
}

impl About {
    fn of(media: &Media, metadata: &Metadata) -> io::Result<Self> {
        let validators = Validators::of(metadata)?;
        Ok(Self { size: metadata.len(), fields: fields(media, &validators), validators })
    }

    /// Returns the response to a request. `body` returns the bytes of a range.
    fn answer(
        &self,
        request: &Request,
        body: impl FnOnce(Range<u64>) -> io::Result<Body>,
    ) -> Result<Response, Refused> {
        let Self { size, validators, fields } = self;
        match conditional::evaluate(request.headers(), validators) {
            Precondition::Holds => {}
            Precondition::NotModified => return Ok(not_modified(validators)),
            Precondition::Failed => return Err(HttpError::new(Status::PRECONDITION_FAILED).into()),
        }
        let mut response = Response { headers: fields.clone(), ..Response::default() };
        if *request.method() == Method::Head {
            response.body = Body::from_frames(stream::empty(), Length::Known(*size));
            return Ok(response);
        }
        let range = match range::select(request.headers(), validators, *size)? {
            Selection::Whole => 0..*size,
            Selection::Part(range) => {
                response.status = Status::PARTIAL_CONTENT;
                let (first, last) = (range.start, range.end - 1);
                put(&mut response.headers, "content-range", format!("bytes {first}-{last}/{size}"));
                range
            }
        };
        response.body = body(range)?;
        Ok(response)
    }
}

/// Returns the response to a request. `read` reads a body at once.
fn answer(opened: Opened, media: &Media, request: &Request, read: Read) -> Result<Response, Refused> {
    let Opened { file, metadata, .. } = opened;
    let about = About::of(media, &metadata)?;
    about.answer(request, |range| body::of(file, range, request.executor(), read))
}

/// The reasons why a request gets no file.
enum Refused {
    /// An error of the file system.
    Io(io::Error),
    Directory(DirectoryError),
    Http(HttpError),
}

impl Refused {
    fn not_found() -> Self {
        io::Error::from(io::ErrorKind::NotFound).into()
    }

    /// Converts into the error for the client. Faults of the server are logged.
    fn explain(self, path: &FilePath) -> HttpError {
        let status = match self {
            Self::Http(error) => return error,
            Self::Io(error) => {
                let status = match Reason::of(&error) {
                    Reason::Missing => return HttpError::new(Status::NOT_FOUND),
                    Reason::Forbidden => return HttpError::new(Status::FORBIDDEN),
                    Reason::Exhausted => Status::SERVICE_UNAVAILABLE,
                    Reason::Fault => Status::INTERNAL_SERVER_ERROR,
                };
                failure!("static file `{}`: {error}", path.as_path().display());
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

/// Returns the header fields of a response with the file or a part of it.
fn fields(media: &Media, validators: &Validators) -> Headers {
    let mut headers = Headers::with_capacity(5, 192);
    match media.charset.filter(|_| media.kind.starts_with("text/")) {
        Some(charset) => put(&mut headers, "content-type", format!("{}; charset={charset}", media.kind)),
        None => put(&mut headers, "content-type", media.kind),
    }
    if media.is_compressed {
        put(&mut headers, "content-encoding", "gzip");
    }
    put(&mut headers, "accept-ranges", "bytes");
    if let Some(modified) = &validators.modified {
        put(&mut headers, "last-modified", modified.date);
    }
    if let Some(etag) = &validators.etag {
        put(&mut headers, "etag", etag);
    }
    headers
}

fn not_modified(validators: &Validators) -> Response {
    let mut response = Response::empty(Status::NOT_MODIFIED);
    if let Some(etag) = &validators.etag {
        put(&mut response.headers, "etag", etag);
    }
    response
}

/// Redirects to the same directory with a `/` at the end, so that relative links in its page work.
fn to_directory(path: &FilePath, request: &Request) -> Response {
    let name = encode_path(path.as_path().as_os_str().as_encoded_bytes());
    let path = format!("{}/{name}/", encode_path(&*request.root_path()));
    // One slash at the start: after two, the next segment would be a host.
    let mut location = format!("/{}", path.trim_start_matches('/'));
    if let Some(query) = request.head().query() {
        location.push('?');
        location.push_str(query);
    }
    Redirect::to(location).into_response()
}

/// Creates an error with a header field.
fn refusal(status: Status, name: &'static str, value: impl AsRef<[u8]>) -> HttpError {
    let mut error = HttpError::new(status);
    put(&mut error.headers, name, value);
    error
}

fn put(headers: &mut Headers, name: &'static str, value: impl AsRef<[u8]>) {
    headers.try_append(name, value).expect("numbers, dates, entity tags and media types are valid values");
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
            (Kind::PermissionDenied, 403),
            (Kind::OutOfMemory, 503),
            (Kind::UnexpectedEof, 500),
        ] {
            let path = FilePath::parse("/x").expect("an ordinary path");
            assert_eq!(Refused::from(io::Error::from(kind)).explain(&path).status.code(), status, "{kind}");
        }
    }
}
