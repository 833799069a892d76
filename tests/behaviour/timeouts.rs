//! Timeouts: the response of each, and requests that no timeout affects.
//!
//! A case waits for a timeout by reading until the connection ends. Other timeouts keep their defaults, which are longer
//! than the case.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use stelo_core::body::Length;
use stelo_core::h1::Timeouts;
use stelo_tests::{Closed, News, On, Running, cases, config};
use stelo_toolkit::response::StreamingResponse;
use stelo_toolkit::{App, Body, HttpError, IntoResponse, Request, Response, State, get, post};

use crate::apps;

cases!(
    a_slow_head_is_408,
    a_silent_connection_is_closed_silently,
    an_idle_connection_is_closed_silently,
    a_second_head_that_is_slow_is_408,
    a_head_that_trickles_is_408,
    a_slow_body_is_408,
    a_body_that_the_handler_does_not_read_may_be_slow,
    a_body_that_trickles_is_accepted,
    a_client_that_does_not_read_is_given_up,
    an_unread_body_that_does_not_come_ends_the_connection,
    a_client_that_does_not_close_is_not_waited_for,
    a_handler_may_take_its_time,
    a_stream_may_take_its_time,
);

/// Long enough for a client that is in time on a busy machine.
const SHORT: Duration = Duration::from_millis(150);

const ALL_SHORT: Timeouts =
    Timeouts::DEFAULT.head(SHORT).keep_alive(SHORT).body(SHORT).write(SHORT).linger(SHORT);

fn patient(on: On, change: impl FnOnce(&mut Timeouts), app: App) -> Running {
    let mut timeouts = Timeouts::DEFAULT;
    change(&mut timeouts);
    on.serve_with(config().http_timeouts(timeouts), app)
}

fn a_slow_head_is_408(on: On) {
    let server = patient(on, |timeouts| timeouts.head = SHORT, apps::reader());
    for part in ["G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nhost: a\r\n", "\r\n"] {
        let mut client = server.connect();
        client.send(part);
        let answer = client.answer();
        assert_eq!(answer.line, "HTTP/1.1 408 Request Timeout", "{part:?}");
        assert!(answer.says_close());
        client.expect_end();
    }
}

fn a_silent_connection_is_closed_silently(on: On) {
    let server = patient(on, |timeouts| timeouts.head = SHORT, apps::reader());
    server.connect().expect_end();
}

fn an_idle_connection_is_closed_silently(on: On) {
    let server = on.serve_with(config().timeout_keep_alive(SHORT), apps::reader());
    let mut client = server.connect();
    assert!(!client.get("/").says_close());
    client.expect_end();
}

fn a_second_head_that_is_slow_is_408(on: On) {
    let server = patient(on, |timeouts| timeouts.head = SHORT, apps::reader());
    let mut client = server.connect();
    client.get("/");
    client.send("GET / HTTP");
    assert_eq!(client.answer().status, 408);
    client.expect_end();
}

/// The timeout is for the whole head. Single bytes do not extend it.
fn a_head_that_trickles_is_408(on: On) {
    let server = patient(on, |timeouts| timeouts.head = SHORT, apps::reader());
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\nx: ");
    let mut writer = client.socket().try_clone().expect("a socket can be shared");
    let trickle = std::thread::spawn(move || {
        while writer.write_all(b"y").is_ok() {
            std::thread::sleep(SHORT / 10);
        }
    });
    assert_eq!(client.answer().status, 408);
    client.expect_end();
    trickle.join().expect("the writer does not panic");
}

const POST: &str = "POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n";

fn a_slow_body_is_408(on: On) {
    let server = patient(on, |timeouts| timeouts.body = SHORT, apps::reader());
    for part in ["", "hell"] {
        let mut client = server.connect();
        client.send(format!("{POST}{part}"));
        let answer = client.answer();
        assert_eq!(answer.line, "HTTP/1.1 408 Request Timeout");
        assert!(answer.text().starts_with("the request body stopped arriving"), "{}", answer.text());
        client.expect_end();
    }
}

fn a_body_that_the_handler_does_not_read_may_be_slow(on: On) {
    async fn later(State(news): State<News>, mut request: Request) -> Result<String, HttpError> {
        request.sleep(4 * SHORT).await;
        news.tell("now");
        request.text().await
    }
    let news = News::new();
    let app = App::new().state(news.clone()).route("/read", post(later));
    let server = patient(on, |timeouts| timeouts.body = 3 * SHORT, app);
    let mut client = server.connect();
    client.send(format!("{POST}hell"));
    news.expect("now");
    client.send("o");
    assert_eq!(client.answer().text(), "hello");
}

/// The timeout is for the time without progress.
fn a_body_that_trickles_is_accepted(on: On) {
    let server = patient(on, |timeouts| timeouts.body = 5 * SHORT, apps::reader());
    let mut client = server.connect();
    client.send(POST);
    for byte in b"hello" {
        std::thread::sleep(3 * SHORT / 2);
        client.send([*byte]);
    }
    assert_eq!(client.answer().text(), "5");
}

fn a_client_that_does_not_read_is_given_up(on: On) {
    async fn endless(State(news): State<News>) -> Response {
        let told = news.last_word("given up");
        let pieces = futures_lite::stream::repeat_with(move || {
            let _held = &told;
            vec![0u8; 64 << 10]
        });
        IntoResponse::into_response(StreamingResponse::new(pieces))
    }
    let news = News::new();
    let app = App::new().state(news.clone()).route("/", get(endless));
    let server = patient(on, |timeouts| timeouts.write = SHORT, app);
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    news.expect("given up");
    client.head().expect("what had been sent by then");
}

/// The rest of an unread body has the timeout of an idle connection.
fn an_unread_body_that_does_not_come_ends_the_connection(on: On) {
    let app = App::new().route("/read", post(async || "no, thanks"));
    let server = patient(on, |timeouts| timeouts.keep_alive = SHORT, app);
    let mut client = server.connect();
    client.send(format!("{POST}hell"));
    let answer = client.answer();
    assert_eq!((answer.text().as_str(), answer.says_close()), ("no, thanks", false));
    client.expect_end();
}

/// A client that keeps sending after its response is disconnected.
fn a_client_that_does_not_close_is_not_waited_for(on: On) {
    let server = patient(on, |timeouts| timeouts.linger = SHORT, apps::reader());
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    client.expect_end();
    let refused = loop {
        if let Err(error) = client.try_send("x") {
            break error;
        }
        std::thread::yield_now();
    };
    assert!(matches!(refused.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset));
}

fn a_handler_may_take_its_time(on: On) {
    let app = App::new().route("/", get(async |request: Request| request.sleep(4 * SHORT).await));
    let server = patient(on, |timeouts| *timeouts = ALL_SHORT, app);
    let mut client = server.connect();
    assert_eq!(client.get("/").status, 200);
    assert_eq!(client.get("/").status, 200);
    assert_eq!(client.rest().1, Closed::Ended);
}

fn a_stream_may_take_its_time(on: On) {
    async fn slow(request: Request) -> Response {
        let (sender, body) = Body::channel(Length::Unknown);
        let executor = request.executor();
        request.spawn(async move {
            for piece in ["one", "two"] {
                executor.sleep(3 * SHORT).await;
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
            sender.finish();
        });
        Response::new(body)
    }
    let server = patient(on, |timeouts| *timeouts = ALL_SHORT, App::new().route("/", get(slow)));
    assert_eq!(server.connect().get("/").text(), "onetwo");
}
