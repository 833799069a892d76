//! Time: a call that blocks the thread skips sleeps of the application, and waits for everything else.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_lite::future::{block_on, or, zip};
use stelo_toolkit::request::Executor;
use stelo_toolkit::response::ResponseExt;
use stelo_toolkit::{App, Response, TestClient, WebSocket, get};

const HOUR: Duration = Duration::from_secs(3600);

/// Runs `work`, which must not take long.
fn at_once<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    assert!(start.elapsed() < HOUR / 60, "it has slept");
    result
}

#[test]
fn sleeps_end_in_order_without_waiting() {
    async fn sleeps(executor: Executor) -> String {
        let log = Mutex::new(Vec::new());
        let sleep = async |hours| {
            executor.sleep(HOUR * hours).await;
            log.lock().unwrap().push(hours.to_string());
        };
        zip(zip(sleep(3), sleep(1)), zip(sleep(2), sleep(1000))).await;
        log.into_inner().unwrap().join(" ")
    }
    let client = TestClient::new(App::new().route("/", get(sleeps)));
    assert_eq!(at_once(|| client.get("/").send().text()), "1 2 3 1000");
}

#[test]
fn the_earlier_of_two_sleeps_wins() {
    async fn races(executor: Executor) -> &'static str {
        let sleep = async |duration, text| {
            executor.sleep(duration).await;
            text
        };
        or(sleep(HOUR, "late"), sleep(Duration::from_secs(1), "early")).await
    }
    let client = TestClient::new(App::new().route("/", get(races)));
    assert_eq!(at_once(|| client.get("/").send().text()), "early");
    assert_eq!(at_once(|| client.get("/").send().text()), "early");
}

#[test]
fn blocking_work_is_not_overtaken_by_a_sleep() {
    async fn works(executor: Executor) -> &'static str {
        let work = executor.run_blocking(|| std::thread::sleep(Duration::from_millis(5)));
        or(
            async {
                work.await;
                "worked"
            },
            async {
                executor.sleep(HOUR).await;
                "timed out"
            },
        )
        .await
    }
    let client = TestClient::new(App::new().route("/", get(works)));
    assert_eq!(client.get("/").send().text(), "worked");
}

#[test]
fn another_thread_is_not_overtaken_by_a_sleep() {
    async fn waits(executor: Executor) -> &'static str {
        let (sender, mut receiver) = async_broadcast::broadcast::<&'static str>(1);
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            block_on(sender.broadcast_direct("sent"))
        });
        let received = async { receiver.recv().await.unwrap_or("lost") };
        or(received, async {
            executor.sleep(Duration::from_secs(20)).await;
            "timed out"
        })
        .await
    }
    let app = || App::new().route("/", get(waits));
    assert_eq!(TestClient::new(app()).get("/").send().text(), "sent");
    let skipping = TestClient::new(app()).always_skip_sleeps(true);
    assert_eq!(at_once(|| skipping.get("/").send().text()), "timed out");
}

#[test]
fn time_passes_in_an_executor() {
    async fn sleeps(executor: Executor) -> String {
        let start = Instant::now();
        executor.sleep(Duration::from_millis(3)).await;
        (start.elapsed() >= Duration::from_millis(3)).to_string()
    }
    let client = TestClient::new(App::new().route("/", get(sleeps)));
    assert_eq!(block_on(async { client.get("/").await.text() }), "true");
}

#[test]
fn background_tasks_and_websockets_sleep_without_waiting() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let written = log.clone();
    let later = move |executor: Executor| {
        let log = written.clone();
        async move {
            let background = async move {
                executor.sleep(HOUR).await;
                log.lock().unwrap().push("background");
            };
            Response::default().background(background)
        }
    };
    async fn ticks(executor: Executor, websocket: WebSocket) -> stelo_toolkit::Result<()> {
        websocket.accept().await?;
        for tick in ["1", "2", "3"] {
            executor.sleep(HOUR).await;
            websocket.send_text(tick).await?;
        }
        Ok(())
    }
    let client = TestClient::new(App::new().route("/", get(later)).websocket("/ws", ticks));
    at_once(|| client.get("/").send());
    assert_eq!(*log.lock().unwrap(), ["background"]);
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    for tick in ["1", "2", "3"] {
        assert_eq!(at_once(|| socket.receive_text().unwrap()), tick);
    }
}

#[test]
fn a_call_can_wait_without_a_limit() {
    async fn blocks(executor: Executor) -> String {
        let mut sum = 0;
        for number in 0..50 {
            sum += executor.run_blocking(move || number).await;
        }
        sum.to_string()
    }
    let client = TestClient::new(App::new().route("/", get(blocks))).with_timeout(Duration::MAX);
    assert_eq!(client.get("/").send().text(), "1225");
}
