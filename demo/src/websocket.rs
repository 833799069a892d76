//! A WebSocket that echoes.

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
