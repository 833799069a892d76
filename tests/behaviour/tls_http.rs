//! HTTP and WebSockets over TLS: messages, files, streams, pipelined requests, the end of either side.

use std::fs;
use std::io::ErrorKind;

use futures_lite::{StreamExt, stream};
use stelo_core::ws::{Config as WebSocketConfig, Message};
use stelo_tests::tls::{connect, tls_config};
use stelo_tests::{Closed, Gate, News, On, Running, WebSocketClient, cases};
use stelo_toolkit::response::StreamingResponse;
use stelo_toolkit::websocket::WebSocketError;
use stelo_toolkit::{App, Request, State, StaticFiles, WebSocket, get, post};

use crate::files::content;
use crate::folder::Folder;

cases!(
    a_websocket_carries_messages_of_all_sizes,
    a_websocket_compresses,
    a_websocket_is_closed_when_the_server_stops,
    files_of_all_sizes_come_whole,
    ranges_of_files_come_whole,
    a_file_that_becomes_shorter_is_cut_off,
    a_stream_that_fails_is_cut_off,
    a_piece_of_a_stream_arrives_before_the_next,
    a_body_is_echoed_while_it_comes,
    pipelined_requests_are_answered_in_order,
    reading_the_body_sends_continue,
    a_stopping_server_completes_a_response,
    a_client_may_leave_without_close_notify,
    plain_http_is_answered_in_plain_http,
);

const MIB: usize = 1 << 20;

fn serve(on: On, app: App) -> Running {
    on.serve_with(tls_config(), app)
}

/// Sends messages back.
async fn echo(websocket: WebSocket) -> Result<(), WebSocketError> {
    websocket.accept().await?;
    loop {
        let message = websocket.receive().await?;
        websocket.send(message).await?;
    }
}

fn a_websocket_carries_messages_of_all_sizes(on: On) {
    let server = serve(on, App::new().websocket("/", echo));
    let mut client = WebSocketClient::open(connect(&server), "/", &[], WebSocketConfig::default());
    client.send("text");
    assert_eq!(client.receive().expect("a message"), Message::from("text"));
    for size in [0, 1, 16_383, 16_384, 16_385, MIB] {
        let message = Message::from(content(size));
        client.send(message.clone());
        assert!(client.receive().expect("a message") == message, "{size}");
    }
    client.close(1000, "");
    // Its answer, followed by `close_notify`.
    assert_eq!(client.connection().rest(), (b"\x88\x02\x03\xe8".to_vec(), Closed::Ended));
}

fn a_websocket_compresses(on: On) {
    let server = serve(on, App::new().websocket("/", echo));
    let mut client = WebSocketClient::open(connect(&server), "/", &[], WebSocketConfig::default());
    assert!(client.compresses);
    for _ in 0..3 {
        let message = Message::from("again and again ".repeat(5000));
        client.send(message.clone());
        assert!(client.receive().expect("a message") == message);
    }
}

fn a_websocket_is_closed_when_the_server_stops(on: On) {
    let server = serve(on, App::new().websocket("/", echo));
    let mut client = WebSocketClient::open(connect(&server), "/", &[], WebSocketConfig::default());
    client.send("text");
    client.receive().expect("a message");
    server.ask_to_stop();
    // `close_notify` follows, or the client would fail.
    assert_eq!(client.expect_closed().0, 1012);
}

fn folder(folder: &Folder) -> App {
    App::new().mount("/", StaticFiles::new(folder.path("")))
}

fn files_of_all_sizes_come_whole(on: On) {
    let folder_of_case = Folder::new(on, "tls-sizes");
    let server = serve(on, folder(&folder_of_case));
    let mut client = connect(&server);
    for size in [0, 1, 4096, 16_383, 16_384, 16_385, 65_024, 65_537, MIB, 3 * MIB + 7, 20 * MIB] {
        let content = content(size);
        fs::write(folder_of_case.path("f"), &content).expect("the folder is ours");
        let answer = client.get("/f");
        assert_eq!((answer.status, answer.body.len()), (200, size));
        assert!(answer.body == content, "{size}");
    }
}

fn ranges_of_files_come_whole(on: On) {
    let folder_of_case = Folder::new(on, "tls-ranges");
    let content = content(2 * MIB);
    fs::write(folder_of_case.path("f"), &content).expect("the folder is ours");
    let server = serve(on, folder(&folder_of_case));
    let mut client = connect(&server);
    for (first, last) in [(0, 0), (1, MIB), (5, 20_000), (MIB - 1, 2 * MIB - 1)] {
        client.send(format!("GET /f HTTP/1.1\r\nhost: a\r\nrange: bytes={first}-{last}\r\n\r\n"));
        let answer = client.answer();
        assert_eq!(answer.status, 206);
        assert!(answer.body == content[first..=last], "{first}-{last}");
    }
    client.send("GET /f HTTP/1.1\r\nhost: a\r\nrange: bytes=0-99999, 1000000-1099999\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.status, 206);
    for part in [&content[..100_000], &content[1_000_000..1_100_000]] {
        assert!(answer.body.windows(part.len()).any(|window| window == part));
    }
    client.expect_open();
}

fn a_file_that_becomes_shorter_is_cut_off(on: On) {
    let folder_of_case = Folder::new(on, "tls-short");
    let path = folder_of_case.path("f");
    let size = 64 * MIB;
    fs::File::create(&path).and_then(|file| file.set_len(size as u64)).expect("the folder is ours");
    let server = serve(on, folder(&folder_of_case));
    let mut client = connect(&server);
    client.send("GET /f HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(client.head().expect("an answer").status, 200);
    // The buffers of the system hold less than the file, so the server still sends it.
    fs::File::options().write(true).open(&path).and_then(|file| file.set_len(MIB as u64)).expect("our file");
    let mut received = 0;
    // The session does not end with `close_notify`, which would make a short body look complete.
    let error = loop {
        match client.some() {
            Ok(bytes) if bytes.is_empty() => panic!("ended in order after {received} bytes"),
            Ok(bytes) => received += bytes.len(),
            Err(error) => break error,
        }
    };
    assert!(received < size, "{error}");
}

fn a_stream_that_fails_is_cut_off(on: On) {
    async fn fails() -> StreamingResponse {
        StreamingResponse::new(stream::iter(0..2).map(|n| match n {
            0 => "begun",
            _ => panic!("on purpose"),
        }))
    }
    let server = serve(on, App::new().route("/", get(fails)));
    // The body of HTTP/1.0 extends to the end of the connection, so `close_notify` would make it look complete.
    let mut client = connect(&server);
    client.send("GET / HTTP/1.0\r\nhost: a\r\n\r\n");
    let head = client.head().expect("an answer");
    assert_eq!((head.status, head.header("content-length")), (200, None));
    assert_eq!(client.exactly(5), b"begun");
    let error = client.some().expect_err("no orderly end");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

/// Sends two pieces, the second behind a gate.
async fn two_pieces(State(gate): State<Gate>) -> StreamingResponse {
    StreamingResponse::new(stream::unfold(0, move |n| {
        let gate = gate.clone();
        async move {
            let piece = match n {
                0 => "first",
                1 => {
                    gate.pass().await;
                    "second"
                }
                _ => return None,
            };
            Some((piece, n + 1))
        }
    }))
}

fn a_piece_of_a_stream_arrives_before_the_next(on: On) {
    let gate = Gate::new();
    let server = serve(on, App::new().state(gate.clone()).route("/", get(two_pieces)));
    let mut client = connect(&server);
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    client.head().expect("an answer");
    assert_eq!((client.line(), client.exactly(7)), ("5".into(), b"first\r\n".to_vec()));
    gate.open();
    assert_eq!((client.line(), client.exactly(8)), ("6".into(), b"second\r\n".to_vec()));
    assert_eq!((client.line(), client.line()), ("0".into(), String::new()));
    client.expect_open();
}

fn a_body_is_echoed_while_it_comes(on: On) {
    let server = serve(on, stelo_demo::app());
    let mut client = connect(&server);
    client.send("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
    assert_eq!(client.head().expect("an answer").status, 200);
    assert_eq!((client.line(), client.exactly(7)), ("5".into(), b"hello\r\n".to_vec()));
    client.send("2\r\nyo\r\n0\r\n\r\n");
    assert_eq!(client.exactly(12), b"2\r\nyo\r\n0\r\n\r\n");
    client.expect_open();
}

fn pipelined_requests_are_answered_in_order(on: On) {
    let server = serve(on, stelo_demo::app());
    let mut client = connect(&server);
    let sizes = [1, 30_000, 0, 200_000, 7];
    let requests = sizes.map(|size| format!("GET /bytes/{size} HTTP/1.1\r\nhost: a\r\n\r\n")).concat();
    client.send(&requests);
    // A record for each byte.
    client.send_one_by_one(&requests);
    for size in sizes.into_iter().chain(sizes) {
        assert_eq!(client.answer().body.len(), size);
    }
    client.expect_open();
}

fn reading_the_body_sends_continue(on: On) {
    async fn read(State(news): State<News>, State(gate): State<Gate>, mut request: Request) -> String {
        news.tell("called");
        gate.pass().await;
        request.text().await.unwrap_or_else(|error| error.to_string())
    }
    let (news, gate) = (News::new(), Gate::new());
    let app = App::new().state(news.clone()).state(gate.clone()).route("/", post(read));
    let server = serve(on, app);
    let mut client = connect(&server);
    client.send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
    news.expect("called");
    gate.open();
    assert_eq!(client.answer().line, "HTTP/1.1 100 Continue");
    client.send("hello");
    assert_eq!(client.answer().text(), "hello");
    client.expect_open();
}

fn a_stopping_server_completes_a_response(on: On) {
    let gate = Gate::new();
    let server = serve(on, App::new().state(gate.clone()).route("/", get(two_pieces)));
    let (mut client, mut idle) = (connect(&server), connect(&server));
    idle.expect_open();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let head = client.head().expect("an answer");
    server.ask_to_stop();
    // Both see `close_notify`, or would fail.
    idle.expect_end();
    gate.open();
    assert_eq!(client.body_of(head).text(), "firstsecond");
    client.expect_end();
}

fn a_client_may_leave_without_close_notify(on: On) {
    let server = serve(on, stelo_demo::app());
    for _ in 0..3 {
        let mut client = connect(&server);
        client.expect_open();
        client.socket().cut_off();
        // The server ends the session in order.
        client.expect_end();
    }
    assert_eq!(connect(&server).get("/").status, 200);
}

fn plain_http_is_answered_in_plain_http(on: On) {
    let server = serve(on, stelo_demo::app());
    let request = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody";
    for in_pieces in [false, true] {
        let mut client = server.connect();
        match in_pieces {
            true => client.send_one_by_one(request),
            false => client.send(request),
        }
        let answer = client.answer();
        assert_eq!((answer.status, answer.says_close()), (400, true));
        assert!(answer.text().contains("https://"), "{}", answer.text());
        assert_eq!(client.rest(), (Vec::new(), Closed::Ended));
    }
    assert_eq!(connect(&server).get("/").status, 200);
}
