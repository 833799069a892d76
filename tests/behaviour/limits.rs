//! Limits: the response at each limit, and one above it.

use stelo_core::h1::Limits;
use stelo_core::http::Status;
use stelo_server::Stopped;
use stelo_tests::{Answer, Gate, News, On, Running, cases, config};
use stelo_toolkit::{App, State, get};

use crate::apps;

cases!(
    a_request_line_beyond_the_limit_is_414,
    an_endless_request_line_is_414,
    a_method_beyond_the_limit_is_501,
    a_field_beyond_the_limit_is_431,
    an_endless_field_is_431,
    fields_beyond_the_limit_are_431,
    too_many_fields_are_431,
    a_chunk_line_beyond_the_limit_is_400,
    chunk_extensions_beyond_the_limit_are_400,
    trailers_beyond_the_limit_are_431,
    too_many_trailers_are_431,
    a_body_beyond_the_limit_is_413,
    a_chunked_body_beyond_the_limit_is_413,
    as_many_connections_as_allowed_are_served,
    a_closed_connection_makes_room_for_another,
    the_limit_of_requests_stops_the_server,
    no_limit_of_requests_by_default,
);

/// Sends bytes on a new connection, and reads the response. The connection must be closed exactly if the response says so.
#[track_caller]
fn ask(server: &Running, bytes: impl AsRef<[u8]>) -> Answer {
    let mut client = server.connect();
    // The server may close before all bytes are sent.
    let _ = client.try_send(bytes);
    let answer = client.answer();
    match answer.says_close() {
        true => client.expect_end(),
        false => client.expect_open(),
    }
    answer
}

fn limited(on: On, limits: Limits) -> Running {
    on.serve_with(config().http_limits(limits), apps::reader())
}

fn target(len: usize) -> String {
    let line = |target: &str| format!("GET {target} HTTP/1.1\r\n");
    let room = len - line("/?").len();
    format!("{}host: a\r\n\r\n", line(&format!("/?{}", "x".repeat(room))))
}

fn a_request_line_beyond_the_limit_is_414(on: On) {
    let server = on.serve(apps::reader());
    assert_eq!(ask(&server, target(8 << 10)).status, 200);
    assert_eq!(ask(&server, target((8 << 10) + 1)).line, "HTTP/1.1 414 URI Too Long");
}

fn an_endless_request_line_is_414(on: On) {
    let server = on.serve(apps::reader());
    assert_eq!(ask(&server, format!("GET /{}", "x".repeat(50_000))).status, 414);
}

fn a_method_beyond_the_limit_is_501(on: On) {
    let server = on.serve(apps::reader());
    let request = |method: String| format!("{method} / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(ask(&server, request("X".repeat(32))).status, 405);
    assert_eq!(ask(&server, request("X".repeat(33))).line, "HTTP/1.1 501 Not Implemented");
    // Without a space in the longest request line there is no method.
    assert_eq!(ask(&server, "X".repeat(8 << 10)).status, 400);
}

fn with_fields(fields: impl AsRef<str>) -> String {
    format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", fields.as_ref())
}

fn a_field_beyond_the_limit_is_431(on: On) {
    let server = on.serve(apps::reader());
    let field = |len: usize| format!("x: {}\r\n", "y".repeat(len - 5));
    assert_eq!(ask(&server, with_fields(field(8 << 10))).status, 200);
    let answer = ask(&server, with_fields(field((8 << 10) + 1)));
    assert_eq!(answer.line, "HTTP/1.1 431 Request Header Fields Too Large");
}

fn an_endless_field_is_431(on: On) {
    let server = on.serve(apps::reader());
    assert_eq!(ask(&server, format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}", "y".repeat(50_000))).status, 431);
}

fn fields_beyond_the_limit_are_431(on: On) {
    // `host: a` and four lines of 1000 bytes each.
    let server = limited(on, Limits::DEFAULT.head(9 + 4000));
    let field = format!("x: {}\r\n", "y".repeat(995));
    assert_eq!(ask(&server, with_fields(field.repeat(4))).status, 200);
    assert_eq!(ask(&server, with_fields(field.repeat(4) + "x:\r\n")).status, 431);
}

fn too_many_fields_are_431(on: On) {
    let server = on.serve(apps::reader());
    assert_eq!(ask(&server, with_fields("x:\r\n".repeat(99))).status, 200);
    assert_eq!(ask(&server, with_fields("x:\r\n".repeat(100))).status, 431);
}

fn chunked(body: impl AsRef<str>) -> String {
    format!("POST /read HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{}", body.as_ref())
}

fn a_chunk_line_beyond_the_limit_is_400(on: On) {
    let server = on.serve(apps::reader());
    let chunk = |len: usize| format!("3;{}\r\nabc\r\n0\r\n\r\n", "x".repeat(len - 4));
    assert_eq!(ask(&server, chunked(chunk(256))).text(), "3");
    assert_eq!(ask(&server, chunked(chunk(257))).status, 400);
    assert_eq!(ask(&server, chunked("3;".to_owned() + &"x".repeat(5000))).status, 400);
}

fn chunk_extensions_beyond_the_limit_are_400(on: On) {
    let server = on.serve(apps::reader());
    let chunks = |n: usize| format!("1;{}\r\nx\r\n", "e".repeat(127)).repeat(n) + "0\r\n\r\n";
    assert_eq!(ask(&server, chunked(chunks(128))).text(), "128");
    assert_eq!(ask(&server, chunked(chunks(129))).status, 400);
}

fn trailers_beyond_the_limit_are_431(on: On) {
    let server = limited(on, Limits::DEFAULT.trailers(4000));
    let trailer = format!("x: {}\r\n", "y".repeat(995));
    assert_eq!(ask(&server, chunked(format!("0\r\n{}\r\n", trailer.repeat(4)))).status, 200);
    assert_eq!(ask(&server, chunked(format!("0\r\n{}x:\r\n\r\n", trailer.repeat(4)))).status, 431);
}

fn too_many_trailers_are_431(on: On) {
    let server = on.serve(apps::reader());
    assert_eq!(ask(&server, chunked(format!("0\r\n{}\r\n", "x:\r\n".repeat(32)))).status, 200);
    assert_eq!(ask(&server, chunked(format!("0\r\n{}\r\n", "x:\r\n".repeat(33)))).status, 431);
}

fn a_body_beyond_the_limit_is_413(on: On) {
    let server = limited(on, Limits::DEFAULT.body(Some(10)));
    let request =
        |n: usize| format!("POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: {n}\r\n\r\n{}", "x".repeat(n));
    assert_eq!(ask(&server, request(10)).text(), "10");
    assert_eq!(ask(&server, request(11)).line, "HTTP/1.1 413 Content Too Large");
}

fn a_chunked_body_beyond_the_limit_is_413(on: On) {
    let server = limited(on, Limits::DEFAULT.body(Some(10)));
    assert_eq!(ask(&server, chunked("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n")).text(), "10");
    assert_eq!(ask(&server, chunked("5\r\nhello\r\n6\r\nworld!\r\n0\r\n\r\n")).status, 413);
    assert_eq!(ask(&server, chunked("ffffffffffffffff\r\nhello")).status, 413);
}

/// N connections are served, not N - 1 as in Uvicorn. Another one gets 503.
fn as_many_connections_as_allowed_are_served(on: On) {
    let server = on.serve_with(config().limit_concurrency(2), apps::reader());
    let (mut one, mut two) = (server.connect(), server.connect());
    assert_eq!([one.get("/").status, two.get("/").status], [200, 200]);
    let mut three = server.connect();
    let answer = three.get("/");
    assert_eq!(
        (answer.line.as_str(), answer.text().as_str()),
        ("HTTP/1.1 503 Service Unavailable", "Service Unavailable")
    );
    assert!(answer.says_close());
    three.expect_end();
    assert_eq!([one.get("/").status, two.get("/").status], [200, 200]);
}

fn a_closed_connection_makes_room_for_another(on: On) {
    let server = on.serve_with(config().limit_concurrency(1), apps::reader());
    let mut one = server.connect();
    one.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert_eq!(one.answer().status, 200);
    one.expect_end();
    drop(one);
    // The server may not have seen the close of the first connection. It then answers 503, and the client tries again.
    let served = (0..1000).any(|_| server.connect().get("/").status == Status::OK.code());
    assert!(served, "the place of a connection that has ended stays taken");
}

fn the_limit_of_requests_stops_the_server(on: On) {
    async fn wait(State(news): State<News>, State(gate): State<Gate>) -> &'static str {
        news.tell("waiting");
        gate.pass().await;
        "waited"
    }
    let (news, gate) = (News::new(), Gate::new());
    let app = apps::reader().state(news.clone()).state(gate.clone()).route("/wait", get(wait));
    let server = on.serve_with(config().limit_max_requests(3), app);
    let (mut slow, mut client) = (server.connect(), server.connect());
    slow.send("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
    news.expect("waiting");
    for _ in 0..3 {
        assert_eq!(client.get("/").text(), "hello");
    }
    // Requests that have begun are answered.
    client.expect_end();
    gate.open();
    let answer = slow.answer();
    assert!(answer.says_close() && answer.text() == "waited");
    assert_eq!(server.wait().expect("an ordinary end"), Stopped::Request);
}

fn no_limit_of_requests_by_default(on: On) {
    let server = on.serve(App::new().route("/", get(async || "")));
    let mut client = server.connect();
    for _ in 0..20 {
        client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(100));
        for _ in 0..100 {
            assert_eq!(client.answer().status, 200);
        }
    }
}
