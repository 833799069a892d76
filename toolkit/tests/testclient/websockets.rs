//! WebSockets of the test client: what the handshake has, and what the handler learns of its end.

use std::sync::{Arc, Mutex};

use futures_lite::future::block_on;
use futures_lite::stream;
use serde_json::{Value, json};
use stelo_core::app::Reply;
use stelo_toolkit::request::Url;
use stelo_toolkit::response::{ResponseExt, StreamingResponse};
use stelo_toolkit::testing::TestHandshake;
use stelo_toolkit::websocket::{CloseCode, Message, WebSocketError};
use stelo_toolkit::{App, FileResponse, Headers, IntoResponse, Response, Status, TestClient, WebSocket};

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

#[test]
fn json_in_bytes_is_read_and_written_too() {
    async fn echo(websocket: WebSocket) -> stelo_toolkit::Result<()> {
        websocket.accept().await?;
        let value: Value = websocket.receive_json().await?;
        Ok(websocket.send_json_bytes(&value).await?)
    }
    let client = TestClient::new(App::new().websocket("/", echo));
    let mut socket = client.websocket_connect("/").connect().expect("it is accepted");
    socket.send_bytes(br#"{"test":"data"}"#);
    let message = socket.receive().expect("a message");
    assert_eq!(message, Message::from(br#"{"test":"data"}"#.to_vec()));
    socket = client.websocket_connect("/").connect().expect("it is accepted");
    socket.send_json(&json!({"test": "data"}));
    assert_eq!(socket.receive_json::<Value>().expect("JSON"), json!({"test": "data"}));
}

#[test]
fn the_application_ends_it_with_code_and_reason() {
    async fn leave(websocket: WebSocket) -> stelo_toolkit::Result<()> {
        websocket.accept().await?;
        Ok(websocket.close(CloseCode::GOING_AWAY, "goodbye")?)
    }
    let client = TestClient::new(App::new().websocket("/", leave));
    let mut socket = client.websocket_connect("/").connect().expect("it is accepted");
    let closed = socket.receive_closed();
    assert_eq!((closed.code, &*closed.reason), (CloseCode::GOING_AWAY, "goodbye"));
}

#[test]
fn a_handler_that_waits_for_nothing_is_dropped_with_the_client() {
    struct Dropped(Arc<Mutex<bool>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            *self.0.lock().expect("no panic under the lock") = true;
        }
    }
    let dropped = Arc::new(Mutex::new(false));
    let seen = dropped.clone();
    let handler = move |websocket: WebSocket| {
        let guard = Dropped(seen.clone());
        async move {
            websocket.accept().await?;
            std::future::pending::<()>().await;
            drop(guard);
            Ok::<_, WebSocketError>(())
        }
    };
    let client = TestClient::new(App::new().websocket("/", handler));
    drop(client.websocket_connect("/").connect().expect("it is accepted"));
    drop(client);
    assert!(*dropped.lock().expect("no panic under the lock"));
}

#[test]
fn a_handshake_has_the_path_as_sent() {
    async fn path(websocket: WebSocket) -> stelo_toolkit::Result<()> {
        websocket.accept().await?;
        Ok(websocket.send_text(websocket.head().path().to_owned()).await?)
    }
    let client = TestClient::new(App::new().websocket("/{path}", path));
    let handshake = client.websocket_connect("/hello%2Dworld").query(&[("foo", "bar")]);
    let mut socket = handshake.connect().expect("it is accepted");
    assert_eq!(socket.receive_text().expect("a text"), "/hello%2Dworld");
}

#[test]
fn a_websocket_has_the_parts_of_its_handshake() {
    async fn parts(websocket: WebSocket) -> stelo_toolkit::Result<()> {
        websocket.accept().await?;
        let id: u8 = websocket.path_param("id")?;
        let text = format!("{} {id} {:?}", websocket.path(), websocket.headers().get_str("x-a"));
        Ok(websocket.send_text(text).await?)
    }
    let client = TestClient::new(App::new().websocket("/abc/{id}", parts));
    let mut socket = client.websocket_connect("/abc/7").header("x-a", "1").connect().expect("it is accepted");
    assert_eq!(socket.receive_text().expect("a text"), "/abc/7 7 Some(\"1\")");
}

#[test]
fn a_denial_can_be_a_file_and_runs_its_background_task() {
    let ran = Arc::new(Mutex::new(Vec::new()));
    let (files, streams) = (ran.clone(), ran.clone());
    let file = move |websocket: WebSocket| {
        let ran = files.clone();
        async move {
            let file = FileResponse::bytes("<h1>members only</h1>").filename("denied.html");
            let response = file.status_code(Status::FORBIDDEN).respond(&websocket).await?;
            let task = async move { ran.lock().expect("no panic under the lock").push("file") };
            Ok::<_, stelo_toolkit::Error>(websocket.send_denial_response(response.background(task))?)
        }
    };
    let stream = move |websocket: WebSocket| {
        let ran = streams.clone();
        async move {
            let body = StreamingResponse::text(stream::iter(["foo", "bar"])).into_response();
            let task = async move { ran.lock().expect("no panic under the lock").push("stream") };
            websocket.send_denial_response(body.background(task))
        }
    };
    let client = TestClient::new(App::new().websocket("/file", file).websocket("/stream", stream));
    let denial = client.websocket_connect("/file").connect().expect_err("it is denied");
    assert_eq!((denial.status(), &*denial.text()), (Status::FORBIDDEN, "<h1>members only</h1>"));
    assert_eq!(denial.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(denial.header("content-disposition"), Some("attachment; filename=\"denied.html\""));
    let denial = client.websocket_connect("/stream").connect().expect_err("it is denied");
    assert_eq!((denial.status(), &*denial.text()), (Status::OK, "foobar"));
    assert_eq!(*ran.lock().expect("no panic under the lock"), ["file", "stream"]);
}

#[test]
fn a_handshake_has_one_answer() {
    async fn twice(websocket: WebSocket) -> Result<(), WebSocketError> {
        websocket.send_denial_response((Status::GONE, "first"))?;
        let again = websocket.send_denial_response((Status::CONFLICT, "second"));
        assert!(matches!(again, Err(WebSocketError::AlreadyAnswered | WebSocketError::AlreadyClosed)));
        Ok(())
    }
    let client = TestClient::new(App::new().websocket("/", twice));
    let denial = client.websocket_connect("/").connect().expect_err("it is denied");
    assert_eq!((denial.status(), &*denial.text()), (Status::GONE, "first"));
}

#[test]
fn a_handshake_has_fields_and_cookies_of_its_own() {
    async fn shows(headers: Headers, websocket: WebSocket) -> stelo_toolkit::Result<()> {
        websocket.accept().await?;
        let all: Vec<_> = headers.get_all("x-a").chain(headers.get_all("cookie")).collect();
        Ok(websocket.send_text(String::from_utf8_lossy(&all.join(&b' ')).into_owned()).await?)
    }
    let client = TestClient::new(App::new().websocket("/", shows));
    let handshake = client.websocket_connect("/").header("x-a", "1").add_header("x-a", "2").cookie("c", "3");
    let mut socket = handshake.connect().expect("the handshake is accepted");
    assert_eq!(socket.receive_text().expect("a text"), "1 2 c=3");
}

/// An application without the checks of the toolkit.
struct Bare(fn() -> Response);

impl stelo_core::app::App for Bare {
    fn call(&self, _: stelo_core::app::Request) -> Reply {
        (self.0)().into()
    }
}

fn bare(respond: fn() -> Response) -> TestClient {
    TestClient::new(Bare(respond)).raise_server_errors(false)
}

#[test]
fn an_acceptance_is_judged_as_by_a_server() {
    fn accepts() -> Response {
        Response::websocket(async |_| {})
    }
    fn chooses() -> Response {
        let mut response = accepts();
        response.headers.append("sec-websocket-protocol", "not-offered");
        response
    }
    assert!(bare(accepts).websocket_connect("/").connect().is_ok());
    let denied = bare(chooses).websocket_connect("/").connect().expect_err("nothing was offered");
    assert_eq!(denied.status(), Status::INTERNAL_SERVER_ERROR);
    let answer = bare(accepts).get("/").send();
    assert_eq!(answer.status(), Status::INTERNAL_SERVER_ERROR, "the request is no handshake");
}

#[test]
fn a_panic_ends_the_websocket() {
    let client = bare(|| Response::websocket(async |_| panic!("out of tea")));
    let mut socket = client.websocket_connect("/").connect().expect("it is accepted");
    assert_eq!(socket.receive_closed().code, CloseCode::INTERNAL_ERROR);
    let message = crate::panic_of(|| {
        let raising = TestClient::new(Bare(|| Response::websocket(async |_| panic!("out of tea"))));
        raising.websocket_connect("/").connect().map(|mut socket| socket.receive_closed())
    });
    assert!(message.contains("the application panicked: out of tea"), "{message}");
}

#[test]
fn a_handler_can_wait_for_the_end_alone() {
    let seen = Arc::new(Mutex::new(None));
    let log = seen.clone();
    let waits = move |websocket: WebSocket| {
        let log = log.clone();
        async move {
            websocket.accept().await?;
            *log.lock().expect("no panic under the lock") = Some(websocket.closed().await.code);
            Ok::<_, WebSocketError>(())
        }
    };
    let client = TestClient::new(App::new().websocket("/", waits));
    let mut socket = client.websocket_connect("/").connect().expect("it is accepted");
    assert_eq!(*seen.lock().expect("no panic under the lock"), None);
    socket.close(CloseCode::GOING_AWAY, "");
    assert_eq!(*seen.lock().expect("no panic under the lock"), Some(CloseCode::GOING_AWAY));
}

#[test]
fn both_kinds_of_sockets_show_the_acceptance() {
    async fn accepts(websocket: WebSocket) -> Result<(), WebSocketError> {
        websocket.accept().subprotocol("chat").header("x-a", "1").await?;
        websocket.closed().await;
        Ok(())
    }
    let client = TestClient::new(App::new().websocket("/", accepts));
    let handshake = || client.websocket_connect("/").subprotocols(&["chat"]);
    let socket = handshake().connect().expect("it is accepted");
    assert_eq!(format!("{socket:?}"), "TestWebSocket");
    assert_eq!((socket.accepted_subprotocol(), socket.headers().get_str("x-a")), (Some("chat"), Some("1")));
    block_on(async {
        let socket = handshake().await.expect("it is accepted");
        assert_eq!(format!("{socket:?}"), "AsyncTestWebSocket");
        assert_eq!(
            (socket.accepted_subprotocol(), socket.headers().get_str("x-a")),
            (Some("chat"), Some("1"))
        );
    });
}
