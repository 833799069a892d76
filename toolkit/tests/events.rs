//! Server-sent events and JSON Lines: fields, formats and errors. `tests/behaviour` has streams over sockets.

use std::time::Duration;

use futures_lite::stream;
use stelo_toolkit::events::{Event, EventStream, IntoEvent, LastEventId, Replay};
use stelo_toolkit::json_lines::{JsonLines, JsonLinesReader};
use stelo_toolkit::request::Executor;
use stelo_toolkit::response::BoxError;
use stelo_toolkit::{App, HttpError, Json, Response, State, Status, TestClient, get, post};

async fn two(executor: Executor) -> EventStream {
    EventStream::new(executor, stream::iter(["one", "two\nlines"]))
}

#[test]
fn events_are_neither_cached_nor_collected_by_proxies() {
    let client = TestClient::new(App::new().route("/", get(two).post(two)));
    for response in [client.get("/").send(), client.post("/").body("{}").send()] {
        assert_eq!(response.status(), Status::OK);
        assert_eq!(response.header("content-type"), Some("text/event-stream; charset=utf-8"));
        assert_eq!(response.header("cache-control"), Some("no-store, no-transform"));
        assert_eq!(response.header("x-accel-buffering"), Some("no"));
        assert_eq!(response.text(), "data: one\n\ndata: two\ndata: lines\n\n");
    }
    let head = client.head("/").send();
    assert_eq!(
        (head.header("content-type"), head.bytes().len()),
        (Some("text/event-stream; charset=utf-8"), 0)
    );
}

#[test]
fn text_json_events_and_results_are_events() {
    let texts = [
        "a".to_owned().into_text(),
        Json([1, 2]).into_text(),
        Event::data("b").name("n").into_text(),
        Ok::<_, BoxError>("c").into_text(),
        Event::comment("d").into_text(),
        Event::retry_after(Duration::from_secs(3)).into_text(),
    ];
    let all: Vec<_> =
        texts.into_iter().map(|text| String::from_utf8(text.unwrap().into_vec()).unwrap()).collect();
    assert_eq!(
        all,
        [
            "data: a\n\n",
            "data: [1,2]\n\n",
            "data: b\nevent: n\n\n",
            "data: c\n\n",
            ": d\n\n",
            "retry: 3000\n\n"
        ]
    );
}

#[test]
fn an_error_of_the_events_cuts_the_response_off() {
    async fn fails(executor: Executor) -> EventStream {
        EventStream::new(executor, stream::iter([Ok("one"), Err("no more")]))
    }
    let client = TestClient::new(App::new().route("/", get(fails))).raise_server_errors(false);
    let response = client.get("/").send();
    assert_eq!(response.text(), "data: one\n\n");
    assert_eq!(response.body_error().unwrap().to_string(), "no more");
}

#[test]
fn a_quiet_stream_sends_comments() {
    async fn quiet(executor: Executor) -> EventStream {
        let sleeper = executor.clone();
        let event = async move {
            sleeper.sleep(Duration::from_millis(50)).await;
            "late"
        };
        EventStream::new(executor, stream::once_future(event)).keep_alive(Duration::from_millis(10))
    }
    let client = TestClient::new(App::new().route("/", get(quiet)));
    let text = client.get("/").send().text();
    assert!(text.starts_with(":\n\n") && text.ends_with("data: late\n\n"), "{text:?}");
}

#[test]
fn a_client_that_returns_continues_behind_its_last_event() {
    async fn missed(State(feed): State<Replay>, last: Option<LastEventId>, executor: Executor) -> Response {
        use futures_lite::StreamExt;
        use stelo_toolkit::IntoResponse;
        // The clone in the state keeps the feed open: take what is there.
        let events: Vec<_> = feed.subscribe(last.as_ref()).take(1).collect().await;
        EventStream::new(executor, stream::iter(events)).into_response()
    }
    let feed = Replay::new(10);
    let first = feed.send(Event::data("first"));
    let second = feed.send(Event::data("second").id("mine"));
    let client = TestClient::new(App::new().state(feed).route("/", get(missed)));
    let response = client.get("/").header("last-event-id", &first).send();
    assert_eq!(response.text(), format!("data: second\nid: mine\nid: {second}\n\n"));
}

#[test]
fn rows_are_lines_of_json() {
    async fn rows() -> JsonLines {
        JsonLines::new(stream::iter(["a\nb", "c"]))
    }
    async fn fails() -> JsonLines {
        JsonLines::fallible(stream::iter([Ok(1), Err("no more")]))
    }
    let app = App::new().route("/rows", get(rows)).route("/fails", get(fails));
    let client = TestClient::new(app).raise_server_errors(false);
    let response = client.get("/rows").send();
    assert_eq!(response.header("content-type"), Some("application/jsonl"));
    assert_eq!(response.text(), "\"a\\nb\"\n\"c\"\n");
    let response = client.get("/fails").send();
    assert_eq!((response.text().as_str(), response.body_error().is_some()), ("1\n", true));
}

/// Answers with the values, or the errors, of the lines.
async fn read(lines: JsonLinesReader<u32>) -> String {
    let mut lines = lines.line_limit(8);
    let mut all = Vec::new();
    while let Some(line) = lines.next().await {
        all.push(match line {
            Ok(number) => number.to_string(),
            Err(HttpError { status, detail, .. }) => format!("{} {detail}", status.code()),
        });
    }
    all.join("; ")
}

#[test]
fn lines_are_read_one_by_one() {
    let client = TestClient::new(App::new().route("/", post(read)));
    for (body, read) in [
        ("", ""),
        ("1", "1"),
        ("1\n", "1"),
        ("1\n\n \r\n2\r\n3", "1; 2; 3"),
        ("\n\n", ""),
        ("12345678\n1", "12345678; 1"),
        ("1\n123456789\n1", "1; 413 line 2 is longer than 8 bytes"),
        ("123456789", "413 line 1 is longer than 8 bytes"),
    ] {
        assert_eq!(client.post("/").body(body).send().text(), read, "{body:?}");
    }
    let text = client.post("/").body("1\nx\n\"a\"\n4").send().text();
    let parts: Vec<_> = text.split("; ").collect();
    assert_eq!((parts[0], parts[3]), ("1", "4"), "{text}");
    assert!(parts[1].starts_with("400 line 2: malformed JSON"), "{text}");
    assert!(parts[2].starts_with("422 line 3: invalid JSON value"), "{text}");
}

#[test]
fn lines_that_arrive_in_pieces_are_read() {
    let client = TestClient::new(App::new().route("/", post(read)));
    for size in 1..6 {
        let text = "12\n345\n\n6\n789";
        let pieces: Vec<_> = text.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
        let body = stelo_toolkit::Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, BoxError>)));
        assert_eq!(client.post("/").body(body).send().text(), "12; 345; 6; 789", "{size}");
    }
}

#[test]
fn a_comment_follows_a_whole_interval_without_events() {
    async fn slow(executor: Executor) -> EventStream {
        let sleeper = executor.clone();
        let events = stream::unfold(0, move |count| {
            let sleeper = sleeper.clone();
            async move {
                sleeper.sleep(Duration::from_secs(if count == 0 { 5 } else { 100 })).await;
                (count < 2).then_some(("event", count + 1))
            }
        });
        EventStream::new(executor, events).keep_alive(Duration::from_secs(30))
    }
    let client = TestClient::new(App::new().route("/", get(slow)));
    // At 5 s an event; at 30 s the interval had one; comments at 60 s and 90 s; at 105 s an event.
    let text = client.get("/").send().text();
    assert!(text.starts_with("data: event\n\n:\n\n:\n\ndata: event\n\n"), "{text:?}");
}

#[test]
fn an_error_of_the_body_ends_the_lines() {
    let client = TestClient::new(App::new().route("/", post(read)));
    let pieces = [Ok("12\n3"), Err(BoxError::from("the client is gone"))];
    let body = stelo_toolkit::Body::from_stream(stream::iter(pieces));
    let text = client.post("/").body(body).send().text();
    assert_eq!(text, "12; 400 the client is gone");
}
