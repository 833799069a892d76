//! The page of `App::debug`: which errors it answers, what it shows, and what it hides.

use std::fmt;

use futures_lite::stream;
use stelo_toolkit::response::{BoxError, Problem, ResponseExt, StreamingResponse};
use stelo_toolkit::{
    App, HttpError, IntoResponse, Path, Request, Response, Status, TestClient, WebSocket, get,
};

#[derive(Debug)]
struct Outer(std::num::ParseIntError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<b>no \"number\"</b>")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

async fn fails(Path(text): Path<String>) -> stelo_toolkit::Result<String> {
    let number: u8 = text.parse().map_err(Outer)?;
    Ok(number.to_string())
}

async fn panics() -> &'static str {
    panic!("not <this>")
}

async fn chosen() -> Result<(), HttpError> {
    Err(HttpError::new(Status::INTERNAL_SERVER_ERROR).with_detail("chosen"))
}

async fn missing() -> Result<(), HttpError> {
    Err(Status::NOT_FOUND.into())
}

fn app() -> App {
    App::new()
        .debug(true)
        .route("/fails/{text}", get(fails))
        .route("/panics", get(panics))
        .route("/chosen", get(chosen))
        .route("/missing", get(missing))
}

fn client(app: App) -> TestClient {
    TestClient::new(app).raise_server_errors(false)
}

#[test]
fn the_debug_page_is_text_unless_the_client_accepts_html() {
    let response = client(app()).get("/fails/tea?a=1").header("x-room", "green").send();
    assert_eq!(response.status(), Status::INTERNAL_SERVER_ERROR);
    assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let text = response.text();
    for part in [
        "<b>no \"number\"</b>\ncaused by: invalid digit found in string\n",
        "GET /fails/tea?a=1\nroute: /fails/{text}\n",
        "x-room: green\n",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn the_debug_page_is_escaped() {
    let request = client(app());
    let response = request
        .get("/fails/%3Cscript%3E")
        .header("accept", "text/html, */*")
        .header("x", "<script>'&")
        .send();
    assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
    let html = response.text();
    assert!(html.contains("<h2>&lt;b&gt;no &#34;number&#34;&lt;/b&gt;</h2>"), "{html}");
    assert!(html.contains("<li>invalid digit found in string</li>"));
    assert!(html.contains("<td>&lt;script&gt;\\&#39;&amp;</td>"), "{html}");
    assert!(!html.contains("<script") && !html.contains("<b>no"));
}

#[test]
fn the_debug_page_of_a_panic_has_its_place_and_a_backtrace() {
    let text = client(app()).get("/panics").send().text();
    assert!(text.contains("panic: not <this>\n"), "{text}");
    assert!(text.contains("\nat toolkit/tests/debug.rs:") && text.contains("debug::panics"), "{text}");
}

#[test]
fn the_debug_page_of_a_panic_is_html_for_a_browser() {
    let html = client(app()).get("/panics").header("accept", "text/html").send().text();
    assert!(html.contains("<h2>panic: not &lt;this&gt;</h2>"), "{html}");
    assert!(html.contains("<h3>Backtrace</h3>\n<p>at <code>toolkit/tests/debug.rs:"), "{html}");
}

#[test]
fn the_debug_page_hides_credentials() {
    let request = client(app());
    let request = request.get("/fails/tea").header("authorization", "Bearer abc").header("cookie", "id=abc");
    let text = request.send().text();
    assert!(text.contains("authorization: (hidden)\n") && text.contains("cookie: (hidden)\n"));
    assert!(!text.contains("abc"), "{text}");
}

#[test]
fn errors_with_a_status_of_their_own_have_no_debug_page() {
    let client = client(app());
    assert_eq!(client.get("/chosen").send().text(), "chosen");
    assert_eq!(client.get("/missing").send().text(), "Not Found");
    assert_eq!(client.get("/nowhere").send().text(), "Not Found");
}

#[test]
fn the_debug_page_comes_before_the_handler_for_500_and_after_one_for_the_type() {
    async fn sorry(_: Request, _: HttpError) -> (Status, &'static str) {
        (Status::INTERNAL_SERVER_ERROR, "sorry")
    }
    async fn no_number(_: Request, error: Outer) -> (Status, String) {
        (Status::BAD_REQUEST, error.0.to_string())
    }
    let with_status = || app().error_handler(Status::INTERNAL_SERVER_ERROR, sorry);
    assert!(client(with_status()).get("/fails/tea").send().text().contains("caused by"));
    assert!(client(with_status()).get("/panics").send().text().contains("panic: "));
    assert_eq!(client(with_status()).get("/chosen").send().text(), "sorry");
    assert_eq!(client(with_status().debug(false)).get("/fails/tea").send().text(), "sorry");
    assert!(client(app().on_error(sorry)).get("/panics").send().text().contains("panic: "));
    let with_type = app().on_error(no_number);
    assert_eq!(client(with_type).get("/fails/tea").send().text(), "invalid digit found in string");
}

#[test]
fn a_mounted_application_has_a_debug_page_of_its_own() {
    let outer = App::new().mount("/inner", app()).route("/fails/{text}", get(fails));
    let client = client(outer);
    assert!(client.get("/inner/fails/tea").send().text().contains("route: /inner/fails/{text}"));
    assert_eq!(client.get("/fails/tea").send().text(), "Internal Server Error");
}

#[test]
fn an_error_after_the_start_of_a_response_has_no_debug_page() {
    async fn cut_off() -> StreamingResponse {
        let pieces: [Result<&str, BoxError>; 2] = [Ok("start"), Err("broken".into())];
        StreamingResponse::fallible(stream::iter(pieces))
    }
    let response = client(App::new().debug(true).route("/", get(cut_off))).get("/").send();
    assert_eq!((response.status(), response.text()), (Status::OK, "start".into()));
}

#[test]
fn a_websocket_has_no_debug_page() {
    async fn broken(_: WebSocket) -> stelo_toolkit::Result<()> {
        Err("broken".into())
    }
    let client = client(App::new().debug(true).websocket("/", broken));
    let denied = format!("{:?}", client.websocket_connect("/").connect().unwrap_err());
    assert!(denied.contains("500") && !denied.contains("route: "), "{denied}");
}

#[test]
fn a_background_task_that_panics_leaves_the_response_as_it_is() {
    async fn done() -> Response {
        Status::NO_CONTENT.into_response().background(async { panic!("too late") })
    }
    let response = client(App::new().debug(true).route("/", get(done))).get("/").send();
    assert_eq!((response.status(), response.text()), (Status::NO_CONTENT, String::new()));
}

#[test]
fn a_problem_is_json_and_an_error_of_its_status() {
    async fn broke() -> stelo_toolkit::Result<()> {
        let problem =
            Problem::new(Status::FORBIDDEN).with_type("https://example.org/broke").with_detail("30 < 50");
        Err(problem.with_instance("/orders/7").with_member("balance", &30).with_member("status", &1).into())
    }
    async fn typed() -> Result<(), Problem> {
        Err(Problem::new(Status::CONFLICT))
    }
    let app = || App::new().debug(true).route("/", get(broke)).route("/typed", get(typed));
    let response = client(app()).get("/").send();
    assert_eq!(
        (response.status(), response.header("content-type")),
        (Status::FORBIDDEN, Some("application/problem+json"))
    );
    assert_eq!(
        response.text(),
        r#"{"type":"https://example.org/broke","title":"Forbidden","status":403,"detail":"30 < 50","instance":"/orders/7","balance":30}"#
    );
    assert_eq!(client(app()).get("/typed").send().text(), r#"{"title":"Conflict","status":409}"#);

    async fn by_status(_: Request, error: HttpError) -> String {
        format!("{error}, {:?}", error.problem().map(Problem::title))
    }
    let handled =
        client(app().error_handler(Status::FORBIDDEN, by_status).error_handler(Status::CONFLICT, by_status));
    assert_eq!(handled.get("/").send().text(), r#"403: 30 < 50, Some("Forbidden")"#);
    assert_eq!(handled.get("/typed").send().text(), r#"409: Conflict, Some("Conflict")"#);
    async fn by_type(_: Request, problem: Problem) -> String {
        problem.to_string()
    }
    let handled = client(app().on_error(by_type));
    assert_eq!(
        (handled.get("/").send().text(), handled.get("/typed").send().text()),
        ("30 < 50".into(), "Conflict".into())
    );
}
