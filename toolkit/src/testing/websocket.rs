//! WebSockets of the test client: two queues in memory take the place of the server.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use serde_core::Serialize;
use serde_core::de::DeserializeOwned;
use stelo_core::Bytes;
use stelo_core::app::{BoxFuture, Executor, Request, Response, Socket, Upgrade, WebSocket};
use stelo_core::body::Body;
use stelo_core::http::Headers;
use stelo_core::ws::{CloseCode, Closed, Message, Text};

use super::{TestClient, TestRequest, TestResponse, answer, collect};
use crate::extract::Json;
use crate::response::panics::{self, contained};
use crate::websocket::{FromMessage, WebSocketError};

/// The number of messages that the application can send before the client receives one.
const QUEUE: usize = 16;

/// A request for a WebSocket that has not been sent.
#[must_use]
#[derive(Debug)]
pub struct TestHandshake<'a>(TestRequest<'a>);

impl<'a> TestHandshake<'a> {
    pub(super) fn new(request: TestRequest<'a>) -> Self {
        let fields = [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGVzdHNlcnZlcmtleTAxMg=="),
        ];
        Self(fields.into_iter().fold(request, |request, (name, value)| request.header(name, value)))
    }

    /// Sets a header field, and removes others of its name.
    ///
    /// # Panics
    /// If name or value is invalid.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self(self.0.header(name, value))
    }

    /// Offers subprotocols, the preferred one first.
    ///
    /// # Panics
    /// If a name is invalid in a header field.
    pub fn subprotocols(self, names: &[&str]) -> Self {
        self.header("sec-websocket-protocol", names.join(", "))
    }

    /// Sends the request, and returns the WebSocket.
    ///
    /// # Errors
    /// The application denies the WebSocket: the response.
    ///
    /// # Panics
    /// If the target is invalid.
    pub fn connect(self) -> Result<TestWebSocket<'a>, TestResponse> {
        let Self(request) = self;
        let client = request.client;
        let app = client.app.clone();
        let (head, context) = request.parts();
        let line = client.executor.run(async move {
            let mut response = answer(app, Request::new(head, Body::empty(), context).with_handshake()).await;
            match response.upgrade.take().map(|upgrade| *upgrade) {
                Some(Upgrade::WebSocket(run)) => Ok((response, run)),
                _ => Err(collect(response, false).await),
            }
        });
        let (Response { headers, .. }, run) = line?;
        let line = Arc::new(Line::default());
        let socket = WebSocket::new(line.clone());
        let work = async move {
            let code = match contained(async { run(socket.clone()).await }).await {
                Ok(()) => CloseCode::NORMAL_CLOSURE,
                Err(panic) => {
                    tracing::error!("the application panicked: {}", panics::message(&*panic));
                    CloseCode::INTERNAL_ERROR
                }
            };
            socket.close(code, "");
        };
        client.executor.spawn(Box::pin(work));
        let websocket = TestWebSocket { client, headers, line };
        websocket.settle();
        Ok(websocket)
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
/// The application can send 16 messages before the client receives one. Dropping the WebSocket closes it with 1000.
pub struct TestWebSocket<'a> {
    client: &'a TestClient,
    headers: Headers,
    line: Arc<Line>,
}

impl TestWebSocket<'_> {
    /// Returns the header fields of the acceptance.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Returns the subprotocol that the application has chosen.
    pub fn accepted_subprotocol(&self) -> Option<&str> {
        self.headers.get_str("sec-websocket-protocol")
    }

    /// Sends a message. A message sent after the end is lost.
    pub fn send(&mut self, message: impl Into<Message>) {
        self.line.change(|state| {
            if state.end.is_none() {
                state.to_app.push_back(message.into());
            }
        });
        self.settle();
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
        match serde_json::to_string(value) {
            Ok(text) => self.send(text),
            Err(error) => panic!("the message: {error}"),
        }
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// The WebSocket has ended.
    pub fn receive(&mut self) -> Result<Message, WebSocketError> {
        let line = self.line.clone();
        let message = self.client.executor.run(poll_fn(move |cx| line.poll_message(cx)));
        self.settle();
        message.map_err(WebSocketError::Disconnected)
    }

    /// Waits for the next message, as text.
    ///
    /// # Errors
    /// The WebSocket has ended, or the message is binary.
    pub fn receive_text(&mut self) -> Result<String, WebSocketError> {
        String::from_message(self.receive()?)
    }

    /// Waits for the next message, as bytes.
    ///
    /// # Errors
    /// The WebSocket has ended, or the message is text.
    pub fn receive_bytes(&mut self) -> Result<Bytes, WebSocketError> {
        Bytes::from_message(self.receive()?)
    }

    /// Waits for the next message, text or binary, as a JSON value.
    ///
    /// # Errors
    /// The WebSocket has ended, or the message is not JSON of such a value.
    pub fn receive_json<T: DeserializeOwned>(&mut self) -> Result<T, WebSocketError> {
        Json::from_message(self.receive()?).map(|Json(value)| value)
    }

    /// Waits until the WebSocket ends, and returns how.
    ///
    /// # Panics
    /// If a message comes before the end.
    pub fn receive_closed(&mut self) -> Closed {
        match self.receive() {
            Err(WebSocketError::Disconnected(closed)) => closed,
            other => panic!("expected the end of the WebSocket, but got {other:?}"),
        }
    }

    /// Closes the WebSocket. Messages that the application sends later are lost.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        self.line.end(code, reason, |state| state.to_client.clear());
        self.settle();
    }

    /// Runs the application until it waits for the client.
    fn settle(&self) {
        self.client.executor.run(async {});
    }
}

impl Drop for TestWebSocket<'_> {
    fn drop(&mut self) {
        // A failing test does not wait for the application.
        if !std::thread::panicking() {
            self.close(CloseCode::NORMAL_CLOSURE, "");
        }
    }
}

impl fmt::Debug for TestWebSocket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestWebSocket")
    }
}

/// The state between the two ends.
#[derive(Default)]
struct Line(Mutex<State>);

#[derive(Default)]
struct State {
    to_app: VecDeque<Message>,
    to_client: VecDeque<Message>,
    end: Option<Closed>,
    /// Woken by every change.
    waiting: Vec<Waker>,
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes all waiters.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let waiting = {
            let mut state = self.state();
            change(&mut state);
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Takes something out of the state, and wakes all waiters. Waits for a change if there is nothing to take.
    fn poll<T>(&self, cx: &mut Context<'_>, take: impl FnOnce(&mut State) -> Option<T>) -> Poll<T> {
        let mut state = self.state();
        let Some(taken) = take(&mut state) else {
            state.waiting.push(cx.waker().clone());
            return Poll::Pending;
        };
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        Poll::Ready(taken)
    }

    /// Takes the next message for the client.
    fn poll_message(&self, cx: &mut Context<'_>) -> Poll<Result<Message, Closed>> {
        self.poll(cx, |state| next(&mut state.to_client, state.end.as_ref()))
    }

    /// Ends the WebSocket, if it has not ended.
    fn end(&self, code: CloseCode, reason: &str, change: impl FnOnce(&mut State)) {
        let closed = Closed { code, reason: reason.to_owned() };
        self.change(|state| {
            if state.end.is_none() {
                state.end = Some(closed);
                change(state);
            }
        });
    }
}

/// Takes the next message, or the end after the last one.
fn next(queue: &mut VecDeque<Message>, end: Option<&Closed>) -> Option<Result<Message, Closed>> {
    queue.pop_front().map(Ok).or_else(|| end.cloned().map(Err))
}

impl Socket for Line {
    fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<Message, Closed>> {
        self.poll(cx, |state| next(&mut state.to_app, state.end.as_ref()))
    }

    fn poll_send(&self, cx: &mut Context<'_>, message: &mut Option<Message>) -> Poll<Result<(), Closed>> {
        self.poll(cx, |state| match &state.end {
            Some(closed) => Some(Err(closed.clone())),
            None if state.to_client.len() < QUEUE => {
                state.to_client.extend(message.take());
                Some(Ok(()))
            }
            None => None,
        })
    }

    fn closed(self: Arc<Self>) -> BoxFuture<Closed> {
        Box::pin(poll_fn(move |cx| self.poll(cx, |state| state.end.clone())))
    }

    fn close(&self, code: CloseCode, reason: &str) {
        let (code, reason) = match code.is_sendable() || code == CloseCode::NO_STATUS_RCVD {
            true => (code, reason),
            false => (CloseCode::NORMAL_CLOSURE, reason),
        };
        let cut = (0..=reason.len().min(123)).rev().find_map(|end| reason.get(..end));
        self.end(code, cut.unwrap_or_default(), |_| {});
    }
}
