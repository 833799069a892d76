//! Bodies of requests and responses: lengths, chunks, trailers, `100 Continue`, large bodies and unread bodies.

use std::io::Write;
use std::time::Duration;

use stelo_core::body::Frame;
use stelo_core::body::Length;
use stelo_core::h1::{Limits, Timeouts};
use stelo_core::http::{Headers, Status};
use stelo_tests::{Client, Gate, News, On, cases, config};
use stelo_toolkit::{App, Body, HttpError, Request, Response, State, get, post};

use crate::apps;

cases!(
    a_body_of_known_length_is_echoed,
    a_chunked_body_is_echoed_in_chunks,
    a_body_can_come_byte_by_byte,
    an_empty_body_is_empty_in_any_framing,
    all_valid_chunk_sizes_are_accepted,
    trailers_arrive,
    forbidden_trailers_are_dropped,
    trailers_are_sent,
    http_1_0_gets_no_trailers,
    a_body_of_known_length_can_come_in_pieces,
    pieces_are_sent_as_they_come,
    an_echo_begins_before_the_request_has_ended,
    reading_the_body_sends_continue,
    continue_comes_before_an_echo,
    an_unread_body_gets_no_continue,
    a_body_that_has_arrived_gets_no_continue,
    continue_is_not_said_to_http_1_0,
    a_large_upload_is_counted,
    a_large_chunked_upload_is_counted,
    a_large_download_is_whole,
    a_large_body_goes_both_ways,
    a_slow_reader_holds_back_the_application,
    a_small_unread_body_is_discarded,
    a_large_unread_body_ends_the_connection,
    an_early_refusal_reaches_a_client_that_is_still_sending,
    a_client_that_writes_its_whole_body_first_reads_the_refusal,
    a_refused_upload_is_not_read_for_ever,
    chunks_that_are_still_to_come_end_the_connection_as_announced,
    chunks_that_have_come_leave_the_connection_open,
    a_body_that_breaks_off_is_an_error,
    a_chunked_body_that_breaks_off_is_an_error,
    two_uploads_on_one_connection,
    a_handler_can_answer_before_it_has_read_all,
);

fn echo() -> App {
    App::new().route("/", post(async |mut request: Request| Response::new(request.stream())))
}

const CHUNKED: &str = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";

fn a_body_of_known_length_is_echoed(on: On) {
    let server = on.serve(echo());
    let answer = server.connect().post("/", "hello");
    assert_eq!((answer.text().as_str(), answer.header("content-length")), ("hello", Some("5")));
}

fn a_chunked_body_is_echoed_in_chunks(on: On) {
    let server = on.serve(echo());
    let mut client = server.connect();
    client.send(format!("{CHUNKED}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"));
    let answer = client.answer();
    assert_eq!((answer.text().as_str(), answer.header("content-length")), ("hello world", None));
    assert!(answer.chunks.is_some());
    client.expect_open();
}

fn a_body_can_come_byte_by_byte(on: On) {
    let server = on.serve(echo());
    let mut client = server.connect();
    client.send_one_by_one(format!("{CHUNKED}5;x=y\r\nhello\r\n00a\r\n0123456789\r\n0\r\nt: 1\r\n\r\n"));
    assert_eq!(client.answer().text(), "hello0123456789");
    client.expect_open();
}

fn an_empty_body_is_empty_in_any_framing(on: On) {
    let server = on.serve(apps::reader());
    let mut client = server.connect();
    for framing in ["content-length: 0\r\n\r\n", "transfer-encoding: chunked\r\n\r\n0\r\n\r\n", "\r\n"] {
        client.send(format!("POST /read HTTP/1.1\r\nhost: a\r\n{framing}"));
        assert_eq!(client.answer().text(), "0");
    }
}

fn all_valid_chunk_sizes_are_accepted(on: On) {
    let server = on.serve(echo());
    let mut client = server.connect();
    for (chunks, body) in [
        ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("0000a\r\n0123456789\r\n000\r\n\r\n", "0123456789"),
        ("3;a\r\nabc\r\n0;b\r\n\r\n", "abc"),
        ("3;a=b;c=\"d;e\"\r\nabc\r\n0\r\n\r\n", "abc"),
        ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
    ] {
        client.send(format!("{CHUNKED}{chunks}"));
        assert_eq!(client.answer().text(), body, "{chunks:?}");
    }
}

/// Answers with the trailers of the request.
async fn trailers(mut request: Request) -> String {
    let mut body = request.stream();
    let mut seen = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(Frame::Data(bytes)) => seen.push(format!("{} bytes", bytes.len())),
            Ok(Frame::Trailers(trailers)) => seen.push(format!("{trailers:?}")),
            Err(error) => seen.push(error.to_string()),
        }
    }
    seen.join(", ")
}

fn trailers_arrive(on: On) {
    let server = on.serve(App::new().route("/", post(trailers)));
    let mut client = server.connect();
    client.send(format!("{CHUNKED}3\r\nabc\r\n0\r\nX-Sum: 1\r\nx-sum:  2 \r\n\r\n"));
    assert_eq!(client.answer().text(), r#"3 bytes, {"X-Sum": "1", "x-sum": "2"}"#);
    client.expect_open();
}

fn forbidden_trailers_are_dropped(on: On) {
    let server = on.serve(App::new().route("/", post(trailers)));
    let mut client = server.connect();
    client.send(format!("{CHUNKED}0\r\nContent-Length: 5\r\nhost: b\r\nauthorization: me\r\na: b\r\n\r\n"));
    assert_eq!(client.answer().text(), r#"{"a": "b"}"#);
}

/// A body of several chunks and a trailer.
async fn with_trailers() -> Response {
    let mut trailers = Headers::new();
    trailers.append("x-sum", "42");
    let frames = ["one", "two"].map(|piece| Ok(Frame::Data(piece.into())));
    let frames = frames.into_iter().chain([Ok(Frame::Trailers(trailers))]);
    Response::new(Body::from_frames(futures_lite::stream::iter(frames), Length::Unknown))
}

fn trailers_are_sent(on: On) {
    let server = on.serve(App::new().route("/", get(with_trailers)));
    let mut client = server.connect();
    let answer = client.get("/");
    assert_eq!(answer.chunks, Some(vec![3, 3]));
    assert_eq!(answer.trailers, [("x-sum".to_owned(), "42".to_owned())]);
    client.expect_open();
}

fn http_1_0_gets_no_trailers(on: On) {
    let server = on.serve(App::new().route("/", get(with_trailers)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.text().as_str(), answer.header("transfer-encoding")), ("onetwo", None));
    assert!(answer.says_close());
}

fn a_body_of_known_length_can_come_in_pieces(on: On) {
    let pieces = async || {
        let frames = ["one", "", "two"].map(|piece| Ok(Frame::Data(piece.into())));
        Response::new(Body::from_frames(futures_lite::stream::iter(frames), Length::Known(6)))
    };
    let server = on.serve(App::new().route("/", get(pieces)));
    let answer = server.connect().get("/");
    assert_eq!((answer.text().as_str(), answer.header("content-length")), ("onetwo", Some("6")));
}

/// A chunk is sent without waiting for the next one.
fn pieces_are_sent_as_they_come(on: On) {
    async fn pieces(State(gate): State<Gate>, request: Request) -> Response {
        let (sender, body) = Body::channel(Length::Unknown);
        request.spawn(async move {
            for piece in ["first", "second"] {
                if sender.send(piece).await.is_err() {
                    return;
                }
                gate.pass().await;
            }
            sender.finish();
        });
        Response::new(body)
    }
    let gate = Gate::new();
    let server = on.serve(App::new().state(gate.clone()).route("/", get(pieces)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    client.head().expect("the head comes before the body");
    assert_eq!((client.line(), client.exactly(7)), ("5".to_owned(), b"first\r\n".to_vec()));
    gate.open();
    assert_eq!(client.exactly(16), b"6\r\nsecond\r\n0\r\n\r\n");
}

fn an_echo_begins_before_the_request_has_ended(on: On) {
    let server = on.serve(echo());
    let mut client = server.connect();
    client.send(format!("{CHUNKED}5\r\nhello\r\n"));
    assert_eq!(client.head().expect("an answer").status, 200);
    assert_eq!((client.line(), client.exactly(7)), ("5".to_owned(), b"hello\r\n".to_vec()));
    client.send("2\r\nyo\r\n0\r\n\r\n");
    assert_eq!(client.exactly(12), b"2\r\nyo\r\n0\r\n\r\n");
    client.expect_open();
}

const EXPECT: &str = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";

fn reading_the_body_sends_continue(on: On) {
    async fn read(State(news): State<News>, State(gate): State<Gate>, mut request: Request) -> String {
        news.tell("called");
        gate.pass().await;
        request.text().await.unwrap_or_else(|error| error.to_string())
    }
    let (news, gate) = (News::new(), Gate::new());
    let app = App::new().state(news.clone()).state(gate.clone()).route("/", post(read));
    let server = on.serve(app);
    let mut client = server.connect();
    client.send(EXPECT);
    news.expect("called");
    gate.open();
    let answer = client.answer();
    assert_eq!((answer.line.as_str(), answer.headers), ("HTTP/1.1 100 Continue", vec![]));
    client.send("hello");
    assert_eq!(client.answer().text(), "hello");
    client.expect_open();
}

fn continue_comes_before_an_echo(on: On) {
    let server = on.serve(echo());
    let mut client = server.connect();
    client.send(EXPECT);
    assert_eq!(client.answer().line, "HTTP/1.1 100 Continue");
    client.send("hello");
    let answer = client.answer();
    assert!(!answer.says_close());
    assert_eq!(answer.text(), "hello");
    client.expect_open();
}

fn an_unread_body_gets_no_continue(on: On) {
    let server = on.serve(App::new().route("/", post(async || Status::FORBIDDEN)));
    let mut client = server.connect();
    client.send(EXPECT);
    let answer = client.answer();
    assert_eq!(answer.status, 403);
    assert!(answer.says_close(), "whether the body comes is not known");
    client.expect_end();
}

fn a_body_that_has_arrived_gets_no_continue(on: On) {
    let server = on.serve(echo());
    let mut client = server.connect();
    client.send(format!("{EXPECT}hello"));
    assert_eq!(client.answer().text(), "hello");
    client.expect_open();
}

fn continue_is_not_said_to_http_1_0(on: On) {
    let server = on.serve(echo());
    let mut client = server.connect();
    client.send(EXPECT.replace("HTTP/1.1", "HTTP/1.0"));
    client.send("hello");
    assert_eq!(client.answer().text(), "hello");
}

/// Answers with the length of the body, without collecting it.
fn counter() -> App {
    async fn count(mut request: Request) -> Result<String, HttpError> {
        let (mut body, mut bytes) = (request.stream(), 0);
        while let Some(chunk) = body.chunk().await {
            bytes += chunk?.len();
        }
        Ok(bytes.to_string())
    }
    App::new().route("/", post(count))
}

const LARGE: usize = 8 << 20;

fn a_large_upload_is_counted(on: On) {
    let server = on.serve(counter());
    let mut client = server.connect();
    assert_eq!(client.post("/", vec![b'x'; LARGE]).text(), LARGE.to_string());
    client.expect_open();
}

fn a_large_chunked_upload_is_counted(on: On) {
    let server = on.serve(counter());
    let mut client = server.connect();
    client.send(CHUNKED);
    let chunk = [b"1000\r\n".as_slice(), &[b'x'; 0x1000], b"\r\n"].concat();
    for _ in 0..LARGE / 0x1000 {
        client.send(&chunk);
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.answer().text(), LARGE.to_string());
    client.expect_open();
}

/// Bytes that differ by position, so that a lost or moved range is found.
fn pattern(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i % 251) as u8).collect()
}

fn a_large_download_is_whole(on: On) {
    let server = on.serve(App::new().route("/", get(async || pattern(LARGE))));
    let mut client = server.connect();
    let answer = client.get("/");
    assert!(answer.body == pattern(LARGE), "the body has been damaged");
    client.expect_open();
}

fn a_large_body_goes_both_ways(on: On) {
    let server = on.serve(echo());
    let mut client = server.connect();
    let mut writer = client.socket().try_clone().expect("a socket can be shared");
    let sent = std::thread::spawn(move || {
        write!(writer, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {LARGE}\r\n\r\n")?;
        writer.write_all(&pattern(LARGE))
    });
    let answer = client.answer();
    sent.join().expect("the writer does not panic").expect("the server takes all");
    assert!(answer.body == pattern(LARGE), "the body has been damaged");
    client.expect_open();
}

/// The application is polled for no more than the client, the system and a buffer hold.
fn a_slow_reader_holds_back_the_application(on: On) {
    const PIECE: usize = 64 << 10;
    async fn endless(State(news): State<News>) -> Response {
        let piece = move |n: usize| {
            news.tell(n.to_string());
            Some((Ok(Frame::Data(vec![0; PIECE].into())), n + 1))
        };
        let frames = futures_lite::stream::unfold(0, move |n| std::future::ready(piece(n)));
        Response::new(Body::from_frames(frames, Length::Unknown))
    }
    let news = News::new();
    let server =
        on.serve(App::new().state(news.clone()).route("/", get(endless)).route("/other", get(async || "")));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    client.head().expect("an answer");
    // The application is no longer polled if the number stays the same after other requests.
    let mut pieces = 0;
    let settled = (0..1000).any(|_| {
        server.connect().get("/other");
        let more = news.count();
        pieces += more;
        more == 0 && pieces > 0
    });
    assert!(settled, "{pieces} pieces of {PIECE} bytes for a client that does not read");
    // Reading continues the response.
    client.exactly(pieces * PIECE);
    news.next();
}

fn a_small_unread_body_is_discarded(on: On) {
    let server = on.serve(App::new().route("/", post(async || "no, thanks")));
    let mut client = server.connect();
    client.send(format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", 64 << 10));
    let answer = client.answer();
    assert!(!answer.says_close() && answer.text() == "no, thanks");
    client.send(vec![b'x'; 64 << 10]);
    client.send(format!("{CHUNKED}5\r\nhello\r\n0\r\n\r\n"));
    assert_eq!(client.answer().text(), "no, thanks");
    client.expect_open();
}

fn a_large_unread_body_ends_the_connection(on: On) {
    let server = on.serve(App::new().route("/", post(async || "no, thanks")));
    let mut client = server.connect();
    client.send(format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {LARGE}\r\n\r\n"));
    assert!(client.answer().says_close());
    client.expect_end();
}

/// The server reads and discards the rest: with unread bytes, the kernel would reset the connection and drop the response.
fn an_early_refusal_reaches_a_client_that_is_still_sending(on: On) {
    let limits = Limits::DEFAULT.body(Some(1000));
    let server = on.serve_with(config().http_limits(limits), counter());
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 50000\r\n\r\n");
    client.send(vec![b'x'; 20_000]);
    let answer = client.answer();
    assert_eq!(answer.status, 413);
    assert!(answer.says_close());
    let _ = client.try_send(vec![b'x'; 30_000]);
    client.expect_end();
}

fn a_client_that_writes_its_whole_body_first_reads_the_refusal(on: On) {
    const BODY: usize = 30_000_000;
    let app = App::new().route("/", get(async || "hello"));
    let server = on.serve(app);
    for (path, status) in [("/", 405), ("/nowhere", 404)] {
        for framing in [format!("content-length: {BODY}"), "transfer-encoding: chunked".into()] {
            let chunked = framing.starts_with('t');
            let mut client = server.connect();
            client.send(format!("POST {path} HTTP/1.1\r\nhost: a\r\n{framing}\r\n\r\n"));
            if chunked {
                client.send(format!("{BODY:x}\r\n"));
            }
            client.send(vec![b'x'; BODY]);
            if chunked {
                client.send("\r\n0\r\n\r\n");
            }
            let answer = client.answer();
            assert_eq!((answer.status, answer.says_close()), (status, true), "{path} {framing}");
            client.expect_end();
        }
    }
}

/// The bytes of a lingering close are limited.
fn a_refused_upload_is_not_read_for_ever(on: On) {
    let timeouts = Timeouts::DEFAULT.linger_read(Duration::from_millis(100));
    let limits = Limits::DEFAULT.linger(1 << 20);
    let server = on.serve_with(config().http_limits(limits).http_timeouts(timeouts), App::new());
    let mut client = server.connect();
    client.send(CHUNKED);
    assert!(client.answer().says_close());
    let piece = vec![b'x'; 1 << 20];
    // A few megabytes are in the buffers of the system.
    let sent = (0..100).take_while(|_| {
        client.try_send(format!("{:x}\r\n", 1 << 20)).is_ok()
            && client.try_send(&piece).is_ok()
            && client.try_send("\r\n").is_ok()
    });
    assert!(sent.count() < 100);
}

fn chunks_that_are_still_to_come_end_the_connection_as_announced(on: On) {
    let server = on.serve(App::new());
    for here in ["", "5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n"] {
        let mut client = server.connect();
        client.send(format!("{CHUNKED}{here}"));
        let answer = client.answer();
        assert_eq!((answer.status, answer.says_close()), (404, true), "{here:?}");
        client.expect_end();
    }
}

fn chunks_that_have_come_leave_the_connection_open(on: On) {
    let server = on.serve(App::new());
    let mut client = server.connect();
    client.send(format!("{CHUNKED}400\r\n{}\r\n0\r\na: b\r\n\r\n", "x".repeat(1024)));
    let answer = client.answer();
    assert_eq!((answer.status, answer.says_close()), (404, false));
    client.expect_open();
}

/// Sends a request that ends early. Returns the body that the handler has read.
fn broken_off(on: On, request: &str) -> String {
    async fn read(State(news): State<News>, mut request: Request) -> &'static str {
        let mut body = request.stream();
        let error = loop {
            match body.chunk().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error.to_string(),
                None => break "whole".to_owned(),
            }
        };
        news.tell(error);
        "too bad"
    }
    let news = News::new();
    let server = on.serve(App::new().state(news.clone()).route("/", post(read)));
    let mut client = server.connect();
    client.send(request);
    client.half_close();
    assert!(client.answer().says_close());
    client.expect_end();
    news.next()
}

fn a_body_that_breaks_off_is_an_error(on: On) {
    let told = broken_off(on, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhell");
    assert_eq!(told, "the client left before the body was complete");
}

fn a_chunked_body_that_breaks_off_is_an_error(on: On) {
    for part in ["", "5", "5\r\nhell", "5\r\nhello", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n", "0\r\na: b\r\n"]
    {
        let told = broken_off(on, &format!("{CHUNKED}{part}"));
        assert_eq!(told, "the client left before the body was complete", "{part:?}");
    }
}

fn two_uploads_on_one_connection(on: On) {
    let server = on.serve(counter());
    let mut client: Client = server.connect();
    for n in [100_000, 1, 0, 200_000] {
        assert_eq!(client.post("/", vec![b'x'; n]).text(), n.to_string());
    }
}

fn a_handler_can_answer_before_it_has_read_all(on: On) {
    let first = async |mut request: Request| match request.stream().chunk().await {
        Some(Ok(bytes)) => bytes.len().to_string(),
        other => format!("{other:?}"),
    };
    // The lingering close must outlast the test.
    let timeouts = Timeouts::DEFAULT.linger(stelo_tests::PATIENCE);
    let server = on.serve_with(config().http_timeouts(timeouts), App::new().route("/", post(first)));
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhello");
    assert_eq!(client.answer().text(), "5");
    client.send("world");
    client.expect_open();
}
