//! How WebSockets fail: what their methods say to handlers, and what handlers say to clients.

use std::borrow::Cow;
use std::fmt;

use stelo_core::app::Response;
use stelo_core::http::{InvalidHeader, Status};
use stelo_core::ws::{CloseCode, Closed};

use crate::response::{Failure, HttpError, IntoResponse};

/// Why a [`WebSocket`](crate::WebSocket) does not do what was asked of it.
///
/// A handler may return it: [`Disconnected`](Self::Disconnected) ends the handler without further ado, a message that
/// is not what was asked for closes with 1003, and the others, which are mistakes of the program, are logged and close
/// with 1011.
#[derive(Debug)]
#[non_exhaustive]
pub enum WebSocketError {
    /// The WebSocket has ended. Nothing can be received any more, and nothing sent.
    Disconnected(Closed),
    /// It has not been accepted.
    NotAccepted,
    /// The handshake has been answered before: accepted or denied.
    AlreadyAnswered,
    /// This side has closed it.
    AlreadyClosed,
    /// The client has not offered this subprotocol.
    NotOffered {
        /// The subprotocol.
        subprotocol: String,
    },
    /// A header field cannot be written as one line.
    Header(InvalidHeader),
    /// Bytes have come where text was asked for.
    ExpectedText,
    /// Text has come where bytes were asked for.
    ExpectedBytes,
    /// What has come is not JSON, or not of such a value.
    MalformedJson(serde_json::Error),
    /// What was to be sent cannot be written as JSON.
    Serialize(serde_json::Error),
}

impl WebSocketError {
    /// How the WebSocket has ended, if that is what is the matter.
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
    /// 500, for a WebSocket that was not accepted. What went wrong is for the log, unless the client has left.
    fn into_response(self) -> Response {
        if self.closed().is_none() {
            tracing::error!("a WebSocket handler failed: {self}");
        }
        HttpError::new(Status::INTERNAL_SERVER_ERROR).into_response()
    }
}

/// The end of a WebSocket, as an error that a handler returns: Starlette's `WebSocketException`.
///
/// Before the WebSocket is accepted the client gets 403, and never hears of code and reason.
///
/// ```
/// use stelo_toolkit::{BoxError, CloseCode, WebSocket, WebSocketException};
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
    /// An end with this code, without a reason.
    pub const fn new(code: CloseCode) -> Self {
        Self { code, reason: Cow::Borrowed("") }
    }

    /// The same end with a reason.
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
    /// 403, for a WebSocket that was not accepted.
    fn into_response(self) -> Response {
        Response::empty(Status::FORBIDDEN)
    }
}

/// The error of a handler before the WebSocket is accepted, ready to answer the handshake.
pub(super) fn unboxed(failure: Failure) -> Failure {
    failure.unboxed::<WebSocketException>().unboxed::<WebSocketError>()
}

/// The code that a failure closes an accepted WebSocket with; that of the client, if it has closed it.
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

/// What to close an accepted WebSocket with when its handler fails; `None` if it has ended. Logs what is not the
/// client's fault.
pub(super) fn exception(failure: Failure, place: &str) -> Option<WebSocketException> {
    let code = code(&failure);
    let failure = match failure.downcast::<WebSocketException>() {
        Ok(exception) => return Some(exception),
        Err(failure) => failure,
    };
    match (failure.downcast_ref::<WebSocketError>(), failure.downcast_ref::<HttpError>()) {
        (Some(WebSocketError::Disconnected(_)), _) => return None,
        (Some(_), _) if code != CloseCode::INTERNAL_ERROR => {}
        (Some(error), _) => tracing::error!("the WebSocket handler of {place} failed: {error}"),
        (_, Some(error)) => tracing::error!("the WebSocket handler of {place} failed: {error}"),
        // A boxed error is logged as it becomes a response.
        _ => {
            let status = failure.into_response().status.code();
            tracing::error!("the WebSocket handler of {place} failed, too late for an answer of {status}");
        }
    }
    Some(WebSocketException::new(code))
}
