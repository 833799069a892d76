//! The contract between servers and applications: contexts, interim responses, and what middleware changes.

use std::future::{Future, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use stelo_core::app::{
    Address, BoxError, BoxFuture, Connection, Context, Duplex, Executor, Gone, InterimSender, Peer, Reply,
    Request, Response, Socket, Tunnel, Upgrade, WebSocket,
};
use stelo_core::body::Body;
use stelo_core::http::{Headers, Method, RequestHead, Status};
use stelo_core::ws::{CloseCode, Closed, Message};

/// An executor that runs nothing.
struct Nothing;

impl Executor for Nothing {
    fn spawn(&self, _: BoxFuture<()>) {}

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        Box::pin(ready(()))
    }

    fn blocking(&self, _: Box<dyn FnOnce() + Send>) {}
}

fn context() -> Arc<Context> {
    let peer = Some(Address::Ip(([127, 0, 0, 1], 80).into()));
    Arc::new(Context::new(Connection::new(peer, Some(Address::Unix("/run/s".into())), Arc::new(Nothing))))
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut task::Context::from_waker(Waker::noop()))
}

#[test]
fn the_client_of_a_stream_leaves_with_its_connection() {
    let connection = context();
    let stream = Arc::new(Context::stream(connection.clone()));
    let derived = Context::derived(stream.clone());
    let mut left = pin!(derived.disconnected());
    assert_eq!(poll(left.as_mut()), Poll::Pending);
    connection.set_peer(Peer::Gone);
    assert_eq!(poll(left.as_mut()), Poll::Ready(Peer::Gone));
    assert_eq!((stream.peer(), stream.client()), (Peer::Gone, connection.client()));
}

#[test]
fn a_stream_can_end_before_its_connection() {
    let connection = context();
    let stream = Context::stream(connection.clone());
    let mut left = pin!(stream.disconnected());
    assert_eq!(poll(left.as_mut()), Poll::Pending);
    stream.set_peer(Peer::HalfClosed);
    assert_eq!(poll(left.as_mut()), Poll::Ready(Peer::HalfClosed));
    assert_eq!(connection.peer(), Peer::Present);
}

#[test]
fn interim_responses_wait_for_each_other() {
    let context = context();
    let sender = InterimSender::new(context.clone(), 7);
    let mut first = pin!(sender.send(Status::EARLY_HINTS, Headers::new()));
    let mut second = pin!(sender.send(Status::PROCESSING, Headers::new()));
    assert_eq!(poll(first.as_mut()), Poll::Pending);
    assert_eq!(poll(second.as_mut()), Poll::Pending);
    // Another change of the context wakes both, and neither can go on.
    context.set_peer(Peer::HalfClosed);
    assert_eq!(poll(first.as_mut()), Poll::Pending);
    assert_eq!(poll(second.as_mut()), Poll::Pending);
    let mut server = task::Context::from_waker(Waker::noop());
    let taken = context.poll_interim(&mut server, 7);
    assert!(matches!(taken, Poll::Ready(interim) if interim.status == Status::EARLY_HINTS));
    assert_eq!(poll(second.as_mut()), Poll::Pending);
    context.set_peer(Peer::Gone);
    assert_eq!(poll(second.as_mut()), Poll::Ready(Err(Gone)));
    assert_eq!(Gone.to_string(), "the client has left");
}

#[test]
fn middleware_changes_a_request_in_place() {
    let head = Arc::new(RequestHead::new(Method::Get, "/a").expect("a valid target"));
    let mut request = Request::new(head.clone(), Body::empty(), context()).numbered(3);
    request.head_mut().headers_mut().append("x-a", "1");
    *request.body_mut() = Body::from("text");
    assert_eq!(request.head().headers().get("x-a"), Some(&b"1"[..]));
    assert!(head.headers().is_empty(), "the shared head is unchanged");
    assert!(matches!(request.body().length(), stelo_core::body::Length::Known(4)));
    let interim = request.interim();
    let mut sent = pin!(interim.send(Status::EARLY_HINTS, Headers::new()));
    assert_eq!(poll(sent.as_mut()), Poll::Pending);
    let mut server = task::Context::from_waker(Waker::noop());
    assert!(request.context().poll_interim(&mut server, 3).is_ready());
    assert_eq!(poll(sent.as_mut()), Poll::Ready(Ok(())));
}

#[test]
fn an_executor_without_a_shutdown_never_begins_to_stop() {
    assert_eq!(poll(Nothing.shutdown().as_mut()), Poll::Pending);
}

/// Bytes that go nowhere.
struct Null;

impl Duplex for Null {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
        _: &mut [u8],
    ) -> Poll<Result<usize, BoxError>> {
        Poll::Ready(Ok(0))
    }

    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
        _: &[u8],
    ) -> Poll<Result<usize, BoxError>> {
        Poll::Ready(Ok(0))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }
}

/// A WebSocket that has ended.
struct Ended;

impl Ended {
    fn closed() -> Closed {
        Closed { code: CloseCode::NORMAL_CLOSURE, reason: String::new() }
    }
}

impl Socket for Ended {
    fn poll_receive(&self, _: &mut task::Context<'_>) -> Poll<Result<Message, Closed>> {
        Poll::Ready(Err(Self::closed()))
    }

    fn poll_send(&self, _: &mut task::Context<'_>, _: &mut Option<Message>) -> Poll<Result<(), Closed>> {
        Poll::Ready(Err(Self::closed()))
    }

    fn closed(self: Arc<Self>) -> BoxFuture<Closed> {
        Box::pin(ready(Self::closed()))
    }

    fn close(&self, _: CloseCode, _: &str) {}
}

#[cfg(feature = "http")]
#[test]
fn messages_are_shared_with_the_types_of_another_crate() {
    let head = RequestHead::new(Method::Post, "/a").expect("a valid target");
    let request = Request::new(Arc::new(head), Body::from("text"), context());
    let request = http::Request::<Body>::try_from(request).expect("a short head");
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/a"));
    assert_eq!(format!("{:?}", request.into_body()), r#"Body(b"text")"#);

    let mut response = Response::new("text");
    response.status = Status::NOT_FOUND;
    response.headers.append("x-a", "b");
    let response = http::Response::<Body>::try_from(response).expect("a short head");
    assert_eq!((response.status().as_u16(), response.headers()["x-a"].as_bytes()), (404, &b"b"[..]));
    let back = Response::from(response);
    assert_eq!((back.status, back.headers.get_str("x-a")), (Status::NOT_FOUND, Some("b")));
}

#[test]
fn a_body_of_known_length_is_sent_to_its_end_anyway() {
    for body in [Body::empty(), Body::from("text")] {
        assert!(body.allow_half_closed().allows_half_closed());
    }
}

#[test]
fn the_debug_output_names_what_is_there() {
    let mut response = Response::empty(Status::OK);
    response.headers.append("a", "b");
    let context = context();
    let upgrade = Upgrade::tunnel(|_| async {});
    for (text, expected) in [
        (format!("{response:?}"), r#"200 OK {"a": "b"} Body(None)"#),
        (format!("{:?}", Reply::from(response)), r#"200 OK {"a": "b"} Body(None)"#),
        (format!("{:?}", Reply::future(ready(Response::empty(Status::OK)))), "Reply(future)"),
        (
            format!("{:?}", context.connection()),
            r#"Connection { peer: Some(Ip(127.0.0.1:80)), local: Some(Unix("/run/s")), tls: None, .. }"#,
        ),
        (
            format!("{context:?}"),
            "Context { client: Some(Ip(127.0.0.1:80)), scheme: \"http\", root_path: \"\", peer: Present, \
             connection: Connection { peer: Some(Ip(127.0.0.1:80)), local: Some(Unix(\"/run/s\")), tls: None, .. }, .. }",
        ),
        (format!("{upgrade:?}"), "Tunnel"),
        (format!("{:?}", Response::websocket(async |_| {}).upgrade), "Some(WebSocket)"),
        (format!("{:?}", WebSocket::new(Arc::new(Ended))), "WebSocket"),
        (format!("{:?}", Tunnel::new(Null)), "Tunnel"),
        (context.connection().local.as_ref().map(ToString::to_string).unwrap_or_default(), "/run/s"),
    ] {
        assert_eq!(text, expected);
    }
}
