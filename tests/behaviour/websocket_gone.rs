//! WebSocket handlers that only send: they learn that the client has left, and are dropped if they do not end.

use std::future::pending;
use std::time::Duration;

use stelo_core::app::{App, Request, WebSocket};
use stelo_core::ws::Message;
use stelo_tests::Closed::Ended;
use stelo_tests::{HANDSHAKE, News, On, WebSocketClient, cases, config};

use crate::apps::Accept;

cases!(
    a_handler_that_only_sends_learns_of_a_close,
    a_handler_that_only_sends_learns_of_a_lost_connection,
    a_close_behind_unread_messages_reaches_a_handler_that_only_sends,
    a_handler_learns_of_its_own_close,
    a_handler_that_does_not_heed_the_end_is_dropped,
    handlers_of_clients_that_have_left_count_as_connections,
);

/// Sends one message, and then only waits for the end, which it tells.
fn quiet(news: &News) -> impl App {
    let news = news.clone();
    Accept(move |socket: WebSocket, _: Request| {
        let news = news.clone();
        async move {
            socket.send("hello").await.expect("it is open");
            news.tell(socket.closed().await.to_string());
        }
    })
}

fn a_handler_that_only_sends_learns_of_a_close(on: On) {
    let news = News::new();
    let server = on.serve(quiet(&news));
    let mut client = WebSocketClient::connect(&server, "/");
    assert_eq!(client.receive().expect("a message"), Message::from("hello"));
    client.close(4000, "bye");
    assert_eq!(client.connection().rest(), (b"\x88\x05\x0f\xa0bye".to_vec(), Ended));
    news.expect("the WebSocket is closed (4000: bye)");
}

fn a_handler_that_only_sends_learns_of_a_lost_connection(on: On) {
    let news = News::new();
    let server = on.serve(quiet(&news));
    let mut client = WebSocketClient::connect(&server, "/");
    client.receive().expect("a message");
    drop(client);
    news.expect("the WebSocket is closed (1006)");
}

fn a_close_behind_unread_messages_reaches_a_handler_that_only_sends(on: On) {
    let news = News::new();
    let server = on.serve(quiet(&news));
    let mut client = WebSocketClient::connect(&server, "/");
    client.receive().expect("a message");
    client.send("one");
    client.send("two");
    client.close(1001, "");
    assert_eq!(client.connection().rest(), (b"\x88\x02\x03\xe9".to_vec(), Ended));
    news.expect("the WebSocket is closed (1001)");
}

fn a_handler_learns_of_its_own_close(on: On) {
    let news = News::new();
    let told = news.clone();
    let server = on.serve(Accept(move |socket: WebSocket, _| {
        let news = told.clone();
        async move {
            socket.close(stelo_core::ws::CloseCode(4001), "enough");
            news.tell(socket.closed().await.to_string());
        }
    }));
    assert_eq!(WebSocketClient::connect(&server, "/").expect_closed(), (4001, "enough".to_owned()));
    news.expect("the WebSocket is closed (4001: enough)");
}

/// Never ends, and tells when it is dropped.
fn stuck(news: &News) -> impl App {
    let news = news.clone();
    Accept(move |_: WebSocket, _: Request| {
        news.tell("begun");
        let told = news.last_word("dropped");
        async move {
            let _told = told;
            pending().await
        }
    })
}

fn a_handler_that_does_not_heed_the_end_is_dropped(on: On) {
    let news = News::new();
    let config = config().timeout_half_closed(Duration::from_millis(50));
    let server = on.serve_with(config, stuck(&news));
    for closes in [false, true] {
        let mut client = WebSocketClient::connect(&server, "/");
        news.expect("begun");
        if closes {
            client.close(1000, "");
            client.connection().rest();
        } else {
            drop(client);
        }
        news.expect("dropped");
    }
    server.stop().expect("an ordinary end");
}

fn handlers_of_clients_that_have_left_count_as_connections(on: On) {
    let news = News::new();
    let config = config().limit_concurrency(2).timeout_graceful_shutdown(Duration::from_millis(50));
    let server = on.serve_with(config, stuck(&news));
    for _ in 0..2 {
        let mut client = WebSocketClient::connect(&server, "/");
        news.expect("begun");
        client.close(1000, "");
        client.connection().rest();
    }
    let mut third = server.connect();
    third.send(HANDSHAKE);
    assert_eq!(third.answer().status, 503);
}
