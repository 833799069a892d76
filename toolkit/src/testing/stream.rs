//! A response that the test reads piece by piece, while the application produces it.

use std::fmt;

use stelo_core::Bytes;
use stelo_core::app::{Executor, Peer};
use stelo_core::body::BodyError;
use stelo_core::http::{Headers, Status};

use super::client::Harness;
use super::events::{Reader, TestEvent};
use super::exchange::Last;
use super::host;
use super::response::{raise_answer, run_background};
use crate::response::report::Failures;

/// A response whose body the test reads piece by piece. Dropping it ends the exchange as a client that leaves: the body of
/// the application is dropped, and [`disconnected`](stelo_core::app::Context::disconnected) completes.
///
/// ```
/// use futures_lite::stream;
/// use stelo_toolkit::response::StreamingResponse;
/// use stelo_toolkit::{App, TestClient, get};
///
/// async fn endless() -> StreamingResponse {
///     StreamingResponse::new(stream::repeat("data: tea\n\n")).content_type("text/event-stream")
/// }
///
/// let client = TestClient::new(App::new().route("/", get(endless)));
/// let mut events = client.get("/").open();
/// assert_eq!(events.event().unwrap().data, "tea");
/// assert_eq!(events.event().unwrap().data, "tea");
/// ```
///
/// If the application fails, reading panics with its error, unless
/// [`raise_server_errors(false)`](super::Client::raise_server_errors) says otherwise.
pub struct TestStream<'a> {
    client: &'a Harness,
    label: String,
    last: Last,
    failures: Failures,
    late: Failures,
    events: Reader,
    error: Option<BodyError>,
}

/// A stream before its failures are raised.
pub(super) struct Opened {
    pub(super) last: Last,
    pub(super) failures: Failures,
    pub(super) late: Failures,
}

impl Opened {
    /// Returns the stream.
    ///
    /// # Panics
    /// If the response is 500 because the application has failed.
    #[track_caller]
    pub(super) fn raised(self, client: &Harness, label: String) -> TestStream<'_> {
        let Self { last, failures, late } = self;
        if client.raises && last.begun.status == Status::INTERNAL_SERVER_ERROR {
            let failures = failures.take();
            if !failures.is_empty() {
                raise_answer(&label, last.begun.status, &failures);
            }
        }
        TestStream { client, label, last, failures, late, events: Reader::default(), error: None }
    }
}

impl TestStream<'_> {
    /// Returns the status.
    pub fn status(&self) -> Status {
        self.last.begun.status
    }

    /// Returns the header fields, without those that a server adds.
    pub fn headers(&self) -> &Headers {
        &self.last.begun.headers
    }

    /// Returns the first header field of this name, if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get_str(name)
    }

    /// Returns the interim responses before this one, such as 103 Early Hints.
    pub fn interim(&self) -> &[(Status, Headers)] {
        &self.last.begun.interim
    }

    /// Returns the trailer fields behind the body, once it has been read.
    pub fn trailers(&self) -> &Headers {
        &self.last.begun.reading.trailers
    }

    /// Returns the error of the body, if it failed.
    pub fn body_error(&self) -> Option<&BodyError> {
        self.error.as_ref()
    }

    /// Waits for the next piece of the body, and blocks the thread. `None` is the end; the background task has then run.
    ///
    /// # Panics
    /// If the application fails, or waits for an executor that needs this thread: use
    /// [`chunk_async`](Self::chunk_async).
    #[track_caller]
    pub fn chunk(&mut self) -> Option<Bytes> {
        let (client, label) = (self.client, self.label.clone());
        let sentence = (&label as &dyn fmt::Display, "write `open_async().await` and `chunk_async().await`");
        let chunk = host::block_on(&client.executor, client.limits, sentence, self.next());
        self.raise();
        chunk
    }

    /// Waits for the next piece of the body, in the executor of the test. `None` is the end.
    ///
    /// # Panics
    /// If the application fails.
    pub async fn chunk_async(&mut self) -> Option<Bytes> {
        let executor = &self.client.executor;
        let chunk = executor.drive(self.next()).await;
        self.raise();
        chunk
    }

    /// Waits for the next server-sent event, and blocks the thread. `None` is the end of the body.
    ///
    /// # Panics
    /// As [`chunk`](Self::chunk).
    #[track_caller]
    pub fn event(&mut self) -> Option<TestEvent> {
        loop {
            if let Some(event) = self.events.next() {
                return Some(event);
            }
            let chunk = self.chunk()?;
            self.events.push(&chunk);
        }
    }

    /// Waits for the next server-sent event, in the executor of the test. `None` is the end of the body.
    ///
    /// # Panics
    /// If the application fails.
    pub async fn event_async(&mut self) -> Option<TestEvent> {
        loop {
            if let Some(event) = self.events.next() {
                return Some(event);
            }
            let chunk = self.chunk_async().await?;
            self.events.push(&chunk);
        }
    }

    /// Reads the next piece. Runs the background task at the end.
    async fn next(&mut self) -> Option<Bytes> {
        let begun = &mut self.last.begun;
        match self.failures.during(begun.reading.chunk(&self.late)).await {
            Some(Ok(chunk)) => return Some(chunk),
            Some(Err(error)) => self.error = Some(error),
            None => {}
        }
        if let Some(background) = begun.background.take() {
            self.failures.during(run_background(background, &self.late)).await;
        }
        None
    }

    /// Panics if the application has failed after the beginning of the response.
    #[track_caller]
    fn raise(&self) {
        let late = self.late.take();
        if self.client.raises && !late.is_empty() && !std::thread::panicking() {
            raise_answer(&self.label, self.status(), &late);
        }
    }
}

impl Drop for TestStream<'_> {
    fn drop(&mut self) {
        let Last { begun, context, .. } = &mut self.last;
        begun.reading.cancel();
        context.set_peer(Peer::Gone);
        // A failing test does not wait for the application.
        if std::thread::panicking() {
            return;
        }
        if let Some(background) = begun.background.take() {
            let late = self.late.clone();
            let work = async move { run_background(background, &late).await };
            self.client.executor.spawn(Box::pin(work));
        }
        // It only gives up if blocking work does not end. The next call of the client reports that.
        let _ = self.client.executor.run(self.client.limits, async {});
        self.raise();
    }
}

impl fmt::Debug for TestStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestStream({})", self.label)
    }
}
