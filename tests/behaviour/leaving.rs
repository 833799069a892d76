//! Clients that leave while the server reads nothing: its buffers are full, or the application does not read.

use std::future::pending;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use stelo_core::app::{App, Peer, Reply, Request, Response, WebSocket};
use stelo_tests::{News, On, WebSocketClient, cases, config};

cases!(
    a_reset_behind_unread_requests_ends_the_handler,
    a_reset_behind_an_unread_upload_ends_the_handler,
    a_half_close_behind_unread_requests_is_reported,
    a_half_close_behind_an_unread_upload_is_reported,
    a_reset_behind_unread_messages_ends_the_websocket,
    a_handler_that_does_not_heed_a_half_close_is_dropped,
);

/// Answers `/`; other requests get no answer, and their bodies are not read.
struct Stuck(News);

impl App for Stuck {
    fn call(&self, request: Request) -> Reply {
        if request.head().path() == "/" {
            return Response::new("hello").into();
        }
        let news = self.0.clone();
        if request.is_websocket() {
            return Response::websocket(async move |socket: WebSocket| {
                // After the first message: the client must not read this one together with the handshake.
                socket.receive().await.expect("it is open");
                socket.send("hello").await.expect("it is open");
                let _told = news.last_word("ended");
                request.context().disconnected().await;
                while socket.receive().await.is_ok() {}
            })
            .into();
        }
        Reply::future(async move {
            news.tell("begun");
            let _told = news.last_word("dropped");
            let heeds = request.head().path() != "/heedless";
            if request.context().disconnected().await == Peer::HalfClosed && heeds {
                news.tell("half-closed");
                return Response::new("goodbye");
            }
            pending().await
        })
    }
}

/// Sends until the server takes no more.
fn flood(socket: &TcpStream, bytes: &[u8]) {
    socket.set_nonblocking(true).expect("an open socket");
    let mut rest = bytes;
    loop {
        match (&mut &*socket).write(rest) {
            Ok(n) => rest = &rest[n..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("the connection breaks: {error}"),
        }
        assert!(!rest.is_empty(), "the server reads all");
    }
    socket.set_nonblocking(false).expect("an open socket");
}

/// Sends a request that is answered and one that is not, and then `ahead` without end. Leaves by a reset.
fn reset_behind(on: On, stuck: &str, ahead: &[u8]) {
    let news = News::new();
    let server = on.serve(Stuck(news.clone()));
    let mut client = server.connect();
    client.send(format!("GET / HTTP/1.1\r\nhost: a\r\n\r\n{stuck}"));
    news.expect("begun");
    flood(client.socket(), ahead);
    // Closing a socket with unread bytes resets the connection.
    assert_eq!(client.socket().peek(&mut [0]).expect("an unread response"), 1);
    drop(client);
    news.expect("dropped");
    assert_eq!(server.connect().get("/").text(), "hello");
}

fn a_reset_behind_unread_requests_ends_the_handler(on: On) {
    let request = "GET /stuck HTTP/1.1\r\nhost: a\r\n\r\n";
    reset_behind(on, request, request.repeat(1 << 20).as_bytes());
}

fn a_reset_behind_an_unread_upload_ends_the_handler(on: On) {
    let request = format!("POST /stuck HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", 1 << 30);
    reset_behind(on, &request, &vec![b'x'; 64 << 20]);
}

/// Sends a request that is not answered and then `ahead`, which fits into the buffers, and half-closes.
fn half_close_behind(on: On, stuck: &str, ahead: &[u8]) {
    let news = News::new();
    let server = on.serve(Stuck(news.clone()));
    let mut client = server.connect();
    client.send(stuck);
    news.expect("begun");
    client.send(ahead);
    client.half_close();
    news.expect("half-closed");
    drop(client);
}

fn a_half_close_behind_unread_requests_is_reported(on: On) {
    let request = "GET /stuck HTTP/1.1\r\nhost: a\r\n\r\n";
    half_close_behind(on, request, request.repeat(1500).as_bytes());
}

fn a_half_close_behind_an_unread_upload_is_reported(on: On) {
    let request = format!("POST /stuck HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", 1 << 30);
    half_close_behind(on, &request, &[b'x'; 40_000]);
}

/// A client that leaves by an ordinary close only ends its side, as far as the server can see.
fn a_handler_that_does_not_heed_a_half_close_is_dropped(on: On) {
    let news = News::new();
    let config = config().timeout_half_closed(Duration::from_millis(50));
    let server = on.serve_with(config, Stuck(news.clone()));
    for leaves in [false, true] {
        let mut client = server.connect();
        client.send("GET /heedless HTTP/1.1\r\nhost: a\r\n\r\n");
        news.expect("begun");
        if leaves {
            drop(client);
            news.expect("dropped");
        } else {
            client.half_close();
            news.expect("dropped");
            client.expect_end();
        }
    }
    assert_eq!(server.connect().get("/").text(), "hello");
}

fn a_reset_behind_unread_messages_ends_the_websocket(on: On) {
    let news = News::new();
    let server = on.serve(Stuck(news.clone()));
    let mut client = WebSocketClient::connect(&server, "/socket");
    // Binary messages of 1000 zeros, masked with zeros.
    let frame = [&[0x82, 0xfe, 0x03, 0xe8, 0, 0, 0, 0][..], &[0; 1000]].concat();
    flood(client.connection().socket(), &frame.repeat(64 << 10));
    assert_eq!(client.connection().socket().peek(&mut [0]).expect("an unread message"), 1);
    drop(client);
    news.expect("ended");
    assert_eq!(server.connect().get("/").text(), "hello");
}
