//! `UploadFile`: a file of a form.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use futures_lite::stream;
use stelo_core::Bytes;
use stelo_core::body::{Body, BodyError, Frame, Length};
use stelo_core::http::Headers;
use stelo_os::files;

use super::spool::Content;
use crate::request::Executor;

/// The size of the pieces of a body that is read from a file, in bytes.
const PIECE: usize = 64 << 10;

/// A file of a form: its content, and what the client says about it.
///
/// The content is in memory, or in a temporary file that is gone with the last upload of its form; [`persist`](Self::persist)
/// keeps it. Clones share the content, and each reads at a position of its own. As an argument of a handler, it is a field
/// of the struct in a [`Form`](crate::Form):
///
/// ```
/// use serde::Deserialize;
/// use stelo_toolkit::forms::UploadFile;
/// use stelo_toolkit::{App, Form, Status, post};
///
/// #[derive(Deserialize)]
/// struct Profile {
///     name: String,
///     photo: UploadFile,
///     #[serde(default)]
///     documents: Vec<UploadFile>,
/// }
///
/// async fn save(Form(profile): Form<Profile>) -> stelo_toolkit::Result<Status> {
///     profile.photo.persist("/srv/photos/latest").await?;
///     Ok(Status::CREATED)
/// }
/// # let _ = post(save);
/// ```
#[derive(Clone)]
pub struct UploadFile {
    file: Arc<Uploaded>,
    position: u64,
}

struct Uploaded {
    content: Content,
    filename: String,
    headers: Headers,
    /// `None` for a file that was made in memory.
    executor: Option<Executor>,
}

impl UploadFile {
    /// Creates a file in memory, for tests.
    ///
    /// ```
    /// use stelo_toolkit::forms::UploadFile;
    /// use stelo_toolkit::Headers;
    ///
    /// let mut headers = Headers::new();
    /// headers.set("content-type", "text/plain");
    /// let mut file = UploadFile::new("a.txt", headers, "hello");
    /// let read = async {
    ///     assert_eq!(&*file.read(4).await?, b"hell");
    ///     assert_eq!(&*file.read(4).await?, b"o");
    ///     file.seek(1);
    ///     file.read(2).await
    /// };
    /// assert_eq!(&*futures_lite::future::block_on(read)?, b"el");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(filename: impl Into<String>, headers: Headers, content: impl Into<Bytes>) -> Self {
        Self::of(Content::Memory(content.into()), filename.into(), headers, None)
    }

    pub(super) fn of(
        content: Content,
        filename: String,
        headers: Headers,
        executor: Option<Executor>,
    ) -> Self {
        Self { file: Arc::new(Uploaded { content, filename, headers, executor }), position: 0 }
    }

    /// Returns the name of the file, as the client sends it: it can be empty or a path. Do not use it as the name of a
    /// file here; [`safe_filename`](Self::safe_filename) is meant for that.
    pub fn filename(&self) -> &str {
        &self.file.filename
    }

    /// Returns the last component of the file name, if it can be a name on every system: no path (of old browsers, or of
    /// an attacker), no control character, no dot at an end, no character or name that Windows reserves. `None` otherwise.
    ///
    /// ```
    /// use stelo_toolkit::Headers;
    /// use stelo_toolkit::forms::UploadFile;
    ///
    /// let safe = |name: &str| UploadFile::new(name, Headers::new(), "").safe_filename().map(str::to_owned);
    /// assert_eq!(safe(r"C:\photos\sea.png").as_deref(), Some("sea.png"));
    /// assert_eq!(safe("../../etc/passwd").as_deref(), Some("passwd"));
    /// assert_eq!(safe(".."), None);
    /// ```
    pub fn safe_filename(&self) -> Option<&str> {
        let name = self.filename().rsplit(['/', '\\']).next()?;
        let stem = name.split('.').next()?.trim_end();
        let device = ["con", "prn", "aux", "nul"].iter().any(|device| stem.eq_ignore_ascii_case(device));
        let port = matches!(stem.get(..3), Some(kind) if ["com", "lpt"].iter().any(|port| kind.eq_ignore_ascii_case(port)))
            && stem.chars().count() == 4
            && stem.ends_with(|c: char| c.is_ascii_digit() || "¹²³".contains(c));
        let is_bad = |c: char| c.is_control() || r#"<>:"|?*"#.contains(c);
        let valid = !name.is_empty()
            && name.len() <= 255
            && !name.contains(is_bad)
            && !name.starts_with(['.', ' '])
            && !name.ends_with(['.', ' ']);
        (valid && !device && !port).then_some(name)
    }

    /// Returns the content type, as the client sends it. It is a claim.
    pub fn content_type(&self) -> Option<&str> {
        self.headers().get_str("content-type")
    }

    /// Returns the headers of the part, in wire order.
    pub fn headers(&self) -> &Headers {
        &self.file.headers
    }

    /// Returns the size in bytes.
    pub fn size(&self) -> u64 {
        self.file.content.len()
    }

    /// Whether the content is in memory, and not in a temporary file.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.file.content, Content::Memory(_))
    }

    /// Whether the client has chosen no file: a browser then sends an empty one without a name.
    pub fn is_absent(&self) -> bool {
        self.filename().is_empty() && self.size() == 0
    }

    /// Reads up to `max` bytes, and moves the position after them. Fewer only at the end of the file; none after it.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub async fn read(&mut self, max: usize) -> io::Result<Bytes> {
        let bytes = self.read_at(self.position, max).await?;
        self.position += bytes.len() as u64;
        Ok(bytes)
    }

    /// Sets the position of [`read`](Self::read), in bytes from the start. It can be after the end.
    pub fn seek(&mut self, position: u64) {
        self.position = position;
    }

    /// Returns the position of [`read`](Self::read), in bytes from the start.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Reads the whole file into memory, whatever the position. Without a copy if it is there.
    ///
    /// # Errors
    /// The temporary file cannot be read, or its size is above that of the address space.
    pub async fn bytes(&self) -> io::Result<Bytes> {
        match &self.file.content {
            Content::Memory(bytes) => Ok(bytes.clone()),
            Content::File(..) => {
                self.read_at(0, usize::try_from(self.size()).map_err(io::Error::other)?).await
            }
        }
    }

    /// Reads the whole file as text.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); `InvalidData` if it is not UTF-8.
    pub async fn text(&self) -> io::Result<String> {
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into_vec()).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Saves the content under a path, in place of a file that is there. Readers of the path see the old content or the new
    /// one, never a part. A temporary file on the same file system is not copied if it holds nothing else.
    ///
    /// # Errors
    /// The file cannot be written. Then the path is unchanged.
    pub async fn persist(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let (content, path) = (self.file.content.clone(), path.as_ref().to_owned());
        let work = move || match content {
            Content::Memory(bytes) => files::save(&bytes, &path),
            Content::File(file, range) => file.persist(range, &path),
        };
        self.blocking(work).await
    }

    /// Runs work on a thread where it delays no request. A file that was made in memory knows none.
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        match &self.file.executor {
            Some(executor) => executor.run_blocking(work).await,
            None => work(),
        }
    }

    async fn read_at(&self, position: u64, max: usize) -> io::Result<Bytes> {
        match &self.file.content {
            Content::Memory(bytes) => {
                let start = usize::try_from(position).map_or(bytes.len(), |start| start.min(bytes.len()));
                let mut rest = bytes.clone();
                rest.advance(start);
                Ok(if rest.len() <= max { rest } else { rest[..max].to_vec().into() })
            }
            Content::File(file, range) => {
                let (file, from) = (file.clone(), range.start.saturating_add(position).min(range.end));
                let len = usize::try_from(range.end - from).map_or(max, |left| left.min(max));
                let work = move || {
                    let mut bytes = vec![0; len];
                    let mut filled = 0;
                    while filled < len {
                        match file.read_at(&mut bytes[filled..], from + filled as u64)? {
                            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                            n => filled += n,
                        }
                    }
                    Ok(Bytes::from(bytes))
                };
                if len == 0 { Ok(Bytes::new()) } else { self.blocking(work).await }
            }
        }
    }
}

impl From<UploadFile> for Body {
    /// The content as a body, in pieces, whatever the position.
    fn from(file: UploadFile) -> Self {
        if let Content::Memory(bytes) = &file.file.content {
            return bytes.clone().into();
        }
        let length = Length::Known(file.size());
        let pieces = stream::try_unfold((file, 0), |(file, at)| async move {
            let bytes = file.read_at(at, PIECE).await.map_err(|error| BodyError::Other(error.into()))?;
            let next = at + bytes.len() as u64;
            Ok((!bytes.is_empty()).then_some((Frame::Data(bytes), (file, next))))
        });
        Self::from_frames(pieces, length)
    }
}

impl fmt::Debug for UploadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadFile")
            .field("filename", &self.filename())
            .field("size", &self.size())
            .field("headers", self.headers())
            .finish()
    }
}
