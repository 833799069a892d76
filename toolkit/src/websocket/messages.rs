//! Receiving and sending: by kind of message, one by one or as streams, and by halves that can live in different tasks.

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
use stelo_core::ws::{CloseCode, Message, Text};

use super::line::Line;
use super::{WebSocket, WebSocketError};
use crate::extract::Json;

/// What a message can be received as: [`Message`] (either kind), `String`, [`Bytes`], or [`Json`] (of either kind).
pub trait FromMessage: Sized {
    /// Reads a message.
    ///
    /// # Errors
    /// It is of another kind, or not JSON.
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

/// A value as a JSON text.
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

/// What receives.
macro_rules! receive {
    ($($handle:ident)*) => {$(
        impl $handle {
            /// The next message. What came before the end is given out first. One future can wait at a time.
            ///
            /// # Errors
            /// It has ended; from then on always the same.
            pub async fn receive(&self) -> Result<Message, WebSocketError> {
                self.line.receive().await
            }

            /// The next message, as text.
            ///
            /// # Errors
            /// It has ended; or the message was of bytes, and is gone.
            pub async fn receive_text(&self) -> Result<String, WebSocketError> {
                self.line.receive().await
            }

            /// The next message, as bytes.
            ///
            /// # Errors
            /// It has ended; or the message was a text, and is gone.
            pub async fn receive_bytes(&self) -> Result<Bytes, WebSocketError> {
                self.line.receive().await
            }

            /// The next message, be it text or bytes, as a JSON value.
            ///
            /// # Errors
            /// It has ended; or the message was not such a value, and is gone.
            pub async fn receive_json<T: DeserializeOwned>(&self) -> Result<T, WebSocketError> {
                let Json(value) = self.line.receive().await?;
                Ok(value)
            }

            /// All messages, until it ends.
            pub fn iter(&self) -> Messages<'_, Message> {
                Messages::new(&self.line, Ok)
            }

            /// All messages as texts, until it ends.
            pub fn iter_text(&self) -> Messages<'_, String> {
                Messages::new(&self.line, String::from_message)
            }

            /// All messages as bytes, until it ends.
            pub fn iter_bytes(&self) -> Messages<'_, Bytes> {
                Messages::new(&self.line, Bytes::from_message)
            }

            /// All messages as JSON values, until it ends.
            pub fn iter_json<T: DeserializeOwned>(&self) -> Messages<'_, T> {
                Messages::new(&self.line, |message| Json::from_message(message).map(|Json(value)| value))
            }
        }
    )*};
}

receive! { WebSocket WebSocketReceiver }

/// What sends.
macro_rules! send {
    ($($handle:ident)*) => {$(
        impl $handle {
            /// Sends a message, as soon as there is room for it: a client that reads slowly holds back whoever sends.
            ///
            /// # Errors
            /// It has ended, is about to, or has not been accepted: the message was not sent.
            pub async fn send(&self, message: impl Into<Message>) -> Result<(), WebSocketError> {
                self.line.send(message.into()).await
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
            /// As [`send`](Self::send); or the value cannot be written as JSON.
            pub async fn send_json(&self, value: &impl Serialize) -> Result<(), WebSocketError> {
                let text = to_json(value)?;
                self.line.send(text.into()).await
            }

            /// Sends a value as JSON, in a message of bytes.
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

/// The messages of a WebSocket, until it ends: a stream. One that is not what was asked for is an error, after which
/// the stream goes on.
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

/// The half of a WebSocket that receives; a stream of messages, until it ends.
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

/// The half of a WebSocket that sends. Clones send over the same one; it is a sink of messages, too.
#[derive(Debug)]
pub struct WebSocketSender {
    line: Arc<Line>,
    /// The message that the sink has taken and not yet sent.
    held: Option<Message>,
}

impl WebSocketSender {
    pub(super) fn new(line: Arc<Line>) -> Self {
        Self { line, held: None }
    }

    /// Closes the WebSocket: see [`WebSocket::close`].
    ///
    /// # Errors
    /// This side has closed it before.
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

    /// Sends what is held, and closes with 1000.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Poll::Ready(self.close(CloseCode::NORMAL_CLOSURE, ""))
    }
}
