//! The test client: failures of the application are raised, responses are judged as by a server, and no call hangs.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_lite::future::block_on;
use futures_lite::{StreamExt, stream};
use stelo_core::app::{App as CoreApp, Reply};
use stelo_toolkit::request::Executor;
use stelo_toolkit::response::{BoxError, ResponseExt, StreamingResponse};
use stelo_toolkit::testing::{Client, Host};
use stelo_toolkit::websocket::{CloseCode, WebSocketError};
use stelo_toolkit::{
    App, Body, HttpError, Method, Next, Request, Response, Status, TestClient, WebSocket, any, get, on,
};

/// Returns the message of the panic of `work`.
fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(work)).err().expect("a panic");
    panic.downcast_ref::<String>().cloned().expect("a text")
}

async fn fails() -> stelo_toolkit::Result<String> {
    let number: u8 = "x".parse()?;
    Ok(number.to_string())
}

async fn panics() -> &'static str {
    panic!("out of tea")
}

async fn chosen() -> HttpError {
    HttpError::new(Status::SERVICE_UNAVAILABLE).with_source("the pool is empty")
}

async fn cut_off() -> StreamingResponse {
    StreamingResponse::fallible(stream::iter([Ok("begun"), Err(BoxError::from("the disk is gone"))]))
}

async fn background() -> Response {
    Response::default().background(async { panic!("too late") })
}

async fn web_socket(websocket: WebSocket) -> stelo_toolkit::Result<()> {
    websocket.accept().await?;
    websocket.receive().await?;
    Err("the room is gone".into())
}

fn failing() -> App {
    App::new()
        .route("/fails/{n}", get(fails))
        .route("/panics", get(panics))
        .route("/chosen", get(chosen))
        .route("/cut-off", get(cut_off))
        .route("/background", get(background))
        .websocket("/ws", web_socket)
}

const HINT: &str = "(`raise_server_errors(false)` turns this panic off)";

#[test]
fn an_error_or_a_panic_of_the_application_fails_the_test() {
    let client = TestClient::new(failing());
    for (target, expected) in [
        ("/fails/7", "answered with 500: a handler failed: invalid digit found in string"),
        ("/panics", "answered with 500: panic in /panics: out of tea"),
        ("/cut-off", "answered with 200: the body is cut off: the disk is gone"),
        ("/background", "answered with 200: a background task panicked: too late"),
    ] {
        let expected = format!("`GET {target}`, {expected} {HINT}");
        assert_eq!(panic_of(|| client.get(target).send()), expected);
        assert_eq!(panic_of(|| block_on(async { client.get(target).await })), expected);
    }
    assert_eq!(client.get("/chosen").send().status(), Status::SERVICE_UNAVAILABLE);
    assert_eq!(client.get("/nowhere").send().status(), Status::NOT_FOUND);
}

#[test]
fn errors_are_responses_if_the_test_asks_for_them() {
    let client = TestClient::new(failing()).raise_server_errors(false);
    for target in ["/fails/7", "/panics"] {
        assert_eq!(client.get(target).send().text(), "Internal Server Error");
    }
    let cut_off = client.get("/cut-off").send();
    assert_eq!((&*cut_off.text(), cut_off.body_error().is_some()), ("begun", true));
    assert_eq!(client.get("/background").send().status(), Status::OK);
}

#[test]
fn a_websocket_handler_that_fails_fails_the_test() {
    let client = TestClient::new(failing());
    let message = panic_of(|| {
        let mut socket = client.websocket_connect("/ws").connect().unwrap();
        socket.send_text("x");
        socket.receive()
    });
    assert!(message.starts_with("`GET /ws`: a handler failed: the room is gone"), "{message}");
    let dropped = panic_of(|| client.websocket_connect("/ws").connect().unwrap().send_text("x"));
    assert_eq!(dropped, message);
    let quiet = TestClient::new(failing()).raise_server_errors(false);
    let mut socket = quiet.websocket_connect("/ws").connect().unwrap();
    socket.send_text("x");
    assert_eq!(socket.receive_closed().code, CloseCode::INTERNAL_ERROR);
}

/// Answers with the status, the length and the content that the request names.
async fn made(request: Request) -> Response {
    let mut response = Response::new(Body::from("12345"));
    let headers = request.headers();
    let named = |name: &str| headers.get_str(name).and_then(|value| value.parse().ok());
    response.status = named("x-status").and_then(Status::new).unwrap_or_default();
    if let Some(length) = headers.get_str("x-length") {
        response.headers.try_set("content-length", length).expect("a valid field");
    }
    if headers.contains("x-stream") {
        response.body = Body::from_stream(stream::iter(["12345"]).map(Ok::<_, BoxError>));
    }
    response
}

#[test]
fn responses_are_judged_as_by_a_server() {
    let client = TestClient::new(App::new().route("/", any(made))).raise_server_errors(false);
    let status = |fields: &[(&str, &str)]| {
        let request =
            fields.iter().fold(client.get("/"), |request, (name, value)| request.header(name, value));
        let response = request.send();
        (response.status().code(), response.text())
    };
    let ok = |code| (code, "12345".to_owned());
    let error = || (500, "Internal Server Error".to_owned());
    assert_eq!(status(&[]), ok(200));
    assert_eq!(status(&[("x-length", "5")]), ok(200));
    assert_eq!(status(&[("x-length", "4")]), error());
    assert_eq!(status(&[("x-length", "five")]), error());
    for code in ["204", "205", "304"] {
        assert_eq!(status(&[("x-status", code)]), (code.parse().unwrap(), String::new()));
    }
    for code in ["100", "101", "103", "600", "999"] {
        assert_eq!(status(&[("x-status", code)]), error(), "{code}");
    }
    for (length, fault, text) in [
        ("4", "more body than its Content-Length says", ""),
        ("6", "less body than its Content-Length says", "12345"),
    ] {
        let response = client.get("/").header("x-stream", "1").header("x-length", length).send();
        assert_eq!(
            (response.body_error().unwrap().to_string(), response.text()),
            (fault.into(), text.into())
        );
    }
    let head = client.head("/").send();
    assert_eq!((head.status(), head.bytes()), (Status::OK, &b""[..]));
    assert_eq!(client.head("/").header("x-length", "4").send().status(), Status::INTERNAL_SERVER_ERROR);

    let raising = TestClient::new(App::new().route("/", any(made)));
    let message = panic_of(|| raising.get("/").header("x-length", "4").send());
    let expected = "invalid response, GET /: the header fields contradict the length of the body";
    assert_eq!(message, format!("`GET /`, answered with 500: {expected} {HINT}"));
}

#[test]
fn a_websocket_that_a_server_cannot_accept_is_500() {
    async fn unasked(websocket: WebSocket) -> Result<(), WebSocketError> {
        websocket.accept().subprotocol("chat").await
    }
    let client = TestClient::new(App::new().websocket("/ws", unasked)).raise_server_errors(false);
    let denied = client.websocket_connect("/ws").connect().unwrap_err();
    assert_eq!(denied.status(), Status::INTERNAL_SERVER_ERROR);
    assert!(client.websocket_connect("/ws").subprotocols(&["chat"]).connect().is_ok());
}

#[test]
fn requests_frame_their_body() {
    async fn framing(request: Request) -> String {
        let headers = request.headers();
        let field = |name| headers.get_str(name).unwrap_or("-").to_owned();
        field("content-length") + " " + &field("transfer-encoding")
    }
    let client =
        TestClient::new(App::new().route("/", on([Method::Get, Method::Post, Method::Delete], framing)));
    let stream = || Body::from_stream(stream::iter(["1"]).map(Ok::<_, BoxError>));
    for (request, expected) in [
        (client.get("/"), "- -"),
        (client.delete("/"), "- -"),
        (client.post("/"), "0 -"),
        (client.post("/").body("12"), "2 -"),
        (client.post("/").stream(stream()), "- chunked"),
        (client.post("/").stream(stream()).header("content-length", "1"), "1 -"),
        (client.post("/").body("12").without_header("Content-Length"), "- -"),
    ] {
        assert_eq!(request.send().text(), expected);
    }
}

#[test]
fn a_call_without_progress_ends_with_a_sentence() {
    let app = App::new()
        .route("/", get(async || pending::<&'static str>().await))
        .on_shutdown(async || pending::<()>().await);
    let client = TestClient::new(app).with_timeout(Duration::from_millis(20));
    assert_eq!(
        panic_of(|| client.get("/").send()),
        "`GET /` has made no progress for 20ms: `with_timeout` sets another limit; if it waits for an executor on this \
         thread, write `.await` instead of `.send()`"
    );
    let message = panic_of(|| drop(client));
    assert!(message.contains("write `client.stop().await` at the end of the test"), "{message}");
}

#[test]
fn a_call_that_would_block_an_executor_ends_at_once() {
    struct Strict;
    impl Host for Strict {
        fn forbids_blocking(idle: bool) -> bool {
            idle
        }
    }
    async fn work(executor: Executor) -> &'static str {
        executor.sleep(Duration::from_millis(1)).await;
        executor.run_blocking(|| "worked").await
    }
    let app = App::new().route("/", get(async || pending::<&'static str>().await)).route("/work", get(work));
    let client = Client::<Strict>::new(app);
    assert_eq!(
        panic_of(|| client.get("/").send()),
        "`GET /` waits for an executor, and blocks the thread that runs it: write `.await` instead of `.send()`"
    );
    // The client has threads of its own for these.
    assert_eq!(client.get("/work").send().text(), "worked");
}

#[test]
fn awaited_requests_run_side_by_side() {
    let (sender, receiver) = async_broadcast::broadcast::<&'static str>(1);
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let waits = move || {
        let receiver = receiver.lock().unwrap().take();
        async { receiver.expect("the first request").recv().await.unwrap() }
    };
    let says = move || {
        let sender = sender.clone();
        async move { sender.broadcast_direct("hello").await.map_or("not said", |_| "said") }
    };
    let client = TestClient::new(App::new().route("/waits", get(waits)).route("/says", get(says)));
    let (heard, said) =
        block_on(futures_lite::future::zip(async { client.get("/waits").await.text() }, async {
            client.get("/says").await.text()
        }));
    assert_eq!((&*heard, &*said), ("hello", "said"));
}

#[test]
fn hooks_and_websockets_can_be_awaited() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (opened, closed) = (log.clone(), log.clone());
    async fn echo(websocket: WebSocket) -> stelo_toolkit::Result<()> {
        websocket.accept().await?;
        loop {
            let message = websocket.receive().await?;
            websocket.send(message).await?;
        }
    }
    let app = App::new()
        .on_startup(async move || opened.lock().unwrap().push("start"))
        .on_shutdown(async move || closed.lock().unwrap().push("stop"))
        .websocket("/ws", echo);
    block_on(async {
        let client = TestClient::start(app).await;
        let mut socket = client.websocket_connect("/ws").await.unwrap();
        socket.send_text("a").await;
        socket.send_bytes(b"b").await;
        socket.send_json(&7).await;
        assert_eq!(socket.receive_text().await.unwrap(), "a");
        assert_eq!(*socket.receive_bytes().await.unwrap(), *b"b");
        assert_eq!(socket.receive_json::<u8>().await.unwrap(), 7);
        socket.close(CloseCode::NORMAL_CLOSURE, "").await;
        assert_eq!(socket.receive_closed().await.code, CloseCode::NORMAL_CLOSURE);
        drop(socket);
        assert_eq!(client.websocket_connect("/none").await.unwrap_err().status(), Status::FORBIDDEN);
        client.stop().await.unwrap();
    });
    assert_eq!(*log.lock().unwrap(), ["start", "stop"]);
}

#[test]
fn the_error_of_a_middleware_fails_the_test() {
    async fn broken(_: Request, _: Next) -> Result<Response, BoxError> {
        Err("the middleware is broken".into())
    }
    async fn panics(_: Request, _: Next) -> Response {
        panic!("the middleware is broken")
    }
    let apps = [App::new().middleware(broken), App::new().middleware(panics)];
    for app in apps {
        let client = TestClient::new(app.route("/", get(async || "never")));
        assert!(panic_of(|| client.get("/").send()).contains("the middleware is broken"));
    }
}

#[test]
fn a_handler_can_call_another_application() {
    async fn outer() -> stelo_toolkit::Result<String> {
        let inner = App::new().route("/", get(async || "inner"));
        let client = TestClient::start(inner).await;
        let text = client.get("/").await.text();
        client.stop().await?;
        Ok(format!("outer of {text}"))
    }
    assert_eq!(TestClient::new(App::new().route("/", get(outer))).get("/").send().text(), "outer of inner");
}

#[test]
fn any_implementation_of_the_contract_can_be_called() {
    struct Hello;
    impl CoreApp for Hello {
        fn call(&self, request: stelo_core::app::Request) -> Reply {
            let mut response = Response::new(format!("hello, {}", request.head().path()));
            response.status = Status::ACCEPTED;
            response.into()
        }
    }
    let response = TestClient::new(Hello).get("/world").send();
    assert_eq!((response.status(), &*response.text()), (Status::ACCEPTED, "hello, /world"));
}
