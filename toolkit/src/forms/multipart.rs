//! `Multipart`: the parts of a form as a stream.

use std::mem;

use stelo_core::Bytes;
use stelo_core::body::{Body, BodyError, Length};
use stelo_core::http::Headers;
use stelo_core::multipart::{self, Boundary, Event, Parser, parameter};

use super::{FormLimits, rejection};
use crate::response::HttpError;

/// A multipart form as a stream of parts. The client is held back while the handler does not read.
///
/// As an argument of a handler, it rejects another content type with 415, and one without a boundary with 400.
///
/// ```
/// use stelo_toolkit::forms::Multipart;
/// use stelo_toolkit::{App, HttpError, TestClient, post};
///
/// async fn sizes(mut form: Multipart) -> Result<String, HttpError> {
///     let mut answer = String::new();
///     while let Some(mut part) = form.next_part().await? {
///         let mut size = 0;
///         while let Some(bytes) = part.chunk().await? {
///             size += bytes.len();
///         }
///         answer += &format!("{}: {size}\n", part.name());
///     }
///     Ok(answer)
/// }
///
/// let client = TestClient::new(App::new().route("/", post(sizes)));
/// let body = "--B\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nhello\r\n--B--\r\n";
/// let response = client.post("/").header("content-type", "multipart/form-data; boundary=B").body(body).send();
/// assert_eq!(response.text(), "a: 5\n");
/// ```
#[derive(Debug)]
pub struct Multipart {
    body: Body,
    parser: Parser,
    /// The received bytes that have not been parsed.
    chunk: Bytes,
    /// The number of bytes that have been received.
    received: u64,
    limits: FormLimits,
    /// The number of bytes that may be collected, of one part or after the last.
    body_limit: usize,
    charset: Charset,
    in_part: bool,
    ended: bool,
}

/// The encoding of names and texts, as the `Content-Type` of the request has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Charset {
    Utf8,
    Latin1,
}

/// One thing that the parser has found.
enum Found {
    Part(multipart::Part),
    Data(Bytes),
    PartEnd,
    End,
}

impl Multipart {
    /// Creates the stream of a body with this `Content-Type`.
    ///
    /// # Errors
    /// The boundary is missing or invalid, or the announced length of the body exceeds the limit.
    pub(super) fn new(
        content_type: &[u8],
        body: Body,
        limits: FormLimits,
        body_limit: usize,
    ) -> Result<Self, HttpError> {
        let boundary = Boundary::of(content_type).map_err(|error| rejection::of_parser(error, &limits))?;
        if let (Some(most), Length::Known(length)) = (limits.max_body_size, body.length())
            && length > most
        {
            return Err(rejection::too_large("the form", most));
        }
        let charset = match parameter(content_type, "charset") {
            Some(name)
                if [&b"iso-8859-1"[..], b"latin-1", b"latin1"]
                    .iter()
                    .any(|latin| name.eq_ignore_ascii_case(latin)) =>
            {
                Charset::Latin1
            }
            _ => Charset::Utf8,
        };
        let parser = Parser::new(&boundary, limits.parser());
        Ok(Self {
            body,
            parser,
            chunk: Bytes::new(),
            received: 0,
            limits,
            body_limit,
            charset,
            in_part: false,
            ended: false,
        })
    }

    /// Returns the next part, and skips what is left of the one before. `None` is the end of the form.
    ///
    /// # Errors
    /// 400 if the form is malformed, ends early, or has too many or too large parts; 413 if the body or a file is too
    /// large; otherwise the error that ended the body early.
    pub async fn next_part(&mut self) -> Result<Option<Part<'_>>, HttpError> {
        while !self.ended {
            match self.advance().await? {
                Found::Part(part) => {
                    let (headers, name, filename) = part.into_parts();
                    let (name, filename) = (self.decode(name), filename.map(|name| self.decode(name)));
                    return Ok(Some(Part { form: self, headers, name, filename, size: 0 }));
                }
                Found::Data(_) | Found::PartEnd => {}
                Found::End => self.skip_epilogue().await?,
            }
        }
        Ok(None)
    }

    async fn advance(&mut self) -> Result<Found, HttpError> {
        loop {
            let mut rest = &self.chunk[..];
            let before = rest.len();
            let event = self
                .parser
                .next_event(&mut rest)
                .map_err(|error| rejection::of_parser(error, &self.limits))?;
            let (used, is_empty) = (before - rest.len(), rest.is_empty());
            let found = match event {
                // Most pieces of a file are data to their end, and go on without a copy.
                Event::Data(data) if is_empty && data.len() == used => {
                    Found::Data(mem::take(&mut self.chunk))
                }
                Event::Data(data) => Found::Data(data.to_vec().into()),
                Event::Part(part) => Found::Part(part),
                Event::PartEnd => Found::PartEnd,
                Event::End => Found::End,
                Event::NeedData => {
                    match self.receive().await? {
                        Some(bytes) => self.chunk = bytes,
                        None => {
                            self.chunk = Bytes::new();
                            self.parser
                                .finish()
                                .map_err(|error| rejection::of_parser(error, &self.limits))?;
                            return Ok(Found::End);
                        }
                    }
                    continue;
                }
            };
            self.chunk.advance(used);
            self.in_part = matches!(found, Found::Part(_) | Found::Data(_));
            return Ok(found);
        }
    }

    /// Receives the next piece of the body.
    async fn receive(&mut self) -> Result<Option<Bytes>, HttpError> {
        let Some(bytes) = self.body.chunk().await.transpose()? else { return Ok(None) };
        self.received += bytes.len() as u64;
        match self.limits.max_body_size {
            Some(most) if self.received > most => Err(rejection::too_large("the form", most)),
            _ => Ok(Some(bytes)),
        }
    }

    /// Skips everything after the closing boundary, so that the connection can be used again.
    async fn skip_epilogue(&mut self) -> Result<(), HttpError> {
        self.ended = true;
        let mut skipped = mem::take(&mut self.chunk).len();
        while skipped <= self.body_limit {
            let Some(bytes) = self.receive().await? else { return Ok(()) };
            skipped += bytes.len();
        }
        Err(BodyError::TooLarge { limit: self.body_limit }.into())
    }

    /// Decodes a name or a text: by the charset of the request, as latin-1 if it does not fit.
    fn decode(&self, bytes: Vec<u8>) -> String {
        let latin1 = |bytes: &[u8]| bytes.iter().map(|&b| char::from(b)).collect();
        match self.charset {
            Charset::Utf8 => String::from_utf8(bytes).unwrap_or_else(|error| latin1(error.as_bytes())),
            Charset::Latin1 => latin1(&bytes),
        }
    }

    pub(super) fn limits(&self) -> &FormLimits {
        &self.limits
    }
}

/// A part of a [`Multipart`] form. Its data is read in pieces, or as a whole.
#[derive(Debug)]
pub struct Part<'a> {
    form: &'a mut Multipart,
    headers: Headers,
    name: String,
    filename: Option<String>,
    /// The number of bytes that have been read.
    size: u64,
}

impl Part<'_> {
    /// Returns the name of the field.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of the file, as the client sends it; `None` if the part is not a file. It can be empty or a path:
    /// do not use it as the name of a file here.
    pub fn filename(&self) -> Option<&str> {
        self.filename.as_deref()
    }

    /// Returns the content type, as the client sends it.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get_str("content-type")
    }

    /// Returns the headers of the part, in wire order.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Returns the next bytes of the part. `None` is its end.
    ///
    /// # Errors
    /// Those of [`Multipart::next_part`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        if !self.form.in_part {
            return Ok(None);
        }
        let Found::Data(bytes) = self.form.advance().await? else { return Ok(None) };
        self.size += bytes.len() as u64;
        match self.form.limits.max_file_size {
            Some(most) if self.filename.is_some() && self.size > most => {
                Err(rejection::too_large(&format!("the file of the field `{}`", self.name), most))
            }
            _ => Ok(Some(bytes)),
        }
    }

    /// Reads the rest of the part into memory.
    ///
    /// # Errors
    /// Those of [`Multipart::next_part`]; 413 if it is larger than the [body limit](crate::Router::body_limit).
    pub async fn bytes(&mut self) -> Result<Vec<u8>, HttpError> {
        let limit = self.form.body_limit;
        let mut all = Vec::new();
        while let Some(bytes) = self.chunk().await? {
            if bytes.len() > limit - all.len() {
                return Err(BodyError::TooLarge { limit }.into());
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }

    /// Reads the rest of the part as text. Bytes that are not UTF-8 are read as latin-1.
    ///
    /// # Errors
    /// Those of [`bytes`](Self::bytes).
    pub async fn text(&mut self) -> Result<String, HttpError> {
        let bytes = self.bytes().await?;
        Ok(self.form.decode(bytes))
    }

    /// Returns the head of the part: name, file name, headers.
    pub(super) fn into_head(self) -> (String, Option<String>, Headers) {
        (self.name, self.filename, self.headers)
    }
}
