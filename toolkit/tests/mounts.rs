//! Applications inside applications, endpoints, and applications that know only the core.

use stelo_core::app::{App as CoreApp, BoxError, BoxFuture, Executor};
use stelo_toolkit::handler::{Endpoint, Outcome};
use stelo_toolkit::response::Reply;
use stelo_toolkit::routing::Foreign;
use stelo_toolkit::{App, HttpError, Next, Request, Response, Router, State, Status, TestClient, get};

#[derive(Clone)]
struct Name(&'static str);

async fn name(State(name): State<Name>) -> &'static str {
    name.0
}

#[test]
fn a_mounted_application_sees_its_own_state_first() {
    let own = App::new().state(Name("inner")).route("/", get(name));
    let borrowed = App::new().route("/", get(name));
    let app =
        App::new().state(Name("outer")).route("/", get(name)).mount("/own", own).mount("/borrowed", borrowed);
    let client = TestClient::new(app);
    assert_eq!(client.get("/").send().text(), "outer");
    assert_eq!(client.get("/own/").send().text(), "inner");
    assert_eq!(client.get("/borrowed/").send().text(), "outer");
}

#[test]
fn a_mounted_application_answers_its_own_errors() {
    async fn ours(_: Request, _: HttpError) -> (Status, &'static str) {
        (Status::NOT_FOUND, "ours")
    }
    let app = App::new()
        .error_handler(Status::NOT_FOUND, ours)
        .mount("/app", App::new())
        .mount("/router", Router::new());
    let client = TestClient::new(app);
    assert_eq!(client.get("/app/x").send().text(), "Not Found");
    assert_eq!(client.get("/router/x").send().text(), "ours");
}

#[test]
fn an_application_that_was_built_is_mounted_as_it_is() {
    let inner = App::new().route("/x", get(async |request: Request| request.path().to_owned()));
    inner.build().unwrap();
    let client = TestClient::new(App::new().mount("/in", inner));
    assert_eq!(client.get("/in/x").send().text(), "/x");
}

/// An application that knows nothing of the toolkit.
struct CoreOnly;

impl CoreApp for CoreOnly {
    fn call(&self, request: stelo_core::app::Request) -> Reply {
        let head = request.head();
        assert_ne!(head.path(), "/panic", "as it was told to");
        Response::new(format!("{} {:?}", head.path(), head.query())).into()
    }

    fn startup(&self, _: std::sync::Arc<dyn Executor>) -> BoxFuture<Result<(), BoxError>> {
        Box::pin(async { Err("no foreign database".into()) })
    }
}

#[test]
fn a_foreign_application_sees_the_path_without_the_prefix() {
    let client =
        TestClient::without_start(App::new().mount("/f/{x}", Foreign(CoreOnly))).raise_server_errors(false);
    assert_eq!(client.get("/f/1/a%20b/%C3%A9?q=%20").send().text(), "/a%20b/%C3%A9 Some(\"q=%20\")");
    assert_eq!(client.get("/f/1/").send().text(), "/ None");
    assert_eq!(client.get("/f/1/panic").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_foreign_application_gets_the_path_as_received() {
    let client = TestClient::without_start(App::new().mount("/\u{e9}/{x}", Foreign(CoreOnly)));
    for (target, path) in [
        ("/%C3%A9/1/%FF/%7e%2Fa", "/%FF/%7e%2Fa"),
        ("/%C3%A9/1%2Fa%25/b", "/b"),
        ("/%c3%a9/%20/%5Ba%5D^'", "/%5Ba%5D^'"),
        ("/%C3%A9/%FF/a", "/a"),
    ] {
        assert_eq!(client.get(target).send().text(), format!("{path} None"), "{target}");
    }
}

#[test]
fn the_start_of_a_foreign_application_is_part_of_the_outer_start() {
    let error = TestClient::try_new(App::new().mount("/f", Foreign(CoreOnly))).unwrap_err();
    assert_eq!(error.to_string(), "no foreign database");
}

struct Files;

impl Endpoint for Files {
    fn call(&self, request: Request) -> Outcome {
        match request.route_path() {
            "/panic" => panic!("as it was told to"),
            "/late-panic" => Outcome::future(std::future::poll_fn::<(), _>(|_| panic!("as it was told to"))),
            "/none" => HttpError::new(Status::NOT_FOUND).into(),
            "/fail" => Outcome::fail(HttpError::new(Status::NOT_FOUND)),
            "/late-fail" => Outcome::future(async { Err::<(), _>(HttpError::new(Status::NOT_FOUND)) }),
            path => format!("file {path} of {}", request.root_path()).into(),
        }
    }
}

async fn mark(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers.append("x-seen", "yes");
    response
}

#[test]
fn an_endpoint_can_be_mounted() {
    let client = TestClient::new(App::new().middleware(mark).mount("/static", Files).name("static"));
    let response = client.get("/static/css/a%20b.css").send();
    assert_eq!(response.text(), "file /css/a b.css of /static");
    assert_eq!(response.header("x-seen"), Some("yes"));
}

#[test]
fn the_panic_of_an_endpoint_is_a_response_for_middleware() {
    let client =
        TestClient::new(App::new().middleware(mark).mount("/static", Files)).raise_server_errors(false);
    for target in ["/static/panic", "/static/late-panic"] {
        let response = client.get(target).send();
        assert_eq!(response.status(), Status::INTERNAL_SERVER_ERROR, "{target}");
        assert_eq!(response.header("x-seen"), Some("yes"), "{target}");
    }
}

#[test]
fn the_errors_of_an_endpoint_go_to_the_error_handlers() {
    async fn not_found(request: Request, error: HttpError) -> (Status, String) {
        (error.status, format!("no {}", request.route_path()))
    }
    let app = App::new().error_handler(Status::NOT_FOUND, not_found).mount("/static", Files);
    let client = TestClient::new(app);
    for (target, text) in [("/static/fail", "no /fail"), ("/static/late-fail", "no /late-fail")] {
        let response = client.get(target).send();
        assert_eq!((response.status(), &*response.text()), (Status::NOT_FOUND, text));
    }
    // A response that the endpoint makes itself is no error, whatever its status.
    assert_eq!(client.get("/static/none").send().text(), "Not Found");
}

#[test]
fn what_is_no_table_of_routes_has_no_names() {
    let app = App::new().mount("/f", Foreign(CoreOnly)).name("f").mount("/files", Files).name("files");
    for name in ["f:inside", "files:inside"] {
        let error = app.url_path_for(name, &[]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("no route has the name \"{name}\"")), "{error}");
    }
}

#[test]
fn a_mounted_router_can_have_hosts() {
    let inner = Router::new().host("a.example", Router::new().route("/", get("a")));
    let client = TestClient::new(App::new().mount("/m", inner));
    assert_eq!(client.get("/m/").header("host", "a.example").send().text(), "a");
    assert_eq!(client.get("/m/").send().status(), Status::NOT_FOUND);
}
