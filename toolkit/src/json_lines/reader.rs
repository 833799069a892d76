//! Reads a request of JSON Lines, one line at a time.

use std::convert::Infallible;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use serde_core::de::DeserializeOwned;
use stelo_core::body::Body;
use stelo_core::http::Status;

use crate::extract::FromRequest;
use crate::request::{Request, decode};
use crate::response::HttpError;

/// The values of a request of JSON Lines, as they arrive: the last argument of a handler. Blank lines are skipped. No more
/// than one line is kept in memory. It is a [`Stream`] too.
///
/// ```
/// use stelo_toolkit::json_lines::JsonLinesReader;
/// use stelo_toolkit::{App, HttpError, TestClient, post};
///
/// async fn sum(mut numbers: JsonLinesReader<u64>) -> Result<String, HttpError> {
///     let mut sum = 0;
///     while let Some(number) = numbers.next().await {
///         sum += number?;
///     }
///     Ok(sum.to_string())
/// }
///
/// let client = TestClient::new(App::new().route("/sum", post(sum)));
/// assert_eq!(client.post("/sum").body("1\n2\n3").send().text(), "6");
/// ```
pub struct JsonLinesReader<T> {
    body: Body,
    /// The bytes that have arrived and are not read.
    buffer: Vec<u8>,
    /// The start of the next line in the buffer.
    start: usize,
    /// The end of the part of the buffer that has no line end after `start`.
    searched: usize,
    line: u64,
    limit: usize,
    ended: bool,
    value: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> JsonLinesReader<T> {
    /// The default of [`line_limit`](Self::line_limit): 1 MiB.
    pub const LINE_LIMIT: usize = 1 << 20;

    /// Reads a body.
    pub fn new(body: Body) -> Self {
        Self {
            body,
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            line: 0,
            limit: Self::LINE_LIMIT,
            ended: false,
            value: PhantomData,
        }
    }

    /// Sets the largest length of a line, in bytes. A longer line is an error of status 413.
    #[must_use]
    pub fn line_limit(self, bytes: usize) -> Self {
        Self { limit: bytes, ..self }
    }

    /// Waits for the next value. `None` is the end.
    ///
    /// # Errors
    /// 400, naming the line, if it is not JSON; 422 if the value does not fit; 413 if the line is longer than the
    /// [limit](Self::line_limit); 400 if the client did not send all of the body. Reading continues after 400 and 422 of
    /// a line, and ends after the others.
    pub async fn next(&mut self) -> Option<Result<T, HttpError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Takes a line that has arrived, or after the end of the body the rest.
    fn take_line(&mut self) -> Option<Result<T, HttpError>> {
        loop {
            let rest = self.buffer.get(self.searched..).unwrap_or_default();
            let end = match rest.iter().position(|byte| *byte == b'\n') {
                Some(at) => self.searched + at,
                None => {
                    self.searched = self.buffer.len();
                    if !self.ended && self.buffer.len() - self.start <= self.limit {
                        return None;
                    }
                    self.buffer.len()
                }
            };
            let line = self.buffer.get(self.start..end).unwrap_or_default();
            if line.is_empty() && end == self.buffer.len() {
                return None;
            }
            self.line += 1;
            if line.len() > self.limit {
                let detail = format!("line {} is longer than {} bytes", self.line, self.limit);
                self.end();
                return Some(Err(HttpError::new(Status::CONTENT_TOO_LARGE).with_detail(detail)));
            }
            let value = (!line.trim_ascii().is_empty()).then(|| decode::json(line));
            self.start = (end + 1).min(self.buffer.len());
            self.searched = self.start;
            if let Some(value) = value {
                return Some(value.map_err(|error| {
                    let detail = format!("line {}: {}", self.line, error.detail);
                    error.with_detail(detail)
                }));
            }
        }
    }

    /// Ends the reading, and frees the body and the buffer.
    fn end(&mut self) {
        (self.body, self.buffer, self.start, self.searched) = (Body::empty(), Vec::new(), 0, 0);
        self.ended = true;
    }
}

impl<T: DeserializeOwned> Stream for JsonLinesReader<T> {
    type Item = Result<T, HttpError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(value) = self.take_line() {
                return Poll::Ready(Some(value));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(bytes)) => {
                    let start = std::mem::take(&mut self.start);
                    self.buffer.drain(..start);
                    self.searched -= start;
                    self.buffer.extend_from_slice(&bytes);
                }
                Some(Err(error)) => {
                    self.end();
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => self.ended = true,
            }
        }
    }
}

/// Takes any content type.
impl<T: DeserializeOwned + 'static> FromRequest for JsonLinesReader<T> {
    type Rejection = Infallible;

    async fn from_request(mut request: Request) -> Result<Self, Infallible> {
        Ok(Self::new(request.stream()))
    }
}

impl<T> std::fmt::Debug for JsonLinesReader<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JsonLinesReader(line {})", self.line)
    }
}
