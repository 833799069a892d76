//! Errors of an application, and default responses: panics, 404, 405, redirects.

use futures_lite::StreamExt;
use stelo_core::body::Length;
use stelo_core::http::Status;
use stelo_tests::{Gate, News, On, cases};
use stelo_toolkit::response::ResponseExt;
use stelo_toolkit::{App, Body, HttpError, IntoResponse, Json, Query, Request, Response, State, get, post};

cases!(
    a_panic_is_500_on_that_connection_only,
    a_panic_before_the_first_await_is_500,
    a_panic_in_a_body_cuts_it_off,
    an_unknown_path_is_404,
    an_unknown_method_is_405_with_allow,
    a_slash_is_added_or_taken_away,
    error_handlers_answer,
    arguments_that_do_not_fit_are_named,
    a_body_beyond_the_limit_is_413,
    a_background_task_runs_after_the_response,
    a_panic_in_a_background_task_affects_only_that_task,
    a_background_task_runs_after_a_failed_body,
);

/// An application with a route that panics, and one that works.
fn fragile() -> App {
    async fn later(request: Request) {
        request.sleep(std::time::Duration::from_millis(1)).await;
        panic!("on purpose, later");
    }
    fn at_once() -> std::future::Ready<&'static str> {
        panic!("on purpose, at once");
    }
    App::new()
        .route("/later", get(later))
        .route("/at-once", get(at_once))
        .route("/well", get(async || "well"))
}

fn a_panic_is_500_on_that_connection_only(on: On) {
    let server = on.serve(fragile());
    let (mut client, mut other) = (server.connect(), server.connect());
    assert_eq!(other.get("/well").text(), "well");
    let answer = client.get("/later");
    assert_eq!(answer.line, "HTTP/1.1 500 Internal Server Error");
    assert_eq!(answer.text(), "Internal Server Error");
    assert_eq!(client.get("/well").text(), "well", "the connection goes on");
    assert_eq!(other.get("/well").text(), "well");
}

fn a_panic_before_the_first_await_is_500(on: On) {
    let server = on.serve(fragile());
    let mut client = server.connect();
    assert_eq!(client.get("/at-once").status, 500);
    assert_eq!(client.get("/well").text(), "well");
}

fn a_panic_in_a_body_cuts_it_off(on: On) {
    let body = async || {
        let frames = futures_lite::stream::once(()).map(|()| panic!("on purpose, in a body"));
        Response::new(Body::from_frames(frames, Length::Unknown))
    };
    let server = on.serve(fragile().route("/", get(body)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(client.head().expect("the head is out by then").status, 200);
    assert_eq!(client.rest().0, b"");
    assert_eq!(server.connect().get("/well").text(), "well");
}

fn an_unknown_path_is_404(on: On) {
    let server = on.serve(fragile());
    let mut client = server.connect();
    let answer = client.get("/nowhere");
    assert_eq!((answer.line.as_str(), answer.text().as_str()), ("HTTP/1.1 404 Not Found", "Not Found"));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    client.expect_open();
}

fn an_unknown_method_is_405_with_allow(on: On) {
    let server = on.serve(App::new().route("/", get(async || "").post(async || "")));
    let mut client = server.connect();
    for method in ["DELETE", "BREW", "get"] {
        client.send(format!("{method} / HTTP/1.1\r\nhost: a\r\n\r\n"));
        let answer = client.answer();
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, POST")), "{method}");
    }
}

fn a_slash_is_added_or_taken_away(on: On) {
    let app = App::new().route("/with/", get(async || "")).route("/without", get(async || ""));
    let server = on.serve(app);
    let mut client = server.connect();
    for (path, location) in [("/with?a=b", "/with/?a=b"), ("/without/", "/without")] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.header("location")), (307, Some(location)), "{path}");
    }
}

fn error_handlers_answer(on: On) {
    #[derive(Clone, Debug)]
    struct SoldOut;
    impl std::fmt::Display for SoldOut {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("sold out")
        }
    }
    impl std::error::Error for SoldOut {}
    impl IntoResponse for SoldOut {
        fn into_response(self) -> Response {
            Status::CONFLICT.into_response()
        }
    }
    async fn missing(request: Request, error: HttpError) -> (Status, String) {
        (error.status, format!("no {}", request.path()))
    }
    async fn sold_out(_: Request, _: SoldOut) -> (Status, &'static str) {
        (Status::CONFLICT, "sold out")
    }
    async fn buy() -> Result<&'static str, SoldOut> {
        Err(SoldOut)
    }
    let app = fragile().route("/buy", get(buy)).error_handler(Status::NOT_FOUND, missing).on_error(sold_out);
    let server =
        on.serve(app.error_handler(Status::INTERNAL_SERVER_ERROR, async |_: Request, _: HttpError| {
            (Status::INTERNAL_SERVER_ERROR, "we are sorry")
        }));
    let mut client = server.connect();
    for (path, status, text) in [
        ("/x", 404, "no /x"),
        ("/buy", 409, "sold out"),
        ("/later", 500, "we are sorry"),
        ("/well", 200, "well"),
    ] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.text().as_str()), (status, text));
    }
}

fn arguments_that_do_not_fit_are_named(on: On) {
    #[derive(serde::Deserialize)]
    struct Order {
        item: String,
        number: u8,
    }
    async fn order(Json(order): Json<Order>) -> String {
        format!("{} x {}", order.number, order.item)
    }
    async fn search(Query(order): Query<Order>) -> String {
        format!("{} x {}", order.number, order.item)
    }
    let server = on.serve(App::new().route("/", get(search).post(order)));
    let mut client = server.connect();
    assert_eq!(client.get("/?item=tea&number=2").text(), "2 x tea");
    let answer = client.get("/?item=tea&number=300");
    assert!(answer.status == 400 && answer.text().contains("number"), "{answer:?}");
    let mut json = |body: &str| {
        client.send(format!(
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
        client.answer()
    };
    assert_eq!(json(r#"{"item":"tea","number":2}"#).text(), "2 x tea");
    let answer = json(r#"{"item":"tea","number":"two"}"#);
    assert!(answer.status == 422 && answer.text().contains("number"), "{answer:?}");
    assert_eq!(json("{").status, 400);
}

fn a_body_beyond_the_limit_is_413(on: On) {
    let server = on.serve(App::new().body_limit(10).route("/", post(async |body: String| body)));
    let mut client = server.connect();
    assert_eq!(client.post("/", "0123456789").text(), "0123456789");
    assert_eq!(client.post("/", "0123456789a").status, 413);
    client.expect_open();
    client.send(
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n",
    );
    assert_eq!(client.answer().status, 413);
    client.expect_open();
}

fn a_background_task_runs_after_the_response(on: On) {
    async fn answer(State(news): State<News>, State(gate): State<Gate>) -> Response {
        "answered".into_response().background(async move {
            gate.pass().await;
            news.tell("done");
        })
    }
    let (news, gate) = (News::new(), Gate::new());
    let app = App::new().state(news.clone()).state(gate.clone()).route("/", get(answer));
    let server = on.serve(app);
    let mut client = server.connect();
    // The connection answers another request while the task runs.
    assert_eq!([client.get("/").text(), client.get("/").text()], ["answered", "answered"]);
    news.expect_silence();
    gate.open();
    news.expect("done");
    news.expect("done");
}

fn a_panic_in_a_background_task_affects_only_that_task(on: On) {
    async fn answer(State(news): State<News>) -> Response {
        "answered".into_response().background(async move {
            let _told = news.last_word("unwound");
            panic!("on purpose, in the background");
        })
    }
    let news = News::new();
    let server = on.serve(App::new().state(news.clone()).route("/", get(answer)));
    let mut client = server.connect();
    assert_eq!(client.get("/").text(), "answered");
    news.expect("unwound");
    assert_eq!(client.get("/").text(), "answered");
}

fn a_background_task_runs_after_a_failed_body(on: On) {
    async fn fail(State(news): State<News>) -> Response {
        let failing = futures_lite::stream::once(Err::<&str, _>(HttpError::new(Status::BAD_GATEWAY)));
        Response::new(Body::from_stream(failing)).background(async move { news.tell("done") })
    }
    let news = News::new();
    let server = on.serve(App::new().state(news.clone()).route("/", get(fail)));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    client.rest();
    news.expect("done");
}
