//! The client's end of a WebSocket: one that blocks the thread, and one that is awaited.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use serde_core::Serialize;
use serde_core::de::DeserializeOwned;
use stelo_core::Bytes;
use stelo_core::http::Headers;
use stelo_core::ws::{CloseCode, Closed, Message, Text};

use super::client::Harness;
use super::host;
use super::line::Line;
use super::response::raise;
use crate::extract::Json;
use crate::response::report::Failures;
use crate::websocket::{FromMessage, WebSocketError};

/// The part that both kinds of socket share.
pub(super) struct Wire<'a> {
    pub(super) client: &'a Harness,
    pub(super) headers: Headers,
    pub(super) line: Arc<Line>,
    pub(super) failures: Failures,
    pub(super) label: String,
}

impl Wire<'_> {
    /// Runs the application on this thread until it waits for the client, or for something outside the application.
    pub(super) fn settle(&self) {
        // It only gives up if blocking work does not end. The next call of the client reports that.
        let _ = self.client.executor.run(self.client.limits, async {});
    }

    /// Runs the application until it waits for the client, or for something outside the application.
    pub(super) async fn advance(&self) {
        self.client.executor.drive(async {}).await;
    }

    /// Takes the next message off the queue.
    async fn next(&self) -> Result<Message, Closed> {
        poll_fn(|cx| self.line.poll_message(cx)).await
    }

    /// Returns what was received.
    ///
    /// # Panics
    /// If the WebSocket has ended because the handler failed.
    #[track_caller]
    fn received(&self, message: Result<Message, Closed>) -> Result<Message, WebSocketError> {
        if message.is_err() {
            self.raise();
        }
        message.map_err(WebSocketError::Disconnected)
    }

    /// Panics if the handler has failed.
    #[track_caller]
    fn raise(&self) {
        let failures = self.failures.take();
        if self.client.raises && !failures.is_empty() && !std::thread::panicking() {
            raise(&self.label, &failures);
        }
    }

    /// Closes the WebSocket when the client's end is dropped.
    fn hang_up(&self) {
        // A failing test does not wait for the application.
        if !std::thread::panicking() {
            self.line.hang_up(CloseCode::NORMAL_CLOSURE, "");
            self.settle();
            self.raise();
        }
    }
}

fn json(value: &impl Serialize) -> String {
    match serde_json::to_string(value) {
        Ok(text) => text,
        Err(error) => panic!("the message: {error}"),
    }
}

#[track_caller]
fn closed(received: Result<Message, WebSocketError>) -> Closed {
    match received {
        Err(WebSocketError::Disconnected(closed)) => closed,
        other => panic!("expected the end of the WebSocket, but got {other:?}"),
    }
}

/// The client's end of a WebSocket. Each method runs the application until it waits for the client.
///
/// ```
/// use stelo_toolkit::websocket::{CloseCode, WebSocketError};
/// use stelo_toolkit::{App, TestClient, WebSocket};
///
/// async fn echo(websocket: WebSocket) -> Result<(), WebSocketError> {
///     websocket.accept().await?;
///     let message = websocket.receive().await?;
///     websocket.send(message).await
/// }
///
/// let client = TestClient::new(App::new().websocket("/ws", echo));
/// let mut socket = client.websocket_connect("/ws").connect().unwrap();
/// socket.send_text("hello");
/// assert_eq!(socket.receive_text().unwrap(), "hello");
/// assert_eq!(socket.receive_closed().code, CloseCode::NORMAL_CLOSURE);
/// ```
///
/// The application can send 16 messages before the client receives one. Dropping the WebSocket closes it with 1000. If the
/// handler fails, receiving the end and dropping the WebSocket panic with its error, unless
/// [`raise_server_errors(false)`](super::Client::raise_server_errors) says otherwise.
pub struct TestWebSocket<'a>(pub(super) Wire<'a>);

impl TestWebSocket<'_> {
    /// Returns the header fields of the acceptance.
    pub fn headers(&self) -> &Headers {
        &self.0.headers
    }

    /// Returns the subprotocol that the application has chosen.
    pub fn accepted_subprotocol(&self) -> Option<&str> {
        self.0.headers.get_str("sec-websocket-protocol")
    }

    /// Sends a message. A message sent after the end is lost.
    pub fn send(&mut self, message: impl Into<Message>) {
        self.0.line.push(message.into());
        self.0.settle();
    }

    /// Sends a text.
    pub fn send_text(&mut self, text: impl Into<Text>) {
        self.send(Message::Text(text.into()));
    }

    /// Sends bytes.
    pub fn send_bytes(&mut self, bytes: impl Into<Bytes>) {
        self.send(Message::Binary(bytes.into()));
    }

    /// Sends a value as JSON, in a text message.
    ///
    /// # Panics
    /// If the value cannot be written as JSON.
    pub fn send_json(&mut self, value: &impl Serialize) {
        self.send(json(value));
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// The WebSocket has ended.
    ///
    /// # Panics
    /// If the handler has failed, or waits for an executor that needs this thread.
    #[track_caller]
    pub fn receive(&mut self) -> Result<Message, WebSocketError> {
        let Wire { client, label, .. } = &self.0;
        let instead =
            "write `websocket_connect(..).await` instead of `.connect()`, and `socket.receive().await`";
        let sentence = (label as &dyn fmt::Display, instead);
        let message = host::block_on(&client.executor, client.limits, sentence, self.0.next());
        self.0.settle();
        self.0.received(message)
    }

    /// Waits for the next message, as text.
    ///
    /// # Errors
    /// The WebSocket has ended, or the message is binary.
    #[track_caller]
    pub fn receive_text(&mut self) -> Result<String, WebSocketError> {
        String::from_message(self.receive()?)
    }

    /// Waits for the next message, as bytes.
    ///
    /// # Errors
    /// The WebSocket has ended, or the message is text.
    #[track_caller]
    pub fn receive_bytes(&mut self) -> Result<Bytes, WebSocketError> {
        Bytes::from_message(self.receive()?)
    }

    /// Waits for the next message, text or binary, as a JSON value.
    ///
    /// # Errors
    /// The WebSocket has ended, or the message is not JSON of such a value.
    #[track_caller]
    pub fn receive_json<T: DeserializeOwned>(&mut self) -> Result<T, WebSocketError> {
        Json::from_message(self.receive()?).map(|Json(value)| value)
    }

    /// Waits until the WebSocket ends, and returns how.
    ///
    /// # Panics
    /// If a message comes before the end.
    #[track_caller]
    pub fn receive_closed(&mut self) -> Closed {
        closed(self.receive())
    }

    /// Closes the WebSocket. Messages that the application sends later are lost.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        self.0.line.hang_up(code, reason);
        self.0.settle();
    }
}

impl Drop for TestWebSocket<'_> {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}

impl fmt::Debug for TestWebSocket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestWebSocket")
    }
}

/// The client's end of a WebSocket whose handler runs in the executor of the test: a [`TestWebSocket`] whose methods are
/// awaited. The handler makes progress while the test awaits a method of this WebSocket or of its client.
///
/// ```
/// # use stelo_toolkit::websocket::WebSocketError;
/// # use stelo_toolkit::{App, TestClient, WebSocket};
/// # async fn echo(websocket: WebSocket) -> Result<(), WebSocketError> {
/// #     websocket.accept().await?;
/// #     let message = websocket.receive().await?;
/// #     websocket.send(message).await
/// # }
/// # futures_lite::future::block_on(async {
/// let client = TestClient::new(App::new().websocket("/ws", echo));
/// let mut socket = client.websocket_connect("/ws").await.unwrap();
/// socket.send_text("hello").await;
/// assert_eq!(socket.receive_text().await.unwrap(), "hello");
/// # });
/// ```
pub struct AsyncTestWebSocket<'a>(pub(super) Wire<'a>);

impl AsyncTestWebSocket<'_> {
    /// Returns the header fields of the acceptance.
    pub fn headers(&self) -> &Headers {
        &self.0.headers
    }

    /// Returns the subprotocol that the application has chosen.
    pub fn accepted_subprotocol(&self) -> Option<&str> {
        self.0.headers.get_str("sec-websocket-protocol")
    }

    /// Sends a message. A message sent after the end is lost.
    pub async fn send(&mut self, message: impl Into<Message>) {
        self.0.line.push(message.into());
        self.0.advance().await;
    }

    /// Sends a text.
    pub async fn send_text(&mut self, text: impl Into<Text>) {
        self.send(Message::Text(text.into())).await;
    }

    /// Sends bytes.
    pub async fn send_bytes(&mut self, bytes: impl Into<Bytes>) {
        self.send(Message::Binary(bytes.into())).await;
    }

    /// Sends a value as JSON, in a text message.
    ///
    /// # Panics
    /// If the value cannot be written as JSON.
    pub async fn send_json(&mut self, value: &impl Serialize) {
        self.send(json(value)).await;
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// The WebSocket has ended.
    ///
    /// # Panics
    /// If the handler has failed.
    pub async fn receive(&mut self) -> Result<Message, WebSocketError> {
        let message = self.0.client.executor.drive(self.0.next()).await;
        self.0.received(message)
    }

    /// Waits for the next message, as text.
    ///
    /// # Errors
    /// The WebSocket has ended, or the message is binary.
    pub async fn receive_text(&mut self) -> Result<String, WebSocketError> {
        String::from_message(self.receive().await?)
    }

    /// Waits for the next message, as bytes.
    ///
    /// # Errors
    /// The WebSocket has ended, or the message is text.
    pub async fn receive_bytes(&mut self) -> Result<Bytes, WebSocketError> {
        Bytes::from_message(self.receive().await?)
    }

    /// Waits for the next message, text or binary, as a JSON value.
    ///
    /// # Errors
    /// The WebSocket has ended, or the message is not JSON of such a value.
    pub async fn receive_json<T: DeserializeOwned>(&mut self) -> Result<T, WebSocketError> {
        Json::from_message(self.receive().await?).map(|Json(value)| value)
    }

    /// Waits until the WebSocket ends, and returns how.
    ///
    /// # Panics
    /// If a message comes before the end.
    pub async fn receive_closed(&mut self) -> Closed {
        closed(self.receive().await)
    }

    /// Closes the WebSocket. Messages that the application sends later are lost.
    pub async fn close(&mut self, code: CloseCode, reason: &str) {
        self.0.line.hang_up(code, reason);
        self.0.advance().await;
    }
}

impl Drop for AsyncTestWebSocket<'_> {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}

impl fmt::Debug for AsyncTestWebSocket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsyncTestWebSocket")
    }
}
