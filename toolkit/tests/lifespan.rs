//! Start-up, shutdown, background tasks.

use std::sync::{Arc, Mutex};

use stelo_toolkit::request::Executor;
use stelo_toolkit::response::{Background, BoxError, ResponseExt};
use stelo_toolkit::{App, IntoResponse, Request, Response, State, Status, TestClient, get};

/// A record of events, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, text: impl Into<String>) {
        self.0.lock().expect("nobody panics while writing").push(text.into());
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().expect("nobody panics while writing")).join(" ")
    }

    /// A hook that only writes.
    fn hook(&self, text: &'static str) -> impl Fn() -> std::future::Ready<()> + Send + 'static {
        let log = self.clone();
        move || {
            log.add(text);
            std::future::ready(())
        }
    }
}

#[derive(Clone)]
struct Pool(u32);

async fn size(State(pool): State<Pool>) -> String {
    pool.0.to_string()
}

#[test]
fn a_client_that_has_not_started_stops_nothing() {
    let app = || App::new().on_shutdown(async || Err::<(), BoxError>("it has not started".into()));
    TestClient::without_start(app()).close().expect("no hook runs");
    let stopped = futures_lite::future::block_on(TestClient::without_start(app()).stop());
    stopped.expect("no hook runs");
    let started = futures_lite::future::block_on(async { TestClient::start(app()).await.stop().await });
    assert_eq!(started.expect_err("the hook runs").to_string(), "it has not started");
}

#[test]
fn hooks_run_in_order_and_back() {
    let log = Log::default();
    let inner = App::new().on_startup(log.hook("inner+")).on_shutdown(log.hook("inner-"));
    let (open, close) = (log.clone(), log.clone());
    let app = App::new()
        .on_startup(log.hook("first+"))
        .on_shutdown(log.hook("first-"))
        .lifespan(
            move || async move {
                open.add("pool+");
                Ok::<_, BoxError>(Pool(7))
            },
            move |pool: Pool| async move { close.add(format!("pool{}-", pool.0)) },
        )
        .mount("/in", inner)
        .route("/", get(size));
    let client = TestClient::new(app);
    assert_eq!(log.take(), "first+ pool+ inner+");
    assert_eq!(client.get("/").send().text(), "7");
    client.close().unwrap();
    assert_eq!(log.take(), "inner- pool7- first-");
}

#[test]
fn a_failed_start_closes_what_was_open_and_says_why() {
    let log = Log::default();
    let app = App::new()
        .on_shutdown(log.hook("closed"))
        .on_startup(|| async { Err::<(), BoxError>("no database".into()) })
        .on_startup(log.hook("never"));
    assert_eq!(TestClient::try_new(app).unwrap_err().to_string(), "no database");
    assert_eq!(log.take(), "closed");
}

#[test]
fn a_failed_shutdown_says_why_and_closes_the_rest() {
    let log = Log::default();
    let app = App::new()
        .on_shutdown(log.hook("closed"))
        .on_shutdown(|| async { Err::<(), _>(BoxError::from("cannot flush")) });
    let client = TestClient::new(app);
    assert_eq!(client.close().unwrap_err().to_string(), "cannot flush");
    assert_eq!(log.take(), "closed");
}

#[test]
fn a_client_that_is_dropped_shuts_down() {
    let log = Log::default();
    drop(TestClient::new(App::new().on_shutdown(log.hook("closed"))));
    assert_eq!(log.take(), "closed");
    drop(TestClient::without_start(App::new().on_shutdown(log.hook("closed"))));
    assert_eq!(log.take(), "", "what was not started is not shut down");
}

#[test]
#[should_panic(expected = "the application does not start: no database")]
fn a_client_of_an_application_that_does_not_start_panics() {
    TestClient::new(App::new().on_startup(|| async { Err::<(), BoxError>("no database".into()) }));
}

#[test]
#[should_panic(expected = "the shutdown failed: cannot flush")]
fn a_client_that_is_dropped_panics_if_the_shutdown_fails() {
    TestClient::new(App::new().on_shutdown(|| async { Err::<(), BoxError>("cannot flush".into()) }));
}

#[test]
fn a_state_of_the_lifespan_is_missing_before_the_start() {
    let app =
        || App::new().lifespan(async || Ok::<_, BoxError>(Pool(1)), async |_: Pool| ()).route("/", get(size));
    let not_started = TestClient::without_start(app()).raise_server_errors(false);
    assert_eq!(not_started.get("/").send().status(), Status::INTERNAL_SERVER_ERROR);
    assert_eq!(TestClient::new(app()).raise_server_errors(false).get("/").send().text(), "1");
}

#[test]
fn a_hook_can_spawn_and_handlers_too() {
    let log = Log::default();
    let (at_start, in_handler) = (log.clone(), log.clone());
    let start = move |executor: Executor| async move {
        executor.spawn(async move { at_start.add("spawned at start") });
    };
    let spawn = move |request: Request| {
        let log = in_handler.clone();
        async move {
            let inner = request.executor();
            request.spawn(async move {
                let n = inner.run_blocking(|| 42).await;
                log.add(format!("spawned {n}"));
            });
            "answered"
        }
    };
    let client = TestClient::new(App::new().on_startup(start).route("/", get(spawn)));
    assert_eq!(log.take(), "spawned at start");
    assert_eq!(client.get("/").send().text(), "answered");
    assert_eq!(log.take(), "spawned 42");
}

#[test]
fn background_tasks_run_in_order_after_the_response() {
    let log = Log::default();
    let task = log.clone();
    let handler = move || {
        let (one, two, body) = (task.clone(), task.clone(), task.clone());
        async move {
            let pieces = futures_lite::stream::once_future(async move {
                body.add("body");
                "done"
            });
            let response = stelo_toolkit::response::StreamingResponse::new(pieces).into_response();
            response.background(async move { one.add("one") }).background(async move { two.add("two") })
        }
    };
    let client = TestClient::new(App::new().route("/", get(handler)));
    assert_eq!(client.get("/").send().text(), "done");
    assert_eq!(log.take(), "body one two");
}

#[test]
fn a_background_task_beside_a_result() {
    let log = Log::default();
    let task = log.clone();
    let handler = move |request: Request| {
        let log = task.clone();
        async move {
            let found = request.query_params().get("found").map(|_| "found").ok_or(Status::NOT_FOUND);
            Background::new(found, async move { log.add("ran") })
        }
    };
    let client = TestClient::new(App::new().route("/", get(handler)));
    assert_eq!(client.get("/?found").send().text(), "found");
    assert_eq!(log.take(), "ran");
    assert_eq!(client.get("/").send().status(), Status::NOT_FOUND);
    assert_eq!(log.take(), "", "an error has no tasks");
}

#[test]
fn a_background_task_that_panics_harms_no_other_request() {
    async fn handler() -> Response {
        "sent".into_response().background(async { panic!("as it was told to") })
    }
    let client = TestClient::new(App::new().route("/", get(handler))).raise_server_errors(false);
    assert_eq!(client.get("/").send().text(), "sent");
    assert_eq!(client.get("/").send().text(), "sent");
}

#[test]
fn an_application_with_a_mistake_stops_without_one() {
    use stelo_core::app::App as _;
    let app = App::new()
        .route("/a", get("a"))
        .route("/a", get("b"))
        .on_shutdown(|| async { Err::<(), BoxError>("it has not started".into()) });
    assert!(app.build().is_err());
    futures_lite::future::block_on(app.shutdown()).expect("nothing has started");
}

#[test]
fn the_first_error_of_a_start_is_the_one_that_is_told() {
    let fails = |text: &'static str| move || async move { Err::<(), BoxError>(text.into()) };
    let app = App::new().on_shutdown(fails("cannot flush")).on_startup(fails("no database"));
    assert_eq!(TestClient::try_new(app).unwrap_err().to_string(), "no database");
}
