//! WebSockets: the handshake, and messages. `websocket_end.rs` has the closing.

use std::io::Write;
use std::time::Duration;

use stelo_core::app::{Request, Response, WebSocket};
use stelo_core::http::Status;
use stelo_core::ws::{Command, Config, Kind, Message};
use stelo_server::Ws;
use stelo_tests::{Gate, HANDSHAKE, News, On, PATIENCE, WebSocketClient, cases, config};

use crate::apps::{Accept, Answer, echo, slow};

cases!(
    a_handshake_is_accepted,
    spellings_of_a_handshake,
    bad_handshakes_are_refused,
    a_request_that_is_not_a_handshake_is_ordinary,
    a_handshake_can_be_declined,
    a_subprotocol_can_be_chosen,
    only_a_handshake_can_be_accepted,
    frames_sent_with_the_handshake_are_not_lost,
    messages_are_echoed,
    fragments_are_put_together,
    sixteen_mebibytes_are_echoed,
    messages_are_compressed_after_negotiation,
    handles_live_in_other_tasks,
    pings_are_answered_while_the_application_does_not_receive,
    a_full_queue_delays_the_client,
    a_client_that_does_not_read_delays_the_sender,
);

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
        ("host: a", "host: a\r\ncontent-length: 0"),
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

fn a_request_that_is_not_a_handshake_is_ordinary(on: On) {
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
        response.headers.append("sec-websocket-protocol", "chat.v1");
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

fn frames_sent_with_the_handshake_are_not_lost(on: On) {
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
        client.say(Command::Part { kind: Kind::Text, data: data.into(), last });
        client.say(Command::Ping(b"between"));
        if last {
            assert_eq!(client.receive(), Ok("one, two, three".into()));
        }
        assert_eq!(client.pong(), b"between");
    }
}

fn sixteen_mebibytes_are_echoed(on: On) {
    let server = on.serve(Accept(echo));
    let offer = Config::DEFAULT.deflate(None);
    let mut client = WebSocketClient::connect_with(&server, "/", &[], offer);
    let bytes: Vec<u8> = (0..16 << 20).map(|i: u32| (i >> 8) as u8).collect();
    client.send(bytes.clone());
    assert_eq!(client.receive(), Ok(bytes.into()));
}

fn messages_are_compressed_after_negotiation(on: On) {
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
                // One task receives, and others send.
                request.connection().executor.spawn(Box::pin(async move {
                    let _ = two.send(message).await;
                }));
            }
        }));
        // The WebSocket closes when the handler returns.
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

fn pings_are_answered_while_the_application_does_not_receive(on: On) {
    let (news, gate) = (News::new(), Gate::new());
    let server = on.serve(slow(&news, &gate));
    let mut client = WebSocketClient::connect(&server, "/");
    news.expect("begun");
    for i in 0..31 {
        client.send(i.to_string());
    }
    client.say(Command::Ping(b"hello?"));
    assert_eq!(client.pong(), b"hello?");
    gate.open();
    for i in 0..31 {
        assert_eq!(client.receive(), Ok(i.to_string().into()));
    }
}

fn a_full_queue_delays_the_client(on: On) {
    for (queue, size) in [(1, 1000), (32, 65_535)] {
        let (news, gate) = (News::new(), Gate::new());
        let server = on.serve_with(config().ws_max_queue(queue), slow(&news, &gate));
        let mut client = WebSocketClient::connect(&server, "/");
        news.expect("begun");
        let message = vec![7; size];
        let frame = [&[0x82, 0xfe, (size >> 8) as u8, size as u8, 0, 0, 0, 0][..], &message].concat();
        // Together more than the socket buffers hold.
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

fn a_client_that_does_not_read_delays_the_sender(on: On) {
    // Together more than the socket buffers hold.
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
    let offer = Config::DEFAULT.deflate(None);
    let mut client = WebSocketClient::connect_with(&server, "/", &[], offer);
    assert!(news.next().starts_with("held back after "));
    for i in 0..PIECES {
        assert_eq!(client.receive().map(|message| message.as_bytes().len()), Ok(64 << 10), "{i}");
    }
    assert_eq!(client.expect_closed().0, 1000);
}
