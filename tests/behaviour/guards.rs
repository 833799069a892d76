//! Middleware that refuse or limit: what clients see of them on the wire, with the timers of each executor.

use std::time::Duration;

use stelo_tests::{Gate, News, On, cases};
use stelo_toolkit::middleware::{BodyLimit, ConcurrencyLimit, Cors, Csrf, LoadShed, Timeout};
use stelo_toolkit::{App, Request, WebSocket, get, post};

cases!(
    a_handler_that_hangs_is_answered_with_503,
    a_chunked_body_beyond_the_limit_of_a_route_is_413,
    a_declared_body_beyond_the_limit_of_a_route_is_413,
    a_client_that_leaves_gives_its_place_to_the_next,
    a_request_that_waits_too_long_is_answered_with_503,
    a_preflight_is_answered_before_the_route,
    a_forged_handshake_is_refused,
);

const HANDSHAKE: &str = "host: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn a_handler_that_hangs_is_answered_with_503(on: On) {
    let hangs = async || std::future::pending::<()>().await;
    let route = get(hangs).middleware(Timeout::new(Duration::from_millis(20)));
    let server = on.serve(App::new().route("/", route).route("/other", get("other")));
    let mut client = server.connect();
    let answer = client.get("/");
    assert_eq!((answer.status, &*answer.text()), (503, "the handler took too long"));
    assert!(!answer.says_close());
    assert_eq!(client.get("/other").text(), "other");
}

fn collector() -> App {
    async fn read(mut request: Request) -> stelo_toolkit::Result<String> {
        Ok(request.body().await?.len().to_string())
    }
    App::new().route("/", post(read).middleware(BodyLimit::new(10)))
}

fn a_chunked_body_beyond_the_limit_of_a_route_is_413(on: On) {
    let server = on.serve(collector());
    let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut client = server.connect();
    client.send(format!("{head}4\r\nabcd\r\n6\r\nefghij\r\n0\r\n\r\n"));
    assert_eq!(client.answer().text(), "10");
    client.send(format!("{head}4\r\nabcd\r\n7\r\nefghijk\r\n"));
    let answer = client.answer();
    assert_eq!((answer.status, &*answer.text()), (413, "the body is larger than the limit of 10 bytes"));
}

fn a_declared_body_beyond_the_limit_of_a_route_is_413(on: On) {
    let server = on.serve(collector());
    let mut client = server.connect();
    assert_eq!(client.post("/", "0123456789").text(), "10");
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\n");
    assert_eq!(client.answer().status, 413, "before the body has come");
}

/// Tells a word when its handler begins, and holds the only permit until the gate opens.
fn held(news: &News, gate: &Gate) -> App {
    let (news, gate) = (news.clone(), gate.clone());
    let hold = move || {
        let (news, gate) = (news.clone(), gate.clone());
        async move {
            news.tell("begun");
            gate.pass().await;
            "held"
        }
    };
    App::new().route("/hold", get(hold)).route("/", get("hello"))
}

fn a_client_that_leaves_gives_its_place_to_the_next(on: On) {
    let (news, gate) = (News::new(), Gate::new());
    let server = on.serve(held(&news, &gate).middleware(ConcurrencyLimit::new(1)));
    let mut first = server.connect();
    first.send("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /hold HTTP/1.1\r\nhost: a\r\n\r\n");
    news.next();
    let mut second = server.connect();
    second.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    // Closing a socket with unread bytes resets the connection.
    assert_eq!(first.socket().peek(&mut [0]).expect("an unread response"), 1);
    drop(first);
    assert_eq!(second.answer().text(), "hello");
}

fn a_request_that_waits_too_long_is_answered_with_503(on: On) {
    let (news, gate) = (News::new(), Gate::new());
    let shed = LoadShed::new(1).max_wait(Duration::from_millis(20));
    let server = on.serve(held(&news, &gate).middleware(shed));
    let mut first = server.connect();
    first.send("GET /hold HTTP/1.1\r\nhost: a\r\n\r\n");
    news.next();
    let answer = server.connect().get("/");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    gate.open();
    assert_eq!(first.answer().text(), "held");
    assert_eq!(server.connect().get("/").text(), "hello");
}

fn a_preflight_is_answered_before_the_route(on: On) {
    let server = on.serve(App::new().middleware(Cors::new().allow_origins(["https://a.org"])));
    let mut client = server.connect();
    client.send(
        "OPTIONS /nowhere HTTP/1.1\r\nhost: a\r\norigin: https://a.org\r\naccess-control-request-method: GET\r\n\r\n",
    );
    let answer = client.answer();
    assert_eq!((answer.status, &*answer.text()), (200, "OK"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.org"));
}

fn a_forged_handshake_is_refused(on: On) {
    async fn accept(websocket: WebSocket) -> stelo_toolkit::Result<()> {
        websocket.accept().await?;
        Ok(())
    }
    let server = on.serve(App::new().middleware(Csrf::new()).websocket("/", accept));
    for (origin, status) in [("http://a", 101), ("http://evil.org", 403)] {
        let mut client = server.connect();
        client.send(format!("GET / HTTP/1.1\r\n{HANDSHAKE}origin: {origin}\r\n\r\n"));
        assert_eq!(client.head().expect("an answer").status, status, "{origin}");
    }
}
