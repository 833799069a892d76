//! Responses: framing for every status, method and version, the server's own fields, and answers that break off.

use std::time::{SystemTime, UNIX_EPOCH};

use stelo_core::body::{BodyError, Frame, Length};
use stelo_core::http::{Headers, Status, date};
use stelo_tests::{Answer, Closed, Gate, On, cases, config};
use stelo_toolkit::routing::options;
use stelo_toolkit::{App, Body, Path, Redirect, Request, Response, State, any, get};

cases!(
    head_has_the_head_of_get,
    some_statuses_have_no_body,
    a_body_without_a_length_is_chunked,
    a_body_without_a_length_ends_http_1_0,
    a_length_that_the_application_sets_is_kept,
    a_length_that_the_application_sets_frames_a_stream,
    every_response_says_its_length_and_its_type,
    reasons_are_the_standard_ones,
    responses_have_date_and_server,
    date_and_server_can_be_left_out,
    fields_of_the_application_override_defaults,
    configured_fields_are_added,
    fields_keep_order_and_case,
    the_root_path_is_known,
    a_body_that_is_too_long_is_cut_off,
    a_body_that_is_too_short_is_cut_off,
    a_body_that_fails_is_cut_off,
    a_body_that_fails_at_once_is_cut_off,
    a_status_that_cannot_be_sent_is_500,
    contradicting_lengths_are_500,
    options_of_the_server_are_answered,
    interim_responses_precede_the_response,
    an_interim_response_belongs_to_its_request,
);

/// A stream of unknown length.
fn streamed(pieces: &'static [&'static str]) -> Body {
    let frames = pieces.iter().map(|piece| Ok(Frame::Data((*piece).into())));
    Body::from_frames(futures_lite::stream::iter(frames), Length::Unknown)
}

fn with_field(body: Body, name: &str, value: &str) -> Response {
    let mut response = Response::new(body);
    response.headers.try_append(name, value).expect("a valid field");
    response
}

fn head_has_the_head_of_get(on: On) {
    let app = App::new()
        .route("/known", get(async || "hello"))
        .route("/empty", get(async || ""))
        .route("/streamed", get(async || Response::new(streamed(&["one", "two"]))))
        .route("/none", get(async || Status::NO_CONTENT))
        .route("/own", get(async || with_field(streamed(&["hello"]), "content-length", "5")))
        .route("/chunked", get(async || with_field("hello".into(), "transfer-encoding", "chunked")))
        .route("/wrong", get(async || with_field("hello".into(), "content-length", "50")));
    let server = on.serve(app);
    let mut client = server.connect();
    // The date may change between the two.
    let fields = |answer: &Answer| {
        answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect::<Vec<_>>()
    };
    for path in ["/known", "/empty", "/streamed", "/none", "/own", "/chunked", "/wrong"] {
        client.send(format!("HEAD {path} HTTP/1.1\r\nhost: a\r\n\r\n"));
        let head = client.head().expect("an answer");
        // Bytes of a body would come before this response.
        let get = client.get(path);
        assert_eq!((&head.line, fields(&head)), (&get.line, fields(&get)), "{path}");
    }
}

fn some_statuses_have_no_body(on: On) {
    let body = async |Path(code): Path<u16>| {
        let mut response = Response::new("body");
        response.status = Status::new(code).expect("a status");
        response
    };
    let server = on.serve(App::new().route("/{code:int}", get(body)));
    let mut client = server.connect();
    for (code, length, text) in [
        (200, Some("4"), "body"),
        (204, None, ""),
        (205, Some("0"), ""),
        (304, None, ""),
        (404, Some("4"), "body"),
        (599, Some("4"), "body"),
    ] {
        let answer = client.get(&format!("/{code}"));
        assert_eq!(answer.status, code);
        assert_eq!((answer.header("content-length"), answer.text().as_str()), (length, text), "{code}");
    }
}

fn a_body_without_a_length_is_chunked(on: On) {
    let body = async || Response::new(streamed(&["one", "", "three"]));
    let server = on.serve(App::new().route("/", get(body)));
    let mut client = server.connect();
    let answer = client.get("/");
    assert_eq!((answer.text().as_str(), answer.chunks), ("onethree", Some(vec![3, 5])));
    client.expect_open();
}

fn a_body_without_a_length_ends_http_1_0(on: On) {
    let body = async || Response::new(streamed(&["one", "two"]));
    let server = on.serve(App::new().route("/", get(body)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.header("transfer-encoding"), answer.header("content-length")), (None, None));
    assert!(answer.says_close());
    assert_eq!(answer.text(), "onetwo");
}

fn a_length_that_the_application_sets_is_kept(on: On) {
    let body = async || with_field("hello".into(), "Content-Length", "5");
    let server = on.serve(App::new().route("/", get(body)));
    let answer = server.connect().get("/");
    assert_eq!((answer.header("content-length"), answer.text().as_str()), (Some("5"), "hello"));
}

fn a_length_that_the_application_sets_frames_a_stream(on: On) {
    let body = async || with_field(streamed(&["hel", "lo"]), "content-length", "5");
    let server = on.serve(App::new().route("/", get(body)));
    let mut client = server.connect();
    let answer = client.get("/");
    assert_eq!((answer.header("content-length"), answer.header("transfer-encoding")), (Some("5"), None));
    assert_eq!(answer.text(), "hello");
    client.expect_open();
}

fn every_response_says_its_length_and_its_type(on: On) {
    let app = App::new()
        .route("/text", get(async || "hi"))
        .route("/empty", get(async || Response::new("")))
        .route("/redirect", get(async || Redirect::to("/text")));
    let server = on.serve(app);
    let mut client = server.connect();
    for (path, line, length, kind) in [
        ("/text", "HTTP/1.1 200 OK", "2", Some("text/plain; charset=utf-8")),
        ("/empty", "HTTP/1.1 200 OK", "0", None),
        ("/redirect", "HTTP/1.1 307 Temporary Redirect", "0", None),
    ] {
        let answer = client.get(path);
        assert_eq!(answer.line, line);
        assert_eq!(
            (answer.header("content-length"), answer.header("content-type")),
            (Some(length), kind),
            "{path}"
        );
    }
}

fn reasons_are_the_standard_ones(on: On) {
    let status = async |Path(code): Path<u16>| Status::new(code).expect("a status");
    let server = on.serve(App::new().route("/{code:int}", get(status)));
    let mut client = server.connect();
    for line in [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 201 Created",
        "HTTP/1.1 308 Permanent Redirect",
        "HTTP/1.1 418 I'm a Teapot",
        "HTTP/1.1 422 Unprocessable Content",
        "HTTP/1.1 503 Service Unavailable",
        "HTTP/1.1 299 ",
    ] {
        assert_eq!(client.get(&format!("/{}", &line[9..12])).line, line);
    }
}

fn responses_have_date_and_server(on: On) {
    let server = on.serve(App::new().route("/", get(async || "")));
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
    let before = now();
    let answer = server.connect().get("/");
    assert_eq!(answer.header("server"), Some("stelo"));
    let text = answer.header("date").expect("a date");
    let allowed = before.saturating_sub(1)..=now();
    assert!(allowed.clone().any(|s| date::format(s) == *text.as_bytes()), "{text} is not in {allowed:?}");
    // Refusals have these fields too.
    let mut client = server.connect();
    client.send("nonsense\r\n");
    let answer = client.answer();
    assert!(answer.header("date").is_some() && answer.header("server") == Some("stelo"));
}

fn date_and_server_can_be_left_out(on: On) {
    let config = config().date_header(false).server_header(false);
    let server = on.serve_with(config, App::new().route("/", get(async || "")));
    let answer = server.connect().get("/");
    assert_eq!((answer.header("date"), answer.header("server")), (None, None));
}

fn fields_of_the_application_override_defaults(on: On) {
    let own = async || ([("server", "mine"), ("date", "Sun, 06 Nov 1994 08:49:37 GMT")], "");
    let server = on.serve(App::new().route("/", get(own)));
    let answer = server.connect().get("/");
    assert_eq!(answer.header("server"), Some("mine"));
    assert_eq!(answer.header("date"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
}

fn configured_fields_are_added(on: On) {
    let config = config().header("x-one", "1").and_then(|config| config.header("Server", "other"));
    let server = on.serve_with(config.expect("valid fields"), App::new().route("/", get(async || "")));
    let answer = server.connect().get("/");
    assert_eq!((answer.header("x-one"), answer.header("server")), (Some("1"), Some("other")));
}

fn fields_keep_order_and_case(on: On) {
    let fields = async |request: Request| {
        let mut response = Response::default();
        for (name, value) in request.headers().iter().filter(|(name, _)| name.starts_with("X-")) {
            response.headers.try_append(name, value).expect("what can be received can be sent");
        }
        response
    };
    let server = on.serve(App::new().route("/", get(fields)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\nX-B: 2\r\nX-A:1\r\nX-b:\t3 \r\nX-Empty:\r\n\r\n");
    let answer = client.answer();
    let fields: Vec<_> = answer.headers.iter().filter(|(name, _)| name.starts_with("X-")).collect();
    let expected = [("X-B", "2"), ("X-A", "1"), ("X-b", "3"), ("X-Empty", "")];
    assert_eq!(
        fields,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned())).iter().collect::<Vec<_>>()
    );
}

fn the_root_path_is_known(on: On) {
    let paths = async |request: Request| format!("{} {}", request.root_path(), request.url());
    let app = App::new().route("/where", get(paths));
    let server = on.serve_with(config().root_path("/api"), app);
    let mut client = server.connect();
    assert_eq!(client.get("/where").text(), "/api http://a/api/where");
}

/// Requests a response that is cut off. Asserts that exactly the bytes `comes` arrive of its body, and that other
/// connections are answered.
#[track_caller]
fn expect_cut_off(on: On, response: fn() -> Response, comes: &[u8]) {
    let app = App::new()
        .route("/", get(move || std::future::ready(response())))
        .route("/well", get(async || "well"));
    let server = on.serve(app);
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /well HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(client.head().expect("the head comes").status, 200);
    let (rest, closed) = client.rest();
    assert_eq!(String::from_utf8_lossy(&rest), String::from_utf8_lossy(comes));
    assert!(matches!(closed, Closed::Ended | Closed::Reset));
    assert_eq!(server.connect().get("/well").text(), "well");
}

fn a_body_that_is_too_long_is_cut_off(on: On) {
    expect_cut_off(on, || with_field(streamed(&["hel", "lo"]), "content-length", "4"), b"hel");
}

fn a_body_that_is_too_short_is_cut_off(on: On) {
    expect_cut_off(on, || with_field(streamed(&["hel", "lo"]), "content-length", "6"), b"hello");
}

fn a_body_that_fails_is_cut_off(on: On) {
    let failing = || {
        let error = BodyError::Other("no more".into());
        let frames = [Ok(Frame::Data("hello".into())), Err(error)];
        Response::new(Body::from_frames(futures_lite::stream::iter(frames), Length::Unknown))
    };
    // The last chunk is missing, so the client knows that the body is not complete.
    expect_cut_off(on, failing, b"5\r\nhello\r\n");
}

fn a_body_that_fails_at_once_is_cut_off(on: On) {
    let failing = || {
        let error = BodyError::Other("nothing".into());
        Response::new(Body::from_frames(futures_lite::stream::iter([Err(error)]), Length::Unknown))
    };
    expect_cut_off(on, failing, b"");
}

fn a_status_that_cannot_be_sent_is_500(on: On) {
    let status = async |Path(code): Path<u16>| match Status::new(code) {
        Some(status) => Response::empty(status),
        None => Response::new("there is no such status"),
    };
    let server = on.serve(App::new().route("/{code:int}", get(status)));
    let mut client = server.connect();
    for code in [100, 101, 103] {
        assert_eq!(client.get(&format!("/{code}")).line, "HTTP/1.1 500 Internal Server Error", "{code}");
    }
    client.expect_open();
}

fn contradicting_lengths_are_500(on: On) {
    let app = App::new()
        .route("/own", get(async || with_field("hello".into(), "content-length", "4")))
        .route("/bad", get(async || with_field("hello".into(), "content-length", "five")))
        .route("/coding", get(async || with_field("hello".into(), "transfer-encoding", "gzip")));
    let server = on.serve(app);
    let mut client = server.connect();
    for path in ["/own", "/bad", "/coding"] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.text().as_str()), (500, "Internal Server Error"), "{path}");
    }
    client.expect_open();
}

fn options_of_the_server_are_answered(on: On) {
    let target = async |request: Request| request.head().target().to_owned();
    let plain = App::new().route("/", any(async || "")).fallback(target);
    let asked = App::new().route("*", options(target));
    for (app, status, text) in [(plain, 204, ""), (asked, 200, "*")] {
        let server = on.serve(app);
        let mut client = server.connect();
        client.send("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n");
        let answer = client.answer();
        assert_eq!((answer.status, answer.text().as_str()), (status, text));
        assert_eq!(answer.header("content-length").is_none(), status == 204);
        client.expect_open();
    }
}

/// Sends 103 twice before it answers.
async fn hints(request: Request) -> &'static str {
    let early = Status::new(103).expect("a status");
    for link in ["</style.css>; rel=preload; as=style", "</script.js>; rel=preload; as=script"] {
        let mut headers = Headers::new();
        headers.set("link", link);
        request.interim().send(early, headers).await.expect("the client is there");
    }
    "late"
}

fn interim_responses_precede_the_response(on: On) {
    let server = on.serve(App::new().route("/", get(hints)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let early: Vec<String> = (0..6).map(|_| client.line()).collect();
    assert_eq!(
        early,
        [
            "HTTP/1.1 103 Early Hints",
            "link: </style.css>; rel=preload; as=style",
            "",
            "HTTP/1.1 103 Early Hints",
            "link: </script.js>; rel=preload; as=script",
            "",
        ]
    );
    assert_eq!(client.answer().text(), "late");
    // HTTP/1.0 knows no interim responses (RFC 9110 section 15.2).
    client.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.answer().text(), "late");
    client.expect_end();
}

#[derive(Clone, Default)]
struct Gates {
    second_has_begun: Gate,
    interim_is_taken: Gate,
}

/// Leaves its interim responses to a task, which sends one during the second request.
async fn leave(State(gates): State<Gates>, request: Request) -> &'static str {
    let interim = request.interim();
    request.spawn(async move {
        gates.second_has_begun.pass().await;
        let early = Status::new(103).expect("a status");
        assert!(interim.send(early, Headers::new()).await.is_ok());
        gates.interim_is_taken.open();
    });
    "first"
}

async fn second(State(gates): State<Gates>) -> &'static str {
    gates.second_has_begun.open();
    gates.interim_is_taken.pass().await;
    "second"
}

fn an_interim_response_belongs_to_its_request(on: On) {
    let app = App::new().state(Gates::default()).route("/leave", get(leave)).route("/second", get(second));
    let server = on.serve(app);
    let mut client = server.connect();
    assert_eq!(client.get("/leave").text(), "first");
    client.send("GET /second HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(client.line(), "HTTP/1.1 200 OK");
}
