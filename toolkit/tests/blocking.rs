//! Work that blocks: handlers on threads, their limit, their queue, and background tasks.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use stelo_toolkit::handler::blocking;
use stelo_toolkit::request::{BlockingLimits, Busy, Workers};
use stelo_toolkit::response::ResponseExt;
use stelo_toolkit::{
    App, HttpError, IntoResponse, Json, Path, Response, Router, State, Status, TestClient, get, post,
};

#[test]
fn an_ordinary_function_is_a_handler_on_another_thread() {
    fn thread() -> String {
        format!("{:?}", std::thread::current().id())
    }
    fn add(Path(n): Path<u32>, Json(m): Json<u32>) -> Result<String, HttpError> {
        n.checked_add(m).map(|sum| sum.to_string()).ok_or(HttpError::new(Status::UNPROCESSABLE_CONTENT))
    }
    let app = App::new().route("/thread", get(blocking(thread))).route("/add/{n}", post(blocking(add)));
    let client = TestClient::new(app);
    assert_ne!(client.get("/thread").send().text(), thread());
    assert_eq!(client.post("/add/1").json(&2).send().text(), "3");
    assert_eq!(client.post("/add/1").json(&u32::MAX).send().status(), Status::UNPROCESSABLE_CONTENT);
    assert_eq!(client.post("/add/x").json(&1).send().status(), Status::BAD_REQUEST);
    assert_eq!(client.post("/add/1").body("{").send().status(), Status::UNSUPPORTED_MEDIA_TYPE);
}

#[test]
fn a_panic_of_a_blocking_handler_is_500() {
    fn fails() -> &'static str {
        panic!("no more")
    }
    let client = TestClient::new(App::new().route("/", get(blocking(fails)))).raise_server_errors(false);
    assert_eq!(client.get("/").send().status(), Status::INTERNAL_SERVER_ERROR);
    assert_eq!(client.get("/").send().status(), Status::INTERNAL_SERVER_ERROR, "its thread is free again");
}

/// Work that waits until the test lets it go on.
#[derive(Clone)]
struct Bench {
    begun: Sender<()>,
    go_on: Arc<Mutex<Receiver<()>>>,
}

fn wait(State(bench): State<Bench>) -> &'static str {
    bench.begun.send(()).expect("the test waits");
    let _end = bench.go_on.lock().expect("no panic").recv();
    "done"
}

#[test]
fn a_full_queue_is_answered_with_503() {
    let (begun, has_begun) = channel();
    let (go_on, may_go_on) = channel();
    let limits = BlockingLimits::default().threads(1).queue(1);
    let app = App::new()
        .state(Bench { begun, go_on: Arc::new(Mutex::new(may_go_on)) })
        .blocking_limits(limits)
        .route("/", get(blocking(wait)))
        // Its own threads, and its own queue.
        .merge(Router::new().blocking_limits(limits).route("/other", get(blocking(|| "other"))));
    let client = TestClient::new(app);
    futures_lite::future::block_on(async {
        let mut first = Box::pin(client.get("/").into_future());
        assert!(futures_lite::future::poll_once(&mut first).await.is_none());
        has_begun.recv().expect("it runs");
        let mut second = Box::pin(client.get("/").into_future());
        assert!(futures_lite::future::poll_once(&mut second).await.is_none(), "it waits");
        let third = client.get("/").await;
        assert_eq!((third.status(), third.header("retry-after")), (Status::SERVICE_UNAVAILABLE, Some("1")));
        assert_eq!(client.get("/other").await.text(), "other");
        // Without its client, the second makes room, and never runs.
        drop(second);
        let mut fourth = Box::pin(client.get("/").into_future());
        assert!(futures_lite::future::poll_once(&mut fourth).await.is_none());
        go_on.send(()).expect("it waits");
        assert_eq!(first.await.text(), "done");
        go_on.send(()).expect("it waits");
        assert_eq!(fourth.await.text(), "done");
        assert_eq!(has_begun.try_iter().count(), 1);
    });
}

#[test]
fn forty_run_at_the_same_time() {
    let barrier = Arc::new(std::sync::Barrier::new(BlockingLimits::THREADS));
    let wait = move |State(barrier): State<Arc<std::sync::Barrier>>| {
        barrier.wait();
        "together"
    };
    let client = TestClient::new(App::new().state(barrier).route("/", get(blocking(wait))));
    futures_lite::future::block_on(async {
        let mut requests: Vec<_> =
            (0..BlockingLimits::THREADS).map(|_| Box::pin(client.get("/").into_future())).collect();
        for request in &mut requests {
            let _begun = futures_lite::future::poll_once(request).await;
        }
        for request in requests {
            assert_eq!(request.await.text(), "together");
        }
    });
}

#[test]
fn workers_run_parts_of_a_handler_and_background_tasks() {
    async fn handler(workers: Workers, State(sender): State<Sender<&'static str>>) -> Result<Response, Busy> {
        let sum = workers.run(|| 1 + 1).await?;
        let task = workers.task(move || sender.send("sent").expect("the test waits"));
        Ok(sum.to_string().into_response().background(task))
    }
    let (sender, receiver) = channel();
    let client = TestClient::new(App::new().state(sender).route("/", get(handler)));
    assert_eq!(client.get("/").send().text(), "2");
    assert_eq!(receiver.try_recv(), Ok("sent"));
}

#[test]
fn work_that_finds_no_place_is_refused_and_logged() {
    async fn refused(workers: Workers) -> Response {
        let task = workers.task(|| unreachable!("there is no thread for it"));
        let refused = workers.run(|| ()).await.expect_err("there is no thread for it");
        refused.into_outcome().unwrap_or_else(IntoResponse::into_response).background(task)
    }
    let (begun, has_begun) = channel();
    let (go_on, may_go_on) = channel();
    let app = App::new()
        .state(Bench { begun, go_on: Arc::new(Mutex::new(may_go_on)) })
        .blocking_limits(BlockingLimits::default().threads(1).queue(0))
        .route("/", get(blocking(wait)))
        .route("/refused", get(refused));
    let client = TestClient::new(app);
    futures_lite::future::block_on(async {
        let mut first = Box::pin(client.get("/").into_future());
        assert!(futures_lite::future::poll_once(&mut first).await.is_none());
        has_begun.recv().expect("it runs");
        assert_eq!(client.get("/refused").await.status(), Status::SERVICE_UNAVAILABLE);
        go_on.send(()).expect("it waits");
        assert_eq!(first.await.text(), "done");
    });
}

#[test]
fn work_whose_client_has_left_is_not_begun() {
    async fn work(workers: Workers, State(words): State<Sender<String>>, Path(word): Path<String>) {
        let _done = workers.run(move || words.send(word).expect("the test listens")).await;
    }
    let (begun, has_begun) = channel();
    let (go_on, may_go_on) = channel();
    let (words, said) = channel::<String>();
    let app = App::new()
        .state(Bench { begun, go_on: Arc::new(Mutex::new(may_go_on)) })
        .state(words)
        .blocking_limits(BlockingLimits::default().threads(1).queue(2))
        .route("/", get(blocking(wait)))
        .route("/say/{word}", get(work));
    let client = TestClient::new(app);
    futures_lite::future::block_on(async {
        let mut first = Box::pin(client.get("/").into_future());
        assert!(futures_lite::future::poll_once(&mut first).await.is_none());
        has_begun.recv().expect("it runs");
        let mut left = Box::pin(client.get("/say/left").into_future());
        let mut stays = Box::pin(client.get("/say/stays").into_future());
        for request in [&mut left, &mut stays] {
            assert!(futures_lite::future::poll_once(request).await.is_none());
        }
        drop(left);
        go_on.send(()).expect("it waits");
        assert_eq!(first.await.status(), Status::OK);
        assert_eq!(stays.await.status(), Status::OK);
    });
    assert_eq!(said.try_iter().collect::<Vec<_>>(), ["stays"]);
}
