//! HTTP/2 over real sockets, in clear text by prior knowledge.

use std::collections::BTreeMap;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::body::{Body, Length};
use stelo_core::h2::ErrorCode;
use stelo_core::http::Status;
use stelo_server::HttpVersions;
use stelo_tests::{Gate, Http2Client, Http2News, News, On, Running, cases, config};

cases!(
    requests_of_one_connection_are_answered_at_the_same_time,
    bodies_go_both_ways,
    both_versions_are_spoken_on_one_port,
    one_version_can_be_chosen,
    a_reset_drops_its_handler_and_no_other,
    an_early_answer_ends_the_upload,
    a_stopping_server_finishes_what_has_begun,
    a_failing_body_resets_its_stream,
    a_response_that_streams_is_sent_as_it_comes,
);

/// Waits at `/wait` for a gate, echoes bodies at `/echo`, answers anything else at once.
#[derive(Clone)]
struct Mixed {
    news: News,
    gate: Gate,
}

impl Mixed {
    fn new() -> Self {
        Self { news: News::new(), gate: Gate::new() }
    }
}

impl App for Mixed {
    fn call(&self, mut request: Request) -> Reply {
        let Self { news, gate } = self.clone();
        match request.head().path() {
            "/wait" => Reply::future(async move {
                let _told = news.last_word("dropped");
                news.tell("called");
                gate.pass().await;
                Response::new("waited")
            }),
            "/echo" => {
                let body = std::mem::take(request.body_mut());
                Reply::future(async move {
                    match body.collect(1 << 24).await {
                        Ok(bytes) => Response::new(bytes),
                        Err(error) => Response::text(Status::BAD_REQUEST, error.to_string()),
                    }
                })
            }
            "/stream" => {
                let (sender, body) = Body::channel(Length::Unknown);
                request.context().connection().executor.spawn(Box::pin(async move {
                    let _ = sender.send("one ").await;
                    gate.pass().await;
                    let _ = sender.send("two").await;
                    sender.finish();
                }));
                Response::new(body).into()
            }
            "/short" => {
                let (sender, body) = Body::channel(Length::Known(100));
                request.context().connection().executor.spawn(Box::pin(async move {
                    let _ = sender.send("too little").await;
                    sender.finish();
                }));
                Response::new(body).into()
            }
            path => Response::new(format!("{} {path}", request.head().version())).into(),
        }
    }
}

fn client(server: &Running) -> Http2Client {
    Http2Client::new(server.connect())
}

fn requests_of_one_connection_are_answered_at_the_same_time(on: On) {
    let app = Mixed::new();
    let server = on.serve(app.clone());
    let mut client = client(&server);
    let waiting: Vec<u32> = (0..50).map(|n| 2 * n + 1).collect();
    for &stream in &waiting {
        client.get(stream, "/wait");
    }
    waiting.iter().for_each(|_| app.news.expect("called"));
    // A later request does not wait for them.
    client.get(101, "/later");
    let (stream, answer) = client.answer();
    assert_eq!((stream, answer.status, answer.text().as_str()), (101, 200, "HTTP/2 /later"));
    app.gate.open();
    let answers: BTreeMap<u32, _> = waiting.iter().map(|_| client.answer()).collect();
    assert_eq!(answers.keys().copied().collect::<Vec<_>>(), waiting);
    assert!(answers.values().all(|answer| answer.text() == "waited"));
}

fn bodies_go_both_ways(on: On) {
    let server = on.serve(Mixed::new());
    let mut client = client(&server);
    for (stream, len) in [(1, 0), (3, 1), (5, 16_384), (7, 65_536), (9, 1_000_000), (11, 3)] {
        let body: Vec<u8> = (0..len).map(|n| (n / 7) as u8).collect();
        match len {
            0 => client.head(stream, "POST", "/echo", &[("content-length", "0")], true),
            _ => client.post(stream, "/echo", &body),
        }
        let (answered, answer) = client.answer();
        assert_eq!((answered, answer.status), (stream, 200));
        assert!(answer.body == body, "{len} bytes");
    }
}

fn both_versions_are_spoken_on_one_port(on: On) {
    let server = on.serve(Mixed::new());
    assert_eq!(server.connect().get("/a").text(), "HTTP/1.1 /a");
    let mut second = client(&server);
    second.get(1, "/b");
    assert_eq!(second.answer().1.text(), "HTTP/2 /b");
    // `Upgrade: h2c` does not exist any more (RFC 9113 section 3.1).
    let mut old = server.connect();
    old.send("GET /c HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n");
    old.send("http2-settings: AAMAAABkAAQAAP__\r\n\r\n");
    assert_eq!(old.answer().text(), "HTTP/1.1 /c");
}

fn one_version_can_be_chosen(on: On) {
    let server = on.serve_with(config().http_versions(HttpVersions::Http1), Mixed::new());
    let mut refused = server.connect();
    refused.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(refused.answer().status, 505);

    let server = on.serve_with(config().http_versions(HttpVersions::Http2), Mixed::new());
    let mut refused = server.connect();
    refused.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let (bytes, _) = refused.rest();
    assert!(bytes.ends_with(b"no preface of HTTP/2"), "{}", bytes.escape_ascii());
    let mut second = client(&server);
    second.get(1, "/a");
    assert_eq!(second.answer().1.text(), "HTTP/2 /a");
}

fn a_reset_drops_its_handler_and_no_other(on: On) {
    let app = Mixed::new();
    let server = on.serve(app.clone());
    let mut client = client(&server);
    client.get(1, "/wait");
    app.news.expect("called");
    client.get(3, "/wait");
    app.news.expect("called");
    client.reset(1);
    app.news.expect("dropped");
    client.get(5, "/a");
    assert_eq!(client.answer().0, 5);
    app.news.expect_silence();
    app.gate.open();
    let (stream, answer) = client.answer();
    assert_eq!((stream, answer.text().as_str()), (3, "waited"));
}

fn an_early_answer_ends_the_upload(on: On) {
    let server = on.serve(Mixed::new());
    let mut client = client(&server);
    client.head(1, "POST", "/a", &[], false);
    let (stream, answer) = client.answer();
    assert_eq!((stream, answer.text().as_str()), (1, "HTTP/2 /a"));
    let (stream, rest) = client.answer();
    assert_eq!((stream, rest.reset), (1, Some(ErrorCode::NO_ERROR)));
    client.get(3, "/b");
    assert_eq!(client.answer().1.text(), "HTTP/2 /b");
}

fn a_stopping_server_finishes_what_has_begun(on: On) {
    let app = Mixed::new();
    let server = on.serve(app.clone());
    let mut client = client(&server);
    client.get(1, "/wait");
    app.news.expect("called");
    server.ask_to_stop();
    // The first GOAWAY names no stream: a request that crosses it is answered.
    assert_eq!(client.news(), Http2News::GoAway(0x7fff_ffff, ErrorCode::NO_ERROR));
    client.get(3, "/crossing");
    let mut rest = Vec::new();
    while rest.len() < 2 {
        rest.push(client.news());
    }
    let crossing =
        rest.iter().any(|news| matches!(news, Http2News::Answer(3, answer) if answer.status == 200));
    assert!(crossing, "{rest:?}");
    assert!(rest.contains(&Http2News::GoAway(3, ErrorCode::NO_ERROR)), "{rest:?}");
    app.gate.open();
    assert_eq!(client.answer().1.text(), "waited");
    client.connection().expect_end();
    drop(client);
    server.wait().expect("an ordinary end");
}

fn a_failing_body_resets_its_stream(on: On) {
    let server = on.serve(Mixed::new());
    let mut client = client(&server);
    client.get(1, "/short");
    let (stream, answer) = client.answer();
    assert_eq!((stream, answer.reset), (1, Some(ErrorCode::INTERNAL_ERROR)));
    client.get(3, "/a");
    assert_eq!(client.answer().1.text(), "HTTP/2 /a");
}

fn a_response_that_streams_is_sent_as_it_comes(on: On) {
    let app = Mixed::new();
    let server = on.serve(app.clone());
    let mut client = client(&server);
    client.get(1, "/stream");
    client.get(3, "/a");
    assert_eq!(client.answer().0, 3);
    app.gate.open();
    let (stream, answer) = client.answer();
    assert_eq!((stream, answer.text().as_str()), (1, "one two"));
    assert!(answer.fields.iter().all(|(name, _)| name != "content-length" && name != "transfer-encoding"));
}
