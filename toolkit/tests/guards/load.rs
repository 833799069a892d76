//! Limits of concurrent requests, and overload.

use std::future::IntoFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_broadcast::{InactiveReceiver, Sender, broadcast};
use futures_lite::future::{block_on, poll_once};
use stelo_toolkit::middleware::{ConcurrencyLimit, LoadShed, Middleware};
use stelo_toolkit::{App, Status, TestClient, get};

/// An application whose route `/hold` waits until the sender is dropped.
fn app(middleware: impl Middleware) -> (Sender<()>, TestClient) {
    let (sender, receiver): (_, _) = broadcast::<()>(1);
    let receiver: InactiveReceiver<()> = receiver.deactivate();
    let hold = move || {
        let mut receiver = receiver.activate_cloned();
        async move {
            let _ = receiver.recv().await;
            "held"
        }
    };
    let app = App::new().middleware(middleware).route("/hold", get(hold)).route("/health", get("well"));
    (sender, TestClient::new(app))
}

#[test]
fn requests_beyond_the_limit_wait_for_their_turn() {
    let (release, client) = app(ConcurrencyLimit::new(1).max_waiting(1));
    block_on(async {
        let mut first = client.get("/hold").into_future();
        assert!(poll_once(&mut first).await.is_none());
        let mut second = client.get("/health").into_future();
        assert!(poll_once(&mut second).await.is_none(), "it waits");
        let third = client.get("/health").await;
        assert_eq!((third.status(), third.header("retry-after")), (Status::SERVICE_UNAVAILABLE, Some("1")));
        drop(release);
        assert_eq!(first.await.text(), "held");
        assert_eq!(second.await.text(), "well");
        assert_eq!(client.get("/health").await.text(), "well");
    });
}

#[test]
fn without_room_to_wait_a_request_is_rejected_at_once() {
    let (release, client) = app(LoadShed::new(1).max_waiting(0));
    block_on(async {
        let mut first = client.get("/hold").into_future();
        assert!(poll_once(&mut first).await.is_none());
        assert_eq!(client.get("/health").await.status(), Status::SERVICE_UNAVAILABLE);
        drop(release);
        assert_eq!(first.await.text(), "held");
    });
}

#[test]
fn a_request_that_is_given_up_leaves_its_place() {
    let (release, client) = app(ConcurrencyLimit::new(1).max_waiting(1));
    block_on(async {
        let mut first = client.get("/hold").into_future();
        assert!(poll_once(&mut first).await.is_none());
        let mut second = client.get("/hold").into_future();
        assert!(poll_once(&mut second).await.is_none());
        drop(second);
        let mut third = client.get("/health").into_future();
        assert!(poll_once(&mut third).await.is_none(), "there is room to wait");
        drop(first);
        assert_eq!(third.await.text(), "well", "the one that was handled is gone");
    });
    drop(release);
}

#[test]
fn a_request_that_waits_too_long_is_rejected() {
    let shed = LoadShed::new(1).max_wait(Duration::from_millis(1)).exempt(["/health"]);
    let (release, client) = app(shed);
    block_on(async {
        let mut first = client.get("/hold").into_future();
        assert!(poll_once(&mut first).await.is_none());
        let response = client.get("/hold").await;
        assert_eq!(
            (response.status(), response.header("retry-after")),
            (Status::SERVICE_UNAVAILABLE, Some("1"))
        );
        assert_eq!(client.get("/health").await.text(), "well", "exempt");
        drop(release);
        assert_eq!(first.await.text(), "held");
        assert_eq!(client.get("/hold").await.text(), "held");
    });
}

#[test]
fn in_an_overload_requests_wait_for_a_shorter_time() {
    const HOUR: Duration = Duration::from_secs(3600);
    let millis = Arc::new(AtomicU64::new(0));
    let now = millis.clone();
    let shed = LoadShed::new(1)
        .max_wait(HOUR)
        .overload_wait(Duration::from_millis(1))
        .clock(move || Duration::from_millis(now.load(Ordering::Relaxed)));
    let (release, client) = app(shed);
    block_on(async {
        let mut first = client.get("/hold").into_future();
        assert!(poll_once(&mut first).await.is_none());
        let mut second = client.get("/hold").into_future();
        assert!(poll_once(&mut second).await.is_none(), "the queue begins");
        millis.store(3_600_000, Ordering::Relaxed);
        assert_eq!(client.get("/hold").await.status(), Status::SERVICE_UNAVAILABLE, "an hour later");
        drop(release);
        assert_eq!(first.await.text(), "held");
        assert_eq!(second.await.text(), "held");
    });
}
