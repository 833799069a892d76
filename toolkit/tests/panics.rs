//! Panics: answered with 500, logged with the route, and harmless to all other requests.

use std::fmt;
use std::sync::{Arc, Mutex};

use stelo_toolkit::{
    App, Executor, HttpError, IntoResponse, Next, Path, Request, Response, Router, Status, StreamingResponse,
    TestClient, get,
};
use tracing::field::{Field, Visit};
use tracing::span;

/// Keeps the messages of all events.
#[derive(Clone, Default)]
struct Messages(Arc<Mutex<Vec<String>>>);

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            *self.0 = format!("{value:?}");
        }
    }
}

impl tracing::Subscriber for Messages {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        self.0
            .lock()
            .expect("nobody panics while writing")
            .push(format!("{} {text}", event.metadata().level()));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

async fn panics(Path(id): Path<u32>) -> &'static str {
    assert_ne!(id, 13, "unlucky");
    "lucky"
}

#[test]
fn a_panic_is_answered_with_500_and_logged_with_its_route() {
    let messages = Messages::default();
    tracing::subscriber::with_default(messages.clone(), || {
        let client = TestClient::new(App::new().mount("/api", Router::new().route("/n/{id}", get(panics))));
        let response = client.get("/api/n/13").send();
        assert_eq!(response.status(), Status::INTERNAL_SERVER_ERROR);
        assert_eq!(response.text(), "Internal Server Error");
        assert_eq!(client.get("/api/n/12").send().text(), "lucky");
    });
    let messages = messages.0.lock().unwrap();
    let expected =
        "ERROR panic in /api/n/{id}: assertion `left != right` failed: unlucky\n  left: 13\n right: 13";
    assert_eq!(*messages, [expected]);
}

#[test]
fn the_handler_for_500_answers_panics() {
    async fn sorry(request: Request, error: HttpError) -> (Status, String) {
        (error.status, format!("sorry for {}", request.path()))
    }
    let app = App::new().route("/{id}", get(panics)).error_handler(Status::INTERNAL_SERVER_ERROR, sorry);
    assert_eq!(TestClient::new(app).get("/13").send().text(), "sorry for /13");
}

#[test]
fn a_panic_of_an_error_handler_is_contained() {
    async fn worse(_: Request, _: HttpError) -> &'static str {
        panic!("as it was told to")
    }
    let app = App::new()
        .route("/{id}", get(panics))
        .error_handler(Status::INTERNAL_SERVER_ERROR, worse)
        .error_handler(Status::NOT_FOUND, worse);
    let client = TestClient::new(app);
    assert_eq!(client.get("/13").send().text(), "Internal Server Error");
    assert_eq!(client.get("/a/b/c").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_panic_of_an_error_on_its_way_to_a_response_is_contained() {
    struct Unspeakable;
    impl IntoResponse for Unspeakable {
        fn into_response(self) -> Response {
            panic!("as it was told to")
        }
    }
    async fn fails() -> Result<(), Unspeakable> {
        Err(Unspeakable)
    }
    let client = TestClient::new(App::new().route("/", get(fails)));
    assert_eq!(client.get("/").send().text(), "Internal Server Error");
}

#[test]
fn a_panic_of_a_middleware_is_contained() {
    async fn late(request: Request, next: Next) -> Response {
        let response = next.run(request).await;
        assert_ne!(response.status, Status::OK, "as it was told to");
        response
    }
    fn early(request: Request, next: Next) -> impl Future<Output = Response> + Send {
        assert_ne!(request.path(), "/early", "as it was told to");
        async { next.run(request).await }
    }
    let app = App::new().middleware(late).middleware(early).route("/{id}", get(panics));
    let client = TestClient::new(app);
    assert_eq!(client.get("/12").send().status(), Status::INTERNAL_SERVER_ERROR);
    assert_eq!(client.get("/early").send().status(), Status::INTERNAL_SERVER_ERROR);
    assert_eq!(client.get("/a/b").send().status(), Status::NOT_FOUND);
    let outermost = TestClient::new(App::new().middleware(early));
    assert_eq!(outermost.get("/early").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_panic_of_a_body_cuts_it_off() {
    async fn body() -> StreamingResponse {
        let pieces = futures_lite::stream::iter(0..5);
        StreamingResponse::new(futures_lite::StreamExt::map(pieces, |n| {
            assert!(n < 2, "as it was told to");
            "piece "
        }))
    }
    let client = TestClient::new(App::new().route("/", get(body)));
    let response = client.get("/").send();
    assert_eq!((response.status(), &*response.text()), (Status::OK, "piece piece "));
    assert_eq!(response.body_error().unwrap().to_string(), "the body of the response panicked");
}

#[test]
fn a_panic_of_blocking_work_is_one_of_the_handler() {
    async fn work(executor: Executor) -> &'static str {
        executor.run_blocking(|| panic!("as it was told to")).await
    }
    let client = TestClient::new(App::new().route("/", get(work)));
    assert_eq!(client.get("/").send().status(), Status::INTERNAL_SERVER_ERROR);
}
