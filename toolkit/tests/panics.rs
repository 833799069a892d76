//! Panics: answered with 500, and harmless to all other requests.

use stelo_toolkit::request::Executor;
use stelo_toolkit::response::StreamingResponse;
use stelo_toolkit::{App, HttpError, IntoResponse, Next, Path, Request, Response, Status, TestClient, get};

async fn panics(Path(id): Path<u32>) -> &'static str {
    assert_ne!(id, 13, "unlucky");
    "lucky"
}

#[test]
fn the_handler_for_500_answers_panics() {
    async fn sorry(request: Request, error: HttpError) -> (Status, String) {
        (error.status, format!("sorry for {}", request.path()))
    }
    let app = App::new().route("/{id}", get(panics)).error_handler(Status::INTERNAL_SERVER_ERROR, sorry);
    assert_eq!(TestClient::new(app).raise_server_errors(false).get("/13").send().text(), "sorry for /13");
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
    let client = TestClient::new(app).raise_server_errors(false);
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
    let client = TestClient::new(App::new().route("/", get(fails))).raise_server_errors(false);
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
    let client = TestClient::new(app).raise_server_errors(false);
    assert_eq!(client.get("/12").send().status(), Status::INTERNAL_SERVER_ERROR);
    assert_eq!(client.get("/early").send().status(), Status::INTERNAL_SERVER_ERROR);
    assert_eq!(client.get("/a/b").send().status(), Status::NOT_FOUND);
    let outermost = TestClient::new(App::new().middleware(early)).raise_server_errors(false);
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
    let client = TestClient::new(App::new().route("/", get(body))).raise_server_errors(false);
    let response = client.get("/").send();
    assert_eq!((response.status(), &*response.text()), (Status::OK, "piece piece "));
    assert_eq!(response.body_error().unwrap().to_string(), "the body of the response panicked");
}

#[test]
fn a_panic_of_blocking_work_is_one_of_the_handler() {
    async fn work(executor: Executor) -> &'static str {
        executor.run_blocking(|| panic!("as it was told to")).await
    }
    let client = TestClient::new(App::new().route("/", get(work))).raise_server_errors(false);
    assert_eq!(client.get("/").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_panic_with_a_value_is_contained() {
    async fn panics() -> &'static str {
        std::panic::panic_any(7)
    }
    let client = TestClient::new(App::new().route("/", get(panics))).raise_server_errors(false);
    assert_eq!(client.get("/").send().status(), Status::INTERNAL_SERVER_ERROR);
}
