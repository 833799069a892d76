//! Connections: keep-alive, the order of responses, disconnects, and upgrades (RFC 9112 section 9).

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stelo_core::app::{BoxError, Tunnel, Upgrade};
use stelo_core::h1::{Limits, Timeouts};
use stelo_core::http::Status;
use stelo_tests::{Client, Gate, News, On, cases, config};
use stelo_toolkit::response::StreamingResponse;
use stelo_toolkit::{App, IntoResponse, Request, Response, State, any, get};

use crate::apps;

cases!(
    a_connection_is_kept_alive,
    http_1_0_keeps_alive_if_asked,
    http_1_0_closes_otherwise,
    every_spelling_of_close_closes,
    the_application_can_close,
    a_head_can_come_byte_by_byte,
    pipelined_requests_are_answered_in_order,
    pipelined_answers_leave_in_one_write,
    pipelined_bodies_are_kept_apart,
    requests_after_close_are_not_answered,
    a_slow_answer_delays_pipelined_ones,
    a_half_closed_client_gets_its_answers,
    a_handler_learns_that_its_client_half_closes,
    any_number_of_tasks_learns_that_a_client_half_closes,
    a_handler_is_dropped_when_its_client_resets,
    many_connections_at_once,
    a_busy_connection_leaves_room_for_others,
    a_blocking_handler_does_not_shorten_the_keep_alive_timeout,
    pipelined_requests_wait_until_answers_are_read,
    several_threads_share_a_port,
    the_last_request_of_a_connection_says_so,
    a_handler_learns_both_addresses,
    an_upgrade_hands_over_the_connection,
    an_upgrade_without_a_request_for_it_is_refused,
    an_upgrade_can_be_declined,
    connect_makes_a_tunnel,
    a_tunnel_can_be_half_closed,
    large_tunnels,
);

fn a_connection_is_kept_alive(on: On) {
    let server = on.serve(apps::reader());
    let mut client = server.connect();
    for _ in 0..3 {
        let answer = client.get("/");
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
        assert_eq!(answer.header("connection"), None, "1.1 keeps alive without a word");
    }
}

fn http_1_0_keeps_alive_if_asked(on: On) {
    let server = on.serve(apps::reader());
    let mut client = server.connect();
    for _ in 0..2 {
        client.send("GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n");
        let answer = client.answer();
        assert_eq!(answer.line, "HTTP/1.1 200 OK");
        assert_eq!(answer.header("connection"), Some("keep-alive"));
    }
}

fn http_1_0_closes_otherwise(on: On) {
    let server = on.serve(apps::reader());
    let mut client = server.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    assert!(client.answer().says_close());
    client.expect_end();
}

fn every_spelling_of_close_closes(on: On) {
    let server = on.serve(apps::reader());
    for field in ["close", "Close", "foo, close", "keep-alive,close", "x\r\nconnection: close"] {
        let mut client = server.connect();
        client.send(format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: {field}\r\n\r\n"));
        assert!(client.answer().says_close(), "{field}");
        client.expect_end();
    }
}

fn the_application_can_close(on: On) {
    let server = on.serve(App::new().route("/", get(async || ([("connection", "close")], "bye"))));
    let mut client = server.connect();
    let answer = client.get("/");
    assert!(answer.says_close() && answer.text() == "bye");
    client.expect_end();
}

fn a_head_can_come_byte_by_byte(on: On) {
    let server = on.serve(apps::reader());
    let mut client = server.connect();
    client.send_one_by_one("POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc");
    assert_eq!(client.answer().text(), "3");
}

fn pipelined_requests_are_answered_in_order(on: On) {
    let server = on.serve(apps::paths());
    let mut client = server.connect();
    let requests: String = (0..200).map(|n| format!("GET /{n} HTTP/1.1\r\nhost: a\r\n\r\n")).collect();
    client.send(requests);
    for n in 0..200 {
        assert_eq!(client.answer().text(), format!("/{n}"));
    }
}

/// One write of the server is one read of the client.
fn pipelined_answers_leave_in_one_write(on: On) {
    let server = on.serve(apps::paths());
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(5));
    let mut bytes = [0; 4096];
    let n = client.socket().read(&mut bytes).expect("five answers");
    assert_eq!(String::from_utf8_lossy(&bytes[..n]).matches("HTTP/1.1 200 OK\r\n").count(), 5);
}

fn pipelined_bodies_are_kept_apart(on: On) {
    let server = on.serve(apps::reader());
    let mut client = server.connect();
    client.send(concat!(
        "POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nGET /",
        "POST /read HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nGET\r\n1\r\n \r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
    ));
    assert_eq!([(); 3].map(|()| client.answer().text()), ["5", "4", "hello"]);
}

fn requests_after_close_are_not_answered(on: On) {
    let server = on.serve(apps::reader());
    let mut client = server.connect();
    client.send(concat!(
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
    ));
    assert!(client.answer().says_close());
    client.expect_end();
}

fn a_slow_answer_delays_pipelined_ones(on: On) {
    async fn slow(State(news): State<News>, State(gate): State<Gate>) -> &'static str {
        news.tell("slow");
        gate.pass().await;
        "slow"
    }
    async fn fast(State(news): State<News>) -> &'static str {
        news.tell("fast");
        "fast"
    }
    let (news, gate) = (News::new(), Gate::new());
    let app = App::new().state(news.clone()).state(gate.clone());
    let server = on.serve(app.route("/slow", get(slow)).route("/fast", get(fast)));
    let mut client = server.connect();
    client.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\nGET /fast HTTP/1.1\r\nhost: a\r\n\r\n");
    news.expect("slow");
    assert_eq!(server.connect().get("/fast").text(), "fast", "others are not held back");
    news.expect("fast");
    news.expect_silence();
    gate.open();
    assert_eq!([client.answer().text(), client.answer().text()], ["slow", "fast"]);
}

fn a_half_closed_client_gets_its_answers(on: On) {
    let server = on.serve(apps::reader());
    let mut client = server.connect();
    client.send(
        "GET / HTTP/1.1\r\nhost: a\r\n\r\nPOST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
    );
    client.half_close();
    assert_eq!([client.answer().text(), client.answer().text()], ["hello", "3"]);
    client.expect_end();
}

fn a_handler_learns_that_its_client_half_closes(on: On) {
    async fn listen(State(news): State<News>, request: Request) -> &'static str {
        news.tell(if request.is_disconnected() { "gone" } else { "there" });
        request.disconnected().await;
        assert!(request.is_disconnected());
        "you have said all"
    }
    let news = News::new();
    let server = on.serve(App::new().state(news.clone()).route("/", get(listen)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    news.expect("there");
    client.half_close();
    assert_eq!(client.answer().text(), "you have said all");
    client.expect_end();
}

fn any_number_of_tasks_learns_that_a_client_half_closes(on: On) {
    async fn listen(State(news): State<News>, request: Request) -> &'static str {
        for _ in 0..3 {
            let (news, disconnected) = (news.clone(), request.disconnected());
            request.spawn(async move {
                disconnected.await;
                news.tell("a task");
            });
        }
        news.tell("begun");
        request.disconnected().await;
        "the handler"
    }
    let news = News::new();
    let server = on.serve(App::new().state(news.clone()).route("/", get(listen)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    news.expect("begun");
    client.half_close();
    for _ in 0..3 {
        news.expect("a task");
    }
    assert_eq!(client.answer().text(), "the handler");
}

fn a_handler_is_dropped_when_its_client_resets(on: On) {
    async fn wait(State(news): State<News>) {
        news.tell("begun");
        let _told = news.last_word("dropped");
        std::future::pending::<()>().await;
    }
    let news = News::new();
    let server = on.serve(apps::reader().state(news.clone()).route("/wait", get(wait)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
    news.expect("begun");
    // Closing a socket with unread bytes resets the connection.
    assert_eq!(client.socket().peek(&mut [0]).expect("an unread response"), 1);
    drop(client);
    news.expect("dropped");
}

fn many_connections_at_once(on: On) {
    let server = on.serve(apps::paths());
    let mut clients: Vec<_> = (0..200).map(|_| server.connect()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.send(format!("GET /{n} HTTP/1.1\r\nhost: a\r\n\r\n"));
    }
    for (n, client) in clients.iter_mut().enumerate().rev() {
        assert_eq!(client.answer().text(), format!("/{n}"));
    }
}

/// A connection that is always readable or always writable yields to others.
fn a_busy_connection_leaves_room_for_others(on: On) {
    async fn swallow(mut request: Request) {
        let mut body = request.stream();
        while let Some(Ok(bytes)) = body.chunk().await {
            // The handler takes time, so that pipelined requests are always available.
            std::hint::black_box(bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>());
        }
    }
    async fn endless() -> StreamingResponse {
        // The chunks are small, so that the client always reads them in time.
        StreamingResponse::new(futures_lite::stream::repeat([b'x'; 100].as_slice()))
    }
    let server =
        on.serve(App::new().route("/", get(endless).post(swallow)).route("/other", get(async || "")));

    let mut upload = server.connect();
    upload.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
    let _upload = Busy::new(&upload, move |socket| socket.write_all(&chunk).is_ok());

    let mut download = server.connect();
    download.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    download.head().expect("an answer");
    let mut bytes = vec![0; 1 << 20];
    let _download = Busy::new(&download, move |socket| socket.read(&mut bytes).is_ok_and(|n| n > 0));

    for _ in 0..10 {
        assert_eq!(server.connect().get("/other").status, 200);
    }
}

/// The keep-alive timeout starts when the response ends, not when the handler begins.
fn a_blocking_handler_does_not_shorten_the_keep_alive_timeout(on: On) {
    let timeouts = Timeouts::DEFAULT.keep_alive(Duration::from_millis(700));
    let hold = async || std::thread::sleep(Duration::from_millis(800));
    let server = on.serve_with(config().http_timeouts(timeouts), App::new().route("/", get(hold)));
    let mut client = server.connect();
    for _ in 0..2 {
        assert_eq!(client.get("/").status, 200);
    }
}

/// The client sends requests and reads nothing.
fn pipelined_requests_wait_until_answers_are_read(on: On) {
    const ANSWER: usize = 16 << 10;
    async fn count(State(requests): State<Arc<AtomicUsize>>) -> Vec<u8> {
        requests.fetch_add(1, Ordering::SeqCst);
        vec![0; ANSWER]
    }
    let requests = Arc::new(AtomicUsize::new(0));
    let timeouts = Timeouts::DEFAULT.write(Duration::from_millis(150));
    let app = App::new().state(requests.clone()).route("/", get(count));
    let server = on.serve_with(config().http_timeouts(timeouts), app);
    let mut client = server.connect();
    while client.try_send("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(100)).is_ok() {}
    // More than the socket buffers of both sides hold.
    let answered = requests.load(Ordering::SeqCst) * ANSWER;
    assert!(answered < 32 << 20, "{answered} bytes");
}

/// A thread that repeats an operation on a connection until it is dropped.
struct Busy(TcpStream);

impl Busy {
    fn new(client: &Client, mut work: impl FnMut(&mut TcpStream) -> bool + Send + 'static) -> Self {
        let share = || client.socket().try_clone().expect("a socket can be shared");
        let mut socket = share();
        std::thread::spawn(move || while work(&mut socket) {});
        Self(share())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // Fails if the connection has already ended.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

fn several_threads_share_a_port(on: On) {
    let thread = async || std::thread::current().name().unwrap_or_default().to_owned();
    let server = on.serve_with(config().threads(3), App::new().route("/", get(thread)));
    let mut names: Vec<_> = (0..100).map(|_| server.connect().get("/").text()).collect();
    names.sort();
    names.dedup();
    assert!(names.len() > 1, "a hundred connections were given to {names:?}");
}

fn the_last_request_of_a_connection_says_so(on: On) {
    let limits = Limits::DEFAULT.requests(Some(2));
    let server = on.serve_with(config().http_limits(limits), apps::reader());
    let mut client = server.connect();
    assert!(!client.get("/").says_close());
    assert!(client.get("/").says_close());
    client.expect_end();
}

fn a_handler_learns_both_addresses(on: On) {
    let addresses = async |request: Request| match (request.client(), request.server()) {
        (Some(client), Some(server)) => format!("{client} {server}"),
        other => format!("{other:?}"),
    };
    let server = on.serve(App::new().route("/", get(addresses)));
    let mut client = server.connect();
    assert_eq!(client.get("/").text(), format!("{} {}", client.address(), server.address()));
}

/// Echoes bytes in upper case until the peer closes its side.
async fn shout(mut tunnel: Tunnel) {
    let mut bytes = [0; 1000];
    while let Ok(n @ 1..) = tunnel.read(&mut bytes).await {
        bytes[..n].make_ascii_uppercase();
        if tunnel.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
    // Fails if the peer has disconnected.
    let _ = tunnel.write_all(b"bye").await;
    let _ = tunnel.close().await;
}

fn switch(status: Status) -> Response {
    let mut response = Response::empty(status);
    if status == Status::SWITCHING_PROTOCOLS {
        for (name, value) in [("connection", "upgrade"), ("upgrade", "shout")] {
            response.headers.try_append(name, value).expect("a valid field");
        }
    }
    response.upgrade = Some(Upgrade::tunnel(shout));
    response
}

fn shouting() -> App {
    App::new()
        .route("/", any(async || switch(Status::SWITCHING_PROTOCOLS)))
        .route("/plain", get(async || "plain"))
        .fallback(async |request: Request| match request.method().as_str() {
            "CONNECT" => switch(Status::OK),
            _ => Status::NOT_FOUND.into_response(),
        })
}

const UPGRADE: &str =
    "GET / HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: shout\r\n\r\n";

fn an_upgrade_hands_over_the_connection(on: On) {
    let server = on.serve(shouting());
    let mut client = server.connect();
    client.send(format!("{UPGRADE}early"));
    let answer = client.answer();
    assert_eq!(answer.line, "HTTP/1.1 101 Switching Protocols");
    assert_eq!((answer.header("connection"), answer.header("upgrade")), (Some("upgrade"), Some("shout")));
    assert_eq!((answer.header("content-length"), answer.header("transfer-encoding")), (None, None));
    assert_eq!(client.exactly(5), b"EARLY", "what was sent ahead is not lost");
    client.send("late");
    assert_eq!(client.exactly(4), b"LATE");
    client.half_close();
    assert_eq!(client.rest().0, b"bye");
}

fn an_upgrade_without_a_request_for_it_is_refused(on: On) {
    let server = on.serve(shouting());
    let mut client = server.connect();
    assert_eq!(client.get("/").status, 500);
    assert_eq!(client.get("/plain").text(), "plain");
}

fn an_upgrade_can_be_declined(on: On) {
    let server = on.serve(shouting());
    let mut client = server.connect();
    client.send(UPGRADE.replace("GET /", "GET /plain"));
    assert_eq!(client.answer().text(), "plain");
    client.expect_open();
}

fn connect_makes_a_tunnel(on: On) {
    let server = on.serve(shouting());
    let mut client = server.connect();
    client.send("CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\nearly");
    let answer = client.head().expect("an answer");
    assert_eq!(answer.line, "HTTP/1.1 200 OK");
    assert_eq!((answer.header("content-length"), answer.header("transfer-encoding")), (None, None));
    assert_eq!(client.exactly(5), b"EARLY");
}

fn a_tunnel_can_be_half_closed(on: On) {
    async fn goodbye(mut tunnel: Tunnel) -> Result<String, BoxError> {
        tunnel.write_all(b"goodbye").await?;
        tunnel.close().await?;
        // The peer can still send.
        let (mut bytes, mut heard) = ([0; 10], Vec::new());
        while let n @ 1.. = tunnel.read(&mut bytes).await? {
            heard.extend_from_slice(&bytes[..n]);
        }
        Ok(String::from_utf8(heard)?)
    }
    async fn leave(State(news): State<News>) -> Response {
        let mut response = switch(Status::SWITCHING_PROTOCOLS);
        response.upgrade = Some(Upgrade::tunnel(async move |tunnel| {
            news.tell(goodbye(tunnel).await.unwrap_or_else(|error| error.to_string()));
        }));
        response
    }
    let news = News::new();
    let server = on.serve(App::new().state(news.clone()).route("/", get(leave)));
    let mut client = server.connect();
    client.send(UPGRADE);
    assert_eq!(client.answer().status, 101);
    assert_eq!(client.exactly(7), b"goodbye");
    client.expect_end();
    client.send("thanks");
    client.half_close();
    news.expect("thanks");
}

fn large_tunnels(on: On) {
    let server = on.serve(shouting());
    let mut client = server.connect();
    client.send(UPGRADE);
    assert_eq!(client.answer().status, 101);
    let mut writer = client.socket().try_clone().expect("a socket can be shared");
    let all = 4 << 20;
    let sent = std::thread::spawn(move || writer.write_all(&vec![b'x'; all]));
    assert!(client.exactly(all).iter().all(|byte| *byte == b'X'));
    sent.join().expect("the writer does not panic").expect("the tunnel takes all");
}
