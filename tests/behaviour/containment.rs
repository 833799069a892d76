//! Destructors of the application that panic: they end what they happen in, never the server.

use std::future::{Future, pending, poll_fn, ready};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use stelo_core::app::{
    App, BoxError, BoxFuture, Executor, Reply, Request, Response, Tunnel, Upgrade, WebSocket,
};
use stelo_core::body::{Body, BodyError, Frame, Length};
use stelo_core::http::Status;
use stelo_core::http::header::UPGRADE;
use stelo_tests::{Client, News, On, Running, WebSocketClient, cases, config};

cases!(
    a_completed_handler,
    a_handler_whose_client_leaves,
    a_body_that_is_complete,
    a_body_whose_client_leaves,
    a_body_that_is_not_sent,
    the_error_of_a_body,
    a_background_task,
    a_tunnel,
    an_upgrade_that_does_not_take_place,
    a_websocket_that_is_complete,
    a_websocket_whose_client_leaves,
    everything_at_the_graceful_timeout,
    the_application,
    a_hook_that_panics_is_an_error,
);

/// Tells that it is dropped, and panics.
#[derive(Debug)]
struct Bomb(News);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.tell("dropped");
        // A second panic during the first would abort by the rules of the language.
        if !std::thread::panicking() {
            std::panic::resume_unwind(Box::new("on purpose, in a destructor"));
        }
    }
}

impl std::fmt::Display for Bomb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("on purpose")
    }
}

impl std::error::Error for Bomb {}

/// Runs `future`, and drops a bomb after it.
fn held<T: 'static>(bomb: Bomb, future: impl Future<Output = T> + Send + 'static) -> BoxFuture<T> {
    let mut future = Box::pin(future);
    Box::pin(poll_fn(move |cx| {
        let _held = &bomb;
        future.as_mut().poll(cx)
    }))
}

/// Returns a body with a bomb: one piece, and then the end unless it is `endless`.
fn body(bomb: Bomb, endless: bool, length: Length) -> Body {
    let mut pieces = usize::from(length != Length::None);
    let frames = futures_lite::stream::poll_fn(move |_| {
        let _held = &bomb;
        match pieces {
            0 if endless => Poll::Pending,
            0 => Poll::Ready(None),
            _ => {
                pieces -= 1;
                Poll::Ready(Some(Ok(Frame::Data("piece".into()))))
            }
        }
    });
    Body::from_frames(frames, length)
}

/// An application with a bomb in another place for each path.
struct Minefield(News);

impl App for Minefield {
    fn call(&self, request: Request) -> Reply {
        let (news, bomb) = (self.0.clone(), || Bomb(self.0.clone()));
        let upgraded = |status, run: Upgrade| {
            let mut response = Response { status, upgrade: Some(Box::new(run)), ..Response::default() };
            response.headers.append(UPGRADE, "bytes");
            response
        };
        let close = |mut tunnel: Tunnel| async move {
            let _ = tunnel.close().await;
        };
        let response = match request.head().path() {
            "/handler" => return Reply::Future(held(bomb(), ready(Response::new("answer")))),
            "/handler-forever" => return Reply::Future(held(bomb(), told(&news, pending()))),
            "/body" => Response::new(body(bomb(), false, Length::Unknown)),
            "/body-forever" => Response::new(body(bomb(), true, Length::Unknown)),
            "/no-content" => {
                Response { status: Status::NO_CONTENT, ..Response::new(body(bomb(), false, Length::None)) }
            }
            "/error" => {
                let mut error = Some(bomb());
                let frames = futures_lite::stream::poll_fn(move |_| {
                    Poll::Ready(error.take().map(|bomb| Err(BodyError::Other(Box::new(bomb)))))
                });
                Response::new(Body::from_frames(frames, Length::Unknown))
            }
            "/background" => {
                Response { background: Some(held(bomb(), ready(()))), ..Response::new("answer") }
            }
            "/background-forever" => {
                Response { background: Some(held(bomb(), pending())), ..Response::new("answer") }
            }
            "/tunnel" => {
                let bomb = bomb();
                let run = move |tunnel| held(bomb, close(tunnel));
                upgraded(Status::SWITCHING_PROTOCOLS, Upgrade::Tunnel(Box::new(run)))
            }
            "/no-tunnel" => {
                let bomb = bomb();
                let run = move |tunnel| held(bomb, close(tunnel));
                upgraded(Status::OK, Upgrade::Tunnel(Box::new(run)))
            }
            "/no-websocket" => {
                let bomb = bomb();
                Response::websocket(move |_| held(bomb, ready(())))
            }
            "/websocket" => {
                let bomb = bomb();
                Response::websocket(move |socket: WebSocket| {
                    held(bomb, told(&news, async move { while socket.receive().await.is_ok() {} }))
                })
            }
            "/websocket-forever" => {
                let bomb = bomb();
                Response::websocket(move |socket: WebSocket| {
                    held(
                        bomb,
                        told(&news, async move {
                            let _socket = socket;
                            pending().await
                        }),
                    )
                })
            }
            _ => Response::new("well"),
        };
        response.into()
    }

    fn startup(&self, _: Arc<dyn Executor>) -> BoxFuture<Result<(), BoxError>> {
        held(Bomb(self.0.clone()), ready(Ok(())))
    }

    fn shutdown(&self) -> BoxFuture<Result<(), BoxError>> {
        held(Bomb(self.0.clone()), ready(Ok(())))
    }
}

/// Tells that it begins, and runs `future`.
fn told<F: Future>(news: &News, future: F) -> impl Future<Output = F::Output> + use<F> {
    let news = news.clone();
    async move {
        news.tell("begun");
        future.await
    }
}

/// Starts a server; its start-up hook has dropped a bomb.
fn minefield(on: On) -> (Running, News) {
    let news = News::new();
    let timeout = Duration::from_millis(50);
    let server = on.serve_with(config().timeout_graceful_shutdown(timeout), Minefield(news.clone()));
    news.expect("dropped");
    (server, news)
}

/// Asserts that a bomb was dropped, that the server still serves, and that it ends well.
#[track_caller]
fn expect_well(server: Running, news: &News) {
    news.expect("dropped");
    assert_eq!(server.connect().get("/").text(), "well");
    server.stop().expect("an ordinary end");
    news.expect("dropped");
    news.expect_silence();
}

/// Leaves by a reset: a socket that is closed with unread bytes resets the connection.
fn leave(client: Client) {
    assert_eq!(client.socket().peek(&mut [0]).expect("an unread response"), 1);
}

fn a_completed_handler(on: On) {
    let (server, news) = minefield(on);
    let mut client = server.connect();
    assert_eq!(client.get("/handler").text(), "answer");
    assert_eq!(client.get("/").text(), "well", "the connection goes on");
    expect_well(server, &news);
}

fn a_handler_whose_client_leaves(on: On) {
    let (server, news) = minefield(on);
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /handler-forever HTTP/1.1\r\nhost: a\r\n\r\n");
    news.expect("begun");
    leave(client);
    expect_well(server, &news);
}

fn a_body_that_is_complete(on: On) {
    let (server, news) = minefield(on);
    let mut client = server.connect();
    assert_eq!(client.get("/body").text(), "piece");
    assert_eq!(client.get("/").text(), "well", "the connection goes on");
    expect_well(server, &news);
}

fn a_body_whose_client_leaves(on: On) {
    let (server, news) = minefield(on);
    let mut client = server.connect();
    client.send("GET /body-forever HTTP/1.1\r\nhost: a\r\n\r\n");
    leave(client);
    expect_well(server, &news);
}

fn a_body_that_is_not_sent(on: On) {
    for request in ["HEAD /body", "GET /no-content"] {
        let (server, news) = minefield(on);
        let mut client = server.connect();
        client.send(format!("{request} HTTP/1.1\r\nhost: a\r\n\r\n"));
        client.head().expect("an answer");
        assert_eq!(client.get("/").text(), "well", "the connection goes on");
        expect_well(server, &news);
    }
}

fn the_error_of_a_body(on: On) {
    let (server, news) = minefield(on);
    let mut client = server.connect();
    client.send("GET /error HTTP/1.1\r\nhost: a\r\n\r\n");
    client.head().expect("the head is out by then");
    assert_eq!(client.rest().0, b"");
    expect_well(server, &news);
}

fn a_background_task(on: On) {
    let (server, news) = minefield(on);
    let mut client = server.connect();
    assert_eq!(client.get("/background").text(), "answer");
    assert_eq!(client.get("/").text(), "well", "the connection goes on");
    expect_well(server, &news);
}

fn a_tunnel(on: On) {
    let (server, news) = minefield(on);
    let mut client = server.connect();
    client.send("GET /tunnel HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: bytes\r\n\r\n");
    assert_eq!(client.head().expect("an answer").status, 101);
    client.expect_end();
    expect_well(server, &news);
}

fn an_upgrade_that_does_not_take_place(on: On) {
    for (path, status) in [("/no-tunnel", 200), ("/no-websocket", 500)] {
        let (server, news) = minefield(on);
        let mut client = server.connect();
        assert_eq!(client.get(path).status, status);
        assert_eq!(client.get("/").text(), "well", "the connection goes on");
        expect_well(server, &news);
    }
}

fn a_websocket_that_is_complete(on: On) {
    let (server, news) = minefield(on);
    let mut client = WebSocketClient::connect(&server, "/websocket");
    news.expect("begun");
    client.close(1000, "");
    assert_eq!(client.connection().rest().0, b"\x88\x02\x03\xe8");
    expect_well(server, &news);
}

fn a_websocket_whose_client_leaves(on: On) {
    let (server, news) = minefield(on);
    let client = WebSocketClient::connect(&server, "/websocket");
    news.expect("begun");
    drop(client);
    expect_well(server, &news);
}

fn everything_at_the_graceful_timeout(on: On) {
    let (server, news) = minefield(on);
    let (mut handler, mut body, mut background) = (server.connect(), server.connect(), server.connect());
    handler.send("GET /handler-forever HTTP/1.1\r\nhost: a\r\n\r\n");
    news.expect("begun");
    body.send("GET /body-forever HTTP/1.1\r\nhost: a\r\n\r\n");
    body.head().expect("an answer");
    assert_eq!(background.get("/background-forever").text(), "answer");
    let _websocket = WebSocketClient::connect(&server, "/websocket-forever");
    news.expect("begun");
    server.stop().expect("an ordinary end");
    for _ in 0..5 {
        // Four bombs of requests, and that of the shutdown hook.
        news.expect("dropped");
    }
    news.expect_silence();
}

fn the_application(on: On) {
    struct Armed(Bomb);
    impl App for Armed {
        fn call(&self, _: Request) -> Reply {
            let _held = &self.0;
            Response::new("well").into()
        }
    }
    let news = News::new();
    let server = on.serve_with(config().threads(2), Armed(Bomb(news.clone())));
    assert_eq!(server.connect().get("/").text(), "well");
    server.stop().expect("an ordinary end");
    news.expect("dropped");
}

fn a_hook_that_panics_is_an_error(on: On) {
    struct Hooks(bool);
    impl App for Hooks {
        fn call(&self, _: Request) -> Reply {
            Response::new("well").into()
        }
        fn startup(&self, _: Arc<dyn Executor>) -> BoxFuture<Result<(), BoxError>> {
            let panics = self.0;
            Box::pin(async move { if panics { panic!("on purpose, at the start") } else { Ok(()) } })
        }
        fn shutdown(&self) -> BoxFuture<Result<(), BoxError>> {
            panic!("on purpose, at the end")
        }
    }
    let error = on.try_serve(config(), Hooks(true)).expect_err("a failed start");
    assert_eq!(
        (error.to_string().as_str(), error.exit_code()),
        ("the start-up of the application failed: panic: on purpose, at the start", 3)
    );
    let error = on.serve(Hooks(false)).stop().expect_err("a failed shutdown");
    assert_eq!(error.to_string(), "the shutdown of the application failed: panic: on purpose, at the end");
}
