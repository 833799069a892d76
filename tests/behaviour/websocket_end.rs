//! The end of a WebSocket: by the client, the application, an invalid frame, a timeout, or the server.

use std::time::Duration;

use stelo_core::app::{App, Peer, Reply, Request, Response, WebSocket};
use stelo_core::ws::{CloseCode, Closed, Command, Config, Kind, Message};
use stelo_tests::Closed::Ended;
use stelo_tests::{Gate, HANDSHAKE, News, On, WebSocketClient, cases, config};

use crate::apps::{Accept, Answer, echo, slow};

cases!(
    the_client_closes,
    the_client_closes_without_a_code,
    the_client_leaves,
    the_application_closes,
    the_application_completes,
    the_application_panics,
    the_application_goes_on_after_the_end,
    a_close_does_not_overtake_an_answer,
    broken_rules_are_named,
    a_message_beyond_the_limit_is_refused,
    a_client_that_answers_no_ping_is_closed,
    a_client_that_answers_pings_is_not_closed,
    open_websockets_are_closed_at_shutdown,
    a_handshake_is_given_up_at_shutdown,
    the_graceful_timeout_drops_handlers,
);

/// Tells each message, and the close.
fn tells(news: &News) -> impl App {
    let news = news.clone();
    Accept(move |socket: WebSocket, request: Request| {
        let news = news.clone();
        async move {
            let closed = loop {
                match socket.receive().await {
                    Ok(Message::Text(text)) => news.tell(&*text),
                    Ok(Message::Binary(bytes)) => news.tell(format!("{} bytes", bytes.len())),
                    Err(closed) => break closed,
                }
            };
            assert_eq!(socket.receive().await, Err(closed.clone()), "always the same");
            assert_eq!(socket.send("too late").await, Err(closed.clone()));
            socket.close(CloseCode::NORMAL_CLOSURE, "too late as well");
            if request.context().peer() == Peer::Gone {
                news.tell("gone");
            }
            news.tell(closed.to_string());
        }
    })
}

// Closing

fn the_client_closes(on: On) {
    let news = News::new();
    let server = on.serve(tells(&news));
    let mut client = WebSocketClient::connect(&server, "/");
    client.send("one");
    client.close(4000, "bye");
    assert_eq!(client.connection().rest(), (b"\x88\x05\x0f\xa0bye".to_vec(), Ended));
    news.expect("one");
    news.expect("the WebSocket is closed (4000: bye)");
}

fn the_client_closes_without_a_code(on: On) {
    let news = News::new();
    let server = on.serve(tells(&news));
    let mut client = WebSocketClient::connect(&server, "/");
    client.close(1005, "");
    assert_eq!(client.connection().rest(), (b"\x88\0".to_vec(), Ended));
    news.expect("the WebSocket is closed (1005)");
}

fn the_client_leaves(on: On) {
    let news = News::new();
    let server = on.serve(tells(&news));
    let mut client = WebSocketClient::connect(&server, "/");
    client.send("one");
    drop(client);
    news.expect("one");
    news.expect("the WebSocket is closed (1006)");
}

fn the_application_closes(on: On) {
    let news = News::new();
    let told = news.clone();
    let server = on.serve(Accept(move |socket: WebSocket, _| {
        let news = told.clone();
        async move {
            let _ = socket.send("last words").await;
            socket.close(CloseCode(4321), "enough");
            let closed = Closed { code: CloseCode(4321), reason: "enough".into() };
            assert_eq!(socket.receive().await, Err(closed.clone()));
            assert_eq!(socket.send("more").await, Err(closed));
            news.tell("closed");
        }
    }));
    let mut client = WebSocketClient::connect(&server, "/");
    assert_eq!(client.receive(), Ok("last words".into()));
    // The server waits for the close frame of the client, and accepts messages before it.
    news.expect("closed");
    client.say(Command::Ping(b"still here"));
    assert_eq!(client.expect_closed(), (4321, "enough".into()));
}

fn the_application_completes(on: On) {
    let server = on.serve(Accept(async |socket: WebSocket, _| {
        let _ = socket.receive().await;
    }));
    let mut client = WebSocketClient::connect(&server, "/");
    client.send("one");
    client.send("two");
    assert_eq!(client.expect_closed(), (1000, String::new()));
}

fn the_application_panics(on: On) {
    let server = on.serve(Accept(async |socket: WebSocket, _| {
        let _ = socket.receive().await;
        panic!("on purpose");
    }));
    let mut client = WebSocketClient::connect(&server, "/");
    client.send("one");
    assert_eq!(client.expect_closed(), (1011, String::new()));
    let server = on.serve(Answer(|| {
        let at_once: fn(WebSocket) -> std::future::Ready<()> = |_| panic!("on purpose, at once");
        Response::websocket(at_once)
    }));
    assert_eq!(WebSocketClient::connect(&server, "/").expect_closed(), (1011, String::new()));
}

fn the_application_goes_on_after_the_end(on: On) {
    let (news, gate) = (News::new(), Gate::new());
    let (told, opened) = (news.clone(), gate.clone());
    let server = on.serve(Accept(move |socket: WebSocket, request: Request| {
        let (news, gate) = (told.clone(), opened.clone());
        async move {
            let closed = socket.receive().await.expect_err("the end");
            request.context().disconnected().await;
            news.tell(closed.code.to_string());
            gate.pass().await;
            news.tell("saved");
        }
    }));
    drop(WebSocketClient::connect(&server, "/"));
    news.expect("1006");
    server.ask_to_stop();
    gate.open();
    server.wait().expect("an ordinary end");
    news.expect("saved");
}

fn a_close_does_not_overtake_an_answer(on: On) {
    let (news, gate) = (News::new(), Gate::new());
    let (told, opened) = (news.clone(), gate.clone());
    let server = on.serve(Accept(move |socket: WebSocket, _| {
        let (news, gate) = (told.clone(), opened.clone());
        async move {
            news.tell("begun");
            gate.pass().await;
            while let Ok(message) = socket.receive().await {
                let _ = socket.send(message).await;
            }
        }
    }));
    let mut client = WebSocketClient::connect(&server, "/");
    news.expect("begun");
    client.send("one");
    client.send("two");
    // Raw bytes, so that the machine of the client still accepts messages.
    client.connection().send(b"\x88\x82\0\0\0\0\x03\xe8");
    gate.open();
    assert_eq!(client.receive(), Ok("one".into()));
    assert_eq!(client.receive(), Ok("two".into()));
    assert_eq!(client.receive().map_err(|closed| closed.code.0), Err(1000));
}

// Invalid messages

fn broken_rules_are_named(on: On) {
    let news = News::new();
    let server = on.serve(tells(&news));
    for (bytes, code, reason) in [
        (&b"\x81\x02hi"[..], 1002, "incorrect masking"),
        (b"\xf1\x80\0\0\0\0", 1002, "reserved bits must be 0"),
        (b"\x83\x80\0\0\0\0", 1002, "invalid opcode"),
        (b"\x80\x80\0\0\0\0", 1002, "unexpected continuation frame"),
        (b"\x09\x80\0\0\0\0", 1002, "fragmented control frame"),
        (b"\x88\x82\0\0\0\0\x03\xed", 1002, "invalid status code"),
        (b"\x81\x81\0\0\0\0\xff", 1007, "invalid UTF-8"),
    ] {
        let mut client = server.connect();
        client.send(HANDSHAKE);
        client.head().expect("an answer");
        client.send(bytes);
        let payload = [&u16::to_be_bytes(code)[..], reason.as_bytes()].concat();
        let frame = [&[0x88, payload.len() as u8][..], &payload].concat();
        assert_eq!(client.exactly(frame.len()), frame, "{reason}");
        client.expect_end();
        news.expect(&format!("the WebSocket is closed ({code}: {reason})"));
    }
}

fn a_message_beyond_the_limit_is_refused(on: On) {
    let news = News::new();
    let server = on.serve_with(config().ws_max_size(1000), tells(&news));
    let big = "x".repeat(1001);
    let uncompressed = Config::DEFAULT.deflate(None);
    for (config, what) in [(uncompressed, "plain"), (Config::default(), "compressed")] {
        let mut client = WebSocketClient::connect_with(&server, "/", &[], config);
        client.send(big[1..].to_owned());
        news.expect(&big[1..]);
        client.send(big.clone());
        let (code, reason) = client.expect_closed();
        assert_eq!(code, 1009, "{what}: {reason}");
        news.expect(&format!("the WebSocket is closed (1009: {reason})"));
    }
    let mut client = WebSocketClient::connect_with(&server, "/", &[], uncompressed);
    for last in [false, true] {
        client.say(Command::Part { kind: Kind::Binary, data: vec![0; 501].into(), last });
    }
    assert_eq!(client.expect_closed().0, 1009, "in fragments");
}

fn a_client_that_answers_no_ping_is_closed(on: On) {
    let short = Some(Duration::from_millis(20));
    let news = News::new();
    let server = on.serve_with(config().ws_ping_interval(short).ws_ping_timeout(short), tells(&news));
    let mut client = server.connect();
    client.send(HANDSHAKE);
    client.head().expect("an answer");
    assert_eq!(client.exactly(2), b"\x89\x04", "a ping");
    client.exactly(4);
    assert_eq!(client.exactly(2), b"\x88\x18", "a close frame");
    assert_eq!(client.exactly(24), b"\x03\xf3keepalive ping timeout");
    news.expect("the WebSocket is closed (1011: keepalive ping timeout)");
}

fn a_client_that_answers_pings_is_not_closed(on: On) {
    let interval = Some(Duration::from_millis(5));
    let config = config().ws_ping_interval(interval).ws_ping_timeout(None);
    let server = on.serve_with(config, Accept(echo));
    let mut client = server.connect();
    client.send(HANDSHAKE);
    client.head().expect("an answer");
    for _ in 0..3 {
        let ping = client.exactly(6);
        client.send([b"\x8a\x84\0\0\0\0", &ping[2..]].concat());
    }
}

// Shutdown

fn open_websockets_are_closed_at_shutdown(on: On) {
    let news = News::new();
    let server = on.serve(tells(&news));
    let mut clients: Vec<_> = (0..3).map(|_| WebSocketClient::connect(&server, "/")).collect();
    for client in &mut clients {
        client.send("here");
        news.expect("here");
    }
    server.ask_to_stop();
    for client in clients {
        assert_eq!(client.expect_closed(), (1012, String::new()));
        news.expect("the WebSocket is closed (1012)");
    }
    server.wait().expect("an ordinary end");
}

fn a_handshake_is_given_up_at_shutdown(on: On) {
    struct Undecided(News);

    impl App for Undecided {
        fn call(&self, _: Request) -> Reply {
            let news = self.0.clone();
            Reply::future(async move {
                news.tell("undecided");
                std::future::pending().await
            })
        }
    }

    let news = News::new();
    let server = on.serve(Undecided(news.clone()));
    let mut client = server.connect();
    client.send(HANDSHAKE);
    news.expect("undecided");
    server.ask_to_stop();
    assert_eq!(client.answer().status, 503);
    server.wait().expect("an ordinary end");
}

fn the_graceful_timeout_drops_handlers(on: On) {
    let (news, gate) = (News::new(), Gate::new());
    let config = config().timeout_graceful_shutdown(Duration::from_millis(50));
    let server = on.serve_with(config, slow(&news, &gate));
    let mut client = server.connect();
    client.send(HANDSHAKE);
    client.head().expect("an answer");
    news.expect("begun");
    server.stop().expect("an ordinary end");
    assert_eq!(client.exactly(4), b"\x88\x02\x03\xf4");
}
