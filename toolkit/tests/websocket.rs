//! WebSockets as handlers have them: accepting and denying, messages, errors, ends, halves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_lite::{StreamExt, future};
use futures_sink::Sink;
use serde_json::{Value, json};
use stelo_toolkit::response::{BoxError, StreamingResponse};
use stelo_toolkit::websocket::{
    CloseCode, Closed, Message, WebSocketError, WebSocketException, WebSocketHandler, WebSocketSender,
};
use stelo_toolkit::{App, Bytes, HttpError, Response, Status, TestClient, WebSocket};

type Outcome = Result<(), WebSocketError>;

fn client<Args: 'static>(handler: impl WebSocketHandler<Args>) -> TestClient {
    let app = App::new().websocket("/ws", handler);
    app.build().expect("it is in order");
    TestClient::new(app).raise_server_errors(false)
}

fn closed(code: CloseCode, reason: &str) -> Closed {
    Closed { code, reason: reason.into() }
}

/// The notes of a handler.
type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, line: impl ToString) {
    log.lock().expect("no panic under the lock").push(line.to_string());
}

fn noted(log: &Log) -> Vec<String> {
    log.lock().expect("no panic under the lock").clone()
}

#[test]
fn messages_come_as_text_bytes_and_json() {
    async fn echo(ws: WebSocket) -> Outcome {
        ws.accept().await?;
        let text = ws.receive_text().await?;
        ws.send_text(text).await?;
        let bytes = ws.receive_bytes().await?;
        ws.send_bytes(bytes).await?;
        let value: Value = ws.receive_json().await?;
        ws.send_json(&value).await?;
        let value: Value = ws.receive_json().await?;
        ws.send_json_bytes(&value).await?;
        let message = ws.receive().await?;
        ws.send(message).await
    }
    let client = client(echo);
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    socket.send_text("");
    assert_eq!(socket.receive_text().unwrap(), "");
    socket.send_bytes(b"\0\xff");
    assert_eq!(*socket.receive_bytes().unwrap(), *b"\0\xff");
    socket.send_json(&json!({"test": "数据"}));
    assert_eq!(socket.receive_text().unwrap(), r#"{"test":"数据"}"#);
    socket.send_bytes(b"[1, 2]");
    assert_eq!(socket.receive().unwrap(), Message::from(b"[1,2]".to_vec()));
    socket.send("any");
    assert_eq!(socket.receive().unwrap(), Message::from("any"));
    assert_eq!(socket.receive_closed(), closed(CloseCode::NORMAL_CLOSURE, ""));
}

#[test]
fn messages_come_as_streams_that_end_with_the_client() {
    async fn texts(ws: WebSocket, log: Log) -> Outcome {
        ws.accept().await?;
        let mut texts = ws.iter_text();
        while let Some(text) = texts.next().await {
            match text {
                Ok(text) => ws.send_text(format!("got {text}")).await?,
                Err(error) => note(&log, error),
            }
        }
        note(&log, ws.receive().await.unwrap_err());
        note(&log, ws.send_text("late").await.unwrap_err());
        Ok(())
    }
    let log = Log::default();
    let theirs = log.clone();
    let client = client(move |ws: WebSocket| texts(ws, theirs.clone()));
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    socket.send("a");
    assert_eq!(socket.receive_text().unwrap(), "got a");
    socket.send_bytes(b"no text");
    socket.send("b");
    assert_eq!(socket.receive_text().unwrap(), "got b");
    socket.close(CloseCode::GOING_AWAY, "bye");
    let end = "the WebSocket is closed (1001: bye)";
    assert_eq!(noted(&log), ["expected a text message, but got bytes", end, end]);
}

#[test]
fn streams_of_bytes_and_of_values() {
    async fn sum(ws: WebSocket) -> Outcome {
        ws.accept().await?;
        let first: Vec<Bytes> = ws.iter_bytes().take(2).try_collect().await?;
        let second: u32 = ws.iter_json::<u32>().take(3).try_fold(0, |sum, n| Ok(sum + n)).await?;
        let third: Vec<Message> = ws.iter().take(1).try_collect().await?;
        ws.send_text(format!("{} {second} {third:?}", first.len())).await
    }
    let client = client(sum);
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    socket.send_bytes(b"a");
    socket.send_bytes(b"b");
    for number in [10, 20, 12] {
        socket.send_json(&number);
    }
    socket.send_text("x");
    assert_eq!(socket.receive_text().unwrap(), "2 42 [Text(\"x\")]");
}

#[test]
fn accepting_says_subprotocol_and_header_fields() {
    async fn choose(ws: WebSocket) -> Outcome {
        let offered: Vec<_> = ws.subprotocols().collect();
        assert_eq!(offered, ["soap", "wamp"]);
        ws.accept().header("x-one", "1").subprotocol("wamp").header("x-one", "2").await
    }
    let client = client(choose);
    let socket = client.websocket_connect("/ws").subprotocols(&["soap", "wamp"]).connect().unwrap();
    assert_eq!(socket.accepted_subprotocol(), Some("wamp"));
    assert_eq!(socket.headers().get_all("x-one").collect::<Vec<_>>(), [b"1", b"2"]);
}

#[test]
fn what_cannot_be_said_when_accepting_is_an_error_and_the_handshake_stays_open() {
    async fn choose(ws: WebSocket) -> Outcome {
        let error = ws.accept().subprotocol("soap").header("x", "y").await.unwrap_err();
        assert!(matches!(&error, WebSocketError::NotOffered { subprotocol } if subprotocol == "soap"));
        assert!(error.to_string().contains("`soap`"), "{error}");
        let error = ws.accept().header("x", "a\nb").header("y", "z").await.unwrap_err();
        assert!(matches!(error, WebSocketError::Header(_)), "{error}");
        ws.accept().await
    }
    let client = client(choose);
    let mut socket = client.websocket_connect("/ws").subprotocols(&["wamp"]).connect().unwrap();
    assert_eq!(socket.accepted_subprotocol(), None);
    assert!(socket.headers().is_empty());
    assert_eq!(socket.receive_closed().code, CloseCode::NORMAL_CLOSURE);
}

#[test]
fn before_accepting_nothing_can_be_received_or_sent() {
    async fn early(ws: WebSocket) -> Outcome {
        assert!(matches!(ws.receive().await, Err(WebSocketError::NotAccepted)));
        assert!(matches!(ws.receive_text().await, Err(WebSocketError::NotAccepted)));
        assert!(matches!(ws.receive_bytes().await, Err(WebSocketError::NotAccepted)));
        assert!(matches!(ws.receive_json::<u8>().await, Err(WebSocketError::NotAccepted)));
        assert!(matches!(ws.iter_text().next().await, Some(Err(WebSocketError::NotAccepted))));
        assert!(matches!(ws.send_text("x").await, Err(WebSocketError::NotAccepted)));
        ws.accept().await?;
        assert!(matches!(ws.accept().await, Err(WebSocketError::AlreadyAnswered)));
        assert!(matches!(ws.send_denial_response("no"), Err(WebSocketError::AlreadyAnswered)));
        ws.send_text("now").await
    }
    let client = client(early);
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    assert_eq!(socket.receive_text().unwrap(), "now");
    assert_eq!(socket.receive_closed().code, CloseCode::NORMAL_CLOSURE);

    async fn apart(ws: WebSocket) -> Outcome {
        ws.split().map(|_| ())
    }
    let answer = self::client(apart).websocket_connect("/ws").connect().unwrap_err();
    assert_eq!(answer.status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn after_closing_nothing_can_follow() {
    async fn close(ws: WebSocket) -> Outcome {
        ws.accept().await?;
        ws.send_text("last").await?;
        ws.close(CloseCode(4000), "enough")?;
        assert!(matches!(ws.send_text("x").await, Err(WebSocketError::AlreadyClosed)));
        assert!(matches!(ws.close(CloseCode(4001), ""), Err(WebSocketError::AlreadyClosed)));
        for _ in 0..2 {
            let error = ws.receive().await.unwrap_err();
            assert_eq!(error.closed(), Some(&closed(CloseCode(4000), "enough")));
        }
        assert!(ws.iter().next().await.is_none());
        Ok(())
    }
    let client = client(close);
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    assert_eq!(socket.receive_text().unwrap(), "last");
    assert_eq!(socket.receive_closed(), closed(CloseCode(4000), "enough"));
    assert_eq!(socket.receive_closed(), closed(CloseCode(4000), "enough"));
}

#[test]
fn closing_before_accepting_denies() {
    async fn refuse(ws: WebSocket, log: Log) -> Outcome {
        ws.close(CloseCode::GOING_AWAY, "never seen")?;
        note(&log, ws.accept().await.unwrap_err());
        note(&log, ws.close(CloseCode::GOING_AWAY, "").unwrap_err());
        note(&log, ws.send_text("x").await.unwrap_err());
        note(&log, ws.receive().await.unwrap_err());
        // Here the denial is sent; the handler goes on.
        future::yield_now().await;
        note(&log, "clean-up");
        Ok(())
    }
    let log = Log::default();
    let theirs = log.clone();
    let client = client(move |ws: WebSocket| refuse(ws, theirs.clone()));
    let answer = client.websocket_connect("/ws").connect().unwrap_err();
    assert_eq!((answer.status(), answer.bytes()), (Status::FORBIDDEN, &b""[..]));
    let expected = [
        "the handshake has been answered: accept, close or deny a WebSocket once",
        "the WebSocket has been closed by this side: nothing can follow",
        "the WebSocket has been closed by this side: nothing can follow",
        "the WebSocket is closed (1006)",
        "clean-up",
    ];
    assert_eq!(noted(&log), expected);
}

/// Writes a note when it is dropped.
struct Witness(Log);

impl Drop for Witness {
    fn drop(&mut self) {
        note(&self.0, "dropped");
    }
}

#[test]
fn a_handler_is_dropped_ten_seconds_after_its_denial() {
    async fn refuse(ws: WebSocket, log: Log) -> Outcome {
        let executor = ws.executor();
        ws.close(CloseCode::GOING_AWAY, "")?;
        let _witness = Witness(log.clone());
        for seconds in [6, 3, 3600] {
            executor.sleep(Duration::from_secs(seconds)).await;
            note(&log, seconds);
        }
        Ok(())
    }
    let log = Log::default();
    let theirs = log.clone();
    let client = client(move |ws: WebSocket| refuse(ws, theirs.clone()));
    let answer = client.websocket_connect("/ws").connect().unwrap_err();
    assert_eq!(answer.status(), Status::FORBIDDEN);
    assert_eq!(noted(&log), ["6", "3", "dropped"]);
}

#[test]
fn denials_are_responses_of_every_kind() {
    async fn plain(ws: WebSocket) -> Outcome {
        ws.send_denial_response((Status::UNAUTHORIZED, [("x-why", "no card")], "members only"))
    }
    let answer = client(plain).websocket_connect("/ws").connect().unwrap_err();
    assert_eq!((answer.status(), answer.text().as_str()), (Status::UNAUTHORIZED, "members only"));
    assert_eq!(answer.header("x-why"), Some("no card"));

    async fn stream(ws: WebSocket) -> Outcome {
        ws.send_denial_response(StreamingResponse::text(futures_lite::stream::iter(["hard", "body"])))
    }
    let answer = client(stream).websocket_connect("/ws").connect().unwrap_err();
    assert_eq!((answer.status(), answer.text().as_str()), (Status::OK, "hardbody"));
}

#[test]
fn errors_before_accepting_are_responses() {
    async fn http(_: WebSocket) -> Result<(), HttpError> {
        let error = HttpError::new(Status::UNAUTHORIZED).with_detail("who are you?");
        Err(error.with_header("www-authenticate", "Basic"))
    }
    let answer = client(http).websocket_connect("/ws").connect().unwrap_err();
    assert_eq!((answer.status(), answer.text().as_str()), (Status::UNAUTHORIZED, "who are you?"));
    assert_eq!(answer.header("www-authenticate"), Some("Basic"));

    async fn boxed(_: WebSocket) -> Result<(), BoxError> {
        Err(HttpError::new(Status::GONE))?
    }
    assert_eq!(client(boxed).websocket_connect("/ws").connect().unwrap_err().status(), Status::GONE);

    async fn exception(_: WebSocket) -> Result<(), BoxError> {
        Err(WebSocketException::new(CloseCode::POLICY_VIOLATION).with_reason("never seen"))?
    }
    let answer = client(exception).websocket_connect("/ws").connect().unwrap_err();
    assert_eq!((answer.status(), answer.bytes()), (Status::FORBIDDEN, &b""[..]));

    async fn other(_: WebSocket) -> Result<(), BoxError> {
        Err("a secret")?
    }
    let answer = client(other).websocket_connect("/ws").connect().unwrap_err();
    let expected = (Status::INTERNAL_SERVER_ERROR, "Internal Server Error");
    assert_eq!((answer.status(), answer.text().as_str()), expected);

    async fn undecided(_: WebSocket) {}
    let answer = client(undecided).websocket_connect("/ws").connect().unwrap_err();
    assert_eq!((answer.status(), answer.text().as_str()), expected);

    async fn panics(_: WebSocket) {
        panic!("a secret");
    }
    let answer = client(panics).websocket_connect("/ws").connect().unwrap_err();
    assert_eq!((answer.status(), answer.text().as_str()), expected);
}

#[test]
fn errors_after_accepting_close() {
    /// Returns the close frame of a WebSocket whose handler fails with this error.
    fn end<E: stelo_toolkit::IntoResponse + Send + 'static>(
        error: impl Fn() -> E + Clone + Send + Sync + 'static,
    ) -> Closed {
        let handler = move |ws: WebSocket| {
            let error = error.clone();
            async move {
                ws.accept().await.unwrap();
                ws.send_text("hello").await.unwrap();
                Err::<(), E>(error())
            }
        };
        let client = client(handler);
        let mut socket = client.websocket_connect("/ws").connect().unwrap();
        assert_eq!(socket.receive_text().unwrap(), "hello");
        socket.receive_closed()
    }
    let exception = || WebSocketException::new(CloseCode(4321)).with_reason("because");
    assert_eq!(end(exception), closed(CloseCode(4321), "because"));
    assert_eq!(end(move || BoxError::from(exception())), closed(CloseCode(4321), "because"));
    let internal = closed(CloseCode::INTERNAL_ERROR, "");
    assert_eq!(end(|| HttpError::new(Status::NOT_FOUND)), internal);
    assert_eq!(end(|| BoxError::from("a secret")), internal);
    assert_eq!(end(|| Status::CONFLICT), internal);
    assert_eq!(end(|| WebSocketError::NotAccepted), internal);
    assert_eq!(end(|| WebSocketError::ExpectedText), closed(CloseCode::UNSUPPORTED_DATA, ""));
    let boxed = || BoxError::from(WebSocketError::ExpectedBytes);
    assert_eq!(end(boxed), closed(CloseCode::UNSUPPORTED_DATA, ""));
}

#[test]
fn a_message_of_another_kind_closes_with_1003_if_the_handler_returns_the_error() {
    async fn number(ws: WebSocket) -> Outcome {
        ws.accept().await?;
        let number: u32 = ws.receive_json().await?;
        ws.send_json(&(number + 1)).await
    }
    let client = client(number);
    for (sent, code) in [("41", CloseCode::NORMAL_CLOSURE), ("x", CloseCode::UNSUPPORTED_DATA)] {
        let mut socket = client.websocket_connect("/ws").connect().unwrap();
        socket.send_text(sent);
        if sent == "41" {
            assert_eq!(socket.receive_json::<u32>().unwrap(), 42);
        }
        assert_eq!(socket.receive_closed().code, code, "{sent}");
    }
}

#[test]
fn a_panic_closes_with_1011() {
    async fn panics(ws: WebSocket) {
        ws.accept().await.unwrap();
        let text = ws.receive_text().await.unwrap();
        panic!("{text}");
    }
    let client = client(panics);
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    socket.send_text("boo");
    assert_eq!(socket.receive_closed(), closed(CloseCode::INTERNAL_ERROR, ""));
}

#[test]
fn the_client_ends_it_with_code_and_reason() {
    async fn wait(ws: WebSocket, log: Log) -> Outcome {
        ws.accept().await?;
        let end = ws.receive_text().await;
        note(&log, format!("{:?}", end.as_ref().unwrap_err().closed()));
        end.map(|_| ())
    }
    let log = Log::default();
    let theirs = log.clone();
    let client = client(move |ws: WebSocket| wait(ws, theirs.clone()));
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    socket.close(CloseCode(3000), "done");
    assert_eq!(socket.receive_closed(), closed(CloseCode(3000), "done"));
    drop(client.websocket_connect("/ws").connect().unwrap());
    assert_eq!(
        noted(&log),
        ["Some(Closed { code: 3000, reason: \"done\" })", "Some(Closed { code: 1000, reason: \"\" })"]
    );
}

#[test]
fn one_future_receives_while_another_sends() {
    async fn both(ws: WebSocket) -> Outcome {
        ws.accept().await?;
        let receive = async {
            let mut count = 0;
            while ws.receive_text().await? != "stop" {
                count += 1;
            }
            Ok(count)
        };
        let send = async {
            for number in 0..3 {
                ws.send_json(&number).await?;
                future::yield_now().await;
            }
            Ok(())
        };
        let (count, ()) = future::try_zip(receive, send).await?;
        ws.send_text(format!("{count} received")).await
    }
    let client = client(both);
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    for number in 0..3 {
        assert_eq!(socket.receive_json::<u8>().unwrap(), number);
    }
    for text in ["a", "b", "stop"] {
        socket.send_text(text);
    }
    assert_eq!(socket.receive_text().unwrap(), "2 received");
}

#[test]
fn halves_live_in_different_tasks() {
    async fn apart(ws: WebSocket) -> Outcome {
        ws.accept().await?;
        let executor = ws.executor();
        let (sender, mut receiver) = ws.split()?;
        let ticker = sender.clone();
        executor.spawn(async move {
            for number in 0..2 {
                ticker.send_json(&number).await.unwrap();
            }
        });
        while let Some(message) = receiver.next().await {
            sender.send(message?).await?;
        }
        Ok(())
    }
    let client = client(apart);
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    for number in 0..2 {
        assert_eq!(socket.receive_json::<u8>().unwrap(), number);
    }
    socket.send_text("echo");
    assert_eq!(socket.receive_text().unwrap(), "echo");
}

#[test]
fn the_sender_is_a_sink() {
    async fn all(sink: &mut WebSocketSender) -> Outcome {
        let mut sink = std::pin::pin!(sink);
        for text in ["a", "b"] {
            std::future::poll_fn(|cx| sink.as_mut().poll_ready(cx)).await?;
            sink.as_mut().start_send(text.into())?;
        }
        std::future::poll_fn(|cx| sink.as_mut().poll_close(cx)).await
    }
    async fn handler(ws: WebSocket) -> Outcome {
        ws.accept().await?;
        let (mut sender, receiver) = ws.split()?;
        all(&mut sender).await?;
        assert!(matches!(sender.send_text("c").await, Err(WebSocketError::AlreadyClosed)));
        assert!(receiver.receive().await.is_err());
        Ok(())
    }
    let client = client(handler);
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    assert_eq!(socket.receive_text().unwrap(), "a");
    assert_eq!(socket.receive_text().unwrap(), "b");
    assert_eq!(socket.receive_closed(), closed(CloseCode::NORMAL_CLOSURE, ""));
}

#[test]
fn a_client_that_does_not_receive_holds_the_sender_back() {
    async fn flood(ws: WebSocket, log: Log) -> Outcome {
        ws.accept().await?;
        for number in 0..100 {
            ws.send_json(&number).await?;
            note(&log, number);
        }
        Ok(())
    }
    let log = Log::default();
    let theirs = log.clone();
    let client = client(move |ws: WebSocket| flood(ws, theirs.clone()));
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    assert_eq!(noted(&log).len(), 16);
    for number in 0..50 {
        assert_eq!(socket.receive_json::<u8>().unwrap(), number);
    }
    assert_eq!(noted(&log).len(), 66);
    socket.close(CloseCode::GOING_AWAY, "");
    assert_eq!(noted(&log).len(), 66);
}

#[test]
fn an_acceptance_that_is_given_up_still_holds() {
    async fn impatient(ws: WebSocket) -> Outcome {
        // Polled once, then dropped: the answer is on its way all the same.
        let _ = future::poll_once(ws.accept()).await;
        assert!(matches!(ws.accept().await, Err(WebSocketError::AlreadyAnswered)));
        while let Err(WebSocketError::NotAccepted) = ws.send_text("open").await {
            future::yield_now().await;
        }
        Ok(())
    }
    let client = client(impatient);
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    assert_eq!(socket.receive_text().unwrap(), "open");

    async fn fickle(ws: WebSocket) -> Outcome {
        let _ = future::poll_once(ws.accept()).await;
        ws.close(CloseCode::NORMAL_CLOSURE, "")?;
        assert!(matches!(ws.close(CloseCode::GOING_AWAY, ""), Err(WebSocketError::AlreadyClosed)));
        assert!(matches!(ws.receive().await, Err(WebSocketError::Disconnected(_))));
        Ok(())
    }
    let client = self::client(fickle);
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    assert_eq!(socket.receive_closed().code, CloseCode::NORMAL_CLOSURE);
}

#[test]
fn another_task_may_accept() {
    async fn elsewhere(ws: WebSocket) -> Outcome {
        let executor = ws.executor();
        let ws = Arc::new(ws);
        let theirs = ws.clone();
        executor.spawn(async move {
            future::yield_now().await;
            theirs.accept().await.unwrap();
            theirs.send_text("from a task").await.unwrap();
        });
        while let Err(WebSocketError::NotAccepted) = ws.send_text("from the handler").await {
            future::yield_now().await;
        }
        ws.receive().await.map(|_| ())
    }
    let client = client(elsewhere);
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    let mut texts = [socket.receive_text().unwrap(), socket.receive_text().unwrap()];
    texts.sort();
    assert_eq!(texts, ["from a task", "from the handler"]);
    socket.send_text("enough");
    assert_eq!(socket.receive_closed().code, CloseCode::NORMAL_CLOSURE);
}

#[test]
fn a_middleware_that_answers_otherwise_ends_the_handler() {
    async fn refuse(request: stelo_toolkit::Request, next: stelo_toolkit::Next) -> Response {
        assert!(next.run(request).await.upgrade.is_some());
        Response::empty(Status::IM_A_TEAPOT)
    }
    async fn handler(ws: WebSocket, log: Log) -> Outcome {
        let executor = ws.executor();
        let ws = Arc::new(ws);
        let theirs = ws.clone();
        executor.spawn(async move { note(&log, theirs.accept().await.unwrap_err()) });
        future::pending::<()>().await;
        drop(ws);
        Ok(())
    }
    let log = Log::default();
    let theirs = log.clone();
    let app =
        App::new().middleware(refuse).websocket("/ws", move |ws: WebSocket| handler(ws, theirs.clone()));
    let answer = TestClient::new(app).websocket_connect("/ws").connect().unwrap_err();
    assert_eq!(answer.status(), Status::IM_A_TEAPOT);
    assert_eq!(noted(&log), ["the WebSocket is closed (1006)"]);
}

#[test]
fn a_websocket_and_its_parts_show_what_they_are() {
    async fn show(ws: WebSocket) -> Outcome {
        let text = format!("{ws:?} {:?} {:?}", ws.accept(), ws.iter_text());
        assert!(text.starts_with("WebSocket(Request(GET /ws HTTP/1.1 "), "{text}");
        assert!(text.ends_with(" Acceptance Messages"), "{text}");
        ws.accept().await?;
        let (sender, receiver) = ws.split()?;
        sender.send_text(format!("{sender:?} {receiver:?}")).await
    }
    let client = client(show);
    let mut socket = client.websocket_connect("/ws").connect().expect("accepted");
    let text = socket.receive_text().expect("one message");
    assert_eq!(text, "WebSocketSender { line: Line, held: None } WebSocketReceiver { line: Line }");
}

#[test]
fn a_handler_waits_for_the_end() {
    async fn wait(ws: WebSocket, log: Log) -> Outcome {
        ws.accept().await?;
        note(&log, format!("{:?}", ws.closed().await.code));
        let mut texts = ws.iter_text();
        assert!(texts.next().await.is_none() && texts.next().await.is_none());
        Ok(())
    }
    let log = Log::default();
    let theirs = log.clone();
    let client = client(move |ws: WebSocket| wait(ws, theirs.clone()));
    let mut socket = client.websocket_connect("/ws").connect().expect("accepted");
    socket.close(CloseCode::GOING_AWAY, "");
    assert_eq!(noted(&log), [format!("{:?}", CloseCode::GOING_AWAY)]);
}

#[test]
fn the_end_of_another_websocket_is_no_failure_of_the_handler() {
    async fn handler(_: WebSocket) -> Outcome {
        Err(WebSocketError::Disconnected(closed(CloseCode::NORMAL_CLOSURE, "")))
    }
    let denied = client(handler).websocket_connect("/ws").connect().expect_err("it was not accepted");
    assert_eq!(denied.status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_handshake_that_is_over_can_be_neither_answered_nor_used() {
    async fn handler(ws: WebSocket, log: Log) -> Outcome {
        let executor = ws.executor();
        let ws = Arc::new(ws);
        let theirs = ws.clone();
        executor.spawn(async move {
            let _witness = theirs.closed().await;
            note(&log, theirs.accept().await.unwrap_err());
            note(&log, theirs.close(CloseCode::GOING_AWAY, "").unwrap_err());
            note(&log, theirs.receive_text().await.unwrap_err());
        });
        Ok(())
    }
    let log = Log::default();
    let theirs = log.clone();
    let client = client(move |ws: WebSocket| handler(ws, theirs.clone()));
    assert!(client.websocket_connect("/ws").connect().is_err());
    assert_eq!(noted(&log), ["the WebSocket is closed (1006)"; 3]);
}
