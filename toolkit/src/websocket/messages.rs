//! Receiving and sending: messages of one kind or of both, one at a time or as streams, and the halves that different
//! tasks can hold.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use serde_core::Serialize;
use serde_core::de::DeserializeOwned;
use stelo_core::Bytes;
use stelo_core::ws::{CloseCode, Closed, Message, Text};

use super::line::Line;
use super::{WebSocket, WebSocketError};
use crate::extract::Json;

/// A type that a message can be received as: [`Message`] (either kind), `String`, [`Bytes`], or [`Json`] (either kind).
pub trait FromMessage: Sized {
    /// Converts a message.
    ///
    /// # Errors
    /// The message is of the other kind, or not JSON of such a value.
    fn from_message(message: Message) -> Result<Self, WebSocketError>;
}

impl FromMessage for Message {
    fn from_message(message: Message) -> Result<Self, WebSocketError> {
        Ok(message)
    }
}

impl FromMessage for String {
    fn from_message(message: Message) -> Result<Self, WebSocketError> {
        match message {
            Message::Text(text) => Ok(text.into()),
            Message::Binary(_) => Err(WebSocketError::ExpectedText),
        }
    }
}

impl FromMessage for Bytes {
    fn from_message(message: Message) -> Result<Self, WebSocketError> {
        match message {
            Message::Binary(bytes) => Ok(bytes),
            Message::Text(_) => Err(WebSocketError::ExpectedBytes),
        }
    }
}

impl<T: DeserializeOwned> FromMessage for Json<T> {
    fn from_message(message: Message) -> Result<Self, WebSocketError> {
        serde_json::from_slice(message.as_bytes()).map(Json).map_err(WebSocketError::MalformedJson)
    }
}

/// Writes a value as JSON.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String, WebSocketError> {
    serde_json::to_string(value).map_err(WebSocketError::Serialize)
}

impl Line {
    async fn receive<T: FromMessage>(&self) -> Result<T, WebSocketError> {
        T::from_message(poll_fn(|cx| self.poll_receive(cx)).await?)
    }

    async fn send(&self, message: Message) -> Result<(), WebSocketError> {
        let mut message = Some(message);
        poll_fn(|cx| self.poll_send(cx, &mut message)).await
    }
}

/// The methods of the handles that receive.
macro_rules! receive {
    ($($handle:ident)*) => {$(
        impl $handle {
            /// Waits for the next message. Messages that came before the end are returned first. One future can wait at
            /// a time.
            ///
            /// # Errors
            /// The WebSocket has ended. Later calls return the same error.
            pub async fn receive(&self) -> Result<Message, WebSocketError> {
                self.line.receive().await
            }

            /// Waits for the next message, as text.
            ///
            /// # Errors
            /// The WebSocket has ended, or the message was binary and is dropped.
            pub async fn receive_text(&self) -> Result<String, WebSocketError> {
                self.line.receive().await
            }

            /// Waits for the next message, as bytes.
            ///
            /// # Errors
            /// The WebSocket has ended, or the message was text and is dropped.
            pub async fn receive_bytes(&self) -> Result<Bytes, WebSocketError> {
                self.line.receive().await
            }

            /// Waits for the next message, text or binary, as a JSON value.
            ///
            /// # Errors
            /// The WebSocket has ended, or the message was not JSON of such a value and is dropped.
            pub async fn receive_json<T: DeserializeOwned>(&self) -> Result<T, WebSocketError> {
                let Json(value) = self.line.receive().await?;
                Ok(value)
            }

            /// A stream of all messages, until the WebSocket ends.
            pub fn iter(&self) -> Messages<'_, Message> {
                Messages::new(&self.line, Ok)
            }

            /// A stream of all messages as texts, until the WebSocket ends.
            pub fn iter_text(&self) -> Messages<'_, String> {
                Messages::new(&self.line, String::from_message)
            }

            /// A stream of all messages as bytes, until the WebSocket ends.
            pub fn iter_bytes(&self) -> Messages<'_, Bytes> {
                Messages::new(&self.line, Bytes::from_message)
            }

            /// A stream of all messages as JSON values, until the WebSocket ends.
            pub fn iter_json<T: DeserializeOwned>(&self) -> Messages<'_, T> {
                Messages::new(&self.line, |message| Json::from_message(message).map(|Json(value)| value))
            }
        }
    )*};
}

receive! { WebSocket WebSocketReceiver }

/// The methods of the handles that send.
macro_rules! send {
    ($($handle:ident)*) => {$(
        impl $handle {
            /// Sends a message. Waits while the send buffer is full, so a slow client slows the sender down.
            ///
            /// # Errors
            /// The WebSocket has ended, is closing, or has not been accepted. The message was not sent.
            pub async fn send(&self, message: impl Into<Message>) -> Result<(), WebSocketError> {
                self.line.send(message.into()).await
            }

            /// Completes when the client has closed the WebSocket or has left, or when this side has closed. A handler that
            /// only sends stops then: otherwise it learns of the end when it next sends, and is dropped some seconds
            /// after the client has left.
            ///
            /// Messages that came before the end can still be received. Before the WebSocket is accepted, this waits.
            ///
            /// ```
            /// use futures_lite::future;
            /// use stelo_toolkit::websocket::{Broadcast, WebSocketError};
            /// use stelo_toolkit::{State, WebSocket};
            ///
            /// async fn news(State(news): State<Broadcast<String>>, websocket: WebSocket) -> Result<(), WebSocketError> {
            ///     websocket.accept().await?;
            ///     let mut news = news.subscribe();
            ///     let send = async {
            ///         while let Some(Ok(text)) = news.next().await {
            ///             websocket.send_text(text).await?;
            ///         }
            ///         Ok(())
            ///     };
            ///     let left = async {
            ///         websocket.closed().await;
            ///         Ok(())
            ///     };
            ///     future::or(send, left).await
            /// }
            /// # let _ = stelo_toolkit::websocket(news);
            /// ```
            pub async fn closed(&self) -> Closed {
                self.line.closed().await
            }

            /// Sends a text.
            ///
            /// # Errors
            /// As [`send`](Self::send).
            pub async fn send_text(&self, text: impl Into<Text>) -> Result<(), WebSocketError> {
                self.line.send(Message::Text(text.into())).await
            }

            /// Sends bytes.
            ///
            /// # Errors
            /// As [`send`](Self::send).
            pub async fn send_bytes(&self, bytes: impl Into<Bytes>) -> Result<(), WebSocketError> {
                self.line.send(Message::Binary(bytes.into())).await
            }

            /// Sends a value as JSON, in a text message.
            ///
            /// # Errors
            /// As [`send`](Self::send), or the value cannot be written as JSON.
            pub async fn send_json(&self, value: &impl Serialize) -> Result<(), WebSocketError> {
                let text = to_json(value)?;
                self.line.send(text.into()).await
            }

            /// Sends a value as JSON, in a binary message.
            ///
            /// # Errors
            /// As [`send_json`](Self::send_json).
            pub async fn send_json_bytes(&self, value: &impl Serialize) -> Result<(), WebSocketError> {
                let text = to_json(value)?;
                self.line.send(text.into_bytes().into()).await
            }
        }
    )*};
}

send! { WebSocket WebSocketSender }

/// A stream of the messages of a WebSocket, until it ends. A message of the wrong kind is an error, after which the
/// stream continues.
#[must_use = "a stream does nothing unless it is polled"]
pub struct Messages<'a, T> {
    line: &'a Line,
    read: fn(Message) -> Result<T, WebSocketError>,
    ended: bool,
}

impl<'a, T> Messages<'a, T> {
    fn new(line: &'a Line, read: fn(Message) -> Result<T, WebSocketError>) -> Self {
        Self { line, read, ended: false }
    }
}

impl<T> Messages<'_, T> {
    /// Waits for the next message. `None` once the WebSocket has ended.
    ///
    /// ```
    /// use stelo_toolkit::websocket::WebSocketError;
    /// use stelo_toolkit::WebSocket;
    ///
    /// async fn shout(websocket: WebSocket) -> Result<(), WebSocketError> {
    ///     websocket.accept().await?;
    ///     let mut texts = websocket.iter_text();
    ///     while let Some(text) = texts.next().await {
    ///         websocket.send_text(text?.to_uppercase()).await?;
    ///     }
    ///     Ok(())
    /// }
    /// # let _ = stelo_toolkit::websocket(shout);
    /// ```
    pub async fn next(&mut self) -> Option<Result<T, WebSocketError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T> Stream for Messages<'_, T> {
    type Item = Result<T, WebSocketError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let message = ready!(self.line.poll_receive(cx));
        self.ended = message.is_err();
        Poll::Ready(match message {
            Err(WebSocketError::Disconnected(_)) => None,
            message => Some(message.and_then(self.read)),
        })
    }
}

impl<T> fmt::Debug for Messages<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Messages")
    }
}

/// The receiving half of a WebSocket, and a stream of its messages.
#[derive(Debug)]
pub struct WebSocketReceiver {
    line: Arc<Line>,
}

impl WebSocketReceiver {
    pub(super) fn new(line: Arc<Line>) -> Self {
        Self { line }
    }
}

impl Stream for WebSocketReceiver {
    type Item = Result<Message, WebSocketError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.iter()).poll_next(cx)
    }
}

/// The sending half of a WebSocket, and a sink of messages. Clones send over the same WebSocket.
#[derive(Debug)]
pub struct WebSocketSender {
    line: Arc<Line>,
    /// The message that the sink has accepted and not yet sent.
    held: Option<Message>,
}

impl WebSocketSender {
    pub(super) fn new(line: Arc<Line>) -> Self {
        Self { line, held: None }
    }

    /// Closes the WebSocket: see [`WebSocket::close`].
    ///
    /// # Errors
    /// This side has closed the WebSocket before.
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), WebSocketError> {
        self.line.close(code, reason)
    }
}

impl Clone for WebSocketSender {
    fn clone(&self) -> Self {
        Self::new(self.line.clone())
    }
}

impl Sink<Message> for WebSocketSender {
    type Error = WebSocketError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        self.poll_flush(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), WebSocketError> {
        self.held = Some(message);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        let Self { line, held } = &mut *self;
        match held {
            Some(_) => line.poll_send(cx, held),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Sends the message held, and closes with 1000.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Poll::Ready(self.close(CloseCode::NORMAL_CLOSURE, ""))
    }
}
