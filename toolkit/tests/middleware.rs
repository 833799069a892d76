//! Middleware: its order, its scope, and the requests and responses that it sees and changes.

use stelo_toolkit::middleware::Middleware;
use stelo_toolkit::response::{Background, Reply};
use stelo_toolkit::{
    App, Body, Extension, Headers, HttpError, IntoResponse, Next, Path, Request, Response, Router, State,
    StaticFiles, Status, TestClient, get,
};

/// Writes its name into the response, around the names already there.
struct Tag(&'static str);

impl Middleware for Tag {
    fn call(&self, request: Request, next: Next) -> Reply {
        let name = self.0;
        Reply::future(async move {
            let mut response = next.run(request).await;
            let inner = response.headers.get_str("x-tags").unwrap_or_default().to_owned();
            response.headers.try_set("x-tags", format!("{name}({inner})")).expect("the tags are words");
            response
        })
    }
}

async fn home() -> &'static str {
    "home"
}

#[test]
fn the_first_that_is_added_is_the_outermost() {
    let inner = Router::new()
        .middleware(Tag("router"))
        .route("/", get(home).middleware(Tag("r1")).middleware(Tag("r2")));
    let app =
        App::new().middleware(Tag("app1")).mount("/in", inner).middleware(Tag("app2")).route("/", get(home));
    let client = TestClient::new(app);
    assert_eq!(client.get("/").send().header("x-tags"), Some("app1(app2())"));
    assert_eq!(client.get("/in/").send().header("x-tags"), Some("app1(app2(router(r1(r2()))))"));
    assert_eq!(
        client.get("/in").follow_redirects(false).send().header("x-tags"),
        Some("app1(app2())"),
        "the redirect"
    );
    assert_eq!(
        client.get("/in/x").send().header("x-tags"),
        Some("app1(app2(router()))"),
        "the 404 of the mount"
    );
    assert_eq!(
        client.post("/in/").send().header("x-tags"),
        Some("app1(app2(router()))"),
        "the 405 of the mount"
    );
}

#[test]
fn functions_and_closures() {
    async fn function(request: Request, next: Next) -> Response {
        let mut response = next.run(request).await;
        response.headers.set("x-function", "yes");
        response
    }
    let seen = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = seen.clone();
    let closure = move |request: Request, next: Next| {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move { next.run(request).await }
    };
    let client = TestClient::new(App::new().middleware(function).middleware(closure).route("/", get(home)));
    assert_eq!(client.get("/").send().header("x-function"), Some("yes"));
    assert_eq!(seen.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn a_middleware_can_answer_by_itself_or_fail() {
    async fn guard(request: Request, next: Next) -> Result<Response, HttpError> {
        match request.headers().get_str("authorization") {
            Some("ok") => Ok(next.run(request).await),
            Some(_) => Err(HttpError::new(Status::FORBIDDEN)),
            None => Ok((Status::UNAUTHORIZED, "who?").into_response()),
        }
    }
    async fn forbidden(_: Request, _: HttpError) -> (Status, &'static str) {
        (Status::FORBIDDEN, "handled")
    }
    let app = App::new().middleware(guard).error_handler(Status::FORBIDDEN, forbidden).route("/", get(home));
    let client = TestClient::new(app);
    assert_eq!(client.get("/").send().text(), "who?");
    assert_eq!(client.get("/").header("authorization", "no").send().text(), "handled");
    assert_eq!(client.get("/").header("authorization", "ok").send().text(), "home");
}

#[test]
fn a_middleware_sees_errors_and_panics_as_responses() {
    async fn status(request: Request, next: Next) -> Response {
        let mut response = next.run(request).await;
        response.headers.set("x-status", response.status.code());
        response
    }
    async fn panics() -> &'static str {
        panic!("as it was told to")
    }
    async fn fails() -> Result<(), HttpError> {
        Err(HttpError::new(Status::CONFLICT))
    }
    let app = App::new().middleware(status).route("/panics", get(panics)).route("/fails", get(fails));
    let client = TestClient::new(app).raise_server_errors(false);
    for (target, status) in [("/panics", "500"), ("/fails", "409"), ("/nowhere", "404")] {
        assert_eq!(client.get(target).send().header("x-status"), Some(status), "{target}");
    }
}

#[test]
fn a_middleware_can_change_the_request() {
    async fn rewrite(mut request: Request, next: Next) -> Response {
        let body = request.text().await.unwrap_or_default();
        *request.body_mut() = Body::from(body.to_uppercase());
        request.head_mut().headers_mut().append("x-added", "yes");
        next.run(request).await
    }
    async fn show(mut request: Request) -> Result<String, HttpError> {
        let added = request.headers().get_str("x-added").map(ToOwned::to_owned);
        Ok(format!("{} {added:?}", request.text().await?))
    }
    let client = TestClient::new(App::new().middleware(rewrite).route("/", stelo_toolkit::post(show)));
    assert_eq!(client.post("/").body("loud").send().text(), "LOUD Some(\"yes\")");
}

#[test]
fn a_middleware_can_change_the_body_and_keeps_the_background() {
    let ran = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = ran.clone();
    async fn shout(request: Request, next: Next) -> Response {
        let mut response = next.run(request).await;
        let body = std::mem::take(&mut response.body).collect(1000).await.unwrap_or_default();
        response.body = body.to_ascii_uppercase().into();
        response
    }
    let handler = move || {
        let flag = flag.clone();
        async move {
            Background::new("quiet", async move { flag.store(true, std::sync::atomic::Ordering::Relaxed) })
        }
    };
    let client = TestClient::new(App::new().middleware(shout).route("/", get(handler)));
    assert_eq!(client.get("/").send().text(), "QUIET");
    assert!(ran.load(std::sync::atomic::Ordering::Relaxed));
}

/// A span, a deadline or a task-local value that a middleware sets must cover all of the inner work.
#[test]
fn what_is_inside_begins_when_it_is_awaited() {
    use std::sync::atomic::{AtomicBool, Ordering};

    static BEGUN: AtomicBool = AtomicBool::new(false);
    async fn handler() -> &'static str {
        BEGUN.store(true, Ordering::Relaxed);
        "begun"
    }
    async fn layer(request: Request, next: Next) -> (Status, String) {
        let answer = next.run(request);
        let before = BEGUN.load(Ordering::Relaxed);
        let response = answer.await;
        (response.status, format!("{before} {}", BEGUN.load(Ordering::Relaxed)))
    }
    let client = TestClient::new(App::new().route("/", get(handler)).middleware(layer));
    assert_eq!(client.get("/").send().text(), "false true");
}

#[test]
fn a_middleware_takes_extractors() {
    #[derive(Clone)]
    struct Keys(&'static [&'static str]);

    #[derive(Clone)]
    struct User(String);

    async fn login(
        State(keys): State<Keys>,
        headers: Headers,
        mut request: Request,
        next: Next,
    ) -> Result<Response, HttpError> {
        let key = headers.get_str("x-key").filter(|key| keys.0.contains(key));
        let key = key.ok_or(HttpError::new(Status::UNAUTHORIZED))?;
        request.extensions_mut().insert(User(key.to_owned()));
        Ok(next.run(request).await)
    }
    async fn small(Path(id): Path<u8>, request: Request, next: Next) -> (Status, String) {
        let response = next.run(request).await;
        (response.status, format!("{id}"))
    }
    async fn refused(_: Request, error: HttpError) -> (Status, String) {
        (error.status, "no key".to_owned())
    }
    async fn name(Extension(user): Extension<User>) -> String {
        user.0
    }
    let app = App::new()
        .state(Keys(&["ada"]))
        .middleware(login)
        .error_handler(Status::UNAUTHORIZED, refused)
        .route("/", get(name))
        .route("/{id}", get(name).middleware(small));
    let client = TestClient::new(app);
    let ada = |target| client.get(target).header("x-key", "ada").send();
    assert_eq!(ada("/").text(), "ada");
    assert_eq!(client.get("/").send().text(), "no key");
    assert_eq!(ada("/7").text(), "7");
    assert_eq!(ada("/700").status(), Status::BAD_REQUEST);
}

#[test]
fn the_state_that_a_middleware_takes_is_checked_at_start_up() {
    async fn layer(State(_): State<u32>, request: Request, next: Next) -> Response {
        next.run(request).await
    }
    async fn home() {}
    let app = App::new().middleware(layer).route("/", get(home));
    let error = TestClient::try_new(app).unwrap_err().to_string();
    assert!(error.ends_with("::layer` takes `State<u32>`: give it to `App::state` or `Router::state`"));
    let app = App::new().route("/x", get(home).middleware(layer));
    let error = TestClient::try_new(app).unwrap_err().to_string();
    assert!(error.contains("::layer` at `/x` takes `State<u32>`"), "{error}");
}

#[test]
fn middleware_knows_the_pattern_before_it_sends_the_request_on() {
    async fn route(request: Request, next: Next) -> Response {
        let route = request.matched_path().unwrap_or("none").to_owned();
        let mut response = next.run(request).await;
        response.headers.try_append("x-route", route).expect("a valid value");
        response
    }
    let inner = Router::new().middleware(route).route("/{b}", get("inner")).fallback("missing");
    let app = App::new()
        .middleware(route)
        .route("/a/{id:int}", get("outer").middleware(route))
        .mount("/m/{a}", inner)
        .mount("/files", StaticFiles::new("."))
        .host("{sub}.example.org", Router::new().middleware(route).route("/", get("host")));
    let client = TestClient::new(app);
    let routes = |target: &str, host: &str| {
        let response = client.get(target).header("host", host).follow_redirects(false).send();
        response
            .headers()
            .get_all("x-route")
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect()
    };
    let routes = |target: &str, host: &str| -> Vec<String> { routes(target, host) };
    assert_eq!(routes("/a/7", "a"), ["/a/{id:int}", "/a/{id:int}"]);
    assert_eq!(routes("/m/x/y%20z", "a"), ["/m/{a}/{b}", "/m/{a}/{b}"]);
    assert_eq!(routes("/m/x/y/z", "a"), ["none", "none"]);
    assert_eq!(routes("/files/nothing", "a"), ["none"]);
    assert_eq!(routes("/a/x", "a"), ["none"]);
    assert_eq!(routes("/a/7/", "a"), ["none"]);
    assert_eq!(routes("/", "b.example.org"), ["/", "/"]);
    assert_eq!(client.post("/a/7").send().header("x-route"), Some("none"));
}
