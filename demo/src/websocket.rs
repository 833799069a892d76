//! WebSockets that echo, and that only send.

use std::future::pending;

use stelo_toolkit::WebSocket;
use stelo_toolkit::websocket::WebSocketError;

/// Sends each message back: text as text, bytes as bytes.
pub(crate) async fn echo(websocket: WebSocket) -> Result<(), WebSocketError> {
    websocket.accept().await?;
    loop {
        let message = websocket.receive().await?;
        websocket.send(message).await?;
    }
}

/// Waits for something to send, which never comes. It does not wait for the client to leave, so the server drops it then.
pub(crate) async fn quiet(websocket: WebSocket) -> Result<(), WebSocketError> {
    websocket.accept().await?;
    pending().await
}
