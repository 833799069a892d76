//! Handlers that take too long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use stelo_toolkit::middleware::Timeout;
use stelo_toolkit::{App, HttpError, Request, Status, TestClient, get};

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3600);

async fn hangs() {
    std::future::pending().await
}

/// A handler that waits for another task once.
async fn yields() -> &'static str {
    futures_lite::future::yield_now().await;
    "done"
}

#[test]
fn a_handler_that_hangs_is_dropped_and_answered_with_503() {
    static DROPPED: AtomicBool = AtomicBool::new(false);
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            DROPPED.store(true, Ordering::Relaxed);
        }
    }
    async fn guarded() {
        let _guard = Guard;
        hangs().await;
    }
    let client = TestClient::new(App::new().middleware(Timeout::new(SHORT)).route("/", get(guarded)));
    let response = client.get("/").send();
    assert_eq!(response.status(), Status::SERVICE_UNAVAILABLE);
    assert_eq!(response.text(), "the handler took too long");
    assert!(DROPPED.load(Ordering::Relaxed));
}

#[test]
fn handlers_in_time_are_left_alone() {
    let app =
        App::new().middleware(Timeout::new(LONG)).route("/", get("ready")).route("/yields", get(yields));
    let client = TestClient::new(app);
    assert_eq!(client.get("/").send().text(), "ready");
    assert_eq!(client.get("/yields").send().text(), "done");
}

#[test]
fn a_route_has_its_own_status_and_an_error_handler_answers() {
    async fn page(_: Request, error: HttpError) -> (Status, String) {
        (error.status, format!("page: {}", error.detail))
    }
    let short = Timeout::new(SHORT).status(Status::GATEWAY_TIMEOUT);
    let app = App::new()
        .middleware(Timeout::new(LONG))
        .error_handler(Status::GATEWAY_TIMEOUT, page)
        .route("/", get(hangs).middleware(short));
    let response = TestClient::new(app).get("/").send();
    assert_eq!((response.status().code(), &*response.text()), (504, "page: the handler took too long"));
}
