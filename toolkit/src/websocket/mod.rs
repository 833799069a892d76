//! WebSockets in handlers: Starlette's `WebSocket`.
//!
//! A handler starts before its WebSocket is open: it looks at the request, then accepts or denies. The reply to the
//! handshake polls the future of the handler until the handler has decided. Then the server's task for the WebSocket polls
//! it. The server handles frames, pings and closing handshakes ([`stelo_core::ws`]).
//!
//! | file | contents |
//! |---|---|
//! | `line.rs` | the state that all handles of a WebSocket share |
//! | `session.rs` | the running handler: its reply, and how its end closes the WebSocket |
//! | `messages.rs` | receiving and sending, and the two halves |
//! | `handler.rs`, `endpoint.rs` | handlers for routes |
//! | `error.rs` | errors |
//! | `broadcast.rs`, `relay.rs` | a channel with many subscribers, and its way between processes |

pub(crate) mod broadcast;
mod endpoint;
mod error;
mod handler;
mod line;
mod messages;
mod relay;
mod session;

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use stelo_core::http::Headers;
pub use stelo_core::ws::{CloseCode, Closed, Message, Text};

pub use broadcast::{Broadcast, Lagged, Subscription};
pub use endpoint::{AsWebSocketEndpoint, WebSocketEndpoint};
pub use error::{WebSocketError, WebSocketException};
pub(crate) use handler::leaf;
pub use handler::{WebSocketHandler, WebSocketOutcome};
pub use messages::{FromMessage, Messages, WebSocketReceiver, WebSocketSender};
pub use relay::{MemoryRelay, Relay, RelayFuture, RelayStream};

use self::line::{Answer, Line};
use crate::request::Request;
use crate::response::IntoResponse;

/// A WebSocket: the last argument of a handler given to [`websocket`](crate::websocket()).
///
/// It dereferences to its [`Request`]: header fields, cookies, path, query and state are available before accepting. When
/// the handler returns, the WebSocket is closed with 1000. When the handler fails or panics, it is closed with 1011, or as
/// the [error](WebSocketException) says. If a handler returns without accepting or denying, this is logged, and the client
/// gets 500.
///
/// ```
/// use stelo_toolkit::websocket::WebSocketError;
/// use stelo_toolkit::{App, Path, TestClient, WebSocket};
///
/// async fn greet(Path(name): Path<String>, websocket: WebSocket) -> Result<(), WebSocketError> {
///     websocket.accept().await?;
///     loop {
///         let greeting = websocket.receive_text().await?;
///         websocket.send_text(format!("{greeting}, {name}!")).await?;
///     }
/// }
///
/// let client = TestClient::new(App::new().websocket("/greet/{name}", greet));
/// let mut socket = client.websocket_connect("/greet/Ada").connect().unwrap();
/// socket.send_text("Hello");
/// assert_eq!(socket.receive_text().unwrap(), "Hello, Ada!");
/// ```
///
/// All methods take `&self`, so one future can receive while another sends. [`split`](Self::split) makes halves for
/// different tasks.
#[must_use = "a WebSocket that is dropped is closed"]
pub struct WebSocket {
    request: Request,
    line: Arc<Line>,
}

impl WebSocket {
    fn new(request: Request, line: Arc<Line>) -> Self {
        Self { request, line }
    }

    /// Returns the subprotocols that the client offers, in its order of preference.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        stelo_core::ws::protocols(self.headers())
    }

    /// Accepts the handshake. Await the result; before that, it takes a subprotocol and header fields.
    ///
    /// ```
    /// # use stelo_toolkit::*;
    /// # use stelo_toolkit::websocket::WebSocketError;
    /// async fn chat(websocket: WebSocket) -> Result<(), WebSocketError> {
    ///     let accept = websocket.accept().header("x-room", "tea");
    ///     match websocket.subprotocols().find(|offered| *offered == "chat.v1") {
    ///         Some(protocol) => accept.subprotocol(protocol).await?,
    ///         None => accept.await?,
    ///     }
    ///     websocket.send_text("welcome").await
    /// }
    /// # let client = TestClient::new(App::new().websocket("/", chat));
    /// # let mut socket = client.websocket_connect("/").subprotocols(&["x", "chat.v1"]).connect().unwrap();
    /// # assert_eq!(socket.accepted_subprotocol(), Some("chat.v1"));
    /// ```
    pub fn accept(&self) -> Acceptance<'_> {
        Acceptance { websocket: self, headers: Some(Ok(Headers::new())) }
    }

    /// Denies the handshake with a response. It is sent when the handler next waits or returns.
    ///
    /// # Errors
    /// The handshake has already been answered.
    pub fn send_denial_response(&self, response: impl IntoResponse) -> Result<(), WebSocketError> {
        self.line.decide(Answer::Deny(response.into_response()))
    }

    /// Closes the WebSocket. Messages sent before still arrive; nothing can be sent afterwards. Before the WebSocket is
    /// accepted, this denies the handshake with 403. A code that must not be sent becomes 1000, and a reason is cut to 123
    /// bytes.
    ///
    /// # Errors
    /// This side has closed the WebSocket before. It is no error if the client has.
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), WebSocketError> {
        self.line.close(code, reason)
    }

    /// Splits the WebSocket into halves, so that one task can receive and others can send. When the handler returns, the
    /// WebSocket is closed for both halves.
    ///
    /// # Errors
    /// The WebSocket has not been accepted.
    pub fn split(self) -> Result<(WebSocketSender, WebSocketReceiver), WebSocketError> {
        self.line.socket()?;
        Ok((WebSocketSender::new(self.line.clone()), WebSocketReceiver::new(self.line)))
    }
}

impl Deref for WebSocket {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.request
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebSocket({:?})", self.request)
    }
}

/// An acceptance that has not been sent: a future that is ready when messages can be exchanged.
///
/// # Errors
/// The handshake has already been answered, a header field is invalid, the client has not offered the subprotocol, or the
/// client has disconnected.
#[must_use = "nothing is accepted unless this is awaited"]
pub struct Acceptance<'a> {
    websocket: &'a WebSocket,
    /// `None` once the handshake has been answered.
    headers: Option<Result<Headers, WebSocketError>>,
}

impl Acceptance<'_> {
    /// Chooses one of the subprotocols that the client offers. Another one is an error when the acceptance is awaited.
    pub fn subprotocol(self, name: &str) -> Self {
        if self.websocket.subprotocols().any(|offered| offered == name) {
            return self.header("sec-websocket-protocol", name);
        }
        let headers = self.headers.map(|_| Err(WebSocketError::NotOffered { subprotocol: name.into() }));
        Self { headers, ..self }
    }

    /// Adds a header field to the response. An invalid field is an error when the acceptance is awaited.
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        if let Some(Ok(headers)) = &mut self.headers
            && let Err(error) = headers.try_append(name, value)
        {
            self.headers = Some(Err(WebSocketError::Header(error)));
        }
        self
    }
}

impl Future for Acceptance<'_> {
    type Output = Result<(), WebSocketError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let line = &self.websocket.line;
        if let Some(headers) = self.headers.take() {
            line.decide(Answer::Accept(headers?))?;
        }
        line.poll_open(cx)
    }
}

impl fmt::Debug for Acceptance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Acceptance")
    }
}
