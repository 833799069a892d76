//! The test client inside of executors, with handlers that need them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_lite::FutureExt;
use stelo::websocket::CloseCode;
use stelo::{App, State, TestClient, WebSocket, get};

const WAIT: Duration = Duration::from_millis(2);

/// An application whose hooks, handlers and WebSockets use an executor through `wait` and `spawn`.
macro_rules! app {
    ($wait:expr, $spawn:expr) => {{
        async fn waits() -> &'static str {
            $wait.await;
            "waited"
        }
        async fn spawns() -> String {
            let task = $spawn(async {
                $wait.await;
                "spawned".to_owned()
            });
            task.await
        }
        async fn echo(websocket: WebSocket) -> stelo::Result<()> {
            websocket.accept().await?;
            loop {
                let text = websocket.receive_text().await?;
                $wait.await;
                websocket.send_text(text).await?;
            }
        }
        async fn open() -> stelo::Result<u32> {
            $wait.await;
            Ok(7)
        }
        async fn close(_: u32) {
            $wait.await;
        }
        async fn state(State(state): State<u32>) -> String {
            state.to_string()
        }
        App::new()
            .lifespan(open, close)
            .route("/waits", get(waits))
            .route("/spawns", get(spawns))
            .route("/state", get(state))
            .websocket("/echo", echo)
    }};
}

fn on_tokio() -> App {
    app!(tokio::time::sleep(WAIT), |future| async { tokio::spawn(future).await.expect("no panic") })
}

fn on_smol() -> App {
    app!(smol::Timer::after(WAIT), smol::spawn)
}

fn on_async_std() -> App {
    app!(async_std::task::sleep(WAIT), async_std::task::spawn)
}

/// Uses all of an application with `await`.
async fn awaited(app: App) {
    let client = TestClient::start(app).await;
    assert_eq!(client.get("/waits").await.text(), "waited");
    assert_eq!(client.get("/spawns").await.text(), "spawned");
    assert_eq!(client.get("/state").await.text(), "7");
    let mut socket = client.websocket_connect("/echo").await.expect("no failure");
    for text in ["a", "b"] {
        socket.send_text(text).await;
        assert_eq!(socket.receive_text().await.expect("no failure"), text);
    }
    socket.close(CloseCode::NORMAL_CLOSURE, "").await;
    drop(socket);
    client.stop().await.expect("no failure");
}

/// Uses all of an application with calls that block the thread.
fn blocking(app: App) {
    let client = TestClient::new(app);
    assert_eq!(client.get("/waits").send().text(), "waited");
    assert_eq!(client.get("/spawns").send().text(), "spawned");
    let mut socket = client.websocket_connect("/echo").connect().expect("no failure");
    socket.send_text("a");
    assert_eq!(socket.receive_text().expect("no failure"), "a");
    drop(socket);
    client.close().expect("no failure");
}

#[tokio::test]
async fn tokio_on_one_thread_is_awaited() {
    awaited(on_tokio()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokio_on_several_threads_is_awaited_or_blocked() {
    awaited(on_tokio()).await;
    blocking(on_tokio());
}

#[test]
fn tokio_that_was_entered_can_be_waited_for() {
    let runtime = tokio::runtime::Runtime::new().expect("no failure");
    let _context = runtime.enter();
    blocking(on_tokio());
}

#[test]
fn smol_is_awaited_or_blocked() {
    smol::block_on(async {
        awaited(on_smol()).await;
        blocking(on_smol());
    });
}

#[test]
fn async_std_is_awaited_or_blocked() {
    async_std::task::block_on(async {
        awaited(on_async_std()).await;
        blocking(on_async_std());
    });
}

fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(work)).err().expect("a panic");
    panic.downcast_ref::<String>().cloned().expect("a text")
}

#[tokio::test]
async fn a_call_that_blocks_the_only_thread_of_tokio_says_what_to_write() {
    let client = TestClient::start(on_tokio()).await;
    for target in ["/waits", "/spawns"] {
        assert_eq!(
            panic_of(|| client.get(target).send()),
            format!(
                "`GET {target}` waits for an executor, and blocks the thread that runs it: write `.await` instead of `.send()`"
            )
        );
    }
    assert_eq!(client.get("/state").send().text(), "7");
    let mut socket = client.websocket_connect("/echo").connect().expect("no failure");
    socket.send_text("a");
    let message = panic_of(|| socket.receive_text());
    assert!(message.contains("write `websocket_connect(..).await` instead of `.connect()`"), "{message}");
    drop(socket);
    let start = panic_of(|| TestClient::new(on_tokio()));
    assert!(
        start.ends_with("write `TestClient::start(app).await` instead of `TestClient::new(app)`"),
        "{start}"
    );
    let stop = panic_of(|| drop(client));
    assert!(stop.ends_with("write `client.stop().await` at the end of the test"), "{stop}");
}

#[test]
fn a_handler_without_its_executor_fails_the_test_with_the_reason() {
    let app = App::new().route("/", get(async || tokio::time::sleep(WAIT).await));
    let message = panic_of(|| TestClient::new(app).get("/").send());
    assert!(
        message.starts_with("`GET /`, answered with 500: panic in /: there is no reactor running"),
        "{message}"
    );
}

/// Resources of tokio are pending once a task has used up its budget of 128 operations.
#[tokio::test]
async fn the_budget_of_tokio_does_not_stop_a_request() {
    async fn many() -> String {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        (0..1000).for_each(|n| sender.send(n).expect("the receiver is here"));
        drop(sender);
        let mut count = 0;
        while receiver.recv().await.is_some() {
            count += 1;
        }
        count.to_string()
    }
    let client = TestClient::new(App::new().route("/", get(many)));
    assert_eq!(client.get("/").await.text(), "1000");
    let blocked = AssertUnwindSafe(async { client.get("/").send().text() }).catch_unwind().await;
    let panic = blocked.expect_err("a panic");
    assert!(panic.downcast_ref::<String>().is_some_and(|text| text.ends_with("instead of `.send()`")));
}
