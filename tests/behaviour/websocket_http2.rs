//! WebSockets and tunnels over streams of HTTP/2 (RFC 8441). `autobahn.rs` has the frames.

use stelo_core::app::{App, Reply, Request, Response, Upgrade, WebSocket};
use stelo_core::h2::ErrorCode;
use stelo_core::http::{Method, Status};
use stelo_core::ws::{CloseCode, Config, Message};
use stelo_server::Ws;
use stelo_tests::{
    Bridge, Client, Closed, Gate, Http2Client, Http2News, News, On, Running, WebSocketClient, cases, config,
};

use crate::apps::{Accept, Answer, echo, slow};

cases!(
    messages_are_echoed,
    a_subprotocol_can_be_chosen,
    messages_are_compressed_after_negotiation,
    a_handshake_can_be_declined,
    a_handshake_is_not_declined_with_a_status_that_accepts,
    bad_handshakes_are_refused,
    without_websockets_there_is_no_extended_connect,
    other_streams_go_on,
    a_full_queue_delays_only_its_stream,
    a_close_of_the_application_ends_the_stream,
    a_reset_drops_the_application,
    a_stopping_server_closes_with_1012,
    a_tunnel_carries_bytes_both_ways,
);

fn open(server: &Running, protocols: &[&str], config: Config) -> WebSocketClient<Bridge> {
    WebSocketClient::open(Client::new(Bridge::new(server.connect())), "/", protocols, config)
}

/// Begins HTTP/2, and asks for a WebSocket on stream 1. Returns the status.
fn ask(client: &mut Http2Client, fields: &[(&str, &str)]) -> u16 {
    client.extended_connect(1, "websocket", "/", fields);
    match client.news() {
        Http2News::Head(1, answer) => answer.status,
        other => panic!("no head but {other:?}"),
    }
}

const VERSION: (&str, &str) = ("sec-websocket-version", "13");

fn messages_are_echoed(on: On) {
    let server = on.serve(Accept(echo));
    let mut client = open(&server, &[], Config::default());
    let large = "stelo ".repeat(500_000);
    for text in ["", "hello", &large] {
        client.send(text.to_owned());
        assert!(
            client.receive().expect("a message") == Message::from(text.to_owned()),
            "{} bytes",
            text.len()
        );
    }
    client.close(1000, "bye");
    assert_eq!(client.connection().rest(), (b"\x88\x05\x03\xe8bye".to_vec(), Closed::Ended));
}

fn a_subprotocol_can_be_chosen(on: On) {
    struct Chat;
    impl App for Chat {
        fn call(&self, request: Request) -> Reply {
            // Middleware sees an extended CONNECT.
            assert_eq!(request.head().method(), &Method::Connect);
            assert_eq!(request.head().protocol(), Some("websocket"));
            let mut response = Response::websocket(|socket| echo(socket, request));
            response.headers.append("sec-websocket-protocol", "chat");
            response.into()
        }
    }
    let server = on.serve(Chat);
    let client = open(&server, &["superchat", "chat"], Config::default());
    assert_eq!(client.protocol.as_deref(), Some("chat"));
}

fn messages_are_compressed_after_negotiation(on: On) {
    let server = on.serve(Accept(echo));
    let mut client = open(&server, &[], Config::DEFAULT);
    assert!(client.compresses);
    client.send("stelo ".repeat(10_000));
    assert_eq!(client.receive().expect("a message").as_bytes().len(), 60_000);
}

fn a_handshake_can_be_declined(on: On) {
    let server = on.serve(Answer(|| Response::text(Status::FORBIDDEN, "not here")));
    let mut client = Http2Client::new(server.connect());
    assert_eq!(ask(&mut client, &[VERSION]), 403);
    assert_eq!(client.news(), Http2News::Data(1, b"not here".into()));
    assert_eq!(client.news(), Http2News::End(1));
}

fn a_handshake_is_not_declined_with_a_status_that_accepts(on: On) {
    let server = on.serve(Answer(|| Response::new("not a WebSocket")));
    let mut client = Http2Client::new(server.connect());
    assert_eq!(ask(&mut client, &[VERSION]), 500);
}

fn bad_handshakes_are_refused(on: On) {
    let server = on.serve(Accept(echo));
    for (fields, status) in [
        (&[][..], 426),
        (&[("sec-websocket-version", "8")], 426),
        (&[VERSION, VERSION], 426),
        // There is no key, and one would be ignored.
        (&[VERSION, ("sec-websocket-key", "abc")], 200),
    ] {
        let mut client = Http2Client::new(server.connect());
        client.extended_connect(1, "websocket", "/", fields);
        let Http2News::Head(1, answer) = client.news() else { panic!("no head") };
        assert_eq!(answer.status, status, "{fields:?}");
        let names: Vec<_> = answer.fields.iter().map(|(name, _)| name.as_str()).collect();
        for name in ["upgrade", "connection", "sec-websocket-accept"] {
            assert!(!names.contains(&name), "{names:?}");
        }
    }
    // An upgrade is no request for a WebSocket here: its fields are invalid (RFC 9113 section 8.2.2).
    let mut client = Http2Client::new(server.connect());
    client.head(1, "GET", "/", &[("upgrade", "websocket"), VERSION], true);
    assert_eq!(client.answer().1.reset, Some(ErrorCode::PROTOCOL_ERROR));
}

fn without_websockets_there_is_no_extended_connect(on: On) {
    let server = on.serve_with(config().ws(Ws::None), Accept(echo));
    let mut client = Http2Client::new(server.connect());
    client.extended_connect(1, "websocket", "/", &[VERSION]);
    assert_eq!(client.answer().1.reset, Some(ErrorCode::PROTOCOL_ERROR));
    client.get(3, "/");
    assert_eq!(client.answer().1.text(), "no WebSocket");
}

fn other_streams_go_on(on: On) {
    let server = on.serve(Accept(echo));
    let mut client = Http2Client::new(server.connect());
    assert_eq!(ask(&mut client, &[VERSION]), 200);
    client.get(3, "/");
    assert_eq!(client.answer().1.text(), "no WebSocket");
    // "Hello", masked, as in section 5.7 of RFC 6455.
    client.try_data(1, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", false).expect("the server reads");
    assert_eq!(client.news(), Http2News::Data(1, b"\x81\x05Hello".into()));
    // The end of the client's side without a closing handshake.
    client.end(1).expect("the server reads");
    assert_eq!(client.news(), Http2News::End(1));
    client.get(5, "/");
    assert_eq!(client.answer().0, 5);
}

fn a_full_queue_delays_only_its_stream(on: On) {
    let (news, gate) = (News::new(), Gate::new());
    let server = on.serve(slow(&news, &gate));
    let mut client = Http2Client::new(server.connect());
    assert_eq!(ask(&mut client, &[VERSION]), 200);
    news.expect("begun");
    // Messages of 64 KiB, until the window of the stream is used up.
    let mut message = vec![0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message.resize(14 + 65_536, 7);
    let (mut sent, mut rest) = (0, &message[..]);
    for stream in (3..403).step_by(2) {
        while let n @ 1.. = client.try_data(1, rest, false).expect("the server reads") {
            (sent, rest) = (sent + n, &rest[n..]);
            if rest.is_empty() {
                rest = &message;
            }
        }
        // Other requests are answered all the time.
        client.get(stream, "/");
        assert_eq!(client.answer().1.text(), "no WebSocket");
    }
    assert!(sent < 9_000_000, "{sent}");
    gate.open();
    // The application reads again, and the window is opened.
    let mut echoed = 0;
    while echoed < 65_536 {
        if let Http2News::Data(1, data) = client.news() {
            echoed += data.len();
        }
    }
    while client.try_data(1, rest, false).expect("the server reads") == 0 {
        client.turn();
    }
}

fn a_close_of_the_application_ends_the_stream(on: On) {
    let server = on.serve(Accept(async |socket: WebSocket, _: Request| {
        socket.close(CloseCode(4000), "enough");
    }));
    let mut client = open(&server, &[], Config::default());
    let closed = client.receive().expect_err("a close");
    assert_eq!((closed.code.0, &*closed.reason), (4000, "enough"));
    assert_eq!(client.expect_closed(), (4000, "enough".into()));
}

fn a_reset_drops_the_application(on: On) {
    let news = News::new();
    let told = news.clone();
    let server = on.serve(Accept(move |socket: WebSocket, _: Request| {
        let told = told.clone();
        async move {
            told.tell("begun");
            let end = socket.receive().await.expect_err("no message");
            told.tell(format!("{end}"));
        }
    }));
    let mut client = Http2Client::new(server.connect());
    assert_eq!(ask(&mut client, &[VERSION]), 200);
    news.expect("begun");
    client.reset(1);
    news.expect("the WebSocket is closed (1006)");
    client.get(3, "/");
    assert_eq!(client.answer().1.text(), "no WebSocket");
}

fn a_stopping_server_closes_with_1012(on: On) {
    let server = on.serve(Accept(echo));
    let mut client = open(&server, &[], Config::default());
    client.send("hello");
    assert_eq!(client.receive().expect("a message"), Message::from("hello"));
    server.ask_to_stop();
    assert_eq!(client.expect_closed(), (1012, String::new()));
    server.wait().expect("an ordinary end");
}

fn a_tunnel_carries_bytes_both_ways(on: On) {
    struct Tunnels(News);
    impl App for Tunnels {
        fn call(&self, _: Request) -> Reply {
            let news = self.0.clone();
            let upgrade = Upgrade::tunnel(move |mut tunnel| async move {
                let _told = news.last_word("ended");
                let mut buf = [0; 100];
                while let Ok(n @ 1..) = tunnel.read(&mut buf).await {
                    if tunnel.write_all(&buf[..n]).await.is_err() {
                        return;
                    }
                }
            });
            Response { upgrade: Some(upgrade), ..Response::empty(Status::OK) }.into()
        }
    }
    let news = News::new();
    let server = on.serve(Tunnels(news.clone()));
    let mut client = Http2Client::new(server.connect());
    client.connect(1);
    client.extended_connect(3, "bytes", "/", &[]);
    for stream in [1, 3] {
        match client.news() {
            Http2News::Head(at, answer) => assert_eq!((at, answer.status), (stream, 200)),
            other => panic!("no head but {other:?}"),
        }
    }
    for stream in [3, 1, 3] {
        client.try_data(stream, b"ping", false).expect("the server reads");
        assert_eq!(client.news(), Http2News::Data(stream, b"ping".into()));
    }
    for stream in [1, 3] {
        client.end(stream).expect("the server reads");
        news.expect("ended");
        assert_eq!(client.news(), Http2News::End(stream));
    }
}
