//! The errors of WebSockets: those that their methods return, and those that handlers close them with.

use std::borrow::Cow;
use std::fmt;

use stelo_core::app::Response;
use stelo_core::http::{InvalidHeader, Status};
use stelo_core::ws::{CloseCode, Closed};

use crate::response::report::failure;
use crate::response::{Failure, HttpError, IntoResponse};

/// The error of a method of a [`WebSocket`](crate::WebSocket).
///
/// A handler can return it. [`Disconnected`](Self::Disconnected) ends the handler silently. A message of the wrong kind
/// closes with 1003. The other variants are mistakes of the program: they are logged and close with 1011.
#[derive(Debug)]
#[non_exhaustive]
pub enum WebSocketError {
    /// The WebSocket has ended. Nothing can be received or sent.
    Disconnected(Closed),
    /// The WebSocket has not been accepted.
    NotAccepted,
    /// The handshake has already been answered: accepted or denied.
    AlreadyAnswered,
    /// This side has closed the WebSocket.
    AlreadyClosed,
    /// The client has not offered this subprotocol.
    NotOffered {
        /// The subprotocol.
        subprotocol: String,
    },
    /// A header field cannot be written as one line.
    Header(InvalidHeader),
    /// A binary message came where text was expected.
    ExpectedText,
    /// A text message came where bytes were expected.
    ExpectedBytes,
    /// The message is not JSON, or not of the expected type.
    MalformedJson(serde_json::Error),
    /// The value to send cannot be written as JSON.
    Serialize(serde_json::Error),
}

impl WebSocketError {
    /// Returns how the WebSocket has ended, if the error is [`Disconnected`](Self::Disconnected).
    pub fn closed(&self) -> Option<&Closed> {
        match self {
            Self::Disconnected(closed) => Some(closed),
            _ => None,
        }
    }
}

impl fmt::Display for WebSocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected(closed) => closed.fmt(f),
            Self::NotAccepted => f.write_str("the WebSocket is not open: call `accept` first"),
            Self::AlreadyAnswered => {
                f.write_str("the handshake has been answered: accept, close or deny a WebSocket once")
            }
            Self::AlreadyClosed => {
                f.write_str("the WebSocket has been closed by this side: nothing can follow")
            }
            Self::NotOffered { subprotocol } => {
                write!(f, "the client has not offered `{subprotocol}`: choose one of `subprotocols`, or none")
            }
            Self::Header(error) => error.fmt(f),
            Self::ExpectedText => f.write_str("expected a text message, but got bytes"),
            Self::ExpectedBytes => f.write_str("expected a message of bytes, but got text"),
            Self::MalformedJson(error) => write!(f, "malformed JSON message: {error}"),
            Self::Serialize(error) => write!(f, "the message cannot be written as JSON: {error}"),
        }
    }
}

impl std::error::Error for WebSocketError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Disconnected(closed) => Some(closed),
            Self::Header(error) => Some(error),
            Self::MalformedJson(error) | Self::Serialize(error) => Some(error),
            _ => None,
        }
    }
}

impl IntoResponse for WebSocketError {
    /// 500, if the WebSocket was not accepted. The error is logged, unless the client has disconnected.
    fn into_response(self) -> Response {
        if self.closed().is_none() {
            failure!("a WebSocket handler failed: {self}");
        }
        HttpError::new(Status::INTERNAL_SERVER_ERROR).into_response()
    }
}

/// Closes a WebSocket with a code and a reason when a handler returns it: Starlette's `WebSocketException`.
///
/// If the WebSocket has not been accepted, the client gets 403 and sees neither code nor reason.
///
/// ```
/// use stelo_toolkit::response::BoxError;
/// use stelo_toolkit::websocket::{CloseCode, WebSocketException};
/// use stelo_toolkit::WebSocket;
///
/// async fn even(websocket: WebSocket) -> Result<(), BoxError> {
///     websocket.accept().await?;
///     if websocket.receive_json::<i32>().await? % 2 == 1 {
///         Err(WebSocketException::new(CloseCode::POLICY_VIOLATION).with_reason("that is odd"))?;
///     }
///     Ok(websocket.send_text("thank you").await?)
/// }
/// # let _ = stelo_toolkit::websocket(even);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebSocketException {
    /// The code of the close frame.
    pub code: CloseCode,
    /// The reason in the close frame, at most 123 bytes.
    pub reason: Cow<'static, str>,
}

impl WebSocketException {
    /// Creates an exception with this code, without a reason.
    pub const fn new(code: CloseCode) -> Self {
        Self { code, reason: Cow::Borrowed("") }
    }

    /// The same exception with a reason.
    #[must_use]
    pub fn with_reason(self, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), ..self }
    }
}

impl fmt::Display for WebSocketException {
    /// `1008: members only`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.reason)
    }
}

impl std::error::Error for WebSocketException {}

impl IntoResponse for WebSocketException {
    /// 403, if the WebSocket was not accepted.
    fn into_response(self) -> Response {
        Response::empty(Status::FORBIDDEN)
    }
}

/// The error of a handler before the WebSocket is accepted, ready to answer the handshake.
pub(super) fn unboxed(failure: Failure) -> Failure {
    failure.unboxed::<WebSocketException>().unboxed::<WebSocketError>()
}

/// The code with which a failure closes an accepted WebSocket. If the client has closed it, the code of the client.
pub(super) fn code(failure: &Failure) -> CloseCode {
    if let Some(exception) = failure.downcast_ref::<WebSocketException>() {
        return exception.code;
    }
    match failure.downcast_ref::<WebSocketError>() {
        Some(WebSocketError::Disconnected(closed)) => closed.code,
        Some(
            WebSocketError::ExpectedText | WebSocketError::ExpectedBytes | WebSocketError::MalformedJson(_),
        ) => CloseCode::UNSUPPORTED_DATA,
        _ => CloseCode::INTERNAL_ERROR,
    }
}

/// The exception that closes an accepted WebSocket when its handler fails. `None` if the WebSocket has ended. Logs errors
/// that the client has not caused.
pub(super) fn exception(failure: Failure, place: &str) -> Option<WebSocketException> {
    let code = code(&failure);
    let failure = match failure.downcast::<WebSocketException>() {
        Ok(exception) => return Some(exception),
        Err(failure) => failure,
    };
    match (failure.downcast_ref::<WebSocketError>(), failure.downcast_ref::<HttpError>()) {
        (Some(WebSocketError::Disconnected(_)), _) => return None,
        (Some(_), _) if code != CloseCode::INTERNAL_ERROR => {}
        (Some(error), _) => failure!("the WebSocket handler of {place} failed: {error}"),
        (_, Some(error)) => failure!("the WebSocket handler of {place} failed: {error}"),
        // A boxed error is logged as it becomes a response.
        _ => {
            let status = failure.into_response().status.code();
            failure!("the WebSocket handler of {place} failed, too late for an answer of {status}");
        }
    }
    Some(WebSocketException::new(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_shows_its_code_and_its_reason() {
        let plain = WebSocketException { code: CloseCode::POLICY_VIOLATION, reason: "".into() };
        assert_eq!(plain.to_string(), "1008: ");
        let full = WebSocketException { reason: "Policy Violation".into(), ..plain };
        assert_eq!(full.to_string(), "1008: Policy Violation");
        assert!(format!("{full:?}").contains("reason: \"Policy Violation\""));
    }
}
