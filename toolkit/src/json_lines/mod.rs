//! JSON Lines: a JSON value per line, as a response from a stream and as a request that is read line by line
//! (<https://jsonlines.org>).

mod reader;

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use serde_core::Serialize;
use stelo_core::app::{BoxError, Response};

pub use reader::JsonLinesReader;

use crate::response::{IntoResponse, StreamingResponse};

/// A response with a line of JSON for each value of a stream: `application/jsonl`. A value that cannot be written cuts the
/// response off.
///
/// ```
/// use futures_lite::stream;
/// use stelo_toolkit::json_lines::JsonLines;
/// use stelo_toolkit::{App, TestClient, get};
///
/// async fn rows() -> JsonLines {
///     JsonLines::new(stream::iter([("tea", 3), ("milk", 1)]))
/// }
///
/// let client = TestClient::new(App::new().route("/rows", get(rows)));
/// assert_eq!(client.get("/rows").send().text(), "[\"tea\",3]\n[\"milk\",1]\n");
/// ```
#[must_use]
pub struct JsonLines(StreamingResponse);

impl JsonLines {
    /// Creates a response of these values.
    pub fn new<T: Serialize>(values: impl Stream<Item = T> + Send + 'static) -> Self {
        Self::streaming(values, |value| line(&value))
    }

    /// Creates a response of values that can fail. An error cuts the response off.
    pub fn fallible<T: Serialize, E: Into<BoxError>>(
        values: impl Stream<Item = Result<T, E>> + Send + 'static,
    ) -> Self {
        Self::streaming(values, |value| line(&value.map_err(Into::into)?))
    }

    fn streaming<S: Stream + Send + 'static>(
        values: S,
        line: fn(S::Item) -> Result<Vec<u8>, BoxError>,
    ) -> Self {
        let lines = Lines { values: Box::pin(values), line };
        Self(StreamingResponse::fallible(lines).content_type("application/jsonl"))
    }
}

fn line(value: &impl Serialize) -> Result<Vec<u8>, BoxError> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

impl IntoResponse for JsonLines {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl std::fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JsonLines")
    }
}

/// The values of a stream as lines.
struct Lines<S: Stream> {
    values: Pin<Box<S>>,
    line: fn(S::Item) -> Result<Vec<u8>, BoxError>,
}

impl<S: Stream> Stream for Lines<S> {
    type Item = Result<Vec<u8>, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let line = self.line;
        self.values.as_mut().poll_next(cx).map(|value| value.map(line))
    }
}
