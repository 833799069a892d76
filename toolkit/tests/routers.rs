//! Routers in routers: included, merged, mounted at a point that they answer themselves; with state and error handlers.

use std::error::Error;
use std::fmt;

use stelo_toolkit::routing::Convertor;
use stelo_toolkit::{
    App, HttpError, Method, Next, Path, Request, Response, Router, State, Status, TestClient, any, get, post,
};

/// Answers with root path, path below it, pattern, and URLs of the routes called `list` and `items:list`.
async fn about(request: Request) -> String {
    let urls = ["list", "items:list"].map(|name| path_of(&request, name));
    let pattern = request.matched_path().unwrap_or("-");
    format!("{} {} {pattern} {}", request.root_path(), request.route_path(), urls.join(" "))
}

fn items() -> Router {
    Router::new().route("", get(about)).name("list").route("/{id:int}", get(about)).name("item")
}

#[track_caller]
fn check(client: &TestClient, cases: &[(&str, u16, &str)]) {
    for (path, status, text) in cases {
        let response = client.get(path).follow_redirects(false).send();
        let text_or_location = response.header("location").map_or_else(|| response.text(), str::to_owned);
        assert_eq!((response.status().code(), &*text_or_location), (*status, *text), "{path}");
    }
}

#[test]
fn an_included_router_is_no_scope_of_its_own() {
    let app = App::new().include("/items", items()).route("/items/new", get("declared later"));
    check(
        &TestClient::new(app),
        &[
            ("/items", 200, " /items /items /items -"),
            ("/items/7", 200, " /items/7 /items/{id:int} /items -"),
            ("/items/new", 200, "declared later"),
            ("/items/", 307, "/items"),
            ("/items/x", 404, "Not Found"),
        ],
    );
}

#[test]
fn a_name_for_an_included_router_comes_before_its_names() {
    let app = App::new().include("/items/", items()).name("items");
    check(&TestClient::new(app), &[("/items", 200, " /items /items - /items")]);

    let inner = Router::new().include("/inner", items()).name("items").mount("/mounted", items());
    let app = App::new().include("/outer", inner).name("outer").route("/url/{name}", get(url));
    check(
        &TestClient::new(app),
        &[
            ("/url/outer:items:list", 200, "/outer/inner"),
            ("/url/outer:list", 200, "/outer/mounted"),
            ("/url/list", 200, "-"),
        ],
    );
}

async fn url(Path(name): Path<String>, request: Request) -> String {
    path_of(&request, &name)
}

fn path_of(request: &Request, name: &str) -> String {
    request.url_for(name, &[]).map_or_else(|_| "-".into(), |url| url.path().to_owned())
}

#[test]
fn a_merged_router_adds_its_routes_in_order() {
    let app = App::new()
        .route("/a", get("outer a"))
        .merge(Router::new().route("/a", post("posted")).route("/b", get("inner b")))
        .route("/b", any("outer b"));
    let client = TestClient::new(app);
    check(&client, &[("/a", 200, "outer a"), ("/b", 200, "inner b")]);
    assert_eq!(client.post("/b").send().text(), "outer b");
    assert_eq!(client.post("/a").send().text(), "posted");
    assert_eq!(client.request(Method::Delete, "/a").send().header("allow"), Some("GET, HEAD, POST"));
}

#[test]
fn parameters_of_a_prefix_come_first() {
    async fn both(Path((team, user)): Path<(String, u32)>) -> String {
        format!("{team} {user}")
    }
    let app = App::new().include("/teams/{team}", Router::new().route("/users/{user:int}", get(both)));
    check(&TestClient::new(app), &[("/teams/red/users/7", 200, "red 7")]);
}

#[test]
fn middleware_of_an_included_router_is_around_its_routes_alone() {
    fn trace(
        name: &'static str,
    ) -> impl Fn(Request, Next) -> stelo_toolkit::response::Reply + Send + Sync + 'static {
        move |request, next| {
            stelo_toolkit::response::Reply::future(async move {
                let mut response = next.run(request).await;
                response.headers.append("x-trace", name);
                response
            })
        }
    }
    let inner = Router::new().route("/in", get("in").middleware(trace("route"))).middleware(trace("inner"));
    let outer = Router::new()
        .include("/b", inner)
        .route("/out", get("out"))
        .mount("/m", Router::new().route("/x", get("x")).middleware(trace("mounted")))
        .middleware(trace("outer"));
    let client = TestClient::new(App::new().include("/a", outer).middleware(trace("app")));
    for (path, expected) in [
        ("/a/b/in", "route inner outer app"),
        ("/a/out", "outer app"),
        ("/a/m/x", "mounted outer app"),
        ("/a/m/nowhere", "mounted outer app"),
        ("/a/b/nowhere", "app"),
    ] {
        let response = client.get(path).send();
        let trace: Vec<&str> =
            response.headers().get_all("x-trace").map(|v| str::from_utf8(v).unwrap()).collect();
        assert_eq!(trace.join(" "), expected, "{path}");
    }
}

#[test]
fn an_included_router_keeps_its_body_limit() {
    async fn length(body: String) -> String {
        body.len().to_string()
    }
    let small = Router::new()
        .body_limit(3)
        .route("/small", post(length))
        .route("/large", post(length).body_limit(10));
    let client = TestClient::new(App::new().include("/in", small).route("/out", post(length)));
    for (path, status) in [("/in/small", 413), ("/in/large", 200), ("/out", 200)] {
        assert_eq!(client.post(path).body("12345").send().status().code(), status, "{path}");
    }
}

struct Even;

impl Convertor for Even {
    fn matches(&self, text: &str) -> bool {
        text.ends_with(['0', '2', '4', '6', '8'])
    }
}

#[test]
fn an_included_router_brings_its_convertors() {
    let inner = || Router::new().convertor("even", Even).route("/{n:even}", get("even"));
    check(
        &TestClient::new(App::new().include("/n", inner())),
        &[("/n/2", 200, "even"), ("/n/3", 404, "Not Found")],
    );
    let twice = App::new().include("/n", inner()).include("/m", inner());
    assert_eq!(
        twice.build().unwrap_err().to_string(),
        "the router included at `/m` replaces the convertor `even`: rename it, or use `mount`"
    );
    let built_in = App::new().include("/n", Router::new().convertor("int", Even));
    assert!(built_in.build().unwrap_err().to_string().contains("replaces the convertor `int`"));
}

#[test]
fn what_cannot_be_included_is_said_in_one_line() {
    let fallback = || Router::new().fallback("nothing");
    let host = || Router::new().host("example.org", Router::new());
    for (app, message) in [
        (
            App::new().include("/in", fallback()),
            "the router included at `/in` has a fallback: give it to the router around it, or use `mount`",
        ),
        (
            App::new().include("/in", host()),
            "host `example.org` is in a router included at `/in`: a host has no prefix, so declare it outside",
        ),
        (App::new().include("in", items()), "route `in`: a path must begin with `/`"),
        (
            App::new().include("/in", Router::new().route("x", get("x"))),
            "route `x`: a path must begin with `/`",
        ),
        (App::new().merge(items()), "route ``: a path must begin with `/`"),
        (App::new().route("", get("x")), "route ``: a path must begin with `/`"),
        (
            App::new().include("/in", Router::new().name("none")),
            "the name `none` names nothing: call `.name(..)` after the `.route(..)` that it is for",
        ),
    ] {
        assert_eq!(app.build().unwrap_err().to_string(), message);
    }
    App::new().merge(host()).build().unwrap();
}

#[test]
fn a_mounted_router_can_answer_its_mount_point() {
    let app = App::new().mount("/items", items()).name("items").mount("/{shop}/items", items());
    check(
        &TestClient::new(app),
        &[
            ("/items", 200, "/items  /items - /items"),
            ("/items/7", 200, "/items /7 /items/{id:int} - /items"),
            ("/items/", 307, "/items"),
            ("/tea/items", 200, "/tea/items  /{shop}/items - /items"),
            ("/items/x", 404, "Not Found"),
        ],
    );
}

#[test]
fn a_mount_point_can_be_reached_through_routers_in_between() {
    let through = Router::new().mount("/", Router::new().merge(items()));
    let app =
        App::new().mount("/a", App::new().merge(through)).mount("/b", Router::new().route("/", get("slash")));
    check(&TestClient::new(app), &[("/a", 200, "/a  /a /a -"), ("/b", 307, "/b/"), ("/b/", 200, "slash")]);
}

#[test]
fn a_mount_point_and_its_slash_can_have_different_handlers() {
    let items = Router::new().route("", get("without").post("posted")).route("/", get("with"));
    let client = TestClient::new(App::new().mount("/items", items));
    check(&client, &[("/items", 200, "without"), ("/items/", 200, "with")]);
    assert_eq!(client.post("/items").send().text(), "posted");
    assert_eq!(client.post("/items/").send().status(), Status::METHOD_NOT_ALLOWED);
}

#[derive(Clone)]
struct Name(&'static str);

async fn name(State(name): State<Name>) -> &'static str {
    name.0
}

#[test]
fn the_innermost_state_of_a_type_is_seen() {
    let own = |text| Router::new().state(Name(text)).route("/x", get(name));
    let app = App::new()
        .state(Name("app"))
        .route("/x", get(name))
        .include("/included", own("included"))
        .mount("/mounted", own("mounted"))
        .include("/borrowed", Router::new().route("/x", get(name)))
        .mount(
            "/deep",
            Router::new().state(Name("middle")).include("/er", own("inner")).route("/x", get(name)),
        );
    check(
        &TestClient::new(app),
        &[
            ("/x", 200, "app"),
            ("/included/x", 200, "included"),
            ("/mounted/x", 200, "mounted"),
            ("/borrowed/x", 200, "app"),
            ("/deep/x", 200, "middle"),
            ("/deep/er/x", 200, "inner"),
        ],
    );
}

#[test]
fn the_state_of_a_router_is_not_seen_outside() {
    let app = App::new().include("/in", Router::new().state(Name("in"))).route("/x", get(name));
    let error = app.build().unwrap_err().to_string();
    assert!(error.contains("::name` at `/x` takes `State<") && error.ends_with("`Router::state`"), "{error}");
}

#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl Error for Broken {}

async fn broken() -> stelo_toolkit::Result<()> {
    Err(Broken)?
}

async fn missing() -> Result<(), HttpError> {
    Err(HttpError::new(Status::NOT_FOUND))
}

/// Answers an error with a name and the path of its request.
fn handler<E: Send + 'static>(
    name: &'static str,
) -> impl Fn(Request, E) -> std::future::Ready<String> + Send + Sync + 'static {
    move |request, _| std::future::ready(format!("{name} {}", request.path()))
}

#[test]
fn error_handlers_of_the_innermost_router_come_first() {
    let routes = || Router::new().route("/broken", get(broken)).route("/missing", get(missing));
    let typed = routes().on_error(handler::<Broken>("typed"));
    let status = routes().error_handler(Status::NOT_FOUND, handler("status"));
    let app = App::new()
        .on_error(handler::<Broken>("app"))
        .error_handler(Status::NOT_FOUND, handler("app 404"))
        .include("/typed", typed)
        .mount("/status", status)
        .include("/plain", routes())
        .mount("/app", App::new().include("/in", routes()));
    check(
        &TestClient::new(app).raise_server_errors(false),
        &[
            ("/typed/broken", 200, "typed /typed/broken"),
            ("/typed/missing", 200, "app 404 /typed/missing"),
            ("/typed/nowhere", 200, "app 404 /typed/nowhere"),
            ("/status/broken", 200, "app /status/broken"),
            ("/status/missing", 200, "status /status/missing"),
            ("/status/nowhere", 200, "status /status/nowhere"),
            ("/plain/broken", 200, "app /plain/broken"),
            ("/app/in/broken", 500, "Internal Server Error"),
            ("/app/in/missing", 404, "Not Found"),
        ],
    );
}

#[test]
fn values_are_handlers() {
    async fn seen(request: Request, next: Next) -> Response {
        next.run(request).await
    }
    let none: Option<&'static str> = None;
    let app = App::new()
        .route("/text", get("text").post(Status::CREATED))
        .route("/none", get(none))
        .fallback((Status::NOT_FOUND, "nothing here"))
        .error_handler(Status::NOT_FOUND, handler("handled"));
    let client = TestClient::new(app.middleware(seen));
    check(
        &client,
        &[
            ("/text", 200, "text"),
            ("/text", 200, "text"),
            ("/none", 200, "handled /none"),
            ("/else", 404, "nothing here"),
        ],
    );
    assert_eq!(client.post("/text").send().status(), Status::CREATED);
}

#[test]
fn a_fallback_is_inherited_by_mounted_routers() {
    async fn nothing(_: Request, _: HttpError) -> &'static str {
        "the inner 404"
    }
    let app = App::new()
        .fallback("the fallback")
        .include("/included", Router::new().route("", get("a")))
        .mount("/plain", Router::new().route("/a", get("a")).mount("/deep", Router::new()))
        .mount("/own", Router::new().fallback("its own"))
        .mount("/handled", Router::new().error_handler(Status::NOT_FOUND, nothing))
        .mount("/app", App::new());
    let client = TestClient::new(app);
    for (target, text) in [
        ("/nothing", "the fallback"),
        ("/included/nothing", "the fallback"),
        ("/plain/nothing", "the fallback"),
        ("/plain/deep/nothing", "the fallback"),
        ("/own/nothing", "its own"),
        ("/handled/nothing", "the inner 404"),
        ("/app/nothing", "Not Found"),
    ] {
        assert_eq!(client.get(target).send().text(), text, "{target}");
    }
}
