//! WebSockets, as handlers have them: Starlette's `WebSocket`.
//!
//! A handler runs before its WebSocket exists: it looks at the request, then accepts or denies. The future of the handler
//! is polled by the reply to the handshake until it has decided, and by the server's task for the WebSocket afterwards.
//! Frames, pings and closing handshakes are the server's ([`stelo_core::ws`]).
//!
//! | file | what it holds |
//! |---|---|
//! | `line.rs` | what all handles of a WebSocket share |
//! | `session.rs` | the handler at work: its reply, and how its end becomes that of the WebSocket |
//! | `messages.rs` | receiving and sending, and the halves that can live apart |
//! | `handler.rs`, `endpoint.rs` | what a route takes |
//! | `error.rs` | how it fails |

pub(crate) mod broadcast;
mod endpoint;
mod error;
mod handler;
mod line;
mod messages;
mod session;

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use stelo_core::http::Headers;
use stelo_core::ws::CloseCode;

pub use broadcast::{Broadcast, Lagged, Subscription};
pub use endpoint::{AsWebSocketEndpoint, WebSocketEndpoint};
pub use error::{WebSocketError, WebSocketException};
pub(crate) use handler::leaf;
pub use handler::{WebSocketHandler, WebSocketOutcome};
pub use messages::{FromMessage, Messages, WebSocketReceiver, WebSocketSender};

use self::line::{Answer, Line};
use crate::request::Request;
use crate::response::IntoResponse;

/// A WebSocket: the last argument of a handler that was given to [`websocket`](crate::websocket).
///
/// It is its request, too: [`Request`]'s methods say what there is to know before accepting (header fields, cookies,
/// path and query, state). When the handler returns, it is closed with 1000; when the handler fails or panics, with
/// 1011, unless the error says [something else](WebSocketException). A handler that returns without having accepted or
/// denied is logged, and answers 500.
///
/// ```
/// use stelo_toolkit::{App, Path, TestClient, WebSocket, WebSocketError};
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
/// All methods take `&self`: one future can receive while another sends. For other tasks there are
/// [halves](Self::split).
#[must_use = "a WebSocket that is dropped is closed"]
pub struct WebSocket {
    request: Request,
    line: Arc<Line>,
}

impl WebSocket {
    fn new(request: Request, line: Arc<Line>) -> Self {
        Self { request, line }
    }

    /// The subprotocols that the client offers, those that it prefers first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        stelo_core::ws::protocols(self.headers())
    }

    /// Accepts the handshake. What is returned takes what else to say, and is to be awaited.
    ///
    /// ```
    /// # use stelo_toolkit::*;
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

    /// Denies the handshake with a response of one's own; the client sees an ordinary answer to its request. It is sent
    /// when the handler waits or returns.
    ///
    /// # Errors
    /// The handshake has been answered.
    pub fn send_denial_response(&self, response: impl IntoResponse) -> Result<(), WebSocketError> {
        self.line.decide(Answer::Deny(response.into_response()))
    }

    /// Closes it: what was sent before still arrives, nothing can be sent afterwards. Before it is accepted, this denies
    /// the handshake with 403. A code that must not be sent becomes 1000, a reason is cut to 123 bytes.
    ///
    /// # Errors
    /// This side has closed it before. It is no error if the client has.
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), WebSocketError> {
        self.line.close(code, reason)
    }

    /// Takes it apart, so that one task can receive and others can send. Both are to be dropped before the handler
    /// returns, or else find it closed.
    ///
    /// # Errors
    /// It has not been accepted.
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

/// An acceptance in the making: a future that is ready when messages can be exchanged.
///
/// # Errors
/// The handshake has been answered before, a header field cannot be written, the client has not offered the
/// subprotocol, or it has left meanwhile.
#[must_use = "nothing is accepted unless this is awaited"]
pub struct Acceptance<'a> {
    websocket: &'a WebSocket,
    /// Taken when the handshake is answered.
    headers: Option<Result<Headers, WebSocketError>>,
}

impl Acceptance<'_> {
    /// Chooses one of the subprotocols that the client offers.
    pub fn subprotocol(self, name: &str) -> Self {
        if self.websocket.subprotocols().any(|offered| offered == name) {
            return self.header("sec-websocket-protocol", name);
        }
        let headers = self.headers.map(|_| Err(WebSocketError::NotOffered { subprotocol: name.into() }));
        Self { headers, ..self }
    }

    /// Adds a header field to the answer.
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
