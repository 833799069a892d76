//! WebSockets of the test client: what the handshake has, and what the handler learns of its end.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use stelo_toolkit::request::Url;
use stelo_toolkit::testing::TestHandshake;
use stelo_toolkit::websocket::{CloseCode, Message, WebSocketError};
use stelo_toolkit::{App, Headers, TestClient, WebSocket};

/// Sends what the handshake was.
async fn describes(url: Url, headers: Headers, websocket: WebSocket) -> stelo_toolkit::Result<()> {
    websocket.accept().await?;
    let field = |name: &str| headers.get_str(name).unwrap_or("-").to_owned();
    let text = format!("{} {} {}", url, field("host"), field("x-a"));
    Ok(websocket.send_text(text).await?)
}

#[test]
fn a_handshake_has_the_url_and_the_fields_of_a_request() {
    let client = TestClient::new(App::new().websocket("/{path:path}", describes));
    let text = |handshake: TestHandshake<'_>| handshake.connect().unwrap().receive_text().unwrap();
    assert_eq!(text(client.websocket_connect("/123?a=abc")), "ws://testserver/123?a=abc testserver -");
    assert_eq!(
        text(client.websocket_connect("wss://example.com:123/x").header("x-a", "1")),
        "wss://example.com:123/x example.com:123 1"
    );
    assert_eq!(
        text(client.websocket_connect("/").query(&[("b", "1 2")])),
        "ws://testserver/?b=1+2 testserver -"
    );
}

#[test]
fn json_is_text_and_keeps_its_characters() {
    async fn echo(websocket: WebSocket) -> stelo_toolkit::Result<()> {
        websocket.accept().await?;
        let value: Value = websocket.receive_json().await?;
        Ok(websocket.send_json(&json!({ "message": value })).await?)
    }
    let client = TestClient::new(App::new().websocket("/", echo));
    let mut socket = client.websocket_connect("/").connect().unwrap();
    socket.send_bytes(b"\"\xc3\xa9\"");
    assert_eq!(socket.receive().unwrap(), Message::from("{\"message\":\"é\"}"));
}

#[test]
fn a_handler_is_told_how_the_client_has_left() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let handler = move |websocket: WebSocket| {
        let log = log.clone();
        async move {
            websocket.accept().await?;
            let end = websocket.receive().await;
            let sent = websocket.send_text("too late").await;
            for result in [end.map(drop), sent] {
                if let Err(WebSocketError::Disconnected(closed)) = result {
                    log.lock().unwrap().push((closed.code, closed.reason));
                }
            }
            Ok::<_, WebSocketError>(())
        }
    };
    let client = TestClient::new(App::new().websocket("/", handler));
    let mut socket = client.websocket_connect("/").connect().unwrap();
    socket.close(CloseCode::GOING_AWAY, "going away");
    drop(socket);
    drop(client.websocket_connect("/").connect().unwrap());
    let gone = || (CloseCode::GOING_AWAY, "going away".to_owned());
    let normal = || (CloseCode::NORMAL_CLOSURE, String::new());
    assert_eq!(*seen.lock().unwrap(), [gone(), gone(), normal(), normal()]);
}
