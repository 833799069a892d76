//! Errors: which response or error handler answers them.

use std::error::Error;
use std::fmt;

use futures_lite::future;
use stelo_toolkit::body::BodyError;
use stelo_toolkit::response::BoxError;
use stelo_toolkit::{
    App, Body, HttpError, IntoResponse, Json, Method, Next, Path, Query, Request, Response, Router, Status,
    TestClient, get, post,
};

/// An error of an application.
#[derive(Debug)]
struct Broken(&'static str);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Broken {}

impl IntoResponse for Broken {
    fn into_response(self) -> Response {
        (Status::BAD_GATEWAY, self.0).into_response()
    }
}

/// An error that answers 500.
struct Worse;

impl IntoResponse for Worse {
    fn into_response(self) -> Response {
        Status::INTERNAL_SERVER_ERROR.into_response()
    }
}

async fn fail(Path(how): Path<String>) -> Result<&'static str, Broken> {
    if how == "fine" { Ok("fine") } else { Err(Broken("broken")) }
}

async fn raise(Path(code): Path<u16>) -> Result<(), HttpError> {
    Err(HttpError::new(Status::new(code).ok_or(Status::BAD_REQUEST)?).with_detail("raised"))
}

fn routes() -> Router {
    async fn answer(Path(code): Path<u16>) -> Status {
        Status::new(code).unwrap_or_default()
    }
    async fn boxed() -> Result<(), BoxError> {
        Err("secret".into())
    }
    async fn worse() -> Result<(), Worse> {
        Err(Worse)
    }
    async fn number(Json(n): Json<u8>) -> String {
        n.to_string()
    }
    Router::new()
        .route("/fail/{how}", get(fail))
        .route("/raise/{code}", get(raise))
        .route("/answer/{code}", get(answer))
        .route("/boxed", get(boxed))
        .route("/worse", get(worse))
        .route("/json", post(number))
}

#[test]
fn without_handlers_errors_answer_for_themselves() {
    let client = TestClient::new(App::new().mount("/", routes())).raise_server_errors(false);
    for (target, status, text) in [
        ("/fail/fine", 200, "fine"),
        ("/fail/x", 502, "broken"),
        ("/raise/404", 404, "raised"),
        ("/raise/418", 418, "raised"),
        ("/answer/404", 404, ""),
        ("/boxed", 500, "Internal Server Error"),
        ("/worse", 500, ""),
        ("/nowhere", 404, "Not Found"),
        ("/json", 405, "Method Not Allowed"),
    ] {
        let response = client.get(target).send();
        assert_eq!((response.status().code(), &*response.text()), (status, text), "{target}");
    }
}

#[test]
fn handlers_by_status_and_by_type() {
    async fn not_found(request: Request, error: HttpError) -> (Status, String) {
        (Status::NOT_FOUND, format!("404 handler: {} {}", request.path(), error.detail))
    }
    async fn http(_: Request, error: HttpError) -> (Status, String) {
        (error.status, format!("HttpError handler: {}", error.detail))
    }
    async fn broken(request: Request, error: Broken) -> (Status, String) {
        (Status::SERVICE_UNAVAILABLE, format!("Broken handler: {} {:?}", error.0, request.matched_path()))
    }
    async fn unforeseen(_: Request, error: HttpError) -> (Status, String) {
        (error.status, "500 handler".into())
    }
    let app = App::new()
        .mount("/", routes())
        .error_handler(Status::NOT_FOUND, not_found)
        .error_handler(Status::INTERNAL_SERVER_ERROR, unforeseen)
        .on_error(http)
        .on_error::<Broken, _>(broken);
    let client = TestClient::new(app).raise_server_errors(false);
    for (target, status, text) in [
        ("/fail/fine", 200, "fine"),
        ("/fail/x", 503, "Broken handler: broken Some(\"/fail/{how}\")"),
        ("/raise/404", 404, "404 handler: /raise/404 raised"),
        ("/raise/418", 418, "HttpError handler: raised"),
        ("/raise/500", 500, "500 handler"),
        ("/raise/x", 400, "HttpError handler: invalid path: `code`: invalid digit found in string"),
        ("/answer/404", 404, ""),
        ("/answer/500", 500, ""),
        ("/boxed", 500, "500 handler"),
        ("/worse", 500, "500 handler"),
        ("/nowhere", 404, "404 handler: /nowhere Not Found"),
        ("/json", 405, "HttpError handler: Method Not Allowed"),
    ] {
        let response = client.get(target).send();
        assert_eq!((response.status().code(), &*response.text()), (status, text), "{target}");
    }
    let rejected = client.post("/json").body("1").send();
    assert!(rejected.text().starts_with("HttpError handler: the body must be JSON"));
}

#[test]
fn an_error_handler_gets_the_request_without_body_and_extensions() {
    async fn plain() -> Result<(), Broken> {
        Err(Broken("plain"))
    }
    async fn with_argument(_: Method) -> Result<(), Broken> {
        Err(Broken("with argument"))
    }
    async fn mark(mut request: Request, next: Next) -> Response {
        request.extensions_mut().insert(7_u8);
        next.run(request).await
    }
    async fn broken(mut request: Request, error: Broken) -> Result<String, HttpError> {
        let (mark, body) = (request.extensions().get::<u8>().copied(), request.body().await?.len());
        Ok(format!("{}: {} {mark:?} {body}", error.0, request.path()))
    }
    let routes = Router::new().route("/plain", post(plain)).route("/with", post(with_argument));
    let marked = Router::new().mount("/", routes).middleware(mark);
    let unmarked = Router::new().route("/plain", post(plain));
    let client = TestClient::new(App::new().mount("/marked", marked).mount("/un", unmarked).on_error(broken));
    for (target, text) in [
        ("/marked/plain", "plain: /marked/plain None 0"),
        ("/marked/with", "with argument: /marked/with None 0"),
        ("/un/plain", "plain: /un/plain None 0"),
    ] {
        assert_eq!(client.post(target).body("body").send().text(), text);
    }
}

#[test]
fn the_handler_for_500_sees_the_source_of_an_unknown_error() {
    async fn shown(_: Request, error: HttpError) -> (Status, String) {
        (
            Status::IM_A_TEAPOT,
            format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default()),
        )
    }
    let app = || App::new().mount("/", routes());
    for app in [app().on_error(shown), app().error_handler(Status::INTERNAL_SERVER_ERROR, shown)] {
        assert_eq!(TestClient::new(app).get("/boxed").send().text(), "500: Internal Server Error: secret");
    }
}

/// Returns an error through `?`. The path chooses the error.
async fn question_mark(Path(kind): Path<String>, body: Body) -> stelo_toolkit::Result<&'static str> {
    match &*kind {
        "http" => Err(HttpError::new(Status::GONE).with_detail("it was here"))?,
        "extractor" => Query::<u8>::parse("x=1").map(drop)?,
        "body" => drop(body.collect(1).await?),
        "broken" => Err(Broken("broken"))?,
        "text" => Err("a text")?,
        "number" => drop("x".parse::<u8>()?),
        _ => {}
    }
    Ok("fine")
}

#[test]
fn the_question_mark_keeps_the_status_of_an_error() {
    let client = TestClient::new(App::new().route("/{kind}", post(question_mark))).raise_server_errors(false);
    for (kind, status, text) in [
        ("fine", 200, "fine"),
        ("http", 410, "it was here"),
        ("extractor", 400, "invalid query: invalid type: map, expected u8"),
        ("body", 413, "the body is larger than the limit of 1 bytes"),
        ("broken", 500, "Internal Server Error"),
        ("text", 500, "Internal Server Error"),
        ("number", 500, "Internal Server Error"),
    ] {
        let response = client.post(&format!("/{kind}")).body("body").send();
        assert_eq!((response.status().code(), &*response.text()), (status, text), "{kind}");
    }
}

#[test]
fn error_handlers_see_the_original_of_a_boxed_error() {
    async fn broken(_: Request, error: Broken) -> (Status, String) {
        (Status::BAD_GATEWAY, format!("Broken handler: {error}"))
    }
    async fn body(_: Request, error: BodyError) -> String {
        format!("BodyError handler: {error}")
    }
    async fn gone(_: Request, error: HttpError) -> String {
        format!("410 handler: {}", error.detail)
    }
    let app = App::new().route("/{kind}", post(question_mark));
    let client = TestClient::new(app.on_error(broken).on_error(body).error_handler(Status::GONE, gone))
        .raise_server_errors(false);
    for (kind, text) in [
        ("http", "410 handler: it was here"),
        ("body", "BodyError handler: the body is larger than the limit of 1 bytes"),
        ("broken", "Broken handler: broken"),
        ("text", "Internal Server Error"),
    ] {
        let response = client.post(&format!("/{kind}")).body("body").send();
        assert_eq!(response.text(), text, "{kind}");
    }
}

#[test]
fn a_boxed_error_in_an_error_for_http_keeps_its_status() {
    let boxed: BoxError = HttpError::new(Status::GONE).into();
    assert_eq!(HttpError::from(boxed), HttpError::new(Status::GONE));
    let unknown = HttpError::from(BoxError::from("a text"));
    assert_eq!(unknown.status, Status::INTERNAL_SERVER_ERROR);
    assert_eq!(unknown.source().map(ToString::to_string).as_deref(), Some("a text"));
}

#[test]
fn the_405_handler_sees_the_methods() {
    async fn allowed(_: Request, error: HttpError) -> (Status, String) {
        (error.status, format!("try {}", error.headers.get_str("allow").unwrap_or_default()))
    }
    let app = App::new().mount("/", routes()).error_handler(Status::METHOD_NOT_ALLOWED, allowed);
    assert_eq!(TestClient::new(app).get("/json").send().text(), "try POST");
}

#[test]
fn the_last_handler_for_an_error_counts() {
    async fn first(_: Request, _: HttpError) -> &'static str {
        "first"
    }
    async fn last(_: Request, _: HttpError) -> &'static str {
        "last"
    }
    let app = App::new().error_handler(Status::NOT_FOUND, first).error_handler(Status::NOT_FOUND, last);
    assert_eq!(TestClient::new(app).get("/").send().text(), "last");
}

#[test]
fn an_error_of_an_error_handler_is_not_handled_again() {
    async fn fails(_: Request, error: HttpError) -> Result<(), HttpError> {
        Err(error.with_detail("failed again"))
    }
    let client = TestClient::new(App::new().error_handler(Status::NOT_FOUND, fails));
    assert_eq!(client.get("/").send().text(), "failed again");
}

#[test]
fn handlers_of_errors_keep_the_fields_of_the_error() {
    async fn refuse() -> Result<(), HttpError> {
        let error = HttpError::new(Status::UNAUTHORIZED).with_header("www-authenticate", "Basic");
        Err(error.with_header("www-authenticate", "Bearer").with_header("content-type", "text/html"))
    }
    async fn json(_: Request, error: HttpError) -> (Status, String) {
        (error.status, format!("\"{}\"", error.detail))
    }
    async fn busy(_: Request, _: HttpError) -> ([(&'static str, &'static str); 1], &'static str) {
        ([("retry-after", "1")], "busy")
    }
    let overloaded = async || -> Result<(), HttpError> {
        Err(HttpError::new(Status::SERVICE_UNAVAILABLE).with_header("retry-after", "120"))
    };
    async fn slow(_: Request, _: HttpError) -> &'static str {
        future::yield_now().await;
        "slow"
    }
    let teapot = async || -> Result<(), HttpError> {
        Err(HttpError::new(Status::IM_A_TEAPOT).with_header("retry-after", "300"))
    };
    let app = App::new()
        .route("/a", post("a"))
        .route("/refuse", get(refuse))
        .route("/busy", get(overloaded))
        .route("/slow", get(teapot))
        .error_handler(Status::IM_A_TEAPOT, slow)
        .on_error(json)
        .error_handler(Status::SERVICE_UNAVAILABLE, busy);
    let client = TestClient::new(app);
    assert_eq!(client.get("/a").send().header("allow"), Some("POST"));
    let response = client.get("/refuse").send();
    let all = response.headers().get_all("www-authenticate").collect::<Vec<_>>();
    assert_eq!(all, [&b"Basic"[..], b"Bearer"]);
    assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(client.get("/busy").send().headers().get_all("retry-after").count(), 1);
    assert_eq!(client.get("/busy").send().header("retry-after"), Some("1"));
    let slow = client.get("/slow").send();
    assert_eq!((slow.text().as_str(), slow.header("retry-after")), ("slow", Some("300")));
}

#[test]
fn an_error_answers_with_its_phrase_its_fields_or_nothing() {
    async fn fields() -> Result<(), HttpError> {
        Err(HttpError::new(Status::OK).with_header("x-potato", "always"))
    }
    async fn plain(Path(code): Path<u16>) -> Result<(), HttpError> {
        Err(Status::new(code).unwrap_or_default().into())
    }
    let client = TestClient::new(App::new().route("/fields", get(fields)).route("/{code:int}", get(plain)));
    assert_eq!(client.get("/406").send().text(), "Not Acceptable");
    for code in [204, 304] {
        let response = client.get(&format!("/{code}")).send();
        assert_eq!((response.status().code(), response.text()), (code, String::new()));
        assert_eq!(response.header("content-length"), None);
    }
    let response = client.get("/fields").send();
    assert_eq!((response.status(), response.header("x-potato")), (Status::OK, Some("always")));
}

#[test]
fn errors_show_their_status_and_their_text() {
    let plain = HttpError::new(Status::NOT_FOUND);
    assert_eq!(plain.to_string(), "404: Not Found");
    assert_eq!(plain.clone().with_detail("Not Found: foo").to_string(), "404: Not Found: foo");
    assert_eq!(plain.clone().with_header("key", "value").to_string(), "404: Not Found");
    assert!(format!("{plain:?}").contains("detail: \"Not Found\""));
}

#[test]
fn an_error_of_futures_that_run_together_reaches_its_handler_unchanged() {
    async fn after(turns: u32, result: Result<u8, Broken>) -> Result<u8, Broken> {
        for _ in 0..turns {
            future::yield_now().await;
        }
        result
    }
    async fn one() -> Result<String, Broken> {
        let (a, b) = future::try_zip(after(2, Ok(1)), after(1, Err(Broken("the only one")))).await?;
        Ok(format!("{a} {b}"))
    }
    async fn two() -> Result<String, Broken> {
        let failing = (after(2, Err(Broken("the later one"))), after(1, Err(Broken("the first one"))));
        let (a, b) = future::try_zip(failing.0, failing.1).await?;
        Ok(format!("{a} {b}"))
    }
    async fn broken(_: Request, error: Broken) -> String {
        format!("handled: {}", error.0)
    }
    async fn around(request: Request, next: Next) -> Response {
        next.run(request).await
    }
    let app = App::new().middleware(around).route("/one", get(one)).route("/two", get(two)).on_error(broken);
    let client = TestClient::new(app);
    assert_eq!(client.get("/one").send().text(), "handled: the only one");
    assert_eq!(client.get("/two").send().text(), "handled: the first one");
}

#[test]
fn a_handler_of_errors_runs_on_the_thread_of_the_request() {
    async fn refuse() -> Result<(), HttpError> {
        let thread = format!("{:?}", std::thread::current().id());
        Err(HttpError::new(Status::CONFLICT).with_detail(thread))
    }
    async fn compare(_: Request, error: HttpError) -> String {
        let here = format!("{:?}", std::thread::current().id());
        (error.detail == here).to_string()
    }
    let app = App::new().route("/", get(refuse)).error_handler(Status::CONFLICT, compare);
    assert_eq!(TestClient::new(app).get("/").send().text(), "true");
}

#[test]
fn an_error_of_a_body_is_a_response() {
    assert_eq!(BodyError::TooLarge { limit: 1 }.into_response().status, Status::CONTENT_TOO_LARGE);
}
