//! `FileResponse`: a single file, from a path, from bytes or from a stream.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use futures_core::Stream;
use futures_lite::{AsyncRead, AsyncReadExt, StreamExt, stream};
use stelo_core::Bytes;
use stelo_core::app::{BoxError, Reply, Response};
use stelo_core::body::{Body, BodyError, Frame, Length};
use stelo_core::http::header::{
    CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, IntoHeaderName, IntoHeaderValue,
};
use stelo_core::http::{Headers, Status, is_token};
use stelo_os::files::{Found, Opened, Reason};

use super::answer::{About, Refused};
use super::body::{SMALL, in_memory, streamed};
use super::disposition::disposition;
use super::hash::xxh64;
use super::media::{Media, guess};
use super::validators::Validators;
use crate::describe::Operation;
use crate::handler::{Handler, IntoLeaf, Leaf};
use crate::request::{Parts, Request};
use crate::response::{Failure, HttpError};

/// The size of the pieces that are read from a reader, in bytes.
const PIECE: usize = 64 << 10;

/// A file as a response: from a [path](Self::new), from [bytes](Self::bytes), from a [stream](Self::stream) or a
/// [reader](Self::reader).
///
/// A handler calls [`respond`](Self::respond), because the response depends on the request. A file from a path or from
/// bytes can also be the handler itself: `get(FileResponse::new("favicon.ico"))`.
///
/// The content type is guessed from the [filename](Self::filename), else from the path. Files from a path and from bytes
/// have an `etag` and, from a path, a `last-modified`; conditional requests and ranges are answered as
/// [`StaticFiles`](crate::StaticFiles) does, if the status is 200 and the method is GET or HEAD.
///
/// ```
/// use stelo_toolkit::files::FileResponse;
/// use stelo_toolkit::response::ResponseExt;
/// use stelo_toolkit::{App, Path, Request, Response, TestClient, get};
///
/// async fn report(Path(year): Path<u16>, request: Request) -> stelo_toolkit::Result<Response> {
///     let report = FileResponse::bytes(format!("report of {year}")).filename(format!("report-{year}.txt"));
///     Ok(report.respond(&request).await?.background(async { println!("downloaded") }))
/// }
///
/// let app = App::new()
///     .route("/report/{year}", get(report))
///     .route("/manifest", get(FileResponse::new("Cargo.toml").media_type("text/plain")));
/// let client = TestClient::new(app);
/// let answer = client.get("/report/2026").header("range", "bytes=-4").send();
/// assert_eq!((answer.status().code(), answer.text()), (206, "2026".into()));
/// assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"report-2026.txt\""));
/// assert!(client.get("/manifest").send().text().contains("[package]"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a handler sends it by `respond`"]
pub struct FileResponse<S = PathBuf> {
    source: S,
    status: Status,
    headers: Headers,
    media_type: Option<HeaderValue>,
    filename: Option<String>,
    disposition: &'static str,
}

impl FileResponse<PathBuf> {
    /// Creates a response with the file at a path. Symbolic links are followed. The path must not come from the client:
    /// see [`StaticFiles`](crate::StaticFiles).
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::of(path.into())
    }
}

impl FileResponse<Bytes> {
    /// Creates a response with bytes in memory. The entity tag is a hash of the bytes.
    pub fn bytes(content: impl Into<Bytes>) -> Self {
        Self::of(content.into())
    }
}

impl FileResponse<Streamed> {
    /// Creates a response with the pieces of a stream, each a `Result`. An error cuts the response off. Streams have no
    /// validators and no ranges.
    pub fn stream<T: Into<Bytes>, E: Into<BoxError>>(
        pieces: impl Stream<Item = Result<T, E>> + Send + 'static,
    ) -> Self {
        let frames = pieces.map(|piece| match piece {
            Ok(bytes) => Ok(Frame::Data(bytes.into())),
            Err(error) => Err(BodyError::Other(error.into())),
        });
        Self::of(Streamed { frames: Box::pin(frames), length: Length::Unknown })
    }

    /// Creates a response with the bytes of a reader, which is read in pieces of up to 64 KiB. Readers have no validators
    /// and no ranges.
    ///
    /// ```
    /// use stelo_toolkit::files::FileResponse;
    ///
    /// let export = FileResponse::reader(&b"id,name\n1,Ada\n"[..]).filename("users.csv").size(14);
    /// # let _ = export;
    /// ```
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self::stream(stream::try_unfold(Box::pin(reader), |mut reader| async {
            let mut buffer = vec![0; PIECE];
            let count = reader.read(&mut buffer).await?;
            buffer.truncate(count);
            Ok::<_, io::Error>((count > 0).then_some((buffer, reader)))
        }))
    }

    /// Sets the size in bytes, for the field `content-length`. If the stream ends early or goes on, the response is cut
    /// off.
    pub fn size(mut self, bytes: u64) -> Self {
        self.source.length = Length::Known(bytes);
        self
    }
}

impl<S> FileResponse<S> {
    fn of(source: S) -> Self {
        Self {
            source,
            status: Status::OK,
            headers: Headers::new(),
            media_type: None,
            filename: None,
            disposition: "attachment",
        }
    }

    /// Sets the status. Preconditions and ranges count only for 200, the default.
    pub fn status_code(self, status: Status) -> Self {
        Self { status, ..self }
    }

    /// Sets a header field, in place of that of the file. Name and value are constants, literals or numbers. An `etag` or a
    /// `last-modified` is also the validator of the file.
    ///
    /// # Panics
    /// If a literal is not a valid name or value.
    #[track_caller]
    pub fn header(mut self, name: impl IntoHeaderName, value: impl IntoHeaderValue) -> Self {
        self.headers.set(name, value);
        self
    }

    /// Sets header fields, in place of those of the file.
    pub fn headers(mut self, headers: &Headers) -> Self {
        self.headers.set_all(headers);
        self
    }

    /// Sets the content type: a literal, or a checked [`HeaderValue`].
    ///
    /// # Panics
    /// If a literal is not a valid header value.
    #[track_caller]
    pub fn media_type(self, media_type: impl IntoHeaderValue) -> Self {
        Self { media_type: Some(media_type.into_header_value()), ..self }
    }

    /// Sets the name under which clients save the file: the field `content-disposition` (RFC 6266). Names that are not
    /// plain ASCII are encoded (RFC 8187).
    pub fn filename(self, filename: impl Into<String>) -> Self {
        Self { filename: Some(filename.into()), ..self }
    }

    /// Sets the type of the field `content-disposition`: `"attachment"`, the default, or `"inline"`, so that browsers show
    /// the file. It counts with a [filename](Self::filename).
    ///
    /// # Panics
    /// If it is not a token (RFC 9110 section 5.6.2).
    #[track_caller]
    pub fn content_disposition_type(self, disposition: &'static str) -> Self {
        assert!(is_token(disposition.as_bytes()), "a disposition is a token, such as inline");
        Self { disposition, ..self }
    }

    /// Guesses the content type, from the filename or else from the path.
    fn media(&self, path: &Path) -> Media<'static> {
        let name = self.filename.as_deref().map_or(path, Path::new);
        let mut media = Media::of(name, path);
        (media.charset, media.coding) = (Some("utf-8"), None);
        media
    }

    /// Returns what responses say about a file.
    fn about(&self, media: &Media, size: u64, mut validators: Validators) -> About {
        validators.replace(&self.headers);
        let mut about = About::new(media, size, validators);
        about.fields = self.fields(about.fields);
        about
    }

    /// Adds the fields that the caller has set to those of the file.
    fn fields(&self, mut fields: Headers) -> Headers {
        if let Some(media_type) = &self.media_type {
            fields.set(CONTENT_TYPE, media_type.clone());
        }
        if let Some(name) = &self.filename {
            fields.set(CONTENT_DISPOSITION, disposition(self.disposition, name));
        }
        fields.set_all(&self.headers);
        fields
    }
}

/// A source of a [`FileResponse`]: a `PathBuf`, [`Bytes`], or a stream. Sealed.
pub trait Source: Sized + Send + 'static {
    #[doc(hidden)]
    fn respond(
        file: FileResponse<Self>,
        request: &Parts,
    ) -> impl Future<Output = Result<Response, Refusal>> + Send;
}

#[doc(hidden)]
pub struct Refusal(Refused);

impl<S: Source> FileResponse<S> {
    /// Returns the response to a request.
    ///
    /// # Errors
    /// 304 is not an error, but 412, 416 and 400 are: the precondition of the client does not hold, or it asks for an
    /// invalid range. 500, with a [`FileError`] as its source, if there is no regular file at the path, or it cannot be
    /// opened; 503 if the process has no descriptor left.
    pub async fn respond(self, request: &Parts) -> Result<Response, HttpError> {
        S::respond(self, request).await.map_err(|Refusal(refused)| refused.explain(&"response"))
    }
}

/// A file from a path, as it was opened.
enum Content {
    Small(Opened, Vec<u8>),
    Large(Opened),
}

impl Content {
    /// Opens the file, without waiting for a disk.
    fn cached(path: &Path) -> Option<Self> {
        let opened = Opened::cached(path)?;
        Some(match opened.metadata.len() {
            size @ ..=SMALL => {
                let bytes = opened.file.read_cached(0, size as usize).ok()?;
                Self::Small(opened, bytes)
            }
            _ => Self::Large(opened),
        })
    }

    /// Opens the file. Blocks.
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let found = Found::at(path)?;
        if !found.is_file() {
            return Ok(None);
        }
        let opened = found.open()?;
        Ok(Some(match opened.metadata.len() {
            size @ ..=SMALL => {
                let bytes = opened.file.read(0, size as usize)?;
                Self::Small(opened, bytes)
            }
            _ => Self::Large(opened),
        }))
    }
}

impl Source for PathBuf {
    async fn respond(mut file: FileResponse<Self>, request: &Parts) -> Result<Response, Refusal> {
        let content = match Content::cached(&file.source) {
            Some(content) => content,
            None => {
                let path = std::mem::take(&mut file.source);
                let open = move || (Content::open(&path), path);
                let (content, path) = request.executor().run_blocking(open).await;
                file.source = path;
                content
                    .map_err(|error| FileError::of(&file.source, Some(error)))?
                    .ok_or_else(|| FileError::of(&file.source, None))?
            }
        };
        let media = file.media(&file.source);
        let about = |opened: &Opened| {
            let validators = Validators::of(&opened.metadata)?;
            Ok::<_, io::Error>(file.about(&media, opened.metadata.len(), validators))
        };
        let failed = |error| FileError::of(&file.source, Some(error));
        let answer = match content {
            Content::Small(opened, bytes) => {
                let about = about(&opened).map_err(failed)?;
                about.answer(file.status, request, |selected| Ok(in_memory(bytes.into(), selected)))
            }
            Content::Large(opened) => {
                let about = about(&opened).map_err(failed)?;
                let executor = request.executor();
                about.answer(file.status, request, |selected| Ok(streamed(opened.file, selected, executor)))
            }
        };
        answer.map_err(Refusal)
    }
}

impl Source for Bytes {
    async fn respond(file: FileResponse<Self>, request: &Parts) -> Result<Response, Refusal> {
        let content = &file.source;
        let validators = Validators::of_content(xxh64(content), content.len());
        let about = file.about(&file.media(Path::new("")), content.len() as u64, validators);
        about
            .answer(file.status, request, |selected| Ok(in_memory(content.clone(), selected)))
            .map_err(Refusal)
    }
}

/// The pieces of a stream, as the source of a [`FileResponse`].
pub struct Streamed {
    frames: Pin<Box<dyn Stream<Item = Result<Frame, BodyError>> + Send>>,
    length: Length,
}

impl Source for Streamed {
    async fn respond(file: FileResponse<Self>, _: &Parts) -> Result<Response, Refusal> {
        let kind = file.filename.as_deref().and_then(|name| guess(Path::new(name)));
        let mut media = Media::of(Path::new(""), Path::new(""));
        (media.kind, media.charset) = (kind.unwrap_or(media.kind), Some("utf-8"));
        let mut headers = Headers::new();
        media.put_content_type(&mut headers);
        let headers = file.fields(headers);
        let Self { frames, length } = file.source;
        Ok(Response {
            status: file.status,
            headers,
            body: Body::from_frames(frames, length),
            ..Response::default()
        })
    }
}

/// The file of a [`FileResponse`] cannot be sent: the source of the error of status 500.
///
/// ```
/// use std::error::Error;
/// use stelo_toolkit::files::{FileError, FileResponse};
/// use stelo_toolkit::{HttpError, Request, Response, Status};
///
/// async fn photo(request: Request) -> Result<Response, HttpError> {
///     FileResponse::new("photo.jpg").respond(&request).await.map_err(|error| {
///         let missing = error.source().and_then(|source| source.downcast_ref::<FileError>());
///         match missing {
///             Some(FileError::Missing { .. }) => HttpError::new(Status::NOT_FOUND),
///             _ => error,
///         }
///     })
/// }
/// # let _ = stelo_toolkit::get(photo);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// It does not exist.
    Missing {
        /// Its path.
        path: PathBuf,
    },
    /// It is not a regular file.
    NotAFile {
        /// Its path.
        path: PathBuf,
    },
    /// It cannot be opened or read.
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
}

impl FileError {
    /// The refusal of a request for a file that cannot be opened because of `error`, or is not a file.
    fn of(path: &Path, error: Option<io::Error>) -> Refusal {
        let path = path.to_owned();
        let reason = error.as_ref().map(Reason::of);
        let status = match reason {
            Some(Reason::Exhausted) => Status::SERVICE_UNAVAILABLE,
            _ => Status::INTERNAL_SERVER_ERROR,
        };
        let error = match error {
            None => Self::NotAFile { path },
            Some(_) if reason == Some(Reason::Missing) => Self::Missing { path },
            Some(error) => Self::Unreadable { path, error },
        };
        Refusal(HttpError::new(status).with_source(error).into())
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => {
                write!(f, "the file `{}` does not exist: create it, or name another", path.display())
            }
            Self::NotAFile { path } => {
                write!(f, "`{}` is not a file: name one that can be read", path.display())
            }
            Self::Unreadable { path, error } => {
                write!(f, "the file `{}` cannot be read: {error}", path.display())
            }
        }
    }
}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// The handler is a file.
#[derive(Debug)]
pub enum AsFile {}

impl<S: Source + Clone + Sync> Handler<AsFile> for FileResponse<S> {
    async fn call(self, request: Request) -> Result<Response, Failure> {
        self.respond(&request).await.map_err(Failure::new)
    }

    fn describe(_: &mut Operation) {}
}

impl<S: Source + Clone + Sync> IntoLeaf<AsFile> for FileResponse<S> {
    fn into_leaf(self) -> Leaf {
        Leaf::new(move |request, scope| Reply::future(scope.settle(Handler::call(self.clone(), request))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The errors that no test can cause without harm to other tests of the process, or as root.
    #[test]
    fn a_file_that_cannot_be_opened_is_a_fault_of_the_server() {
        for (code, status, text) in [
            (24, 503, "the file `f.txt` cannot be read: Too many open files (os error 24)"),
            (5, 500, "the file `f.txt` cannot be read: Input/output error (os error 5)"),
        ] {
            let Refusal(refused) =
                FileError::of(Path::new("f.txt"), Some(io::Error::from_raw_os_error(code)));
            let error = refused.explain(&"response");
            assert_eq!(error.status.code(), status);
            let source = error.source().expect("the error of the file");
            assert_eq!((source.to_string().as_str(), source.source().is_some()), (text, true));
        }
    }
}
