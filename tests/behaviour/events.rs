//! Streams without an end: server-sent events, the signal of the shutdown, hints and trailers on the wire.

use std::future::pending;
use std::time::Duration;

use futures_lite::{StreamExt, stream};
use stelo_tests::{Client, Gate, News, On, cases, config};
use stelo_toolkit::dependencies::{Dependency, Depends};
use stelo_toolkit::events::{EventStream, LastEventId, Replay};
use stelo_toolkit::json_lines::{JsonLines, JsonLinesReader};
use stelo_toolkit::request::{Executor, Parts};
use stelo_toolkit::response::{ResponseExt, StreamingResponse};
use stelo_toolkit::{App, Headers, HttpError, IntoResponse, Request, Response, State, Status, get, post};

cases!(
    events_come_one_by_one,
    events_end_when_the_client_resets,
    events_end_when_the_client_closes,
    events_end_when_the_server_stops,
    a_client_that_returns_misses_no_event,
    a_quiet_stream_sends_comments,
    a_handler_learns_that_the_server_stops,
    a_stream_ends_when_the_client_leaves,
    lines_are_answered_as_they_come,
    hints_come_before_the_page,
    trailers_follow_a_stream,
    background_tasks_outlive_their_client,
    background_tasks_run_after_the_end_of_a_stream,
    work_after_the_response_runs_although_the_client_has_left,
    a_background_task_does_not_block_the_next_request,
);

/// Returns an application whose events are those of the feed. It tells `gone` when the stream is dropped.
fn feed(news: &News, feed: &Replay) -> App {
    async fn events(
        State(news): State<News>,
        State(feed): State<Replay>,
        last: Option<LastEventId>,
        executor: Executor,
    ) -> EventStream {
        let told = news.last_word("gone");
        news.tell("open");
        let events = feed.subscribe(last.as_ref()).map(move |event| {
            let _told = &told;
            event
        });
        EventStream::new(executor, events)
    }
    let methods = get(events).post(events);
    App::new().state(news.clone()).state(feed.clone()).route("/events", methods).route("/", get("hello"))
}

/// Reads the next chunk of a body.
fn chunk(client: &mut Client) -> String {
    let size = usize::from_str_radix(&client.line(), 16).expect("a chunk begins with its size");
    let text = String::from_utf8(client.exactly(size)).expect("events are text");
    assert_eq!(client.line(), "");
    text
}

fn open(client: &mut Client, news: &News, method: &str, field: &str) {
    client.send(format!("{method} /events HTTP/1.1\r\nhost: a\r\n{field}\r\n"));
    let head = client.head().expect("an answer");
    assert_eq!(head.header("content-type"), Some("text/event-stream; charset=utf-8"));
    news.expect("open");
}

fn send(feed: &Replay, text: &str) -> String {
    feed.send(stelo_toolkit::events::Event::data(text))
}

fn events_come_one_by_one(on: On) {
    let (news, replay) = (News::new(), Replay::new(10));
    let server = on.serve(feed(&news, &replay));
    for (method, field) in [("GET", ""), ("POST", "content-length: 0\r\n")] {
        let mut client = server.connect();
        open(&mut client, &news, method, field);
        for text in ["one", "two"] {
            let id = send(&replay, text);
            assert_eq!(chunk(&mut client), format!("data: {text}\nid: {id}\n\n"));
        }
        drop(client);
        // The next event shows the server that the client has left, if the executor has not.
        send(&replay, "three");
        news.expect("gone");
    }
}

fn events_end_when_the_client_resets(on: On) {
    let (news, replay) = (News::new(), Replay::new(10));
    let server = on.serve(feed(&news, &replay));
    let mut client = server.connect();
    open(&mut client, &news, "GET", "");
    send(&replay, "unread");
    // Closing a socket with unread bytes resets the connection.
    assert_eq!(client.socket().peek(&mut [0]).expect("an event"), 1);
    drop(client);
    news.expect("gone");
}

fn events_end_when_the_client_closes(on: On) {
    let (news, replay) = (News::new(), Replay::new(10));
    let config = config().timeout_half_closed(Duration::from_millis(20));
    let server = on.serve_with(config, feed(&news, &replay));
    let mut client = server.connect();
    open(&mut client, &news, "GET", "");
    drop(client);
    news.expect("gone");
}

fn events_end_when_the_server_stops(on: On) {
    let (news, replay) = (News::new(), Replay::new(10));
    let server = on.serve(feed(&news, &replay));
    let mut client = server.connect();
    open(&mut client, &news, "GET", "");
    send(&replay, "one");
    chunk(&mut client);
    server.ask_to_stop();
    // The body ends in order, so the client connects again.
    assert_eq!((client.line(), client.line()), ("0".into(), String::new()));
    news.expect("gone");
    server.wait().expect("an ordinary end");
}

fn a_client_that_returns_misses_no_event(on: On) {
    let (news, replay) = (News::new(), Replay::new(10));
    let server = on.serve(feed(&news, &replay));
    let mut client = server.connect();
    open(&mut client, &news, "GET", "");
    let last = send(&replay, "one");
    chunk(&mut client);
    drop(client);
    let id = send(&replay, "two");
    news.expect("gone");
    let mut client = server.connect();
    open(&mut client, &news, "GET", &format!("last-event-id: {last}\r\n"));
    assert_eq!(chunk(&mut client), format!("data: two\nid: {id}\n\n"));
}

fn a_quiet_stream_sends_comments(on: On) {
    async fn quiet(executor: Executor) -> EventStream {
        EventStream::new(executor, stream::pending::<&str>()).keep_alive(Duration::from_millis(5))
    }
    let server = on.serve(App::new().route("/", get(quiet)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    client.head().expect("an answer");
    for _ in 0..3 {
        assert_eq!(chunk(&mut client), ":\n\n");
    }
}

fn a_handler_learns_that_the_server_stops(on: On) {
    async fn wait(State(news): State<News>, request: Request) -> &'static str {
        news.tell("called");
        request.shutdown().await;
        "stopped"
    }
    let news = News::new();
    let server = on.serve(App::new().state(news.clone()).route("/", get(wait)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    news.expect("called");
    server.ask_to_stop();
    let answer = client.answer();
    assert!(answer.says_close() && answer.text() == "stopped");
    server.wait().expect("an ordinary end");
}

fn a_stream_ends_when_the_client_leaves(on: On) {
    async fn waits(State(news): State<News>) -> Response {
        let told = news.last_word("gone");
        let pieces = stream::once_future(async { "one" }).chain(stream::once_future(async move {
            let _told = told;
            pending().await
        }));
        StreamingResponse::text(pieces).into_response()
    }
    let news = News::new();
    let config = config().timeout_half_closed(Duration::from_millis(20));
    let server = on.serve_with(config, App::new().state(news.clone()).route("/", get(waits)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    client.head().expect("an answer");
    assert_eq!(chunk(&mut client), "one");
    drop(client);
    news.expect("gone");
}

fn lines_are_answered_as_they_come(on: On) {
    async fn double(numbers: JsonLinesReader<u32>) -> JsonLines {
        JsonLines::fallible(
            numbers.map(|number| number.map(|number| 2 * number).map_err(|error| error.detail)),
        )
    }
    let server = on.serve(App::new().route("/", post(double)));
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\n1\n2\r\n");
    client.head().expect("an answer");
    assert_eq!(chunk(&mut client), "2\n");
    client.send("2\r\n1\n\r\n");
    assert_eq!(chunk(&mut client), "42\n");
    client.send("0\r\n\r\n");
    assert_eq!((client.line(), client.line()), ("0".into(), String::new()));
    client.expect_open();
}

fn hints_come_before_the_page(on: On) {
    async fn page(State(gate): State<Gate>, request: Request) -> Result<&'static str, HttpError> {
        request.send_early_hints(["</style.css>; rel=preload; as=style"]).await?;
        gate.pass().await;
        Ok("page")
    }
    let gate = Gate::new();
    let server = on.serve(App::new().state(gate.clone()).route("/page", get(page)).route("/", get("hello")));
    let mut client = server.connect();
    client.send("GET /page HTTP/1.1\r\nhost: a\r\n\r\n");
    let hint = client.answer();
    assert_eq!((hint.status, hint.header("link")), (103, Some("</style.css>; rel=preload; as=style")));
    gate.open();
    assert_eq!(client.answer().text(), "page");
    client.expect_open();
}

fn trailers_follow_a_stream(on: On) {
    async fn report() -> Response {
        StreamingResponse::text(stream::iter(["one", "two"])).into_response().trailers(async {
            let mut fields = Headers::new();
            fields.set("x-lines", 2);
            fields
        })
    }
    let server = on.serve(App::new().route("/report", get(report)).route("/", get("hello")));
    let mut client = server.connect();
    let answer = client.get("/report");
    assert_eq!((answer.text().as_str(), answer.trailers), ("onetwo", vec![("x-lines".into(), "2".into())]));
    client.expect_open();
}

fn background_tasks_outlive_their_client(on: On) {
    async fn large(State(news): State<News>) -> Response {
        // More than the buffers hold: it cannot be sent to a client that does not read.
        let pieces = stream::repeat("x".repeat(1 << 16)).take(1 << 10);
        news.tell("called");
        StreamingResponse::text(pieces).into_response().background(async move { news.tell("task") })
    }
    let news = News::new();
    let server = on.serve(App::new().state(news.clone()).route("/", get(large)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    news.expect("called");
    assert_eq!(client.socket().peek(&mut [0]).expect("a response"), 1);
    drop(client);
    news.expect("task");
}

fn background_tasks_run_after_the_end_of_a_stream(on: On) {
    async fn slow(State(gate): State<Gate>, State(news): State<News>) -> Response {
        let task = news.clone();
        let pieces = stream::unfold((0, gate, news), |(piece, gate, news)| async move {
            match piece {
                0 => Some(("first", (1, gate, news))),
                1 => {
                    gate.pass().await;
                    news.tell("last");
                    Some(("last", (2, gate, news)))
                }
                _ => None,
            }
        });
        StreamingResponse::text(pieces).into_response().background(async move { task.tell("task") })
    }
    let (gate, news) = (Gate::new(), News::new());
    let app = App::new().state(gate.clone()).state(news.clone()).route("/", get("hello"));
    let server = on.serve(app.route("/slow", get(slow)));
    let mut client = server.connect();
    client.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
    while !client.line().is_empty() {}
    assert_eq!(chunk(&mut client), "first");
    // Whatever the thread does now, it has written the beginning of the response.
    assert_eq!(server.connect().get("/").text(), "hello");
    gate.open();
    news.expect("last");
    news.expect("task");
    assert_eq!(chunk(&mut client), "last");
    assert_eq!(chunk(&mut client), "");
    assert_eq!(client.get("/").text(), "hello");
}

fn work_after_the_response_runs_although_the_client_has_left(on: On) {
    #[derive(Clone)]
    struct Lock;
    impl Dependency for Lock {
        type Rejection = HttpError;
        async fn resolve(parts: &mut Parts) -> Result<Self, HttpError> {
            let news = parts.state::<News>().cloned().ok_or(Status::INTERNAL_SERVER_ERROR)?;
            parts.after_response(async move { news.tell("released") })?;
            Ok(Self)
        }
    }
    async fn hangs(_: Depends<Lock>, State(news): State<News>) {
        news.tell("called");
        pending().await
    }
    async fn answers(_: Depends<Lock>, State(news): State<News>) -> &'static str {
        news.tell("called");
        "answer"
    }
    let news = News::new();
    let config = config().timeout_half_closed(Duration::from_millis(20));
    let app = App::new().state(news.clone()).route("/hangs", get(hangs)).route("/", get(answers));
    let server = on.serve_with(config, app);
    let mut client = server.connect();
    assert_eq!(client.get("/").text(), "answer");
    news.expect("called");
    news.expect("released");
    client.send("GET /hangs HTTP/1.1\r\nhost: a\r\n\r\n");
    news.expect("called");
    drop(client);
    news.expect("released");
}

fn a_background_task_does_not_block_the_next_request(on: On) {
    async fn waits(State(gate): State<Gate>, State(news): State<News>) -> Response {
        "sent".into_response().background(async move {
            gate.pass().await;
            news.tell("task");
        })
    }
    let (gate, news) = (Gate::new(), News::new());
    let app = App::new().state(gate.clone()).state(news.clone());
    let server = on.serve(app.route("/task", get(waits)).route("/", get("hello")));
    let mut client = server.connect();
    assert_eq!(client.get("/task").text(), "sent");
    assert_eq!(client.get("/").text(), "hello");
    gate.open();
    news.expect("task");
}
