//! A `Broadcast` that several processes share: each test client is one of them.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use futures_lite::{StreamExt, future, stream};
use stelo_toolkit::request::Executor;
use stelo_toolkit::response::BoxError;
use stelo_toolkit::websocket::{Broadcast, MemoryRelay, Relay, RelayFuture, RelayStream, WebSocketError};
use stelo_toolkit::{App, Bytes, State, TestClient, WebSocket, get};

/// A chat room: sends each text of the client to all clients.
async fn chat(State(room): State<Broadcast<String>>, websocket: WebSocket) -> Result<(), WebSocketError> {
    websocket.accept().await?;
    let mut lines = room.subscribe();
    let speak = async {
        loop {
            room.send(websocket.receive_text().await?);
        }
    };
    let listen = async {
        while let Some(line) = lines.next().await {
            websocket.send_text(line.unwrap_or_else(|lagged| lagged.to_string())).await?;
        }
        Ok(())
    };
    future::or(speak, listen).await
}

/// Answers after a second, which the test client skips.
async fn wait(executor: Executor) {
    executor.sleep(Duration::from_secs(1)).await;
}

/// An application whose room is shared through `relay`.
fn process(relay: impl Relay + Clone, channel: &'static str) -> TestClient {
    let room = Broadcast::<String>::new(8);
    let shared = room.clone();
    let app = App::new()
        .state(room)
        .on_startup(move |executor: Executor| async move {
            executor.spawn(shared.relay(executor.clone(), relay, channel));
        })
        .route("/", get("home"))
        .route("/wait", get(wait))
        .websocket("/chat", chat);
    TestClient::new(app)
}

#[test]
fn a_value_reaches_the_subscribers_of_all_processes_once() {
    let relay = MemoryRelay::new();
    let (here, there) = (process(relay.clone(), "room"), process(Arc::new(relay.clone()), "room"));
    let elsewhere = process(relay, "another room");
    let mut ada = here.websocket_connect("/chat").connect().expect("accepted");
    let mut bob = there.websocket_connect("/chat").connect().expect("accepted");
    let mut eve = elsewhere.websocket_connect("/chat").connect().expect("accepted");
    for text in ["hello", "\"quoted\" ä"] {
        ada.send_text(text);
        assert_eq!(ada.receive_text().expect("her own"), text);
        assert_eq!(bob.receive_text().expect("hers"), text);
    }
    bob.send_text("and back");
    assert_eq!(bob.receive_text().expect("his own"), "and back");
    assert_eq!(ada.receive_text().expect("his, and nothing twice before it"), "and back");
    eve.send_text("alone");
    assert_eq!(eve.receive_text().expect("her own, and nothing before it"), "alone");
}

#[test]
fn the_relay_ends_with_the_server() {
    let relay = MemoryRelay::new();
    let client = process(relay.clone(), "room");
    assert_eq!(client.get("/").send().text(), "home");
    client.close().expect("the relay ends before the hooks of the shutdown");
    let (first, second) = (process(relay.clone(), "room"), process(relay, "room"));
    let mut ada = first.websocket_connect("/chat").connect().expect("accepted");
    let mut bob = second.websocket_connect("/chat").connect().expect("accepted");
    ada.send_text("new");
    assert_eq!(bob.receive_text().expect("hers"), "new");
}

/// A relay whose first connections are lost: one at once, one after a message, one by a failed message.
#[derive(Clone)]
struct Unsteady {
    relay: MemoryRelay,
    attempts: Arc<AtomicUsize>,
    published: Arc<Mutex<Vec<Bytes>>>,
}

impl Relay for Unsteady {
    fn publish<'a>(&'a self, channel: &'a str, message: Bytes) -> RelayFuture<'a, ()> {
        let attempts = self.attempts.load(Ordering::Relaxed);
        if attempts == 3 {
            return Box::pin(async { Err("connection reset".into()) });
        }
        self.published.lock().expect("not poisoned").push(message.clone());
        self.relay.publish(channel, message)
    }

    fn subscribe<'a>(&'a self, channel: &'a str) -> RelayFuture<'a, RelayStream> {
        match self.attempts.fetch_add(1, Ordering::Relaxed) + 1 {
            1 => Box::pin(async { Err::<RelayStream, BoxError>("connection refused".into()) }),
            // A foreign message that is no JSON, one that is too short, and the end.
            2 => Box::pin(async {
                let messages = [Bytes::from(vec![0; 20]), Bytes::from(vec![1; 3])];
                Ok(stream::iter(messages).map(Ok).boxed() as RelayStream)
            }),
            _ => self.relay.subscribe(channel),
        }
    }
}

#[test]
fn a_relay_that_fails_is_tried_again() {
    let relay = Unsteady { relay: MemoryRelay::new(), attempts: Arc::default(), published: Arc::default() };
    let here = process(relay.clone(), "room").always_skip_sleeps(true);
    let there = process(relay.relay.clone(), "room");
    let mut ada = here.websocket_connect("/chat").connect().expect("accepted");
    let mut bob = there.websocket_connect("/chat").connect().expect("accepted");
    // The message whose publication fails is lost for other processes.
    let mut texts = 0;
    while relay.published.lock().expect("not poisoned").is_empty() {
        ada.send_text(format!("text {texts}"));
        assert_eq!(ada.receive_text().expect("her own"), format!("text {texts}"));
        here.get("/wait").send();
        texts += 1;
        assert!(texts < 10, "the relay is not tried again");
    }
    assert!(bob.receive_text().expect("hers").starts_with("text "));
    assert!(relay.attempts.load(Ordering::Relaxed) >= 4);
}

/// A relay that sends nothing until it is opened.
#[derive(Clone, Default)]
struct Slow {
    is_open: Arc<AtomicBool>,
    waiting: Arc<Mutex<Option<Waker>>>,
    published: Arc<AtomicUsize>,
}

impl Relay for Slow {
    fn publish<'a>(&'a self, _: &'a str, _: Bytes) -> RelayFuture<'a, ()> {
        Box::pin(poll_fn(|cx| {
            if !self.is_open.load(Ordering::Relaxed) {
                *self.waiting.lock().expect("not poisoned") = Some(cx.waker().clone());
                return Poll::Pending;
            }
            self.published.fetch_add(1, Ordering::Relaxed);
            Poll::Ready(Ok(()))
        }))
    }

    fn subscribe<'a>(&'a self, _: &'a str) -> RelayFuture<'a, RelayStream> {
        Box::pin(async { Ok(stream::pending().boxed() as RelayStream) })
    }
}

#[test]
fn values_that_a_slow_relay_misses_stay_in_the_process() {
    let relay = Slow::default();
    let here = process(relay.clone(), "room");
    let mut ada = here.websocket_connect("/chat").connect().expect("accepted");
    for number in 0..20 {
        ada.send_text(number.to_string());
        assert_eq!(ada.receive_text().expect("her own"), number.to_string());
    }
    relay.is_open.store(true, Ordering::Relaxed);
    relay.waiting.lock().expect("not poisoned").take().expect("the first is being sent").wake();
    here.get("/wait").send();
    // The first, and the eight that the room holds.
    assert_eq!(relay.published.load(Ordering::Relaxed), 9);
}
