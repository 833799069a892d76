//! WebSockets: the handshake, messages both ways, and every way in which they end.

use std::future::Future;
use std::io::Write;
use std::time::Duration;

use stelo_core::app::{App, Peer, Reply, Request, Response, WebSocket};
use stelo_core::http::Status;
use stelo_core::ws::{CloseCode, Closed, Config, Kind, Message, Send};
use stelo_server::Ws;
use stelo_tests::Closed::Ended;
use stelo_tests::{Gate, HANDSHAKE, News, On, PATIENCE, WebSocketClient, cases, config};

cases!(
    a_handshake_is_accepted,
    spellings_of_a_handshake,
    bad_handshakes_are_refused,
    what_is_no_handshake_is_an_ordinary_request,
    a_handshake_can_be_declined,
    a_subprotocol_can_be_chosen,
    only_a_handshake_can_be_accepted,
    bytes_sent_ahead_are_not_lost,
    messages_are_echoed,
    fragments_are_put_together,
    sixteen_mebibytes_are_echoed,
    messages_are_compressed_where_it_was_agreed_on,
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
    pings_are_answered_though_nobody_receives,
    whoever_answers_no_ping_is_closed,
    whoever_answers_pings_is_not_closed,
    a_queue_that_is_full_holds_back_the_client,
    a_client_that_does_not_read_holds_back_who_sends,
    handles_live_in_other_tasks,
    open_websockets_are_closed_at_shutdown,
    a_handshake_is_given_up_at_shutdown,
    the_deadline_drops_what_does_not_end,
);

/// An application that accepts every handshake with `run`, and answers other requests.
struct Accept<F>(F);

impl<F, W> App for Accept<F>
where
    F: Fn(WebSocket, Request) -> W + Clone + std::marker::Send + Sync + 'static,
    W: Future<Output = ()> + std::marker::Send + 'static,
{
    fn call(&self, request: Request) -> Reply {
        if !request.is_websocket() {
            return Response::new("no WebSocket").into();
        }
        let run = self.0.clone();
        Response::websocket(move |socket| run(socket, request)).into()
    }
}

async fn echo(socket: WebSocket, _: Request) {
    while let Ok(message) = socket.receive().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

/// Tells each message, and the end.
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
            if request.connection().peer() == Peer::Gone {
                news.tell("gone");
            }
            news.tell(closed.to_string());
        }
    })
}

// The handshake

fn a_handshake_is_accepted(on: On) {
    let server = on.serve(Accept(echo));
    let mut client = server.connect();
    client.send(HANDSHAKE);
    let answer = client.head().expect("an answer");
    assert_eq!(answer.line, "HTTP/1.1 101 Switching Protocols");
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    assert_eq!(answer.header("connection"), Some("Upgrade"));
    assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(answer.header("sec-websocket-extensions"), None);
    assert_eq!(answer.header("content-length"), None);
    assert_eq!(answer.header("server"), Some("stelo"));
    assert!(answer.header("date").is_some());
    // "Hello", masked, as in section 5.7 of RFC 6455.
    client.send(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    assert_eq!(client.exactly(7), b"\x81\x05Hello");
    client.send(b"\x88\x80\0\0\0\0");
    assert_eq!(client.exactly(2), b"\x88\0");
    client.expect_end();
}

fn spellings_of_a_handshake(on: On) {
    let server = on.serve(Accept(echo));
    for (from, to) in [
        ("connection: Upgrade", "Connection: keep-alive, upgrade"),
        ("upgrade: websocket", "UPGRADE: WebSocket"),
        ("sec-websocket-version", "Sec-WebSocket-Version"),
        ("connection: Upgrade", "connection: keep-alive\r\nconnection: Upgrade"),
    ] {
        let mut client = server.connect();
        client.send(HANDSHAKE.replace(from, to));
        assert_eq!(client.head().map(|answer| answer.status), Some(101), "{to}");
    }
}

fn bad_handshakes_are_refused(on: On) {
    let server = on.serve(Accept(echo));
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let version = "sec-websocket-version: 13\r\n";
    for (from, to, status) in [
        ("GET", "POST", 405),
        (version, "", 426),
        (version, "sec-websocket-version: 8\r\n", 426),
        (key, "", 400),
        (key, "sec-websocket-key: abc\r\n", 400),
        (key, "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ\r\n", 400),
        (key, &format!("{key}content-length: 2\r\n"), 400),
    ] {
        let mut client = server.connect();
        client.send(HANDSHAKE.replace(from, to));
        if to.contains("content-length") {
            client.send("hi");
        }
        let answer = client.answer();
        assert_eq!(answer.status, status, "{to:?}");
        assert_eq!(answer.header("allow"), (status == 405).then_some("GET"));
        assert_eq!(answer.header("sec-websocket-version"), (status == 426).then_some("13"));
        assert_eq!(answer.header("upgrade"), (status == 426).then_some("websocket"));
        assert!(answer.text().ends_with('\n') && answer.header("date").is_some(), "{answer:?}");
        client.expect_open();
    }
}

fn what_is_no_handshake_is_an_ordinary_request(on: On) {
    let server = on.serve(Accept(echo));
    for (from, to) in [
        ("HTTP/1.1", "HTTP/1.0"),
        ("upgrade: websocket", "upgrade: h2c"),
        ("connection: Upgrade", "connection: keep-alive"),
    ] {
        let mut client = server.connect();
        client.send(HANDSHAKE.replace(from, to));
        assert_eq!(client.answer().text(), "no WebSocket", "{to}");
    }
    let server = on.serve_with(config().ws(Ws::None), Accept(echo));
    let mut client = server.connect();
    client.send(HANDSHAKE);
    assert_eq!(client.answer().text(), "no WebSocket");
    client.expect_open();
}

/// An application that answers every request as `answer` says.
struct Answer(fn() -> Response);

impl App for Answer {
    fn call(&self, _: Request) -> Reply {
        (self.0)().into()
    }
}

fn a_handshake_can_be_declined(on: On) {
    let server = on.serve(Answer(|| Response::text(Status::FORBIDDEN, "members only")));
    let mut client = server.connect();
    client.send(HANDSHAKE);
    let answer = client.answer();
    assert_eq!((answer.status, answer.text().as_str()), (403, "members only"));
    client.expect_open();
}

fn a_subprotocol_can_be_chosen(on: On) {
    let server = on.serve(Answer(|| {
        let mut response = Response::websocket(async |_| {});
        response.headers.append("sec-websocket-protocol", "chat.v1").expect("a header field");
        response
    }));
    let client = WebSocketClient::connect_with(&server, "/", &["chat.v2", "chat.v1"], Config::default());
    assert_eq!(client.protocol.as_deref(), Some("chat.v1"));
    let mut client = server.connect();
    client.send(HANDSHAKE);
    assert_eq!(client.answer().status, 500, "it was not offered");
    client.expect_open();
}

fn only_a_handshake_can_be_accepted(on: On) {
    let server = on.serve(Answer(|| Response::websocket(async |_| {})));
    let mut client = server.connect();
    assert_eq!(client.get("/").status, 500);
    client.send(HANDSHAKE.replace("upgrade: websocket", "upgrade: other"));
    assert_eq!(client.answer().status, 500);
    client.send(HANDSHAKE);
    assert_eq!(client.head().map(|answer| answer.status), Some(101));
}

fn bytes_sent_ahead_are_not_lost(on: On) {
    let server = on.serve(Accept(echo));
    let mut client = server.connect();
    let message = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    client.send_together(&[HANDSHAKE.as_bytes(), message, message]);
    client.head().expect("an answer");
    assert_eq!(client.exactly(14), b"\x81\x05Hello\x81\x05Hello");
}

// Messages

fn messages_are_echoed(on: On) {
    let server = on.serve(Accept(echo));
    let mut client = WebSocketClient::connect(&server, "/");
    let messages = [Message::from("saluton"), vec![0, 255].into(), "".into(), vec![].into(), "ĝis".into()];
    for message in &messages {
        client.send(message.clone());
        assert_eq!(client.receive().as_ref(), Ok(message));
    }
    for message in &messages {
        client.send(message.clone());
    }
    for message in &messages {
        assert_eq!(client.receive().as_ref(), Ok(message), "sent ahead");
    }
}

fn fragments_are_put_together(on: On) {
    let server = on.serve(Accept(echo));
    let mut client = WebSocketClient::connect(&server, "/");
    for (data, last) in [("one, ", false), ("", false), ("two, ", false), ("three", true)] {
        client.say(Send::Part { kind: Kind::Text, data: data.into(), last });
        client.say(Send::Ping(b"between"));
        if last {
            assert_eq!(client.receive(), Ok("one, two, three".into()));
        }
        assert_eq!(client.pong(), b"between");
    }
}

fn sixteen_mebibytes_are_echoed(on: On) {
    let server = on.serve(Accept(echo));
    let offer = Config { deflate: None, ..Config::default() };
    let mut client = WebSocketClient::connect_with(&server, "/", &[], offer);
    let bytes: Vec<u8> = (0..16 << 20).map(|i: u32| (i >> 8) as u8).collect();
    client.send(bytes.clone());
    assert_eq!(client.receive(), Ok(bytes.into()));
}

fn messages_are_compressed_where_it_was_agreed_on(on: On) {
    let offer = Config::default();
    for (compress, config) in [(true, config()), (false, config().ws_per_message_deflate(false))] {
        let server = on.serve_with(config, Accept(echo));
        let mut client = WebSocketClient::connect_with(&server, "/", &[], offer);
        assert_eq!(client.compresses, compress);
        for text in ["again and again and ".repeat(1000), "short".into(), "again and ".repeat(20_000)] {
            client.send(text.clone());
            assert_eq!(client.receive(), Ok(text.into()));
        }
    }
}

fn handles_live_in_other_tasks(on: On) {
    let server = on.serve(Accept(async |socket: WebSocket, request: Request| {
        let (one, two) = (socket.clone(), socket.clone());
        let executor = request.connection().executor.clone();
        executor.spawn(Box::pin(async move {
            while let Ok(message) = one.receive().await {
                let two = two.clone();
                // Another task receives, and yet others send.
                request.connection().executor.spawn(Box::pin(async move {
                    let _ = two.send(message).await;
                }));
            }
        }));
        // It is closed when this completes.
        while socket.send("tick").await.is_ok() {
            executor.sleep(Duration::from_millis(1)).await;
        }
    }));
    let mut client = WebSocketClient::connect(&server, "/");
    for i in 0..100 {
        client.send(format!("message {i}"));
    }
    let mut missing: Vec<_> = (0..100).map(|i| Message::from(format!("message {i}"))).collect();
    while !missing.is_empty() {
        let message = client.receive().expect("a message");
        assert!(message == Message::from("tick") || missing.contains(&message), "{message:?}");
        missing.retain(|other| *other != message);
    }
    client.close(1000, "");
    while client.receive().is_ok() {}
}

// The end

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
    // It waits for our close frame, and takes what comes before it.
    news.expect("closed");
    client.say(Send::Ping(b"still here"));
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
            request.connection().disconnected().await;
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
    // Raw, so that the machine of the client goes on to take messages.
    client.connection().send(b"\x88\x82\0\0\0\0\x03\xe8");
    gate.open();
    assert_eq!(client.receive(), Ok("one".into()));
    assert_eq!(client.receive(), Ok("two".into()));
    assert_eq!(client.receive().map_err(|closed| closed.code.0), Err(1000));
}

// What is not taken

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
    let uncompressed = Config { deflate: None, ..Config::default() };
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
        client.say(Send::Part { kind: Kind::Binary, data: vec![0; 501].into(), last });
    }
    assert_eq!(client.expect_closed().0, 1009, "in fragments");
}

/// Tells that it has begun, and receives nothing before the gate is open.
fn slow(news: &News, gate: &Gate) -> impl App {
    let (news, gate) = (news.clone(), gate.clone());
    Accept(move |socket: WebSocket, request: Request| {
        let (news, gate) = (news.clone(), gate.clone());
        async move {
            news.tell("begun");
            gate.pass().await;
            echo(socket, request).await;
        }
    })
}

fn pings_are_answered_though_nobody_receives(on: On) {
    let (news, gate) = (News::new(), Gate::new());
    let server = on.serve(slow(&news, &gate));
    let mut client = WebSocketClient::connect(&server, "/");
    news.expect("begun");
    for i in 0..31 {
        client.send(i.to_string());
    }
    client.say(Send::Ping(b"hello?"));
    assert_eq!(client.pong(), b"hello?");
    gate.open();
    for i in 0..31 {
        assert_eq!(client.receive(), Ok(i.to_string().into()));
    }
}

fn whoever_answers_no_ping_is_closed(on: On) {
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

fn whoever_answers_pings_is_not_closed(on: On) {
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

fn a_queue_that_is_full_holds_back_the_client(on: On) {
    for (queue, size) in [(1, 1000), (32, 65_535)] {
        let (news, gate) = (News::new(), Gate::new());
        let server = on.serve_with(config().ws_max_queue(queue), slow(&news, &gate));
        let mut client = WebSocketClient::connect(&server, "/");
        news.expect("begun");
        let message = vec![7; size];
        let frame = [&[0x82, 0xfe, (size >> 8) as u8, size as u8, 0, 0, 0, 0][..], &message].concat();
        // Together more than sockets hold.
        let frames = frame.repeat((32 << 20) / size);
        let socket = client.connection().socket().try_clone().expect("a socket can be cloned");
        socket.set_write_timeout(Some(Duration::from_millis(100))).expect("a time limit");
        let mut sent = 0;
        while let Ok(n) = (&socket).write(&frames[sent..])
            && n > 0
        {
            sent += n;
        }
        assert!(sent < frames.len(), "all was taken though nobody receives");
        socket.set_write_timeout(Some(PATIENCE)).expect("a time limit");
        gate.open();
        let whole = sent.div_ceil(frame.len());
        let rest = frames[sent..whole * frame.len()].to_vec();
        let writer = std::thread::spawn(move || (&socket).write_all(&rest));
        for _ in 0..whole {
            assert_eq!(client.receive(), Ok(message.clone().into()));
        }
        writer.join().expect("no panic").expect("it is taken now");
    }
}

fn a_client_that_does_not_read_holds_back_who_sends(on: On) {
    // Together more than sockets hold.
    const PIECES: usize = 400;
    let news = News::new();
    let told = news.clone();
    let server = on.serve(Accept(move |socket: WebSocket, _| {
        let news = told.clone();
        async move {
            let piece = stelo_core::Bytes::from_static(&[7; 64 << 10]);
            for sent in 0..PIECES {
                let mut message = Some(Message::Binary(piece.clone()));
                let mut held_back = false;
                let sending = std::future::poll_fn(|cx| {
                    let poll = socket.poll_send(cx, &mut message);
                    if poll.is_pending() && !std::mem::replace(&mut held_back, true) {
                        news.tell(format!("held back after {sent}"));
                    }
                    poll
                });
                sending.await.expect("it is open");
            }
        }
    }));
    let offer = Config { deflate: None, ..Config::default() };
    let mut client = WebSocketClient::connect_with(&server, "/", &[], offer);
    assert!(news.next().starts_with("held back after "));
    for i in 0..PIECES {
        assert_eq!(client.receive().map(|message| message.as_bytes().len()), Ok(64 << 10), "{i}");
    }
    assert_eq!(client.expect_closed().0, 1000);
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
    assert_eq!(client.answer().status, 500);
    server.wait().expect("an ordinary end");
}

fn the_deadline_drops_what_does_not_end(on: On) {
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
